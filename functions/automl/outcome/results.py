"""result.json: what a run came to, in one small document."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from automl.failures import Failure
from automl.lineage.registry import REJECTED
from automl.run_files import RunFiles

COMPLETED = "Completed"

_CALIBRATED = ("ECE", "Coverage")
"""Metrics that only an evaluation after calibration knows."""

_NOT_SCORED = (
    "This model does not serve, and none did when it was judged, so the rows to score were not predicted; "
    "what is counted here, and in the files, are the run's own test rows"
)

Document = dict[str, Any]


def ended(state: Mapping[str, Any], cost: Mapping[str, Any], now: datetime) -> Document:
    """The result of a run that got to its end, be its model in service or not.

    Args:
        state: the execution's state data at Publish Results.
        cost: what :func:`automl.outcome.cost.run_cost` returned.
        now: the time of writing.
    """
    run, data, job, outcome = state["Run"], state["Data"], state["Job"], state["Outcome"]
    evaluation, calibration = state["Evaluation"], state["Calibration"]
    scoring = state.get("Scoring", state["Test"])["Scoring"]
    document = {
        "Run": run["Name"],
        "Uri": run["Uri"],
        "Outcome": outcome["Name"],
        **({} if outcome["Name"] == COMPLETED else {"Reason": outcome["Reason"]}),
        "ProblemType": data["ProblemType"],
        "Decided": data.get("Decided", ""),
        "Rows": data["Rows"],
        "BestCandidate": _best(state["Candidate"]),
        "Candidates": {key: state["Candidate"][key] for key in ("Considered", "Usable")},
        "Quality": _quality(state),
        "Calibration": {"Method": calibration["Method"], **evaluation.get("Calibration", {})},
        "Confidence": calibration["Confidence"],
        "Evaluation": {key: evaluation[key] for key in ("Accepted", "Reason")},
        "Champion": _champion(state),
        "Scoring": _scoring(state, scoring),
        "Endpoint": _endpoint(state),
        "Removed": state["Retired"]["Removed"],
        "Polling": {"Polls": job["Polls"], "LagSeconds": job["LagSeconds"]},
        "Timing": {"TotalSeconds": _total_seconds(state, now), "AutoMLSeconds": job["AutoMLSeconds"]},
        "Cost": dict(cost),
        "Files": {**scoring["Files"], **_files(state)},
    }
    if "Level" in calibration["Confidence"]:
        coverage = {"Coverage": evaluation["Coverage"]} if "Coverage" in evaluation else {}
        document["Intervals"] = {"Level": calibration["Confidence"]["Level"], **coverage}
    if "Package" in state:
        document["Package"] = {**_keys(state["Package"], "Arn", "Version"), "ApprovalStatus": _approval(state)}
    if state["Retired"]["Left"]:
        document["Left"] = state["Retired"]["Left"]
    return document


def _keys(document: Mapping[str, Any], *names: str) -> Document:
    return {name: document[name] for name in names if name in document}


def _best(candidate: Mapping[str, Any]) -> Document:
    return {key: candidate[key] for key in ("Name", "Metric", "Value", "Direction")}


def _quality(state: Mapping[str, Any]) -> Document:
    """Of all test rows: the metrics of their scoring, and those of the evaluation that the scoring does not know."""
    proof, evaluation = state["Test"]["Scoring"], state["Evaluation"]
    quality = proof.get("Quality") or {"Rows": proof["Rows"], "Metrics": {}}
    return {**quality, "Metrics": {**quality["Metrics"], **_keys(evaluation["Metrics"], *_CALIBRATED)}}


def _scoring(state: Mapping[str, Any], scoring: Mapping[str, Any]) -> Document:
    """The counts of the rows to score, else of the test rows."""
    counts = _keys(scoring, "Rows", "Accepted", "Review")
    metrics = {"Metrics": scoring["Metrics"]} if scoring.get("Metrics") else {}
    unanswered = "Scoring" in state["Data"] and "Scoring" not in state
    return {**counts, **metrics, **({"Note": _NOT_SCORED} if unanswered else {})}


def _champion(state: Mapping[str, Any]) -> Document:
    champion, comparison = state["Champion"], state["Evaluation"].get("Comparison", {})
    known = {"Exists": champion["Exists"], **({"Run": champion["Run"]} if champion.get("Run") else {})}
    return {**known, **_keys(comparison, "Metric", "Challenger", "Champion", "Difference", "Lower", "Upper")}


def _endpoint(state: Mapping[str, Any]) -> Document:
    """The production endpoint: with the run's model, or as the run left it to the champion."""
    deployed = state.get("Deployment", {}).get("Endpoint", {})
    name = state["Run"]["Endpoint"]["Name"]
    if state["Outcome"]["Name"] == COMPLETED:
        return _keys(deployed, "Name", "Status")
    # A model that was deployed in vain, or too late, met another one there.
    return {"Name": name, "Status": "InService" if deployed or state["Champion"]["InService"] else "NotDeployed"}


def _approval(state: Mapping[str, Any]) -> str:
    """The package's status: Retire Model rejected it unless its model is in service."""
    if state["Outcome"]["Name"] != COMPLETED:
        return REJECTED
    return str(state.get("Approval", {}).get("Status") or state["Package"]["ApprovalStatus"])


def _files(state: Mapping[str, Any]) -> dict[str, str]:
    files = RunFiles(state["Run"]["Uri"])
    written = {
        "Calibration": files.calibration,
        "Evaluation": files.evaluation,
        "Leaderboard": files.leaderboard,
        "Profile": files.profile,
        "Request": files.request,
        "Result": files.result,
    }
    return {**written, "Report": files.report} if "Uri" in state.get("Report", {}) else written


def failed(
    state: Mapping[str, Any],
    run: Mapping[str, str],
    failure: Failure,
    removed: Sequence[str],
    cost: Mapping[str, Any],
    now: datetime,
) -> Document:
    """The result of a run that failed: why, what was taken away again, and what it had come to know."""
    document: Document = {
        "Run": run["Name"],
        "Uri": run["Uri"],
        "Outcome": "Failed",
        "Error": failure.error,
        "Cause": failure.cause,
        "Removed": list(removed),
        "Timing": {"TotalSeconds": _total_seconds(state, now)},
    }
    data, job, candidate = (state.get(key, {}) for key in ("Data", "Job", "Candidate"))
    document |= _keys(data, "ProblemType", "Decided", "Rows")
    if candidate:
        document["BestCandidate"] = _best(candidate)
    if "Evaluation" in state:
        document["Evaluation"] = {key: state["Evaluation"][key] for key in ("Accepted", "Reason")}
    if "LagSeconds" in job:
        document["Polling"] = {"Polls": job["Polls"], "LagSeconds": job["LagSeconds"]}
        document["Timing"]["AutoMLSeconds"] = job["AutoMLSeconds"]
    if cost:
        document["Cost"] = dict(cost)
    return document


def _total_seconds(state: Mapping[str, Any], now: datetime) -> float:
    started = datetime.fromisoformat(state["Execution"]["StartTime"])
    return round(max(0.0, (now - started).total_seconds()), 3)
