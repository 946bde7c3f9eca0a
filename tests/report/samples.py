"""Runs to report on: documents of whole runs as the functions write them, from the ordinary to the ugly."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from automl.report import documents, timeline
from automl.report.documents import Documents, Source
from tests.report import proof

URI = "s3://data-bucket/runs/sample-0a1b2c3d/"
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:automl:sample"
START = datetime(2026, 11, 21, 6, 0, 0, tzinfo=UTC)
EXPLAINABILITY = f"{URI}autopilot/sample/documentation/explainability/output"
UGLY = "</script><script>alert('x')</script> <b>\"quoted\"</b> $x^2$ %{y} & 'single' " + "very long " * 12
COST = {
    "StateTransitions": 118,
    "LambdaGBSeconds": 41.7,
    "LambdaRequests": 61,
    "EndpointSeconds": 12.4,
    "USD": {"StepFunctions": 0.00295, "Lambda": 0.000568, "Endpoint": 0.000992, "Transform": 0.0, "Total": 0.00451},
    "EndpointUSDPerHour": 0.0,
    "Prices": "us-east-1, 2026-11-21 (the table has none of eu-central-1)",
    "NotIncluded": ["the AutoML job of 2911 s: its instances are not told", "data sent to endpoints and back"],
}
FEATURES = ["Age", "Duration", "Balance", "Campaign", "Previous", "Employed", "Euribor 3m", "Wochentag", "收入"]


@dataclass(frozen=True)
class Run:
    """State data at Write Report, the files in the run's folder by name, and the execution's history."""

    state: dict[str, Any]
    files: Mapping[str, Any]
    events: list[dict[str, Any]]

    @property
    def documents(self) -> Documents:
        """What is read from S3 and Step Functions when everything answers."""
        found = {
            name: Source(self.files.get(f"{name}.json"), f"{name}.json is not in the run's folder.")
            for name in ("request", "profile", "leaderboard", "evaluation", "calibration", "previous")
        }
        importance = documents.mean_importance(self.files.get("analysis.json", {}))
        return Documents(
            **found,
            importance=Source(importance or None, "Autopilot explained nothing."),
            phases=Source(timeline.phases(self.events) or None, "The history is empty."),
            cost=Source(COST if self.events else None, "What the run used could not be read."),
        )


def classification() -> Run:
    """A binary classification that beat the champion and promises a precision."""
    calibration, evaluation = proof.binary()
    return Run(
        state("BinaryClassification", "AUC", Champion={"Exists": True, "InService": True, "Comparable": True}),
        {
            "request.json": request({"TargetPrecision": 0.95, "Certainty": 0.9}),
            "profile.json": profile("Subscribed", {"no": 3021, "yes": 1154}),
            "leaderboard.json": leaderboard("AUC", "Maximize", ["trial-2", "trial-1", "trial-3", "trial-4"]),
            "evaluation.json": evaluation,
            "calibration.json": calibration,
            "analysis.json": analysis(FEATURES, labels=1),
        },
        history(),
    )


def digits() -> Run:
    """Ten classes and a plain threshold; the first model of its endpoint, whose rows to score are told about."""
    calibration, evaluation = proof.digits()
    scoring = {"Scoring": {"Rows": 1200, "Accepted": 853, "Review": 347}}
    return Run(
        state("MulticlassClassification", "Accuracy", Scoring=scoring),
        {
            "request.json": request({"Threshold": 0.8}, "Digit"),
            "profile.json": profile("Digit", {f"digit {number}": 180 - number for number in range(10)}),
            "leaderboard.json": leaderboard("Accuracy", "Maximize", ["trial-1", "trial-2", "trial-3"]),
            "evaluation.json": evaluation,
            "calibration.json": calibration,
            "analysis.json": analysis([f"pixel {number}" for number in range(64)], labels=10),
        },
        history(hours=0.01),
    )


def regression() -> Run:
    """A regression that missed its minimum: rejected, with nothing in service and no explanation."""
    calibration, evaluation = proof.regression()
    outcome = {"Name": "Rejected", "Reason": "; ".join(evaluation["Gate"]["Reasons"])}
    found = state("Regression", "RMSE", Outcome=outcome, Champion={"Exists": False, "InService": False})
    return Run(
        {key: value for key, value in found.items() if key not in {"Deployment", "Package"}},
        {
            "request.json": request({"Level": 0.9, "MaxIntervalWidth": {"Absolute": 7.5}}, "Rings"),
            "profile.json": profile("Rings"),
            "leaderboard.json": leaderboard("RMSE", "Minimize", [f"WeightedEnsemble-L{n}-FULL-t1" for n in range(9)]),
            "evaluation.json": evaluation,
            "calibration.json": calibration,
        },
        history(hours=3),
    )


def ugly() -> Run:
    """Many classes, candidates and features with names that break what is not escaped; nothing can be promised."""
    labels = [UGLY + str(index) if index % 3 == 0 else f"класс {index} 数据" for index in range(29)] + ["other"]
    features = [UGLY + str(index) if index % 5 == 0 else f"feature {index}" for index in range(400)]
    calibration, evaluation = copy.deepcopy(proof.digits())
    counts = [[30 if row == column else (row * column) % 3 for column in range(30)] for row in range(30)]
    evaluation["ConfusionMatrix"] = {"Labels": labels, "Counts": counts}
    one = evaluation["Classes"][0]
    evaluation["Classes"] = [{**one, "Label": label, "AcceptedRows": 0, "AcceptedPrecision": None} for label in labels]
    del evaluation["Chosen"]
    evaluation["Accepted"] = {"Rows": 0, "Coverage": 0.0, "Metrics": {}}
    evaluation["Gate"]["Checks"] = [{"Name": "Accuracy", "Passed": True, "Text": UGLY}]
    note = "208 calibration rows can promise 98.9 % at most; give more rows or a lower TargetPrecision"
    wanted = {"TargetPrecision": 0.99, "Certainty": 0.9}
    calibration["Confidence"] = {**wanted, "Threshold": None, "Coverage": 0.0, "Rows": 208, "Note": note}
    found = state("MulticlassClassification", "Accuracy")
    found["Run"]["Name"] = UGLY
    found["Data"]["Decided"] = UGLY
    return Run(
        found,
        {
            "request.json": request(wanted, UGLY),
            "profile.json": profile(UGLY, {label: 50 - index for index, label in enumerate(labels[:20])}, features),
            "leaderboard.json": leaderboard("Accuracy", "Maximize", [f"trial-{n}-{UGLY}" for n in range(250)]),
            "evaluation.json": evaluation,
            "calibration.json": calibration,
            "analysis.json": analysis(features, labels=30),
        },
        history(),
    )


def bare() -> Run:
    """An execution of which nothing is left but its state data."""
    outcome = {"Name": "RolledBack", "Reason": "The endpoint did not answer the smoke test: 500"}
    return Run({"Run": {"Name": "bare", "Uri": URI}, "Execution": {"Id": EXECUTION}, "Outcome": outcome}, {}, [])


SAMPLES = {"classification": classification, "digits": digits, "regression": regression, "ugly": ugly, "bare": bare}


def state(problem_type: str, metric: str, **more: Any) -> dict[str, Any]:
    proof = {name: f"{URI}{name.lower()}/" for name in ("Accepted", "Review", "Predictions")}
    return {
        "Execution": {"Id": EXECUTION, "Name": "sample", "StartTime": "2026-11-21T06:00:00Z"},
        "Run": {"Name": "sample-0a1b2c3d", "Uri": URI, "Endpoint": {"Name": "sample", "Keep": True}},
        "Data": {
            "ProblemType": problem_type,
            "ObjectiveMetric": metric,
            "Decided": "the target's values decide",
            "Rows": {"Read": 4177},
            "Confidence": {},
        },
        "Candidate": {"Name": "trial-2", "Metric": metric, "Value": 0.93, "Direction": "Maximize", "Containers": 1},
        "Champion": {"Exists": False, "InService": False, "Comparable": False},
        "Deployment": {"Endpoint": {"Name": "sample", "Status": "InService"}, "Outcome": "InService", "Reason": ""},
        "Test": {"Scoring": {"Rows": 417, "Accepted": 296, "Review": 121, "Files": proof}},
        "Package": {
            "Arn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package/sample/3",
            "GroupName": "sample",
            "Version": 3,
            "ApprovalStatus": "Approved",
        },
        "Outcome": {"Name": "Completed", "Reason": ""},
        **more,
    }


def request(confidence: Mapping[str, Any], target: str = "Subscribed") -> dict[str, Any]:
    return {
        "Dataset": {"S3Uri": "s3://data-bucket/datasets/sample.csv", "TargetColumn": target},
        "Transform": {"Filter": "Age > 0", "Drop": ["Note", "Name"], "Calibration": 0.1, "Test": 0.1},
        "Problem": {"ObjectiveMetric": "AUC"},
        "AutoML": {"Mode": "ENSEMBLING", "MaxCandidates": 10, "MaxRuntimeSeconds": 3600},
        "Endpoint": {"Name": "sample", "Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}, "Keep": True},
        "Confidence": dict(confidence),
    }


def profile(target: str, classes: Mapping[str, int] | None = None, features: list[str] | None = None) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {
            "Name": name,
            "Type": "number",
            "Missing": index * 7 % 40,
            "Distinct": 300 + index * 250,
            "DistinctIsApproximate": index > 6,
            "Minimum": -0.013 * index,
            "Maximum": 10.0 ** (index % 12),
            "Mean": 3.1 * index + 0.123456,
        }
        for index, name in enumerate(features or FEATURES)
    ]
    towns = [{"Value": "Köln", "Count": 2000}, {"Value": "北京", "Count": 1500}, {"Value": "São Paulo", "Count": 600}]
    last: dict[str, Any] = {"Minimum": 1, "Maximum": 29, "Mean": 9.93}
    if classes:
        last = {"TopValues": [{"Value": value, "Count": rows} for value, rows in classes.items()]}
    for name, kind, more in (
        ("Town", "string", {"TopValues": towns}),
        (target, "string" if classes else "integer", last),
    ):
        columns.append(
            {"Name": name, "Type": kind, "Missing": 2, "Distinct": 28, "DistinctIsApproximate": False, **more}
        )
    return {
        "Dataset": {"S3Uri": "s3://data-bucket/datasets/sample.csv", "Objects": 1, "Bytes": 191_873, "Rows": 4177},
        "Problem": {"Type": "BinaryClassification", "ObjectiveMetric": "AUC", "Decided": "two distinct texts"},
        "Rows": {"Read": 4177, "FilteredOut": 2, "WithoutTarget": 2, "Train": 3340, "Calibration": 416, "Test": 417},
        "Columns": columns,
        "Fingerprint": {"Dataset": "0a1b2c3d" * 4, "Test": "4e5f6071" * 4},
    }


def leaderboard(metric: str, direction: str, names: list[str]) -> dict[str, Any]:
    sign = 1 if direction == "Minimize" else -1
    candidates: list[dict[str, Any]] = [
        {
            "Rank": rank,
            "Name": name,
            "Status": "Completed",
            "Usable": True,
            "Reason": "",
            "Value": 0.94 + sign * 0.004 * rank,
            "Metrics": {metric: 0.94 + sign * 0.004 * rank, "InferenceLatency": 0.01 * rank, "LogLoss": 0.3},
            "Containers": 1,
            "Seconds": 13.2 * rank,
        }
        for rank, name in enumerate(names, 1)
    ]
    slow = {"Rank": None, "Usable": False, "Reason": "takes 0.9 s for a prediction, more than 0.5 s"}
    candidates.append({**candidates[0], **slow, "Name": "trial-slow"})
    failed: dict[str, Any] = {
        "Status": "Failed",
        "Reason": "Failed: out of memory",
        "Value": None,
        "Metrics": {},
        "Seconds": None,
    }
    candidates.append({**candidates[-1], **failed, "Name": "trial-failed", "Containers": 0})
    return {
        "Job": "sample-0a1b2c3d",
        "Metric": metric,
        "Direction": direction,
        "Constraints": {"MaxInferenceLatencySeconds": 0.5},
        "Candidates": candidates,
    }


def analysis(features: list[str], labels: int) -> dict[str, Any]:
    values = {name: 0.31 / (index + 1) for index, name in enumerate(features)}
    shap = {
        f"label{index}": {"global_shap_values": copy.copy(values), "expected_value": 0.5} for index in range(labels)
    }
    return {"version": "1.0", "explanations": {"kernel_shap": shap}}


def history(hours: float = 0.1) -> list[dict[str, Any]]:
    """The events of a run that is about to write its report; the AutoML job was looked at 13 times."""
    steps = [("Receive Request", "Pass", 0.0), ("Validate Request", "Task", 1.5), ("Transform Data", "Task", 6.0)]
    for _ in range(12):
        steps += [("Get AutoML Job", "Task", 0.4), ("AutoML Job Status?", "Choice", 0.0)]
        steps += [("Wait for AutoML Job", "Wait", 300 * hours)]
    steps += [("Get AutoML Job", "Task", 0.4), ("AutoML Job Status?", "Choice", 0.0)]
    steps += [("Deploy to Staging", "Task", 25.0), ("Score Test Split", "Task", 8.0), ("Evaluate Model", "Task", 1.2)]
    steps += [("Register Model", "Task", 1.2), ("Deploy Model", "Task", 25.0), ("Retire Model", "Task", 1.2)]
    now, events = START, []
    for name, kind, seconds in steps:
        events.append(
            {"type": f"{kind}StateEntered", "timestamp": now, "stateEnteredEventDetails": {"name": name}},
        )
        now += timedelta(seconds=seconds)
        events.append({"type": f"{kind}StateExited", "timestamp": now, "stateExitedEventDetails": {"name": name}})
    last = {"type": "TaskStateEntered", "timestamp": now, "stateEnteredEventDetails": {"name": "Write Report"}}
    return [{"type": "ExecutionStarted", "timestamp": START}, *events, last]
