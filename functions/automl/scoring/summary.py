"""Summarize Scoring: what a scoring came to, in one small document."""

from collections.abc import Mapping
from typing import Any

from automl.run_files import ScoringFiles
from automl.scoring.predictions import Rule


def summarize(
    rows: Mapping[str, Any], parts: Mapping[str, Any], evaluation: Mapping[str, Any], rule: Rule
) -> dict[str, Any]:
    """result.json of a scoring, which is what the execution returns.

    Args:
        rows: what Prepare Rows returned.
        parts: what Collect Parts returned.
        evaluation: what Measure Predictions returned; empty when no truth is known.
        rule: by which predictions were accepted.
    """
    files = ScoringFiles(rows["OutputUri"])
    document: dict[str, Any] = {
        "Scoring": rows["Scoring"],
        "EndpointName": rows["EndpointName"],
        "ModelName": rows["ModelName"],
        "Engine": rows["Engine"],
        "ProblemType": rows["ProblemType"],
        "Rows": parts["Rows"],
        "Accepted": parts["Accepted"],
        "Review": parts["Review"],
        "FilteredOut": parts["Reasons"].get("FilteredOut", 0),
        "ReviewReasons": parts["Reasons"],
        "Throughput": {
            "Seconds": parts["Seconds"],
            "RowsPerSecond": parts["RowsPerSecond"],
            "Parts": rows["PartCount"],
            "Invocations": int(parts["Usage"]["Invocations"]),
        },
        "Confidence": dict(rule.confidence),
        "Calibration": {"Method": rule.method},
        "IgnoredColumns": list(rows["IgnoredColumns"]),
        "Files": {
            "Accepted": files.accepted_folder,
            "Review": files.review_folder,
            "Predictions": ScoringFiles(rows["PredictionsUri"]).predictions_folder,
        },
    }
    if "FailedParts" in parts:
        document["FailedParts"] = parts["FailedParts"]
    if rule.level is not None:
        document["Intervals"] = {"Level": rule.level, **_widths(parts["Widths"])}
    if evaluation:
        document["Quality"] = evaluation["All"]
        document["Metrics"] = evaluation["Accepted"]["Metrics"]
    return document


def _widths(widths: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rows": widths["Rows"], "MeanWidth": widths["Sum"] / widths["Rows"] if widths["Rows"] else None}
