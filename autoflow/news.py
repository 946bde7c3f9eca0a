"""What the output of a state has to say to people who follow a run."""

from collections.abc import Callable, Mapping
from typing import Any

from autoflow.documents import json_object
from autoflow.wording import comparison, decision, number

APPROVAL = "Wait for Approval"
"""The state in which a run waits for a person."""

_SPLITS = (("Train", "to learn from"), ("Calibration", "for calibration"), ("Test", "for the test"))


def told(state: str, output: str) -> str:
    """The news in the output of a state; empty when there are none."""
    document = json_object(output)
    tell = _TELLERS.get(state)
    return tell(document) if tell else ""


def _data(document: Mapping[str, Any]) -> str:
    data = document.get("Data", {})
    rows = data.get("Rows", {})
    counts = ", ".join(f"{rows[key]:,} {word}" for key, word in _SPLITS if rows.get(key) is not None)
    return ". ".join(filter(None, (str(data.get("Decided", "")).rstrip("."), counts and f"rows: {counts}")))


def _serving(document: Mapping[str, Any]) -> str:
    serving = document.get("Serving", {})
    if "ModelName" not in serving:
        return ""
    if serving.get("Engine") == "BatchTransform":
        return f"{serving['ModelName']} by batch transform"
    if serving["Ready"]:
        return f"{serving['ModelName']} on endpoint {serving['EndpointName']}"
    stays = "stays" if serving["Keep"] else "is removed afterwards"
    return f"{serving['ModelName']}; endpoint {serving['EndpointName']} is made for it and {stays}"


def _rows(document: Mapping[str, Any]) -> str:
    rows = document.get("Rows", {})
    if "PartCount" not in rows:
        return ""
    count, to_score = rows["PartCount"], rows["PartsToScore"]
    told = f"{rows['Rows']:,} rows in {count:,} {'part' if count == 1 else 'parts'}"
    if to_score < count:
        told += f", of which {count - to_score:,} were finished before"
    if rows.get("IgnoredColumns"):
        told += f"; the model does not know {', '.join(rows['IgnoredColumns'])}"
    return told


def _transform_job(document: Mapping[str, Any]) -> str:
    job = document.get("TransformJob", {})
    return str(job.get("Progress") or job.get("Status", ""))


def _previous(document: Mapping[str, Any]) -> str:
    previous = document.get("Previous", {})
    return str(previous.get("Run", "")) if previous.get("Found") else ""


def _job(document: Mapping[str, Any]) -> str:
    return str(document.get("Job", {}).get("Progress", ""))


def _candidate(document: Mapping[str, Any]) -> str:
    candidate = document.get("Candidate", {})
    if "Name" not in candidate:
        return ""
    return f"{candidate['Name']}, {candidate.get('Metric')} {candidate.get('Value', 0):.4g}"


def _calibration(document: Mapping[str, Any]) -> str:
    calibration = document.get("Calibration", {})
    if "Method" not in calibration:
        return ""
    confidence = calibration.get("Confidence", {})
    if calibration["Method"] != "None":
        method = f"{calibration['Method']}, from {calibration.get('Rows', 0):,} rows"
    elif "Level" in confidence:
        return str(confidence.get("Note", "predictions have no intervals"))
    else:
        method = f"probabilities stay as they are, from {calibration.get('Rows', 0):,} rows"
    return "; ".join(filter(None, (method, decision(confidence))))


def _champion(document: Mapping[str, Any]) -> str:
    champion = document.get("Champion", {})
    if not champion.get("Exists"):
        return "none yet" if champion else ""
    reason = champion.get("Reason", "")
    return f"{champion.get('Run') or champion.get('ModelName')}{f': {reason}' if reason else ''}"


def _evaluation(document: Mapping[str, Any]) -> str:
    evaluation = document.get("Evaluation", {})
    if "Accepted" not in evaluation:
        return ""
    if not evaluation["Accepted"]:
        return f"rejected: {evaluation.get('Reason', '')}"
    metric = document.get("Candidate", {}).get("Metric", "")
    value = evaluation.get("Metrics", {}).get(metric)
    measured = f"{metric} {number(value)} on {evaluation.get('Rows', 0):,} test rows" if value is not None else ""
    return "; ".join(filter(None, ("accepted", comparison(evaluation.get("Comparison") or {}) or measured)))


def _package(document: Mapping[str, Any]) -> str:
    package = document.get("Package", {})
    if "Version" not in package:
        return ""
    return f"version {package['Version']} of {package.get('GroupName')}, {package.get('ApprovalStatus')}"


def _approval(document: Mapping[str, Any]) -> str:
    approval = document.get("Approval")
    if approval is None:
        return "nobody answered in time"
    return str(approval.get("Reason") or approval["Status"])


def _deployment(key: str, document: Mapping[str, Any]) -> str:
    deployment = document.get(key, {})
    outcome = deployment.get("Outcome", "")
    return f"{outcome}: {deployment.get('Reason', '')}" if outcome not in ("", "InService") else ""


_TELLERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "Transform Data": _data,
    "Find Previous Model": _previous,
    "Find Model": _serving,
    "Prepare Rows": _rows,
    "Get Transform Job": _transform_job,
    "Get AutoML Job": _job,
    "Select Best Candidate": _candidate,
    "Calibrate Model": _calibration,
    "Find Champion": _champion,
    "Evaluate Model": _evaluation,
    "Register Model": _package,
    APPROVAL: _approval,
    "Deploy to Staging": lambda document: _deployment("Staging", document),
    "Deploy Model": lambda document: _deployment("Deployment", document),
}
