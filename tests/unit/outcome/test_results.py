"""result.json of runs whose model serves, of runs whose model does not, and of runs that failed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from automl import schema
from automl.failures import Failure
from automl.outcome import results

URI = "s3://data-bucket/runs/run-1/"
NOW = datetime(2026, 11, 21, 6, 1, 1, tzinfo=UTC)
COST = {
    "StateTransitions": 64,
    "LambdaGBSeconds": 12.3,
    "LambdaRequests": 30,
    "USD": {"StepFunctions": 0.0016, "Lambda": 0.00017, "Endpoint": 0.0, "Transform": 0.0, "Total": 0.00177},
    "EndpointUSDPerHour": 0.0,
    "Prices": "us-east-1, 2026-11-21",
    "NotIncluded": [],
}
FILES = {"Accepted": URI + "accepted/", "Review": URI + "review/", "Predictions": URI + "predictions/"}
PROOF = {
    "Rows": 418,
    "Accepted": 300,
    "Review": 118,
    "Quality": {"Rows": 418, "Metrics": {"Accuracy": 0.9}},
    "Metrics": {"Accuracy": 0.97},
    "Files": FILES,
}
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/rings/2"
DECISION = {
    "Threshold": 0.83,
    "TargetPrecision": 0.95,
    "Certainty": 0.9,
    "Precision": 0.97,
    "LowerBound": 0.951,
    "Coverage": 0.7,
    "Rows": 400,
}
COMPARED = {"Challenger": 0.9, "Champion": 0.88, "Difference": 0.02, "Lower": 0.005, "Upper": 0.035}
EVALUATION = {
    "Uri": URI + "evaluation.json",
    "Accepted": True,
    "Reason": "",
    "Rows": 418,
    "Metrics": {"Accuracy": 0.9, "LogLoss": 0.3, "ECE": 0.02},
    "Calibration": {"Method": "Isotonic", "ECEBefore": 0.08, "ECEAfter": 0.02},
    "Comparison": {"Metric": "Accuracy", "Direction": "Maximize", **COMPARED, "IntervalLevel": 0.95, "Rows": 418},
}
NOBODY = {"Exists": False, "InService": False, "Comparable": False, "Reason": "", "ConfigName": ""}
CHAMPION = {**NOBODY, "Exists": True, "InService": True, "Comparable": True, "ConfigName": "old", "Run": "run-0"}
NEW_ROWS = {"Rows": 50, "Accepted": 40, "Review": 10, "Files": dict.fromkeys(FILES, URI + "new/")}
RUN = {"Name": "run-1", "Uri": URI}


def state(problem_type: str = "BinaryClassification", **more: Any) -> dict[str, Any]:
    return {
        "Input": {},
        "Execution": {"Id": "arn", "Name": "run", "StartTime": "2026-11-21T06:00:00Z"},
        "Run": {**RUN, "Endpoint": {"Name": "rings", "Keep": True}},
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
        "Calibration": {
            "Uri": URI + "calibration.json",
            "Method": "SplitConformal" if problem_type == "Regression" else "Isotonic",
            "Rows": 400,
            "Confidence": {"Level": 0.9} if problem_type == "Regression" else DECISION,
        },
        "Test": {"Scoring": PROOF, "ExecutionArn": "arn"},
        "Champion": CHAMPION,
        "Evaluation": EVALUATION,
        "Package": {"Arn": ARN, "GroupName": "rings", "Version": 2, "ApprovalStatus": "Approved"},
        "Deployment": {"Endpoint": {"Name": "rings", "Status": "InService", "ConfigName": "c"}, "Outcome": "InService"},
        "Outcome": {"Name": "Completed", "Reason": ""},
        "Retired": {"Removed": ["endpoint config old", "model run-0"], "Left": []},
        "Report": {"Uri": URI + "report.html"},
        **more,
    }


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def valid(document: dict[str, Any]) -> dict[str, Any]:
    Draft202012Validator(schema.load("result")).validate(document)
    return document


def ended(document: dict[str, Any]) -> dict[str, Any]:
    return valid(results.ended(document, COST, NOW))


def test_a_run_whose_model_replaced_the_champion() -> None:
    assert ended(state()) == {
        "Run": "run-1",
        "Uri": URI,
        "Outcome": "Completed",
        "ProblemType": "BinaryClassification",
        "Decided": "two distinct texts",
        "Rows": {"Read": 4177, "Train": 3340, "Test": 418},
        "BestCandidate": {"Name": "trial-1", "Metric": "Accuracy", "Value": 0.91, "Direction": "Maximize"},
        "Candidates": {"Considered": 5, "Usable": 4},
        "Quality": {"Rows": 418, "Metrics": {"Accuracy": 0.9, "ECE": 0.02}},
        "Calibration": {"Method": "Isotonic", "ECEBefore": 0.08, "ECEAfter": 0.02},
        "Confidence": DECISION,
        "Evaluation": {"Accepted": True, "Reason": ""},
        "Champion": {"Exists": True, "Run": "run-0", "Metric": "Accuracy", **COMPARED},
        "Package": {"Arn": ARN, "Version": 2, "ApprovalStatus": "Approved"},
        "Scoring": {"Rows": 418, "Accepted": 300, "Review": 118, "Metrics": {"Accuracy": 0.97}},
        "Endpoint": {"Name": "rings", "Status": "InService"},
        "Removed": ["endpoint config old", "model run-0"],
        "Polling": {"Polls": 12, "LagSeconds": 1.0},
        "Timing": {"TotalSeconds": 61.0, "AutoMLSeconds": 48.0},
        "Cost": COST,
        "Files": {
            **FILES,
            "Calibration": URI + "calibration.json",
            "Evaluation": URI + "evaluation.json",
            "Leaderboard": URI + "leaderboard.json",
            "Profile": URI + "profile.json",
            "Report": URI + "report.html",
            "Request": URI + "request.json",
            "Result": URI + "result.json",
        },
    }


def test_other_rows_are_the_scoring_and_the_test_split_stays_the_quality() -> None:
    document = ended(state(Scoring={"Scoring": NEW_ROWS, "ExecutionArn": "arn"}))
    assert document["Scoring"] == {"Rows": 50, "Accepted": 40, "Review": 10}
    assert document["Files"]["Accepted"] == URI + "new/"
    assert document["Quality"]["Rows"] == 418


def test_a_regression_has_intervals() -> None:
    metrics = {"RMSE": 2.2, "Coverage": 0.91}
    evaluation = {**without(EVALUATION, "Calibration"), "Metrics": metrics, "Coverage": 0.91}
    document = ended(state("Regression", Evaluation=evaluation))
    assert document["Intervals"] == {"Level": 0.9, "Coverage": 0.91}
    assert document["Calibration"] == {"Method": "SplitConformal"}
    assert document["Quality"]["Metrics"]["Coverage"] == 0.91


def test_without_known_truths_there_are_no_metrics() -> None:
    unknown = {**without(PROOF, "Quality", "Metrics")}
    document = ended(state(Test={"Scoring": unknown}, Evaluation={**EVALUATION, "Metrics": {}}))
    assert document["Quality"] == {"Rows": 418, "Metrics": {}}
    assert "Metrics" not in document["Scoring"]


@pytest.mark.parametrize(("champion", "status"), [(CHAMPION, "InService"), (NOBODY, "NotDeployed")])
def test_a_rejected_model_leaves_the_endpoint_to_the_champion(champion: dict[str, Any], status: str) -> None:
    judged = {**EVALUATION, "Accepted": False, "Reason": "Accuracy 0.9 is below 0.95"}
    outcome = {"Name": "Rejected", "Reason": judged["Reason"]}
    given = without(state(Champion=champion, Evaluation=judged, Outcome=outcome), "Package", "Deployment", "Report")
    document = ended(given)
    assert (document["Outcome"], document["Reason"]) == ("Rejected", "Accuracy 0.9 is below 0.95")
    assert document["Evaluation"] == {"Accepted": False, "Reason": "Accuracy 0.9 is below 0.95"}
    assert document["Endpoint"] == {"Name": "rings", "Status": status}
    assert "Package" not in document
    assert "Report" not in document["Files"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"Outcome": {"Name": "RolledBack", "Reason": "5xx"}}, "Rejected"),
        ({"Outcome": {"Name": "Rejected", "Reason": "no"}, "Approval": {"Status": "Rejected"}}, "Rejected"),
        ({"Outcome": {"Name": "Rejected", "Reason": "another model meanwhile"}}, "Rejected"),
        ({"Approval": {"Status": "Approved", "Reason": "by Ada"}}, "Approved"),
        ({}, "Approved"),
    ],
)
def test_the_package_has_the_status_that_it_ended_with(more: dict[str, Any], status: str) -> None:
    given = state(**more)
    given["Package"]["ApprovalStatus"] = "PendingManualApproval" if "Approval" in more else "Approved"
    document = ended(given)
    assert document["Package"]["ApprovalStatus"] == status
    assert document["Endpoint"] == {"Name": "rings", "Status": "InService"}


def test_an_endpoint_that_was_not_kept_is_told() -> None:
    removed = {"Endpoint": {"Name": "rings", "Status": "Deleted", "ConfigName": "c"}}
    assert ended(state(Deployment=removed))["Endpoint"] == {"Name": "rings", "Status": "Deleted"}


def test_a_champion_that_could_not_be_scored_has_no_numbers() -> None:
    document = ended(state(Evaluation=without(EVALUATION, "Comparison")))
    assert document["Champion"] == {"Exists": True, "Run": "run-0"}


def test_what_had_to_stay_is_told() -> None:
    left = {"Removed": [], "Left": ["model run-0: endpoint config x has it"]}
    assert ended(state(Retired=left))["Left"] == ["model run-0: endpoint config x has it"]


@pytest.mark.parametrize(
    ("known", "keys"),
    [
        ([], set()),
        (["Run"], set()),
        (["Run", "Data"], {"ProblemType", "Decided", "Rows"}),
        (["Run", "Data", "Job", "Candidate"], {"ProblemType", "Decided", "Rows", "Polling", "BestCandidate"}),
        (["Run", "Evaluation"], {"Evaluation"}),
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


def test_rows_that_no_model_could_predict_are_told_from_the_test_rows() -> None:
    data = {**state()["Data"], "Scoring": {"Dataset": {"S3Uri": "s3://data-bucket/new.csv"}, "OutputUri": URI}}
    rejected: dict[str, Any] = {"Champion": NOBODY, "Outcome": {"Name": "Rejected", "Reason": "too bad"}, "Data": data}
    undeployed = without(state(**rejected), "Package", "Deployment")

    scoring = ended(undeployed)["Scoring"]
    assert scoring["Rows"] == PROOF["Rows"]
    assert "were not predicted" in scoring["Note"]
    assert "Note" not in ended({**state(), "Data": data, "Scoring": {"Scoring": NEW_ROWS}})["Scoring"]
    assert "Note" not in ended(state())["Scoring"]
