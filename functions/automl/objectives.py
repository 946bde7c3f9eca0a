"""Which objective metrics fit which problem type, and which is taken when a request names none.

The table is that of ``AutoMLJobObjective.MetricName`` in the SageMaker API; the defaults are the project's own
(docs/decisions/0003-objectives.md).
"""

from collections.abc import Iterable

from automl.errors import InvalidRequest

REGRESSION = "Regression"
BINARY = "BinaryClassification"
MULTICLASS = "MulticlassClassification"

OBJECTIVES: dict[str, tuple[str, ...]] = {
    REGRESSION: ("MAE", "MSE", "R2", "RMSE"),
    BINARY: ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    MULTICLASS: ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
}
_JUDGED = {
    REGRESSION: ("MAE", "MSE", "R2", "RMSE", "Coverage"),
    BINARY: (*OBJECTIVES[BINARY], "LogLoss", "ECE"),
    MULTICLASS: (*OBJECTIVES[MULTICLASS], "LogLoss", "ECE"),
}
DEFAULT_OBJECTIVE = {REGRESSION: "RMSE", BINARY: "AUC", MULTICLASS: "Accuracy"}
LOWER_IS_BETTER = frozenset({"MAE", "MSE", "RMSE", "MAPE", "MASE", "WAPE", "LogLoss", "ECE", "InferenceLatency"})


def check_objective(problem_type: str, metric: str) -> None:
    """Raise InvalidRequest unless the metric can be the objective of this problem type."""
    if metric not in OBJECTIVES[problem_type]:
        allowed = ", ".join(OBJECTIVES[problem_type])
        raise InvalidRequest(
            f"Problem.ObjectiveMetric {metric!r} does not fit {problem_type}; choose one of {allowed}, "
            f"or leave it out for {DEFAULT_OBJECTIVE[problem_type]}"
        )


def check_gate(problem_type: str, metrics: Iterable[str]) -> None:
    """Raise InvalidRequest unless a model of this problem type is judged by each of the metrics."""
    for metric in metrics:
        if metric not in _JUDGED[problem_type]:
            raise InvalidRequest(
                f"Gate.Minimum has {metric!r}, which a {problem_type} is not judged by; "
                f"choose from {', '.join(_JUDGED[problem_type])}"
            )


def direction_of(metric: str) -> str:
    """``Minimize`` or ``Maximize``: what makes a model better by this metric."""
    return "Minimize" if metric in LOWER_IS_BETTER else "Maximize"


def problem_type_of(metric: str) -> str | None:
    """The only problem type that has this objective, or None when several have it."""
    types = [problem_type for problem_type, metrics in OBJECTIVES.items() if metric in metrics]
    return types[0] if len(types) == 1 else None
