"""What is in a dataset: exact types and counts of every column, found in one pass over all rows."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from automl.data.column_types import NUMERIC, TYPES, fitting_types
from automl.data.dataset import Batch

TOP_VALUES = 20
"""Columns with more distinct values than this show none of them: they may be names or addresses."""
_SKETCH_SIZE = 2048
_SCREEN_ROWS = 1_000
"""A few rows rule most types out before all rows are looked at."""
_HASH_SPACE = 2.0**64


@dataclass
class ColumnProfile:
    """What is known of a column after the rows seen so far."""

    name: str
    missing: int = 0
    kinds: list[str] = field(default_factory=lambda: list(TYPES))
    minimum: float | None = None
    maximum: float | None = None
    total: float = 0.0
    numbers: int = 0
    counts: dict[str, int] | None = field(default_factory=dict)
    sketch: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64), repr=False)

    @property
    def kind(self) -> str:
        """The narrowest of :data:`automl.data.column_types.TYPES` that all cells have; string when all are missing."""
        return self.kinds[0] if self.sketch.len() else "string"

    @property
    def undecided(self) -> bool:
        """Whether types are left of which none implies another, as for a column without a value so far."""
        return len({"boolean", "number", "datetime"} & set(self.kinds)) > 1

    @property
    def distinct(self) -> int:
        """Number of distinct values that are not missing; an estimate (±5 %) above 2,048 values.

        Estimator of K. Beyer et al., "On synopses for distinct-value estimation under multiset operations" (SIGMOD
        2007), eq. 5: (k - 1) / U(k), where U(k) is the k-th smallest of hashes that are uniform in [0, 1].
        """
        if self.sketch.len() < _SKETCH_SIZE:
            return self.sketch.len()
        return round((_SKETCH_SIZE - 1) / (float(self.sketch.max()) / _HASH_SPACE))  # type: ignore[arg-type]

    def document(self, *, with_values: bool = True) -> dict[str, Any]:
        """The column's entry in profile.json; without values, if they say who the rows are of."""
        entry: dict[str, Any] = {
            "Name": self.name,
            "Type": self.kind,
            "Missing": self.missing,
            "Distinct": self.distinct,
            "DistinctIsApproximate": self.sketch.len() >= _SKETCH_SIZE,
        }
        if not with_values:
            return entry
        if self.kind in NUMERIC and self.minimum is not None and self.maximum is not None:
            number = int if self.kind == "integer" else float
            entry["Minimum"], entry["Maximum"] = number(self.minimum), number(self.maximum)
            if math.isfinite(self.total):  # the sum of huge numbers may not be
                entry["Mean"] = self.total / self.numbers
        if self.counts:
            top = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
            entry["TopValues"] = [{"Value": value, "Count": count} for value, count in top]
        return entry


@dataclass
class Profile:
    """All columns of a dataset, in their order, and its number of rows."""

    columns: dict[str, ColumnProfile]
    rows: int = 0

    @property
    def types(self) -> dict[str, str]:
        """The type of each column."""
        return {name: column.kind for name, column in self.columns.items()}

    def add(self, batch: Batch) -> None:
        """Take some more rows in; memory does not grow with their number."""
        self.rows += batch.frame.height
        columns = list(self.columns.values())
        _narrow(columns, batch)
        _count_missing_and_distinct(columns, batch.frame)
        _count_values(columns, batch.frame)
        _measure([column for column in columns if "number" in column.kinds], batch)


def empty_profile(names: Iterable[str]) -> Profile:
    """The profile of a dataset with these columns before its rows are seen."""
    return Profile({name: ColumnProfile(name) for name in names})


def _narrow(columns: list[ColumnProfile], batch: Batch) -> None:
    """Rule out the types that some cell does not have. Once a few rows have ruled out most, the narrowest tells."""
    _keep_fitting([column for column in columns if column.undecided], batch.frame.head(_SCREEN_ROWS))
    narrowest = {column.name: column.kinds[0] for column in columns if column.kinds != ["string"]}
    misfits = set(batch.misfits(narrowest))
    _keep_fitting([column for column in columns if column.name in misfits or column.undecided], batch.frame)


def _keep_fitting(columns: list[ColumnProfile], frame: pl.DataFrame) -> None:
    fitting = fitting_types(frame, {column.name: column.kinds for column in columns})
    for column in columns:
        column.kinds = fitting[column.name]


def _count_missing_and_distinct(columns: list[ColumnProfile], frame: pl.DataFrame) -> None:
    missing = frame.null_count().row(0)
    sketches = frame.select(_smallest_hashes(column).implode() for column in columns)
    for column, count in zip(columns, missing, strict=True):
        column.missing += count
        column.sketch = pl.concat([column.sketch, sketches[column.name][0]]).unique().bottom_k(_SKETCH_SIZE)


def _smallest_hashes(column: ColumnProfile) -> pl.Expr:
    cells = pl.col(column.name)
    hashes = cells.hash()
    if column.sketch.len() == _SKETCH_SIZE:  # which only smaller hashes can change
        hashes = hashes.filter(cells.is_not_null() & (hashes < column.sketch.max()))
    else:
        hashes = hashes.filter(cells.is_not_null())
    return hashes.unique().bottom_k(_SKETCH_SIZE)


def _count_values(columns: list[ColumnProfile], frame: pl.DataFrame) -> None:
    for column in columns:
        if column.counts is None or column.distinct > TOP_VALUES:
            column.counts = None
            continue
        for value, count in frame[column.name].drop_nulls().value_counts().rows():
            column.counts[value] = column.counts.get(value, 0) + count


def _measure(columns: list[ColumnProfile], batch: Batch) -> None:
    numbers = batch.values({column.name: column.kinds[0] for column in columns if column.kinds[0] in NUMERIC})
    for column in columns:
        if column.name not in numbers.columns:  # all cells are missing so far
            continue
        values = numbers[column.name].drop_nulls().cast(pl.Float64)
        if values.len():
            low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
            column.minimum = low if column.minimum is None else min(low, column.minimum)
            column.maximum = high if column.maximum is None else max(high, column.maximum)
            column.total += float(values.sum())
            column.numbers += values.len()
