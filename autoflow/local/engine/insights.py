"""Quality of a model on the validation rows in Model Monitor's format (``statistics.json``)."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as scores

_RESAMPLES = 20
_ROWS_FOR_DEVIATION = 200
_MOST_ROWS = 20_000
_CURVE_POINTS = 100

Measure = Callable[[NDArray[Any], NDArray[Any]], dict[str, float]]
Statistic = dict[str, Any]


def statistics(
    problem: str, truth: NDArray[Any], predicted: NDArray[np.float64], labels: Sequence[str]
) -> dict[str, Any]:
    """The document.

    Args:
        problem: ``binary``, ``multiclass`` or ``regression``.
        truth: regression: numbers; classification: indices into ``labels``.
        predicted: regression: numbers, shape (n,); classification: probabilities, shape (n, classes).
        labels: class labels in the order of the probabilities; binary: the positive one last.
    """
    head = {"version": 0.0, "dataset": {"item_count": len(truth)}}
    if problem == "regression":
        return head | {"regression_metrics": _with_deviation(_regression, truth, predicted)}
    chosen = predicted.argmax(axis=1)
    confusion = {"confusion_matrix": _confusion(truth, chosen, labels)}
    majority = np.bincount(truth.astype(int), minlength=len(labels)).argmax()
    constant = np.eye(len(labels))[np.full(len(truth), majority)]
    measure = _binary if problem == "binary" else _multiclass
    values = confusion | _with_deviation(measure, truth, predicted)
    for name, statistic in _with_deviation(measure, truth, constant).items():
        if name in {"accuracy", "recall", "precision", "f0_5", "f1", "f2"} or name.startswith("weighted_"):
            values[f"{name}_best_constant_classifier"] = statistic
    if problem == "binary":
        values |= _curves(truth, predicted[:, 1])
    return head | {f"{problem}_classification_metrics": values}


def _with_deviation(measure: Measure, truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, Statistic]:
    """Each metric with its bootstrap standard deviation, or "NaN" when the rows are too few for one."""
    values = measure(truth, predicted)
    deviations: Mapping[str, object] = dict.fromkeys(values, "NaN")
    if len(truth) >= _ROWS_FOR_DEVIATION:
        random = np.random.default_rng(0)
        size = min(len(truth), _MOST_ROWS)
        samples = []
        for _ in range(_RESAMPLES):
            rows = random.integers(0, len(truth), size)
            samples.append(measure(truth[rows], predicted[rows]))
        scale = math.sqrt(size / len(truth))
        deviations = {
            name: _number(scale * float(np.std([sample[name] for sample in samples], ddof=1))) for name in values
        }
    return {name: {"value": _number(value), "standard_deviation": deviations[name]} for name, value in values.items()}


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else "NaN"


def _regression(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    squared = float(scores.mean_squared_error(truth, predicted))
    return {
        "mae": float(scores.mean_absolute_error(truth, predicted)),
        "mse": squared,
        "rmse": math.sqrt(squared),
        "r2": float(scores.r2_score(truth, predicted)),
    }


def _binary(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    chosen = predicted.argmax(axis=1)
    (tn, fp), (fn, tp) = scores.confusion_matrix(truth, chosen, labels=[0, 1]).astype(float)
    return {
        "recall": _ratio(tp, tp + fn),
        "precision": _ratio(tp, tp + fp),
        "accuracy": _ratio(tp + tn, tp + tn + fp + fn),
        "true_positive_rate": _ratio(tp, tp + fn),
        "true_negative_rate": _ratio(tn, tn + fp),
        "false_positive_rate": _ratio(fp, fp + tn),
        "false_negative_rate": _ratio(fn, fn + tp),
        "auc": float(scores.roc_auc_score(truth, predicted[:, 1])) if tp + fn and tn + fp else math.nan,
        **{
            name: float(scores.fbeta_score(truth, chosen, beta=beta, zero_division=0))
            for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0))
        },
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _multiclass(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    chosen = predicted.argmax(axis=1)
    values = {"accuracy": float(scores.accuracy_score(truth, chosen))}
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        precision, recall, f, _ = scores.precision_recall_fscore_support(
            truth, chosen, beta=beta, average="weighted", zero_division=0
        )
        values |= {
            "weighted_recall": float(recall),
            "weighted_precision": float(precision),
            f"weighted_{name}": float(f),
        }
    return values


def _confusion(truth: NDArray[Any], chosen: NDArray[Any], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = scores.confusion_matrix(truth, chosen, labels=list(range(len(labels))))
    return {
        actual: {predicted: int(counts[i, j]) for j, predicted in enumerate(labels)} for i, actual in enumerate(labels)
    }


def _curves(truth: NDArray[Any], probability: NDArray[np.float64]) -> dict[str, Any]:
    if len(set(truth)) < 2:
        return {}
    false_rates, true_rates, _ = scores.roc_curve(truth, probability)
    precisions, recalls, _ = scores.precision_recall_curve(truth, probability)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": _thinned(false_rates),
            "true_positive_rates": _thinned(true_rates),
        },
        "precision_recall_curve": {"precisions": _thinned(precisions), "recalls": _thinned(recalls)},
    }


def _thinned(points: NDArray[np.float64]) -> list[float]:
    picked = np.unique(np.linspace(0, len(points) - 1, min(len(points), _CURVE_POINTS)).astype(int))
    return [float(value) for value in points[picked]]
