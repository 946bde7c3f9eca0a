"""What a run came to, on a terminal of 80 columns."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate
from rich.console import Console

from autoflow import summary

SCHEMAS = Path(__file__).parents[3] / "schemas"
URI = "s3://data-bucket/runs/churn-left-1a2b3c-5da273ff/"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/3"
COMPLETED: dict[str, Any] = {
    "Run": "churn-left-1a2b3c-5da273ff",
    "Uri": URI,
    "Outcome": "Completed",
    "ProblemType": "BinaryClassification",
    "Decided": "BinaryClassification, because 'left' has 2 distinct values; objective AUC, as asked for",
    "Rows": {"Read": 2000, "Train": 1600},
    "BestCandidate": {"Name": "CatBoost", "Metric": "AUC", "Value": 0.93, "Direction": "Maximize"},
    "Candidates": {"Considered": 1, "Usable": 1},
    "Quality": {"Rows": 205, "Metrics": {"AUC": 0.91234, "F1": 0.87, "ECE": 0.0161}},
    "Confidence": {
        "Threshold": 0.8123, "TargetPrecision": 0.95, "Certainty": 0.9, "Precision": 0.981, "LowerBound": 0.953,
        "Coverage": 0.81, "Rows": 190, "Note": "",
    },
    "Calibration": {"Method": "Temperature", "ECEBefore": 0.0512, "ECEAfter": 0.0161},
    "Evaluation": {"Accepted": True, "Reason": ""},
    "Removed": [],
    "Scoring": {"Rows": 205, "Accepted": 161, "Review": 44, "Metrics": {"Accuracy": 0.975, "LogLoss": 0.1}},
    "Champion": {
        "Exists": True, "Run": "churn-left-000000-11111111", "Metric": "AUC", "Challenger": 0.91234, "Champion": 0.9,
        "Difference": 0.01234, "Lower": 0.001, "Upper": 0.02,
    },
    "Package": {"Arn": ARN, "Version": 3, "ApprovalStatus": "Approved"},
    "Endpoint": {"Name": "churn", "Status": "InService"},
    "Polling": {"Polls": 5, "LagSeconds": 0.5},
    "Timing": {"TotalSeconds": 60.2, "AutoMLSeconds": 31},
    "Cost": {
        "StateTransitions": 120, "LambdaGBSeconds": 10, "LambdaRequests": 70,
        "USD": {"StepFunctions": 0.003, "Lambda": 0.00015, "Endpoint": 0.0, "Transform": 0.0, "Total": 0.00315},
        "EndpointUSDPerHour": 0.0, "Prices": "us-east-1, 2026-11-21",
        "NotIncluded": ["the AutoML job of 31 s: its instances are not told", "data sent to endpoints and back"],
    },
    "Files": {"Leaderboard": f"{URI}leaderboard.json", "Report": f"{URI}report.html"},
}  # fmt: skip
REJECTED = {**COMPLETED, "Outcome": "Rejected", "Reason": "AUC is 0.7 but must be at least 0.8."}
REGRESSION = {
    **COMPLETED,
    "ProblemType": "Regression",
    "Confidence": {"Level": 0.9, "MaxIntervalWidth": {"Relative": 0.2}},
    "Calibration": {"Method": "SplitConformal"},
    "Intervals": {"Level": 0.9, "Coverage": 0.912},
    "Champion": {"Exists": False},
}
LEADERBOARD = {
    "Metric": "AUC",
    "Direction": "Maximize",
    "Candidates": [{"Rank": 1, "Name": "CatBoost", "Value": 0.93, "Usable": True, "Metrics": {"AUC": 0.93}}],
}


def shown(result: dict[str, Any]) -> dict[str, str]:
    """Name and text of each fact, lines joined."""
    file = io.StringIO()
    summary.show(Console(file=file, width=80), result, LEADERBOARD, Path("out"), ["autoflow", "run", "a b.csv"])
    lines = file.getvalue().splitlines()
    assert max(len(line) for line in lines if "s3://" not in line) <= 80
    facts: dict[str, str] = {}
    name = ""
    width = next(line.index(result["Outcome"]) for line in lines if line.startswith("Outcome"))
    for line in lines[next(index for index, line in enumerate(lines) if line.startswith("Outcome")) :]:
        name = line[:width].strip() or name
        facts[name] = f"{facts.get(name, '')} {line[width:].strip()}".strip()
    return facts


@pytest.mark.parametrize("result", [COMPLETED, REJECTED, REGRESSION])
def test_the_examples_are_results(result: dict[str, Any]) -> None:
    validate(result, json.loads((SCHEMAS / "result.schema.json").read_text()))


def test_a_model_that_serves() -> None:
    assert shown(COMPLETED) == {
        "Outcome": "Completed: the model serves",
        "Problem": COMPLETED["Decided"],
        "Quality": "AUC 0.9123, F1 0.87 on 205 rows the model had never seen",
        "Champion": "AUC 0.9123 against the champion's 0.9, better by 0.01234 "
        "(95 % interval of the gain: +0.001 to +0.02)",
        "ECE": "0.0512 → 0.0161, expected calibration error before and after Temperature",
        "Promise": "confidence from 0.8123 promises at least 95 % right, 90 % certain; "
        "on 190 calibration rows, 81 % pass and 98.1 % of these are right",
        "Accepted": "161 of 205 rows (79%), Accuracy 0.975",
        "Review": "44 rows for a person to decide, confidence below 0.8123",
        "Endpoint": "churn (InService)",
        "Package": "churn/3 (Approved)",
        "Took": "60 s, of which the AutoML job 31 s",
        "Cost": "about $0.0032 on AWS, without the AutoML job",
        "Report": "out/report.html",
        "Files": "out/accepted.csv, review.csv, result.json",
        "All files": URI,
        "Again": "autoflow run 'a b.csv'",
    }


def test_a_model_that_was_rejected_says_why_and_what_serves() -> None:
    facts = shown(REJECTED)
    assert facts["Outcome"] == (
        "Rejected: AUC is 0.7 but must be at least 0.8. churn-left-000000-11111111 still serves"
    )
    alone = shown({**REJECTED, "Outcome": "RolledBack", "Champion": {"Exists": False}})
    # It may have been the champion that predicted, by a threshold of its own.
    assert facts["Review"] == "44 rows for a person to decide"
    assert alone["Review"] == "44 rows for a person to decide, confidence below 0.8123"
    assert alone["Outcome"] == "RolledBack: AUC is 0.7 but must be at least 0.8"


def test_a_regression_has_intervals() -> None:
    facts = shown(REGRESSION)
    assert facts["Intervals"] == "90 % intervals hold 91.2 % of the test rows' truth"
    assert facts["Review"] == "44 rows for a person to decide, interval too wide"
    assert not {"Promise", "ECE", "Champion"} & facts.keys()


def test_a_promise_that_cannot_be_made_says_what_would_help() -> None:
    note = "no threshold can promise it; raise Transform.Calibration"
    confidence = {"Threshold": None, "TargetPrecision": 0.99, "Certainty": 0.9, "Note": note}
    facts = shown({**COMPLETED, "Confidence": confidence})
    assert facts["Note"] == note
    assert facts["Review"] == "44 rows for a person to decide"
    assert "Promise" not in facts


def test_probabilities_that_need_no_calibration_have_one_error() -> None:
    same = {"Method": "None", "ECEBefore": 0.01, "ECEAfter": 0.01}
    assert shown({**COMPLETED, "Calibration": same})["ECE"] == (
        "0.01, expected calibration error; the probabilities are the model's own"
    )


def test_what_had_to_stay_is_told() -> None:
    assert shown({**REJECTED, "Left": ["model a: in use", "config b: no access"]})["Left"] == (
        "model a: in use; config b: no access"
    )


def test_what_people_copy_is_in_one_piece() -> None:
    uri = f"s3://data-bucket/runs/{'very-' * 20}long/"
    command = " ".join(["data.csv", *(f"--option-{number} value" for number in range(9))])
    file = io.StringIO()
    summary.show(Console(file=file, width=80), {**COMPLETED, "Uri": uri}, LEADERBOARD, Path("out"), ["run", command])
    assert [line for line in file.getvalue().splitlines() if line.endswith((uri, f"'{command}'"))] == [
        f"All files  {uri}",
        f"Again      run '{command}'",
    ]


def test_a_run_of_an_earlier_version_can_be_shown() -> None:
    new = ("Confidence", "Calibration", "Champion", "Package")
    facts = shown({key: value for key, value in COMPLETED.items() if key not in new})
    assert list(facts)[:5] == ["Outcome", "Problem", "Quality", "Accepted", "Review"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"EndpointUSDPerHour": 0.23}, "the AutoML job; the endpoint that is kept costs $0.23 an hour"),
        ({"EndpointUSDPerHour": None}, "the AutoML job; the endpoint that is kept costs more every hour"),
        ({"NotIncluded": []}, "about $0.0032 on AWS"),
        ({"USD": {"Endpoint": None, "Total": 0.5}}, "the AutoML job, and what the price table does not know"),
    ],
)
def test_what_the_cost_leaves_out_and_what_goes_on_costing(more: dict[str, Any], words: str) -> None:
    assert shown({**COMPLETED, "Cost": {**COMPLETED["Cost"], **more}})["Cost"].endswith(words)
