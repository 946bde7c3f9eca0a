"""What workers print, in CloudWatch Logs of the local cloud."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from autoflow.local.sagemaker import in_the_name_of
from autoflow.local.sagemaker.state import Account
from autoflow.local.sagemaker.workers import Worker

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 0.5
_LINES_PER_CALL = 1000


def follow(account: Account, role: str | None, group: str, stream: str, worker: Worker) -> None:
    """Copy the worker's log into the stream while it runs. Log group and stream are made when there is a line."""
    arguments = (in_the_name_of.clients(account, role).logs, group, stream, worker)
    threading.Thread(target=_follow, args=arguments, name=f"log-{stream}", daemon=True).start()


def write(account: Account, role: str | None, group: str, stream: str, lines: Sequence[str]) -> None:
    """Write lines into the stream, which is made if it is not there. A cloud without the logs service forgets them."""
    try:
        logs = in_the_name_of.clients(account, role).logs
        _make(logs, group, stream)
        _put(logs, group, stream, lines)
    except Exception as error:  # a cloud without the logs service, or one that is ending
        _log.debug("cannot write to log group %s: %s", group, error)


def _follow(logs: Any, group: str, stream: str, worker: Worker) -> None:
    made = False
    try:
        # Open for as long as it takes: the lines are still there when the worker's folder is gone.
        with worker.log.open(errors="replace") as file:
            running = True
            while running:
                running = worker.alive()
                lines = [line.rstrip() for line in file if line.strip()]
                if lines and not made:
                    _make(logs, group, stream)
                    made = True
                _put(logs, group, stream, lines)
                if running:
                    time.sleep(_INTERVAL_SECONDS)
    except Exception as error:  # a cloud without the logs service, or one that is ending
        _log.debug("cannot write to log group %s: %s", group, error)


def _make(logs: Any, group: str, stream: str) -> None:
    for create, arguments in (
        (logs.create_log_group, {"logGroupName": group}),
        (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        try:
            create(**arguments)
        except logs.exceptions.ResourceAlreadyExistsException:
            continue


def _put(logs: Any, group: str, stream: str, lines: Sequence[str]) -> None:
    moment = int(time.time() * 1000)
    for start in range(0, len(lines), _LINES_PER_CALL):
        events = [{"timestamp": moment, "message": line} for line in lines[start : start + _LINES_PER_CALL]]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
