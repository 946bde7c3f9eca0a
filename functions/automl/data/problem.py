"""Which problem a target poses, by a documented rule on its values (docs/decisions/0004-problem-type.md)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from automl import confidence_request
from automl.data.column_types import NUMERIC
from automl.data.notation import are_numbers_elsewhere
from automl.errors import InvalidDataset, InvalidRequest
from automl.objectives import (
    BINARY,
    DEFAULT_OBJECTIVE,
    MULTICLASS,
    REGRESSION,
    check_objective,
    problem_type_of,
)

MOST_CLASSES = 1000
MOST_INTEGRAL_CLASSES = 20
MINIMUM_TRAINING_ROWS = 500
"""Fewer rows make an AutoML job fail after it was paid for."""

_ELSEWHERE = "holds numbers that are not written like 1234.56"
MISSING_IS = "empty, or a marker such as NA, null or None"


@dataclass
class TargetValues:
    """The target's values in the rows that may be learnt from, counted while they stream by.

    ``counts`` stops growing beyond :data:`MOST_CLASSES` values: then there are ``many``.
    """

    uri: str
    column: str
    kind: str
    counts: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    many: bool = False

    def add(self, counts: dict[str, int], missing: int) -> None:
        """Count the values of some more rows."""
        self.missing += missing
        for value, count in counts.items():
            if value in self.counts or len(self.counts) < MOST_CLASSES:
                self.counts[value] = self.counts.get(value, 0) + count
            else:
                self.many = True
                self.counts[""] = self.counts.get("", 0) + count

    @property
    def place(self) -> str:
        """The dataset and the column, for messages."""
        return f"{self.uri}: target column {self.column!r}"

    @property
    def rows(self) -> int:
        """Rows that have a value."""
        return sum(self.counts.values())

    @property
    def numeric(self) -> bool:
        """Whether all values are numbers."""
        return self.kind in NUMERIC

    @property
    def values(self) -> set[str] | set[float]:
        """The distinct values; as numbers when all are, so that 1 and 1.0 are one, but not 2^60 and 2^60 + 1."""
        texts = {value for value in self.counts if value}
        number = int if self.kind == "integer" else float
        return {number(value) for value in texts} if self.numeric else texts

    @property
    def numbers_elsewhere(self) -> bool:
        """Whether its texts are numbers in another notation than 1234.56."""
        return self.kind == "string" and are_numbers_elsewhere(value for value in self.counts if value)

    @property
    def integral(self) -> bool:
        """Whether all values are whole numbers."""
        return self.numeric and all(math.floor(value) == value for value in self.values if not isinstance(value, str))


@dataclass(frozen=True)
class Problem:
    """A decided problem: its type, its objective metric, and for people how they were chosen."""

    type: str
    objective: str
    decided: str


def check_usable(target: TargetValues) -> None:
    """Raise InvalidDataset for a target that is mostly missing or always the same."""
    place = target.place
    if target.missing > target.rows:
        raise InvalidDataset(
            f"{place} is missing in {target.missing:,} of {target.missing + target.rows:,} rows ({MISSING_IS}); "
            "fill it in, or filter such rows out in Transform.Filter if few rows are enough"
        )
    if not target.many and len(target.values) < 2:
        others = f" but {target.missing:,} without one ({MISSING_IS})" if target.missing else ""
        raise InvalidDataset(
            f"{place} has the same value in every row{others}; there is nothing to predict: "
            "name another Dataset.TargetColumn, or add rows with other values"
        )


def decide(target: TargetValues, problem_type: str | None = None, objective: str | None = None) -> Problem:
    """Decide what the request leaves open, for a target that is usable.

    Raises:
        InvalidDataset: the target's values are not what the problem type needs.
        InvalidRequest: the objective metric is none of the problem type.
    """
    implied = problem_type_of(objective) if objective else None
    if problem_type:
        chosen, reason = problem_type, "as the request says"
    elif implied:
        chosen, reason = implied, f"because the objective {objective} has no other"
    else:
        chosen, reason = _by_rule(target)
    _check_fits(target, chosen, reason)
    if objective:
        check_objective(chosen, objective)
    metric = objective or DEFAULT_OBJECTIVE[chosen]
    # A request that names the type only gets the default from Validate Request.
    origin = "the default" if metric == DEFAULT_OBJECTIVE[chosen] else "as the request says"
    left_out = f"; {target.missing:,} rows without target ({MISSING_IS}) are left out" if target.missing else ""
    return Problem(chosen, metric, f"{chosen}, {reason}; objective {metric}, {origin}{left_out}")


def _by_rule(target: TargetValues) -> tuple[str, str]:
    distinct = len(target.values)
    noun = "numbers" if target.numeric else "values"
    if not target.many and distinct == 2:
        return BINARY, f"because {target.column!r} has two distinct {noun}"
    if target.numbers_elsewhere:
        raise InvalidDataset(
            f"{target.place} {_ELSEWHERE}; write them so, or ask for {MULTICLASS} as Problem.Type if they are classes"
        )
    if not target.numeric:
        return MULTICLASS, f"because {target.column!r} has {_amount(target)} distinct {noun} that are no numbers"
    if not target.many and target.integral and distinct <= MOST_INTEGRAL_CLASSES:
        return MULTICLASS, f"because {target.column!r} has {distinct} distinct whole numbers (at most 20 are classes)"
    what = "whole numbers (more than 20 are quantities)" if target.integral else "numbers, not all whole"
    return REGRESSION, f"because {target.column!r} has {_amount(target)} distinct {what}"


def _check_fits(target: TargetValues, chosen: str, reason: str) -> None:
    place = target.place
    distinct = len(target.values)
    if chosen == REGRESSION:
        if target.numbers_elsewhere:
            raise InvalidDataset(f"{place} {_ELSEWHERE}, as {REGRESSION}, {reason}, needs them; write them so")
        if not target.numeric:
            raise InvalidDataset(
                f"{place} holds {target.kind} values, but {REGRESSION}, {reason}, needs numbers; "
                "ask for a classification, or make every value a number"
            )
        return
    if chosen == BINARY:
        if target.many or distinct != 2:
            raise InvalidDataset(
                f"{place} has {_amount(target)} distinct values, but {BINARY}, {reason}, needs two; "
                f"ask for {MULTICLASS}, or leave Problem.Type out"
            )
        return
    if distinct == 2 and not target.many:
        raise InvalidDataset(
            f"{place} has two distinct values, but {MULTICLASS}, {reason}, needs more; ask for {BINARY}, "
            "or leave Problem.Type out"
        )
    if target.many or distinct * 2 > target.rows:
        remedy = f"ask for {REGRESSION}" if target.numeric else "group them into fewer classes"
        raise InvalidDataset(
            f"{place} has {_amount(target)} distinct values in {target.rows:,} rows, too many to be classes "
            f"(at most {MOST_CLASSES:,}, and half as many as rows); {remedy}, or predict another column"
        )


def _amount(target: TargetValues) -> str:
    return f"more than {MOST_CLASSES:,}" if target.many else f"{len(target.values):,}"


def confidence(requested: Mapping[str, Any], problem_type: str, calibration_rows: int) -> dict[str, Any]:
    """The run's Confidence for the decided problem type and the rows that calibrate it.

    A regression without calibration rows has no intervals: ``{}``, unless the request depends on them.

    Args:
        requested: Confidence of request.json; ``IsDefault`` when it is the stack's own, which regressions ignore.
        problem_type: decided type.
        calibration_rows: rows of the calibration split.

    Raises:
        InvalidRequest: the request asks for what the problem type does not have, or for calibration without rows.
    """
    fitted = confidence_request.for_type(requested, problem_type)
    if calibration_rows:
        return fitted
    for key in ("TargetPrecision", "MaxIntervalWidth"):
        if key in fitted:
            raise InvalidRequest(
                f"Confidence.{key} is worked out from calibration rows, but no row falls into the calibration split; "
                "raise Transform.Calibration, or add rows"
            )
    return {} if problem_type == REGRESSION else fitted
