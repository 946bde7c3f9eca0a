"""Summarize Scoring: what a scoring came to, in one small document."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from automl.run_files import ScoringFiles
from automl.scoring.predictions import Rule


def summarize(
    rows: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], evaluation: Mapping[str, Any], rule: Rule
) -> dict[str, Any]:
    """scoring.json, which is what the execution returns.

    Args:
        rows: what Prepare Rows returned.
        parts: what Filter Predictions returned for each part.
        evaluation: what Measure Predictions returned; empty when no truth is known.
        rule: by which predictions were accepted.
    """
    files = ScoringFiles(rows["OutputUri"])
    reasons: Counter[str] = Counter()
    for part in parts:
        reasons.update(part["Reasons"])
    document: dict[str, Any] = {
        "EndpointName": rows["EndpointName"],
        "ProblemType": rows["ProblemType"],
        "Rows": sum(part["Rows"] for part in parts),
        "Accepted": sum(part["Accepted"] for part in parts),
        "Review": sum(part["Review"] for part in parts),
        "FilteredOut": rows["Skipped"],
        "ReviewReasons": dict(sorted(reasons.items())),
        "Confidence": dict(rule.confidence),
        "Calibration": {"Method": rule.method},
        "IgnoredColumns": list(rows["IgnoredColumns"]),
        "Files": {
            "Accepted": files.accepted_folder,
            "Review": files.review_folder,
            "Predictions": ScoringFiles(rows["PredictionsUri"]).predictions_folder,
        },
    }
    if rule.level is not None:
        document["Intervals"] = {"Level": rule.level, **_widths(parts)}
    if evaluation:
        document["Quality"] = evaluation["All"]
        document["Metrics"] = evaluation["Accepted"]["Metrics"]
    return document


def _widths(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = sum(part["Widths"]["Rows"] for part in parts)
    return {"Rows": rows, "MeanWidth": math.fsum(part["Widths"]["Sum"] for part in parts) / rows if rows else None}
