"""The recipe: which rows and features of a dataset the model sees. The same lines serve training and scoring."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from automl.data.column_types import NUMERIC, clean_text, is_value, to_text
from automl.data.dataset import Batch, Dataset
from automl.data.dialect import named
from automl.data.expressions import Expression, parse
from automl.errors import InvalidDataset, InvalidRequest
from automl.nearest import nearest_name
from automl.quoting import quoted, quoted_beside


@dataclass(frozen=True)
class Recipe:
    """What recipe.json holds. Build one with :func:`from_request` or :func:`from_document`; both check it.

    ``types`` has every raw column of the training dataset and its type, in training order.
    """

    types: Mapping[str, str]
    target: str
    id_column: str | None = None
    filter: str | None = None
    derive: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Those of :attr:`texts` that hold nothing but numbers in the training split."""

    @cached_property
    def raw_features(self) -> tuple[str, ...]:
        """Raw columns that the model sees as they are, in training order."""
        hidden = {self.target, self.id_column, *self.drop}
        return tuple(name for name in self.types if name not in hidden)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The model's columns in training order: raw ones, then derived ones."""
        return (*self.raw_features, *(name for name, _ in self.derive))

    @cached_property
    def condition(self) -> Expression | None:
        """The Filter, checked."""
        if self.filter is None:
            return None
        expression = parse(self.filter, self.types, "Transform.Filter")
        if not isinstance(expression.dtype, pl.Boolean):
            raise InvalidRequest(f"Transform.Filter {quoted(self.filter)} is no condition; write a comparison")
        return expression

    @cached_property
    def derived(self) -> dict[str, Expression]:
        """The derived columns' expressions, checked."""
        return {name: parse(text, self.types, f"Transform.Derive[{quoted(name)}]") for name, text in self.derive}

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The model's columns that may hold something else than numbers, in training order."""
        raw = [name for name in self.raw_features if self.types[name] not in NUMERIC]
        return (*raw, *(name for name, item in self.derived.items() if item.dtype == pl.String))

    @property
    def filter_uses_target(self) -> bool:
        """Whether the Filter applies in training only, as rows to score may have no target."""
        return self.condition is not None and self.target in self.condition.columns

    def check(self) -> "Recipe":
        """The recipe itself.

        Raises:
            InvalidRequest: it names an unknown column, derives from the target, derives a column that is there already,
                or leaves no feature.
        """
        _ = self.condition
        for name in self.drop:
            if name not in self.types:
                nearest = nearest_name(name, self.types)
                hint = (
                    f"; did you mean {quoted_beside(nearest, name)}?"
                    if nearest
                    else f"; the dataset has {named(tuple(self.types))}"
                )
                raise InvalidRequest(f"Transform.Drop has {quoted(name)}, which is not a column{hint}")
        for name, expression in self.derived.items():
            if "\n" in name or "\r" in name:
                raise InvalidRequest(
                    f"Transform.Derive[{quoted(name)}] has a line break in its name; write it on one line"
                )
            if name in self.types:
                raise InvalidRequest(
                    f"Transform.Derive[{quoted(name)}] is a column of the dataset; choose another name"
                )
            if self.target in expression.columns:
                raise InvalidRequest(
                    f"Transform.Derive[{quoted(name)}] uses the target {quoted(self.target)}, "
                    "which rows to score do not have"
                )
        if not self.features:
            raise InvalidRequest("Nothing is left to learn from; drop fewer columns in Transform.Drop")
        return self

    def needed(self, *, training: bool) -> tuple[str, ...]:
        """The raw columns that :meth:`apply` reads, in training order."""
        names = {*self.raw_features, *(name for item in self.derived.values() for name in item.columns)}
        if self._applies(training) and self.condition:
            names |= set(self.condition.columns)
        return tuple(name for name in self.types if name in names)

    def check_scorable(self, dataset: Dataset) -> tuple[str, ...]:
        """The dataset's columns that play no part in scoring.

        Raises:
            InvalidDataset: it lacks a column that the model needs.
        """
        missing = [name for name in self.needed(training=False) if name not in dataset.columns]
        unknown = tuple(name for name in dataset.columns if name not in self.types)
        if missing:
            nearest = nearest_name(missing[0], unknown)
            hint = f" (is it {quoted_beside(nearest, missing[0])} there?)" if nearest else ""
            remedy = "add the column" if len(missing) == 1 else "add the columns"
            if len(dataset.columns) == 1 and len(missing) > 1:
                remedy = f"it has the one column {named(dataset.columns)}; if it has several, give its delimiter"
            raise InvalidDataset(
                f"{dataset.uri} lacks {named(missing)}{hint}, which the model was trained with; {remedy}"
            )
        return unknown

    def apply(self, batch: Batch, *, training: bool) -> tuple[pl.Series, pl.DataFrame]:
        """Which rows pass the Filter (Boolean), and the features of all rows as text; columns in any order.

        Raises:
            InvalidDataset: a cell that an expression needs is not of its column's type, or an expression fails on it.
        """
        frame = batch.frame
        expressions = [
            *self.derived.values(),
            *([self.condition] if self.condition and self._applies(training) else []),
        ]
        used = {name for expression in expressions for name in expression.columns}
        self._check_cells(batch, {name: kind for name, kind in self.types.items() if name in used}, "the recipe")
        values = batch.values({name: kind for name, kind in self.types.items() if name in used})
        texts = [frame.select(self.raw_features)]
        for name, expression in self.derived.items():
            column = _evaluate(expression, values, batch).alias(name)
            texts.append(clean_text(column.to_frame().select(to_text(name, column.dtype))))
        passes = pl.Series("passes", [True]).new_from_index(0, frame.height)
        if self.condition and self._applies(training):
            passes = _evaluate(self.condition, values, batch).fill_null(value=False).alias("passes")
        return passes, pl.concat(texts, how="horizontal")

    def to_score(self, batch: Batch) -> tuple[pl.Series, pl.DataFrame]:
        """What :meth:`apply` gives, without texts where the model learnt from numbers: its container may break on them.

        Where the dataset to learn from had texts such as ``?``, though not in training rows, they become missing.

        Raises:
            InvalidDataset: also for a text, such as ``1,5``, in a column that had nothing but numbers.
        """
        passes, features = self.apply(batch, training=False)
        numeric = [name for name in self.raw_features if self.types[name] in NUMERIC]
        self._check_cells(batch, dict.fromkeys(numeric, "number"), "the model")
        return passes, features.with_columns(
            pl.when(is_value(name, "number")).then(pl.col(name)).alias(name) for name in self.numbers
        )

    def _applies(self, training: bool) -> bool:
        return self.condition is not None and (training or not self.filter_uses_target)

    def _check_cells(self, batch: Batch, kinds: Mapping[str, str], reader: str) -> None:
        for name in batch.misfits(kinds):
            kind = kinds[name]
            fits = batch.frame.select(is_value(name, kind)).to_series()
            if not fits.all():
                offset = fits.arg_min() or 0
                form = ", written like 1234.5" if kind == "number" else ""
                raise InvalidDataset(
                    f"Column {quoted(name)} has a cell that is no {kind} in {batch.row(offset)}; {reader} needs {kind} "
                    f"values there{form}, as in training: correct it or leave it empty"
                )

    def document(self, problem_type: str) -> dict[str, Any]:
        """recipe.json."""
        return {
            "Columns": dict(self.types),
            "Features": list(self.features),
            "TargetColumn": self.target,
            "IdColumn": self.id_column,
            "Filter": self.filter,
            "FilterUsesTarget": self.filter_uses_target,
            "Derive": dict(self.derive),
            "Drop": list(self.drop),
            "Numbers": list(self.numbers),
            "ProblemType": problem_type,
        }


def from_request(request: Mapping[str, Any], types: Mapping[str, str]) -> Recipe:
    """The recipe of a request (request.json), for a dataset with columns of these types.

    Raises:
        InvalidRequest: see :meth:`Recipe.check`.
    """
    dataset, transform = request["Dataset"], request.get("Transform", {})
    return Recipe(
        types=types,
        target=dataset["TargetColumn"],
        id_column=dataset.get("IdColumn"),
        filter=transform.get("Filter"),
        derive=tuple(transform.get("Derive", {}).items()),
        drop=tuple(transform.get("Drop", ())),
    ).check()


def from_document(document: Mapping[str, Any]) -> Recipe:
    """The recipe of a recipe.json."""
    return Recipe(
        types=document["Columns"],
        target=document["TargetColumn"],
        id_column=document["IdColumn"],
        filter=document["Filter"],
        derive=tuple(document["Derive"].items()),
        drop=tuple(document["Drop"]),
        numbers=tuple(document["Numbers"]),
    ).check()


def _evaluate(expression: Expression, values: pl.DataFrame, batch: Batch) -> pl.Series:
    try:
        return values.select(expression.value.alias("value")).to_series()
    except PolarsError as error:
        raise InvalidDataset(
            f"{quoted(expression.text)} fails in {batch.row(_first_failing(expression, values))}; "
            "correct the row, or use TRY_CAST or CASE in the expression"
        ) from error


def _first_failing(expression: Expression, values: pl.DataFrame) -> int:
    """The first row on which the expression fails, by halving: it fails on a frame iff it fails on one of its rows."""
    first, height = 0, values.height
    while height > 1:
        half = height // 2
        try:
            values.slice(first, half).select(expression.value)
        except PolarsError:
            height = half
        else:
            first, height = first + half, height - half
    return first
