"""Functions' logs go into groups that are there, as a role needs no right to create them.

LocalStack creates a group that has no stream yet, whether it is there or not, and loses the lines when that is refused.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from localstack.aws.connect import connect_to
from localstack.services.lambda_.invocation import logs
from localstack.utils.aws.client_types import ServicePrincipal

_log = logging.getLogger(__name__)

_GONE = "ResourceNotFoundException"


def write_as_lambda_does() -> None:
    """Write each invocation's lines in the name of the function's role; create what is missing, if the role may."""
    handler: Any = logs.LogHandler
    handler.run_log_loop = _write_for_ever


def _write_for_ever(self: Any, *_: Any, **__: Any) -> None:
    client: Any = connect_to.with_assumed_role(
        region_name=self.region, role_arn=self.role_arn, service_principal=ServicePrincipal("lambda")
    ).logs
    while not self._shutdown_event.is_set() and (item := self.log_queue.get()) is not logs.QUEUE_SHUTDOWN:
        try:
            _write(client, item)
        except Exception as error:
            _log.warning("cannot write to log group %s: %s", item.log_group, error)


def _write(client: Any, item: Any) -> None:
    moment = int(time.time() * 1000)
    place = {"logGroupName": item.log_group, "logStreamName": item.log_stream}
    events = [{"timestamp": moment, "message": f"{line}\n"} for line in item.logs.split("\n") if line]

    def put() -> None:
        client.put_log_events(**place, logEvents=events)

    if _found(put):
        return
    if not _found(lambda: client.create_log_stream(**place)):
        client.create_log_group(logGroupName=item.log_group)
        client.create_log_stream(**place)
    put()


def _found(call: Callable[[], object]) -> bool:
    """Whether what the call needs was there."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != _GONE:
            raise
        return False
    return True
