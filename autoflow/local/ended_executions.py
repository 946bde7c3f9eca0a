"""The end of an execution in the local cloud: at once, as on AWS, and told to the event bus in AWS's shape."""

import json
import time
from datetime import datetime
from typing import Any

_START_SECONDS = 5.0
_MOST_BYTES = 248 * 1024
"""Of input and output together, escaped: more does not fit into an event."""


def end_executions_at_once(replace: Any) -> None:
    """An execution that is stopped or times out has ended then, and its history too; a function at work goes on.

    LocalStack lets it run until the function has answered, so nobody sees what a function makes after the end.

    Args:
        replace: sets an attribute that must exist, given its owner, its name and its new value.
    """
    from localstack.aws.api.stepfunctions import (
        ExecutionAbortedEventDetails,
        ExecutionStatus,
        ExecutionTimedOutEventDetails,
        HistoryEventType,
    )
    from localstack.services.stepfunctions.asl.eval.environment import Environment
    from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails
    from localstack.services.stepfunctions.asl.eval.event.event_manager import EventManager
    from localstack.services.stepfunctions.asl.eval.program_state import ProgramStopped, ProgramTimedOut
    from localstack.services.stepfunctions.backend import execution as backend

    add_event: Any = vars(EventManager)["add_event"]
    set_error: Any = vars(Environment)["set_error"]
    set_timed_out: Any = vars(Environment)["set_timed_out"]
    terminated: Any = vars(backend.BaseExecutionWorkerCommunication)["terminated"]

    def add_event_until_closed(self: Any, context: Any, event_type: Any, *arguments: Any, **named: Any) -> int:
        if getattr(self, "closed", False):
            if str(event_type).endswith("Scheduled"):
                raise RuntimeError("the execution has ended: nothing begins any more")
            return int(context.last_published_event_id)
        return int(add_event(self, context, event_type, *arguments, **named))

    def close(env: Any, kind: Any, details: Any) -> None:
        env.event_history_context.source_event_id = 0
        env.event_manager.add_event(context=env.event_history_context, event_type=kind, event_details=details)
        env.event_manager.closed = True

    def set_error_unless_over(self: Any, error: Any) -> None:
        if not isinstance(self.program_state(), (ProgramStopped, ProgramTimedOut)):
            set_error(self, error)

    def set_timed_out_and_close(self: Any) -> None:
        set_timed_out(self)
        if not self.is_frame():
            details = EventDetails(executionTimedOutEventDetails=ExecutionTimedOutEventDetails())
            close(self, HistoryEventType.ExecutionTimedOut, details)

    def stop(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        env = _environment(self)
        if env is None or not env.is_running():
            return
        env.set_stop(stop_date=stop_date, cause=cause, error=error)
        if not isinstance(env.program_state(), ProgramStopped):
            return
        details = ExecutionAbortedEventDetails(error=error, cause=cause)
        close(env, HistoryEventType.ExecutionAborted, EventDetails(executionAbortedEventDetails=details))
        self.stop_date, self.exec_status = stop_date, ExecutionStatus.ABORTED
        self.publish_execution_status_change_event()

    def terminated_unless_over(self: Any) -> None:
        if self.execution.exec_status == ExecutionStatus.RUNNING:
            terminated(self)

    replace(EventManager, "add_event", add_event_until_closed)
    replace(Environment, "set_error", set_error_unless_over)
    replace(Environment, "set_timed_out", set_timed_out_and_close)
    replace(backend.Execution, "stop", stop)
    replace(backend.Execution, "publish_execution_status_change_event", tell_of_status)
    replace(backend.BaseExecutionWorkerCommunication, "terminated", terminated_unless_over)


def _environment(execution: Any) -> Any:
    """What the execution runs in; one that was started this moment has none yet."""
    end = time.monotonic() + _START_SECONDS
    while (env := execution.exec_worker.env) is None and time.monotonic() < end:
        time.sleep(0.01)
    return env


def tell_of_status(execution: Any) -> None:
    """Put the execution's status on the event bus: times in milliseconds since 1970, and no input beyond 248 KB."""
    from localstack.aws.connect import connect_to

    client: Any = connect_to(aws_access_key_id=execution.account_id, region_name=execution.region_name).events
    entry = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Resources": [execution.exec_arn],
        "Detail": json.dumps(detail_of(execution)),
    }
    client.put_events(Entries=[entry])


def detail_of(execution: Any) -> dict[str, Any]:
    """``detail`` of the execution's Step Functions Execution Status Change event."""
    texts = {"input": _text(execution.input_data or {}), "output": _text(execution.output)}
    sizes = {name: len(json.dumps(text)) for name, text in texts.items() if text is not None}
    # The output alone may be too large; the input goes when both together are.
    left_out = {name for name, size in sizes.items() if size > _MOST_BYTES}
    if sum(size for name, size in sizes.items() if name not in left_out) > _MOST_BYTES:
        left_out.add("input")
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": execution.state_machine_version_arn,
        "stateMachineAliasArn": execution.state_machine_alias_arn,
        "name": execution.name,
        "status": execution.exec_status,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        **{name: None if name in left_out else text for name, text in texts.items()},
        **{f"{name}Details": {"included": name not in left_out} if name in sizes else None for name in texts},
        "error": execution.error,
        "cause": execution.cause,
    }


def _text(document: Any) -> str | None:
    return None if document is None else json.dumps(document, separators=(",", ":"))


def _milliseconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment else None
