"""What a report shows of a model's test rows: classes, confusion, precision by coverage, regions, residuals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from automl.proof.bootstrap import LEVEL
from automl.proof.scored import Scored

_LABELS = 30
_POINTS = 200
_BARS = 30
_PARTS = 10
OTHER = "other"

Document = dict[str, Any]


def classes(scored: Scored) -> list[Document]:
    """Per label; a share is None where there is nothing to share. Accepted are those predicted to have the label."""
    numbers = range(len(scored.labels))
    scores = precision_recall_fscore_support(
        scored.truths, scored.predictions, labels=list(numbers), average=None, zero_division=np.nan
    )
    lines = []
    for number in numbers:
        chosen = scored.accepted & (scored.predictions == number)
        precision, recall, f1 = (_number(column[number]) for column in scores[:3])
        lines.append(
            {
                "Label": scored.labels.names[number],
                "Rows": int(scores[3][number]),
                "Precision": precision,
                "Recall": recall,
                "F1": f1,
                "AcceptedRows": int(chosen.sum()),
                "AcceptedPrecision": _share(scored.correct, chosen),
            }
        )
    return lines


def confusion(scored: Scored) -> Document:
    """Rows by truth (outer list) and prediction (inner); beyond 30 labels the rarer ones are one."""
    truths, predictions = scored.truths.astype(int), scored.predictions.astype(int)
    names = scored.labels.names
    if len(names) > _LABELS:
        frequency = np.bincount(np.concatenate([truths, predictions]), minlength=len(names))
        kept = sorted(np.argsort(-frequency, kind="stable")[: _LABELS - 1].tolist())
        number_of = np.full(len(names), len(kept))
        number_of[kept] = np.arange(len(kept))
        truths, predictions = number_of[truths], number_of[predictions]
        names = [*(names[number] for number in kept), OTHER]
    return {"Labels": names, "Counts": confusion_matrix(truths, predictions, labels=range(len(names))).tolist()}


def precision_coverage(scored: Scored) -> list[Document]:
    """What thresholds of the calibrated confidence would accept, from lax to strict."""
    order = np.argsort(-scored.confidence, kind="stable")
    ordered = scored.confidence[order]
    right = np.cumsum(scored.correct[order])
    last = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))  # equal confidences are accepted together
    if len(last) > _POINTS:
        last = np.unique(last[np.linspace(0, len(last) - 1, _POINTS).round().astype(int)])
    return [
        {
            "Threshold": float(ordered[row]),
            "Coverage": (row + 1) / len(scored),
            "Precision": float(right[row] / (row + 1)),
        }
        for row in last[::-1].tolist()
    ]


def chosen(scored: Scored, threshold: float) -> Document:
    """What the threshold in use accepts; the interval of the precision is Clopper and Pearson's."""
    accepted = int(scored.accepted.sum())
    point: Document = {"Threshold": threshold, "Coverage": accepted / len(scored)}
    if not accepted:
        return {**point, "Precision": None, "Lower": None, "Upper": None}
    test = binomtest(int(scored.correct[scored.accepted].sum()), accepted)
    interval = test.proportion_ci(confidence_level=LEVEL, method="exact")
    return {
        **point,
        "Precision": float(test.statistic),
        "Lower": float(interval.low),
        "Upper": float(interval.high),
    }


def interval_regions(scored: Scored, regions: Sequence[Mapping[str, Any]]) -> list[Document]:
    """The calibration's regions with the test rows in them; None where there is no interval or no row."""
    starts = [region["From"] for region in regions[1:]]
    numbers = np.searchsorted(np.array(starts, dtype=float), scored.predictions, side="right")
    inside = (scored.lower <= scored.truths) & (scored.truths <= scored.upper)
    return [
        {
            **{key: region[key] for key in ("From", "To", "HalfWidth")},
            "Rows": int((numbers == number).sum()),
            "Coverage": None if region["HalfWidth"] is None else _share(inside, numbers == number),
        }
        for number, region in enumerate(regions)
    ]


def residuals(scored: Scored) -> Document:
    """Truth minus prediction."""
    distances = scored.truths - scored.predictions
    counts, edges = np.histogram(distances, bins=min(_BARS, max(1, round(len(scored) ** 0.5))))
    order = np.argsort(scored.predictions, kind="stable")
    return {
        "Histogram": [
            {"From": start, "To": end, "Rows": rows}
            for start, end, rows in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
        ],
        "ByPrediction": [
            _spread(scored.predictions[part], distances[part])
            for part in np.array_split(order, min(_PARTS, len(scored)))
        ],
    }


def _spread(predictions: NDArray[np.float64], distances: NDArray[np.float64]) -> Document:
    p10, p50, p90 = np.quantile(distances, [0.1, 0.5, 0.9]).tolist()
    return {
        "From": float(predictions[0]),
        "To": float(predictions[-1]),
        "Rows": len(predictions),
        "Mean": float(distances.mean()),
        "P10": p10,
        "P50": p50,
        "P90": p90,
    }


def _share(right: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float | None:
    return float(right[rows].mean()) if rows.any() else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
