"""Whatever can go wrong with a Task becomes an error name and a sentence that ends with what to do."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl import failures
from tests.statemachine.fault_cases import CASES
from tests.statemachine.faults import OWN_ERRORS

THROWN = {
    json.dumps(found.fault.attempts[-1]["Throw"]): found.fault for found in CASES if "Throw" in found.fault.attempts[-1]
}
"""Each error with its Cause once."""
UNFORESEEN = {"KeyError", "NotToday"}
"""A defect of ours, and a person's own words: what to do about them, nobody can know before."""


@pytest.mark.parametrize(
    "thrown", [pytest.param(text, id=f"{fault.name}-{n}") for n, (text, fault) in enumerate(THROWN.items())]
)
def test_every_fault_is_told_with_what_to_do(thrown: str) -> None:
    fault = THROWN[thrown]
    failure = failures.unwrap(json.loads(thrown))
    assert failure.error
    assert fault.says in failure.cause
    assert "{" not in failure.cause.replace(fault.says, ""), "no JSON for people"
    if failure.error in OWN_ERRORS:
        assert failure.cause == fault.says
    elif failure.error in UNFORESEEN or failure.error == "States.TaskFailed":
        assert failure.cause.endswith("See the execution's history and the function's log, then start again")
    else:
        assert "See the execution's history" not in failure.cause, "an error that can be foreseen has its own advice"


@settings(derandomize=True)
@given(
    thrown=st.sampled_from(sorted(THROWN)),
    depth=st.integers(0, 3),
    padding=st.integers(0, 40_000),
    cut=st.booleans(),
)
def test_however_deep_and_long_it_is_told_within_the_limits(thrown: str, depth: int, padding: int, cut: bool) -> None:
    caught = json.loads(thrown)
    for level in range(depth):
        description = {"ExecutionArn": f"arn:{level}", "Input": "i" * padding, "Status": "FAILED", **caught}
        cause = json.dumps(description)
        caught = {"Error": "States.TaskFailed", "Cause": cause[: failures.MAX_CAUSE] if cut else cause}
    failure = failures.unwrap(caught)
    assert 0 < len(failure.error) <= failures.MAX_ERROR
    assert 0 < len(failure.cause) <= failures.MAX_CAUSE
    assert len(failure.reason) <= failures.MAX_REASON
