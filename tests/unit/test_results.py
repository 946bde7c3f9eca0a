"""result.json of runs that got to their end and of runs that did not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from automl import results, schema
from automl.failures import Failure

URI = "s3://data-bucket/runs/run-1/"
NOW = datetime(2026, 11, 21, 6, 1, 1, tzinfo=UTC)
COST = {"StateTransitions": 64, "LambdaGBSeconds": 12.3}
FILES = {"Accepted": URI + "accepted/", "Review": URI + "review/", "Predictions": URI + "predictions/"}
PROOF = {
    "Rows": 418,
    "Accepted": 300,
    "Review": 118,
    "Quality": {"Rows": 418, "Metrics": {"Accuracy": 0.9}},
    "Metrics": {"Accuracy": 0.97},
    "Files": FILES,
}
NEW_ROWS = {"Rows": 50, "Accepted": 40, "Review": 10, "Files": dict.fromkeys(FILES, URI + "new/")}
RUN = {"Name": "run-1", "Uri": URI}


def state(problem_type: str = "BinaryClassification", **more: Any) -> dict[str, Any]:
    return {
        "Input": {},
        "Execution": {"Id": "arn", "Name": "run", "StartTime": "2026-11-21T06:00:00Z"},
        "Run": {**RUN, "Endpoint": {"Name": "run-1", "Keep": True}},
        "Data": {
            "ProblemType": problem_type,
            "ObjectiveMetric": "Accuracy",
            "Decided": "two distinct texts",
            "Rows": {"Read": 4177, "Train": 3340, "Test": 418},
            "Confidence": {} if problem_type == "Regression" else {"Threshold": 0.9},
        },
        "Job": {"Polls": 12, "LagSeconds": 1.0, "AutoMLSeconds": 48.0},
        "Candidate": {
            "Name": "trial-1",
            "Metric": "Accuracy",
            "Value": 0.91,
            "Direction": "Maximize",
            "Containers": 1,
            "Considered": 5,
            "Usable": 4,
        },
        "Model": {"Name": "run-1", "Containers": 1},
        "Deployment": {"Endpoint": {"Name": "run-1", "Status": "InService", "ConfigName": "c"}, "ExecutionArn": "arn"},
        "Test": {"Scoring": PROOF, "ExecutionArn": "arn"},
        **more,
    }


def valid(document: dict[str, Any]) -> dict[str, Any]:
    Draft202012Validator(schema.load("result")).validate(document)
    return document


def test_a_run_that_scored_its_test_split() -> None:
    assert valid(results.completed(state(), COST, NOW)) == {
        "Run": "run-1",
        "Uri": URI,
        "Outcome": "Completed",
        "ProblemType": "BinaryClassification",
        "Decided": "two distinct texts",
        "Rows": {"Read": 4177, "Train": 3340, "Test": 418},
        "BestCandidate": {"Name": "trial-1", "Metric": "Accuracy", "Value": 0.91, "Direction": "Maximize"},
        "Candidates": {"Considered": 5, "Usable": 4},
        "Quality": {"Rows": 418, "Metrics": {"Accuracy": 0.9}},
        "Confidence": {"Threshold": 0.9},
        "Scoring": {"Rows": 418, "Accepted": 300, "Review": 118, "Metrics": {"Accuracy": 0.97}},
        "Endpoint": {"Name": "run-1", "Status": "InService"},
        "Polling": {"Polls": 12, "LagSeconds": 1.0},
        "Timing": {"TotalSeconds": 61.0, "AutoMLSeconds": 48.0},
        "Cost": COST,
        "Files": {
            **FILES,
            "Leaderboard": URI + "leaderboard.json",
            "Profile": URI + "profile.json",
            "Request": URI + "request.json",
            "Result": URI + "result.json",
        },
    }


def test_other_rows_are_the_scoring_and_the_test_split_stays_the_quality() -> None:
    document = valid(results.completed(state(Scoring={"Scoring": NEW_ROWS, "ExecutionArn": "arn"}), COST, NOW))
    assert document["Scoring"] == {"Rows": 50, "Accepted": 40, "Review": 10}
    assert document["Files"]["Accepted"] == URI + "new/"
    assert document["Quality"]["Rows"] == 418


def test_a_regression_says_why_every_row_is_accepted() -> None:
    document = valid(results.completed(state("Regression"), COST, NOW))
    assert document["Scoring"]["Note"] == "regression has no confidence yet: every row is accepted"
    assert document["Confidence"] == {}


@pytest.mark.parametrize(
    ("known", "keys"),
    [
        ([], set()),
        (["Run"], set()),
        (["Run", "Data"], {"ProblemType", "Decided", "Rows"}),
        (["Run", "Data", "Job", "Candidate"], {"ProblemType", "Decided", "Rows", "Polling", "BestCandidate"}),
    ],
)
def test_a_failed_run_tells_what_it_had_come_to_know(known: list[str], keys: set[str]) -> None:
    partial = {key: value for key, value in state().items() if key in {"Input", "Execution", *known}}
    failure = Failure("NoUsableCandidate", "None can be used; start again")
    document = valid(results.failed(partial, RUN, failure, ["model run-1"], {}, NOW))
    assert document["Outcome"] == "Failed"
    assert (document["Error"], document["Cause"]) == (failure.error, failure.cause)
    assert document["Removed"] == ["model run-1"]
    assert document["Timing"]["TotalSeconds"] == 61.0
    assert set(document) - {"Run", "Uri", "Outcome", "Error", "Cause", "Removed", "Timing"} == keys


def test_a_job_that_was_not_seen_to_end_has_no_lag() -> None:
    running = state(Job={"Polls": 3, "WaitSeconds": 15})
    document = valid(results.failed(running, RUN, Failure("States.Timeout", "x"), [], COST, NOW))
    assert "Polling" not in document
    assert document["Cost"] == COST
