"""Sends each row to its split, as the recipe and the row's own content say, and counts on the way."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from automl.data import formulas
from automl.data.column_types import NUMERIC, fitting_types
from automl.data.dataset import Batch, Dataset
from automl.data.parts import PartWriter
from automl.data.problem import TargetValues
from automl.data.recipe import Recipe
from automl.data.reserved_columns import ROW_COLUMN
from automl.data.spelling import Spellings
from automl.data.split import CALIBRATION, TEST, TRAIN, Fingerprint, assign, row_hashes
from automl.run_files import RunFiles

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_BYTES = 32 * 1024 * 1024
"""Also what a writer holds in memory. 1,000 objects, the most that Autopilot counts under a prefix, are 32 GB."""
_SMOKE_ROWS = 5


@dataclass(frozen=True)
class Split:
    """The rows of some batch by split, and the columns that need no quotes in CSV."""

    frames: Mapping[str, pl.DataFrame]
    plain: Collection[str]


@dataclass
class Splitter:
    """Splits batches and writes the splits: two steps, so that the second can go on in another thread.

    ``shares`` are the test and the calibration share.
    """

    recipe: Recipe
    shares: tuple[float, float]
    writers: dict[str, PartWriter]
    target: TargetValues
    corrections: Mapping[str, str]
    maybe_numbers: set[str]
    """Features that have been numbers in all training rows so far."""
    fingerprints: dict[str, Fingerprint] = field(
        default_factory=lambda: {"Dataset": Fingerprint(), "Test": Fingerprint()}
    )
    """Of all rows that went to a split, and of the test split's."""
    train_values: set[str] = field(default_factory=set)
    filtered_out: int = 0
    smoke: pl.DataFrame | None = None

    def split(self, batch: Batch, types: Mapping[str, str]) -> Split:
        """The rows of each split: train as the model sees them with the target last, the others raw with their number.

        Args:
            batch: some more rows.
            types: each column's type in all rows up to these.
        """
        self._check_formulas(batch, types)
        passes, features = self.recipe.apply(batch, training=True)
        name = self.recipe.target
        numeric = self.target.numeric
        known = batch.values({name: self.target.kind}).to_series() if numeric else batch.frame[name]
        labels = batch.frame[name].replace(self.corrections) if self.corrections else batch.frame[name]
        kept = passes & known.is_not_null()
        self.filtered_out += batch.frame.height - int(passes.sum())
        labelled = labels.filter(kept)
        values = {"": labelled.len()} if self.target.many else dict(labelled.value_counts().rows())
        self.target.add(values, int(passes.sum()) - labelled.len())
        numbered = pl.int_range(batch.first_row, batch.first_row + batch.frame.height).cast(pl.String)
        raw = batch.frame.with_columns(numbered.alias(ROW_COLUMN)).filter(kept)
        hashes = row_hashes(raw, {ROW_COLUMN, *([self.recipe.id_column] if self.recipe.id_column else [])})
        split = assign(hashes, *self.shares)
        self.fingerprints["Dataset"].add(hashes)
        self.fingerprints["Test"].add(hashes.filter(split == TEST))
        train = features.with_columns(labels).filter(kept).filter(split == TRAIN)
        self._narrow_numbers(train, types)
        if len(self.train_values) < 2:
            self.train_values.update(train[name].unique().head(2))
        if self.smoke is None and train.height:
            self.smoke = train.head(_SMOKE_ROWS).drop(name)
        plain = {ROW_COLUMN, *(column for column, kind in types.items() if kind != "string")}
        plain |= {column for column, item in self.recipe.derived.items() if item.dtype != pl.String}
        return Split({TRAIN: train, **{other: raw.filter(split == other) for other in (CALIBRATION, TEST)}}, plain)

    def _check_formulas(self, batch: Batch, types: Mapping[str, str]) -> None:
        id_column = self.recipe.id_column
        if id_column and types[id_column] not in NUMERIC:
            formulas.check_cells(batch, id_column, formulas.WITHOUT_IDENTITY)
        if self.target.kind == "string":
            formulas.check_cells(batch, self.recipe.target, "give its class another name")

    def _narrow_numbers(self, train: pl.DataFrame, types: Mapping[str, str]) -> None:
        derived = {name for name, item in self.recipe.derived.items() if item.dtype == pl.String}
        texts = [name for name in self.maybe_numbers if name in derived or types.get(name, "number") not in NUMERIC]
        fitting = fitting_types(train, {name: ["number"] for name in texts})
        self.maybe_numbers -= {name for name, kinds in fitting.items() if not kinds}

    def write(self, split: Split) -> None:
        """Write the rows of each split."""
        for name, frame in split.frames.items():
            self.writers[name].write(frame, split.plain)

    def close(self) -> None:
        """Put the rows that are left."""
        for writer in self.writers.values():
            writer.close()

    def rows(self, read: int) -> dict[str, int]:
        """How many rows went where."""
        return {
            "Read": read,
            "FilteredOut": self.filtered_out,
            "WithoutTarget": self.target.missing,
            "Train": self.writers[TRAIN].rows,
            "Calibration": self.writers[CALIBRATION].rows,
            "Test": self.writers[TEST].rows,
        }


def new_splitter(
    s3: "S3Client", run: RunFiles, request: Mapping[str, Any], dataset: Dataset, recipe: Recipe, spellings: Spellings
) -> Splitter:
    """A splitter that writes to the run's data/."""
    raw_header = [*dataset.columns, ROW_COLUMN]
    headers = {TRAIN: [*recipe.features, recipe.target], CALIBRATION: raw_header, TEST: raw_header}
    transform = request["Transform"]
    kind = recipe.types[recipe.target]
    return Splitter(
        recipe=recipe,
        shares=(transform["Test"], transform["Calibration"]),
        writers={name: _writer(s3, run, name, header) for name, header in headers.items()},
        target=TargetValues(dataset.uri, recipe.target, kind),
        corrections=spellings.corrections(kind),
        maybe_numbers=set(recipe.features),
    )


def _writer(s3: "S3Client", run: RunFiles, split: str, header: list[str]) -> PartWriter:
    return PartWriter(s3, lambda part: f"{run.split(split)}part-{part:05d}.csv", header, PART_BYTES)
