"""result.json: what a run came to, in one small document."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from automl.failures import Failure
from automl.objectives import REGRESSION
from automl.run_files import RunFiles

REGRESSION_NOTE = "regression has no confidence yet: every row is accepted"


def completed(state: Mapping[str, Any], cost: Mapping[str, float], now: datetime) -> dict[str, Any]:
    """The result of a run that got to its end.

    Args:
        state: the execution's state data at Publish Results.
        cost: ``StateTransitions`` and ``LambdaGBSeconds``.
        now: the time of writing.
    """
    run, data, job, candidate = state["Run"], state["Data"], state["Job"], state["Candidate"]
    endpoint = state["Deployment"]["Endpoint"]
    proof = state["Test"]["Scoring"]
    scoring = state.get("Scoring", state["Test"])["Scoring"]
    counts = {key: scoring[key] for key in ("Rows", "Accepted", "Review")}
    metrics = {"Metrics": scoring["Metrics"]} if scoring.get("Metrics") else {}
    note = {"Note": REGRESSION_NOTE} if data["ProblemType"] == REGRESSION else {}
    files = RunFiles(run["Uri"])
    return {
        "Run": run["Name"],
        "Uri": run["Uri"],
        "Outcome": "Completed",
        "ProblemType": data["ProblemType"],
        "Decided": data.get("Decided", ""),
        "Rows": data["Rows"],
        "BestCandidate": {key: candidate[key] for key in ("Name", "Metric", "Value", "Direction")},
        "Candidates": {key: candidate[key] for key in ("Considered", "Usable")},
        "Quality": proof.get("Quality") or {"Rows": proof["Rows"], "Metrics": {}},
        "Confidence": data.get("Confidence", {}),
        "Scoring": {**counts, **metrics, **note},
        "Endpoint": {key: endpoint[key] for key in ("Name", "Status")},
        "Polling": {"Polls": job["Polls"], "LagSeconds": job["LagSeconds"]},
        "Timing": {"TotalSeconds": _total_seconds(state, now), "AutoMLSeconds": job["AutoMLSeconds"]},
        "Cost": dict(cost),
        "Files": {
            **scoring["Files"],
            "Leaderboard": files.leaderboard,
            "Profile": files.profile,
            "Request": files.request,
            "Result": files.result,
        },
    }


def failed(
    state: Mapping[str, Any],
    run: Mapping[str, str],
    failure: Failure,
    removed: Sequence[str],
    cost: Mapping[str, float],
    now: datetime,
) -> dict[str, Any]:
    """The result of a run that failed: why, what was taken away again, and what it had come to know."""
    document: dict[str, Any] = {
        "Run": run["Name"],
        "Uri": run["Uri"],
        "Outcome": "Failed",
        "Error": failure.error,
        "Cause": failure.cause,
        "Removed": list(removed),
        "Timing": {"TotalSeconds": _total_seconds(state, now)},
    }
    data, job, candidate = (state.get(key, {}) for key in ("Data", "Job", "Candidate"))
    for key in ("ProblemType", "Decided", "Rows"):
        if key in data:
            document[key] = data[key]
    if candidate:
        document["BestCandidate"] = {key: candidate[key] for key in ("Name", "Metric", "Value", "Direction")}
    if "LagSeconds" in job:
        document["Polling"] = {"Polls": job["Polls"], "LagSeconds": job["LagSeconds"]}
        document["Timing"]["AutoMLSeconds"] = job["AutoMLSeconds"]
    if cost:
        document["Cost"] = dict(cost)
    return document


def _total_seconds(state: Mapping[str, Any], now: datetime) -> float:
    started = datetime.fromisoformat(state["Execution"]["StartTime"])
    return round(max(0.0, (now - started).total_seconds()), 3)
