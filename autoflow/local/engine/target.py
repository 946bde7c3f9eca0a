"""The target column: which problem it poses, and whether it can be learned."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from autogluon.core.utils import infer_problem_type

from autoflow.local.engine.tables import UnusableData

MINIMUM_ROWS = 500
"""Autopilot's own lower limit of training rows."""


def decide_problem(target: pd.Series) -> str:
    """``binary``, ``multiclass`` or ``regression``, as AutoGluon decides it.

    Raises:
        UnusableData: the target has no or only one value.
    """
    values = target.dropna()
    _require_two_values(values)
    numbers = pd.to_numeric(values, errors="coerce")
    problem: str = infer_problem_type(values if numbers.isna().any() else numbers, silent=True)
    return problem


def usable_rows(target: pd.Series, problem: str) -> pd.Series:
    """The target of the rows that can be learned from: numbers for a regression, else the text as it is in the file.

    Rows without target, and for a regression those whose target is no finite number, are left out.
    """
    if problem == "regression":
        numbers = pd.to_numeric(target, errors="coerce").astype("float64")
        return numbers[np.isfinite(numbers)]
    return target.dropna().astype(str)


def require_learnable(target: pd.Series, problem: str) -> None:
    """Check the usable rows' target.

    Raises:
        UnusableData: too few rows, or the values do not suit the problem type.
    """
    if len(target) < MINIMUM_ROWS:
        raise UnusableData(
            f"The training data has {len(target)} rows with a valid value of {target.name!r}; "
            f"at least {MINIMUM_ROWS} are required. Provide more rows"
        )
    _require_two_values(target)
    classes = target.nunique()
    if problem == "binary" and classes != 2:
        raise UnusableData(
            f"BinaryClassification needs exactly 2 values of {target.name!r}, there are {classes}. "
            "Use MulticlassClassification or Regression"
        )
    if problem != "regression" and classes > len(target) / 2:
        raise UnusableData(
            f"{target.name!r} has {classes} distinct values in {len(target)} rows: there are no classes to learn. "
            "Use Regression, or choose another target"
        )


def _require_two_values(values: pd.Series) -> None:
    if values.nunique() < 2:
        found = f"has the same value {values.iloc[0]!r} in every row" if len(values) else "has no value in any row"
        raise UnusableData(f"The target {values.name!r} {found}: there is nothing to learn. Choose another target")


def ordered(labels: Sequence[str]) -> list[str]:
    """Class labels as ``numpy.unique`` would sort them: by number when all are numbers, else by text."""
    try:
        return sorted(labels, key=lambda label: (float(label), label))
    except ValueError:
        return sorted(labels)
