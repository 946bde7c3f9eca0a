"""What a stopped execution made, also after it was stopped."""

from datetime import UTC, datetime
from typing import Any

import pytest

from autoflow import leftovers
from autoflow.execution import Execution
from autoflow.stack import Stack

ARN = "arn:aws:states:eu-west-1:123456789012:execution:AutoML:churn-left-1a2b3c"


@pytest.mark.parametrize(
    ("making", "late", "removed"),
    [
        (["AutoML Job"], 15, [[], [], ["AutoML job churn (stopped)"]]),
        (["Model"], 15, [["model churn"]]),
        (["Endpoint"], 15, [["endpoint config churn"], ["endpoint churn"]]),
        (["Endpoint"], 0, [[]]),
        ([], 15, [[]]),
    ],
)
def test_what_a_function_was_about_to_create_is_looked_out_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, making: list[str], late: float, removed: list[list[str]]
) -> None:
    answers = iter([{"Removed": things, "Left": []} for things in removed])

    def invoke(stack: Stack, function: str, event: dict[str, Any]) -> dict[str, Any]:
        assert function == "CleanUpFunction"
        return next(answers)

    monkeypatch.setattr(Stack, "invoke", invoke)
    monkeypatch.setattr(Execution, "last_state", lambda self: {"Execution": {}})
    monkeypatch.setattr(leftovers, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(leftovers, "_LATE_SECONDS", late)
    execution = Execution(stack, ARN, datetime(2026, 11, 21, tzinfo=UTC))
    execution.making = frozenset(making)
    assert [done.removed for done in leftovers.removed(execution)] == removed
