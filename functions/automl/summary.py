"""Summarize Scoring: what a scoring came to, in one small document."""

from collections.abc import Mapping, Sequence
from typing import Any

from automl.run_files import ScoringFiles


def summarize(
    rows: Mapping[str, Any], parts: Sequence[Mapping[str, int]], evaluation: Mapping[str, Any]
) -> dict[str, Any]:
    """scoring.json, which is what the execution returns.

    Args:
        rows: what Prepare Rows returned.
        parts: what Filter Predictions returned for each part.
        evaluation: what Evaluate Model returned; empty when no truth is known.
    """
    files = ScoringFiles(rows["OutputUri"])
    document: dict[str, Any] = {
        "EndpointName": rows["EndpointName"],
        "ProblemType": rows["ProblemType"],
        "Rows": sum(part["Rows"] for part in parts),
        "Accepted": sum(part["Accepted"] for part in parts),
        "Review": sum(part["Review"] for part in parts),
        "FilteredOut": rows["Skipped"],
        "Confidence": dict(rows["Confidence"]),
        "IgnoredColumns": list(rows["IgnoredColumns"]),
        "Files": {
            "Accepted": files.accepted_folder,
            "Review": files.review_folder,
            "Predictions": files.predictions_folder,
        },
    }
    if evaluation:
        document["Quality"] = evaluation["All"]
        document["Metrics"] = evaluation["Accepted"]["Metrics"]
    return document
