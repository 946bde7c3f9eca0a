"""What the local cloud tells the event bus of an execution, held against Step Functions' own events."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from autoflow.local.ended_executions import detail_of


def execution(**changes: Any) -> SimpleNamespace:
    known = {
        "exec_arn": "arn:aws:states:us-east-1:1:execution:m:x",
        "state_machine_arn": "arn:aws:states:us-east-1:1:stateMachine:m",
        "state_machine_version_arn": None,
        "state_machine_alias_arn": None,
        "name": "x",
        "exec_status": "ABORTED",
        "start_date": datetime(2026, 11, 21, 6, 0, 0, 123_000, tzinfo=UTC),
        "stop_date": datetime(2026, 11, 21, 6, 0, 1, tzinfo=UTC),
        "input_data": {"a": 1},
        "output": None,
        "error": None,
        "cause": None,
    }
    return SimpleNamespace(**{**known, **changes})


def test_times_are_milliseconds_and_what_there_is_not_is_null() -> None:
    assert detail_of(execution()) == {
        "executionArn": "arn:aws:states:us-east-1:1:execution:m:x",
        "stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:m",
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": "x",
        "status": "ABORTED",
        "startDate": 1_795_240_800_123,
        "stopDate": 1_795_240_801_000,
        "input": '{"a":1}',
        "output": None,
        "inputDetails": {"included": True},
        "outputDetails": None,
        "error": None,
        "cause": None,
    }


@pytest.mark.parametrize(
    ("given", "returned", "included"),
    [(100_000, 100_000, (True, True)), (150_000, 150_000, (False, True)), (10, 260_000, (True, False))],
)
def test_what_does_not_fit_into_an_event_is_left_out_the_input_first(
    given: int, returned: int, included: tuple[bool, bool]
) -> None:
    told = detail_of(execution(input_data="i" * given, output="o" * returned))
    assert (told["inputDetails"]["included"], told["outputDetails"]["included"]) == included
    assert (told["input"] is not None, told["output"] is not None) == included
