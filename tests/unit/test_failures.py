"""What a Catch sees, in words for people."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.failures import MAX_CAUSE, MAX_REASON, Failure, unwrap


def raised(kind: str, message: str) -> str:
    return json.dumps({"errorMessage": message, "errorType": kind, "requestId": "1", "stackTrace": ["line\n"]})


def nested(error: str | None, cause: str | None, status: str = "FAILED", lower: bool = False) -> str:
    document = {"ExecutionArn": "arn:aws:states:r:1:execution:deployment:d-1", "Status": status, "Input": "{}"}
    if error is not None:
        document |= {"Error": error, "Cause": cause or ""}
    return json.dumps({key[0].lower() + key[1:]: value for key, value in document.items()} if lower else document)


DATASET = "s3://source/a.csv has no rows; add some"


@pytest.mark.parametrize(
    ("caught", "error", "cause"),
    [
        ({"Error": "InvalidDataset", "Cause": raised("InvalidDataset", DATASET)}, "InvalidDataset", DATASET),
        ({"Error": "InvalidDataset", "Cause": json.loads(raised("X", DATASET))}, "InvalidDataset", DATASET),
        ({"Error": "AutoMLJobFailed", "Cause": "plain words"}, "AutoMLJobFailed", "plain words"),
        (
            {"Error": "States.TaskFailed", "Cause": nested("EndpointFailed", raised("EndpointFailed", "no ping"))},
            "EndpointFailed",
            "no ping",
        ),
        (
            {"Error": "States.TaskFailed", "Cause": nested("EndpointFailed", "no ping", lower=True)},
            "EndpointFailed",
            "no ping",
        ),
        (
            {"Error": "States.TaskFailed", "Cause": nested("States.TaskFailed", nested("InvalidRequest", "deep"))},
            "InvalidRequest",
            "deep",
        ),
        ({"Error": "Lambda.Unknown", "Cause": raised("InvalidRequest", "bad")}, "InvalidRequest", "bad"),
    ],
    ids=["lambda", "parsed", "pass state", "nested", "nested, lower case", "nested twice", "generic"],
)
def test_the_innermost_error_of_ours_is_told_as_it_was_written(caught: dict[str, Any], error: str, cause: str) -> None:
    assert unwrap(caught) == Failure(error, cause)


@pytest.mark.parametrize(
    ("caught", "error", "words"),
    [
        ({"Error": "States.Timeout"}, "States.Timeout", "TimeoutSeconds"),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout", "TimeoutSeconds"),
        (
            {"Error": "Sandbox.Timedout", "Cause": raised("Sandbox.Timedout", "Task timed out after 60.00 seconds")},
            "Sandbox.Timedout",
            "Task timed out after 60.00 seconds. The function ran out of time; give it",
        ),
        (
            {"Error": "ClientError", "Cause": raised("ClientError", "AccessDenied: not authorized.")},
            "ClientError",
            "AccessDenied: not authorized. Correct what AWS",
        ),
        (
            {"Error": "States.TaskFailed", "Cause": nested(None, None, "ABORTED")},
            "States.TaskFailed",
            "The nested execution d-1 aborted. See the execution's history",
        ),
        (
            {"Error": "KeyError", "Cause": raised("KeyError", "'Rows'")},
            "KeyError",
            "'Rows'. See the execution's history",
        ),
        ({"Error": "X", "Cause": "{not json"}, "X", "{not json. See"),
        ({"Error": "X", "Cause": '["a list"]'}, "X", '["a list"]. See'),
        (None, "States.Unknown", "See the execution's history"),
        ({}, "States.Unknown", "See the execution's history"),
    ],
)
def test_an_error_of_others_gets_advice(caught: dict[str, Any] | None, error: str, words: str) -> None:
    failure = unwrap(caught)
    assert failure.error == error
    assert words in failure.cause


def test_long_causes_fit_what_step_functions_takes() -> None:
    failure = unwrap({"Error": "e" * 300, "Cause": "c" * 50_000})
    assert (len(failure.error), len(failure.cause)) == (256, MAX_CAUSE)


def test_what_was_left_behind_is_told() -> None:
    failure = Failure("InvalidRequest", "Bad.").with_remainder(["endpoint x: busy"])
    assert failure.cause == "Bad. Left behind, to be removed by hand: endpoint x: busy"
    assert failure.with_remainder([]) is failure


def test_a_failure_tells_what_is_tried_again() -> None:
    failure = Failure("InvalidRequest", "Bad.").with_unfinished(["endpoint x: busy"])
    assert failure.cause == "Bad. Not removed yet, which is tried again until people are told: endpoint x: busy"
    assert failure.with_unfinished([]) is failure


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errorMessage", "errorType", "ExecutionArn", "executionArn", "Error", "Cause", "status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"Error": json_values, "Cause": json_values | json_values.map(json.dumps)}))
def test_any_cause_becomes_a_name_and_words(caught: dict[str, Any]) -> None:
    failure = unwrap(caught)
    assert 0 < len(failure.error) <= 256
    assert len(failure.cause) <= MAX_CAUSE


@pytest.mark.parametrize(
    "text", ["x" * MAX_CAUSE, raised("EndpointFailed", "x" * 20_000), raised("E", "x" * 40_000)[:MAX_CAUSE]]
)
def test_what_a_run_goes_on_with_is_short(text: str) -> None:
    """The last one is JSON that was cut."""
    failure = unwrap({"Error": "EndpointFailed", "Cause": text})
    assert (len(failure.reason), failure.reason[-1]) == (MAX_REASON, "…")
    assert failure.reason[:-1] == failure.cause[: MAX_REASON - 1]


def test_what_is_short_stays_whole() -> None:
    assert unwrap({"Error": "EndpointFailed", "Cause": "deploy again"}).reason == "deploy again"
