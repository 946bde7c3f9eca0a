"""Metrics by their AutoML names: how AutoGluon calls them, which way is better, and their values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as scores

AUTOGLUON: Mapping[str, str] = {
    "Accuracy": "accuracy",
    "AUC": "roc_auc",
    "BalancedAccuracy": "balanced_accuracy",
    "F1": "f1",
    "F1macro": "f1_macro",
    "MAE": "mean_absolute_error",
    "MSE": "mean_squared_error",
    "Precision": "precision",
    "PrecisionMacro": "precision_macro",
    "R2": "r2",
    "Recall": "recall",
    "RecallMacro": "recall_macro",
    "RMSE": "root_mean_squared_error",
}
DEFAULT: Mapping[str, str] = {"binary": "F1", "multiclass": "Accuracy", "regression": "MSE"}
_LOWER_IS_BETTER = {"MAE", "MSE", "RMSE", "LogLoss", "InferenceLatency"}


def is_better(metric: str, value: float, other: float) -> bool:
    """Whether ``value`` beats ``other``; NaN never does."""
    if math.isnan(value) or math.isnan(other):
        return math.isnan(other) and not math.isnan(value)
    return value < other if metric in _LOWER_IS_BETTER else value > other


def measure(problem: str, truth: NDArray[Any], predicted: NDArray[np.float64]) -> dict[str, float]:
    """Every metric that Autopilot computes for the problem type.

    Args:
        problem: ``binary``, ``multiclass`` or ``regression``.
        truth: regression: numbers, shape (n,); classification: class indices.
        predicted: regression: numbers, shape (n,); classification: probabilities, shape (n, classes).
            Class 1 of a binary problem is the positive one.
    """
    if problem == "regression":
        squared = float(scores.mean_squared_error(truth, predicted))
        return {
            "MAE": float(scores.mean_absolute_error(truth, predicted)),
            "MSE": squared,
            "R2": float(scores.r2_score(truth, predicted)),
            "RMSE": math.sqrt(squared),
        }
    classes = list(range(predicted.shape[1]))
    chosen = predicted.argmax(axis=1)
    values = {
        "Accuracy": float(scores.accuracy_score(truth, chosen)),
        "BalancedAccuracy": _balanced_accuracy(truth, chosen, classes),
        "LogLoss": float(scores.log_loss(truth, _normalized(predicted), labels=classes)),
    }
    if problem == "binary":
        values |= {
            "AUC": float(scores.roc_auc_score(truth, predicted[:, 1])) if len(set(truth)) == 2 else math.nan,
            "F1": float(scores.f1_score(truth, chosen, zero_division=0)),
            "Precision": float(scores.precision_score(truth, chosen, zero_division=0)),
            "Recall": float(scores.recall_score(truth, chosen, zero_division=0)),
        }
    else:
        precision, recall, f1, _ = scores.precision_recall_fscore_support(
            truth, chosen, labels=sorted(set(truth)), average="macro", zero_division=0
        )
        values |= {"F1macro": float(f1), "PrecisionMacro": float(precision), "RecallMacro": float(recall)}
    return values


def _balanced_accuracy(truth: NDArray[Any], chosen: NDArray[Any], classes: Sequence[int]) -> float:
    recalls = [float((chosen[truth == label] == label).mean()) for label in classes if (truth == label).any()]
    return sum(recalls) / len(recalls)


def _normalized(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(probabilities.astype(np.float64), 1e-15, 1)
    return clipped / clipped.sum(axis=1, keepdims=True)
