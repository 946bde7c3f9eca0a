"""Evaluate Model: what the test rows show of a model, how it compares with the champion, and whether it may go on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.failures import unwrap
from automl.objectives import REGRESSION
from automl.proof import diagnostics
from automl.proof.bootstrap import ECE_BEFORE, LEVEL, LOG_LOSS_BEFORE, Statistics, estimates
from automl.proof.comparison import NotComparable, compare
from automl.proof.gate import judge
from automl.proof.metrics import log_loss, values_of, without_probabilities
from automl.proof.reliability import diagram, expected_calibration_error
from automl.proof.scored import Scored, read_scored
from automl.run_files import RunFiles, ScoringFiles
from automl.scoring.calibration_map import NONE
from automl.scoring.predictions import read_rule
from automl.storage import read_json, read_json_if_there

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Document = dict[str, Any]


def evaluate(s3: "S3Client", state: Mapping[str, Any]) -> Document:
    """evaluation.json.

    Args:
        s3: client.
        state: the execution's state data, with the scorings of the test rows.
    """
    run, data = state["Run"], state["Data"]
    files = RunFiles(run["Uri"])
    scored, confidence = _read(s3, read_json(s3, ScoringFiles(data["Test"]["OutputUri"]).rows))
    gate = read_json(s3, files.request).get("Gate", {})
    head = {"Run": run["Name"], "Model": state["Model"]["Name"]}
    body = describe(scored, read_json_if_there(s3, files.calibration) or {}, confidence)
    champion = None
    if state["Champion"]["Exists"]:
        champion = _champion(s3, state, scored, data["ObjectiveMetric"], gate.get("Margin", 0))
    values = {name: metric["Value"] for name, metric in body["Metrics"].items()}
    verdict = judge(gate, values, body.get("Omitted", {}), champion)
    return {**head, **body, **({"Champion": champion} if champion else {}), "Gate": verdict}


def summary(uri: str, evaluation: Mapping[str, Any]) -> Document:
    """``$.Evaluation``: the little of evaluation.json that the state machine needs.

    Args:
        uri: of evaluation.json.
        evaluation: its content.
    """
    gate, metrics = evaluation["Gate"], evaluation["Metrics"]
    document: Document = {
        "Uri": uri,
        "Accepted": gate["Accepted"],
        "Reason": "; ".join(gate["Reasons"]),
        "Rows": evaluation["Rows"],
        "Metrics": {name: metric["Value"] for name, metric in metrics.items()},
    }
    if calibration := evaluation.get("Calibration"):
        ece = {f"ECE{when}": calibration["ECE"][when]["Value"] for when in ("Before", "After")}
        document["Calibration"] = {"Method": calibration["Method"], **ece}
    if "Coverage" in metrics:
        document["Coverage"] = metrics["Coverage"]["Value"]
    if "Comparison" in evaluation.get("Champion", {}):
        document["Comparison"] = evaluation["Champion"]["Comparison"]
    return document


def _read(s3: "S3Client", rows: Mapping[str, Any]) -> tuple[Scored, Mapping[str, Any]]:
    """The scored rows, and by what they were accepted."""
    rule = read_rule(s3, rows)
    return read_scored(s3, rows, rule.calibration, rule.confidence), rule.confidence


def describe(scored: Scored, calibration: Mapping[str, Any], confidence: Mapping[str, Any]) -> Document:
    """What evaluation.json says of the test rows alone.

    Args:
        scored: the test rows.
        calibration: calibration.json; empty when there is none.
        confidence: the decision by which rows are accepted.
    """
    document: Document = {"ProblemType": scored.problem_type, "Rows": len(scored), "IntervalLevel": LEVEL}
    if not len(scored):
        return {**document, "Metrics": {}}
    values, omitted = values_of(scored)
    regression = scored.problem_type == REGRESSION
    probable = not regression and not np.isnan(scored.confidence).any()
    if probable:
        values["ECE"] = expected_calibration_error(scored.confidence, scored.correct)
    elif not regression:
        omitted["ECE"] = without_probabilities(scored)
    has_interval = np.isfinite(scored.lower)
    inside = (scored.lower <= scored.truths) & (scored.truths <= scored.upper)
    if has_interval.any():
        values["Coverage"] = float(inside[has_interval].mean())
    elif regression:
        omitted["Coverage"] = "predictions have no interval, as there were no calibration rows or too few"
    before = _before(scored) if probable else {}
    measured = estimates({**values, **before}, Statistics(scored, [*values, *before]), len(scored))
    if "Coverage" in measured:
        measured["Coverage"]["Rows"] = int(has_interval.sum())
    document["Metrics"] = {name: measured[name] for name in values}
    if omitted:
        document["Omitted"] = omitted
    if regression:
        if has_interval.any():
            document["Intervals"] = _intervals(scored, calibration["Intervals"], document["Metrics"]["Coverage"])
        document["Residuals"] = diagnostics.residuals(scored)
    else:
        document |= {"Classes": diagnostics.classes(scored), "ConfusionMatrix": diagnostics.confusion(scored)}
    if probable:
        document["Calibration"] = _calibration(scored, calibration, measured)
        document["PrecisionCoverage"] = diagnostics.precision_coverage(scored)
        if confidence.get("Threshold") is not None:
            document["Chosen"] = diagnostics.chosen(scored, confidence["Threshold"])
    accepted = scored.take(scored.accepted)
    rows = {"Rows": len(accepted), "Coverage": len(accepted) / len(scored)}
    return {**document, "Accepted": {**rows, "Metrics": values_of(accepted)[0]}}


def _before(scored: Scored) -> dict[str, float]:
    values = {ECE_BEFORE: expected_calibration_error(scored.raw_confidence, scored.correct)}
    if not without_probabilities(scored):
        values[LOG_LOSS_BEFORE] = log_loss(scored.raw_truth_probability)
    return values


def _calibration(scored: Scored, calibration: Mapping[str, Any], measured: Mapping[str, Document]) -> Document:
    document: Document = {
        "Method": calibration.get("Method", NONE),
        "Rows": calibration.get("Rows", 0),
        "ECE": {"Before": measured[ECE_BEFORE], "After": measured["ECE"]},
        "Reliability": {
            "Before": diagram(scored.raw_confidence, scored.correct),
            "After": diagram(scored.confidence, scored.correct),
        },
    }
    if "LogLoss" in measured:
        document["LogLoss"] = {"Before": measured[LOG_LOSS_BEFORE], "After": measured["LogLoss"]}
    return document


def _intervals(scored: Scored, intervals: Mapping[str, Any], coverage: Document) -> Document:
    return {
        "Level": intervals["Level"],
        "Coverage": coverage,
        "MeanWidth": float(np.nanmean(scored.upper - scored.lower)),
        "Regions": diagnostics.interval_regions(scored, intervals["Regions"]),
    }


def _champion(s3: "S3Client", state: Mapping[str, Any], challenger: Scored, metric: str, margin: float) -> Document:
    found = state["Champion"]
    document: Document = {"Run": found["Run"], "Model": found["ModelName"], "PackageArn": found["PackageArn"]}
    scoring = state.get("ChampionScoring", {})
    rows = read_json_if_there(s3, ScoringFiles(found["OutputUri"]).rows) if "Scoring" in scoring else None
    if rows is None:
        why = unwrap(scoring).reason if "Error" in scoring else found["Reason"] or "its answers are gone"
        reason = why if not found["Comparable"] else f"The champion, {found['Run']}, could not be scored: {why}"
        return {**document, "Scored": False, "Reason": reason}
    champion, _ = _read(s3, rows)
    document |= {"Scored": True, "Reason": "", "Rows": len(champion), "Metrics": values_of(champion)[0]}
    try:
        document["Comparison"] = compare(challenger, champion, metric, margin)
    except NotComparable as error:
        document["Reason"] = f"The champion, {found['Run']}, cannot be compared: {error}"
    if "FormerTest" in found:
        document["FormerTest"] = _former_test(s3, state, metric)
    return document


def _former_test(s3: "S3Client", state: Mapping[str, Any], metric: str) -> Document:
    """The comparison on the champion's own test rows, which a broken delivery of new data cannot have touched."""
    former, scoring = state["Champion"]["FormerTest"], state.get("FormerTest", {})
    folders = former["OutputUri"], former["PredictionsUri"]
    ours, theirs = (read_json_if_there(s3, ScoringFiles(uri).rows) for uri in folders)
    if "Error" in scoring:
        return {"Reason": unwrap(scoring).reason}
    if ours is None or theirs is None:
        return {"Reason": "the answers to the former test rows are gone"}
    try:
        return compare(_read(s3, ours)[0], _read(s3, theirs)[0], metric, 0)
    except NotComparable as error:
        return {"Reason": str(error)}
