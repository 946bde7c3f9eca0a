"""Transform Data: from the request's dataset to a checked, split, model-ready copy of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from automl.data.column_types import fitting_types, typed
from automl.data.dataset import Batch, Dataset, open_dataset
from automl.data.parts import PartWriter, csv_records
from automl.data.problem import (
    MINIMUM_TRAINING_ROWS,
    MISSING_IS,
    Problem,
    TargetValues,
    check_usable,
    confidence,
    decide,
)
from automl.data.profile import Profile, profile_frames
from automl.data.recipe import Recipe, from_request
from automl.data.reserved_columns import ROW_COLUMN, check_columns, check_identity
from automl.data.spelling import Spellings
from automl.data.split import CALIBRATION, TEST, TRAIN, Fingerprint, assign, row_hashes
from automl.errors import InvalidDataset, InvalidRequest
from automl.objectives import check_gate
from automl.run_files import RunFiles
from automl.storage import delete_prefix, read_json, write_bytes, write_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_BYTES = 32 * 1024 * 1024
"""Also what a writer holds in memory. 1,000 objects, the most that Autopilot counts under a prefix, are 32 GB."""
_SMOKE_ROWS = 5


def transform_data(s3: "S3Client", run: RunFiles) -> dict[str, Any]:
    """Profile, check, split and write the dataset of the run's request.json; what the state machine goes on with.

    Writes data/{train,calibration,test}/part-*.csv, recipe.json, profile.json and smoke.csv. Rows stream through twice:
    once for exact types and once to be written.

    Raises:
        InvalidDataset: the dataset, or the rows to score, cannot be used; nothing is left in data/.
        InvalidRequest: the recipe, the problem, the confidence or the gate does not fit the dataset.
    """
    request = read_json(s3, run.request)
    dataset = _open(s3, request["Dataset"])
    scoring = _open(s3, request["Scoring"]) if request.get("Scoring") else None
    _check_roles(dataset, request["Dataset"])
    spellings = Spellings()
    profile = profile_frames(_spelt(dataset, request["Dataset"]["TargetColumn"], spellings), dataset.columns)
    recipe = from_request(request, profile.types)
    if scoring:
        recipe.check_scorable(scoring)
    if profile.rows < MINIMUM_TRAINING_ROWS:
        raise InvalidDataset(
            f"{dataset.uri} has {profile.rows:,} rows, but an AutoML job needs at least {MINIMUM_TRAINING_ROWS} in the "
            "training split alone; add rows"
        )
    if scoring:
        for batch in scoring.batches():
            recipe.to_score(batch)
    try:
        return _write(s3, run, request, dataset, profile, recipe, spellings)
    except (InvalidDataset, InvalidRequest):
        delete_prefix(s3, run.data)
        raise


def _open(s3: "S3Client", request: Mapping[str, Any]) -> Dataset:
    dataset = open_dataset(s3, request["S3Uri"], request.get("Delimiter"))
    check_columns(dataset)
    return dataset


def _spelt(dataset: Dataset, target: str, spellings: Spellings) -> Iterator[pl.DataFrame]:
    for batch in dataset.batches():
        spellings.add(batch.frame[target])
        yield batch.frame


def _check_roles(dataset: Dataset, request: Mapping[str, Any]) -> None:
    dataset.require(request["TargetColumn"], "Dataset.TargetColumn")
    if id_column := request.get("IdColumn"):
        dataset.require(id_column, "Dataset.IdColumn")
        check_identity(id_column)


@dataclass
class Splitter:
    """Sends each row to its split and counts on the way. ``shares`` are the test and the calibration share."""

    recipe: Recipe
    shares: tuple[float, float]
    writers: dict[str, PartWriter]
    target: TargetValues
    corrections: Mapping[str, str]
    maybe_numbers: list[str]
    """Features that have been numbers in all training rows so far, though not in all rows."""
    fingerprints: dict[str, Fingerprint] = field(
        default_factory=lambda: {"Dataset": Fingerprint(), "Test": Fingerprint()}
    )
    """Of all rows that went to a split, and of the test split's."""
    train_values: set[str] = field(default_factory=set)
    filtered_out: int = 0
    smoke: pl.DataFrame | None = None

    def add(self, batch: Batch) -> None:
        """Write the rows: train as the model sees them with the target last, the others raw with their number."""
        passes, features = self.recipe.apply(batch, training=True)
        name = self.recipe.target
        labelled = batch.frame.select(
            pl.col(name).is_not_null() & (typed(name, self.target.kind).is_not_null() if self.target.numeric else True)
        ).to_series()
        self.filtered_out += int((~passes).sum())
        kept = passes & labelled
        labels = batch.frame[name].replace(self.corrections) if self.corrections else batch.frame[name]
        values = dict(labels.filter(kept).value_counts().rows())
        self.target.add(values, int((passes & ~labelled).sum()))
        ignored = {self.recipe.id_column} if self.recipe.id_column else set()
        raw = batch.frame.with_columns(
            pl.int_range(batch.first_row, batch.first_row + batch.frame.height).cast(pl.String).alias(ROW_COLUMN)
        ).filter(kept)
        hashes = row_hashes(raw.drop(ROW_COLUMN), ignored)
        split = assign(hashes, *self.shares)
        self.fingerprints["Dataset"].add(hashes)
        self.fingerprints["Test"].add(hashes.filter(split == TEST))
        train = features.with_columns(labels).filter(kept).filter(split == TRAIN)
        fitting = fitting_types(train, {column: ["number"] for column in self.maybe_numbers})
        self.maybe_numbers = [column for column in self.maybe_numbers if fitting[column]]
        self.train_values.update(train[name].unique().head(2))
        if self.smoke is None and train.height:
            self.smoke = train.head(_SMOKE_ROWS).drop(name)
        self.writers[TRAIN].write(train)
        self.writers[CALIBRATION].write(raw.filter(split == CALIBRATION))
        self.writers[TEST].write(raw.filter(split == TEST))

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


def _write(
    s3: "S3Client",
    run: RunFiles,
    request: Mapping[str, Any],
    dataset: Dataset,
    profile: Profile,
    recipe: Recipe,
    spellings: Spellings,
) -> dict[str, Any]:
    raw_header = [*dataset.columns, ROW_COLUMN]
    headers = {TRAIN: [*recipe.features, recipe.target], CALIBRATION: raw_header, TEST: raw_header}
    transform = request.get("Transform", {})
    splitter = Splitter(
        recipe=recipe,
        shares=(transform["Test"], transform["Calibration"]),
        writers={name: _writer(s3, run, name, header) for name, header in headers.items()},
        target=TargetValues(dataset.uri, recipe.target, profile.types[recipe.target]),
        corrections=spellings.corrections(profile.types[recipe.target]),
        maybe_numbers=list(recipe.texts),
    )
    for batch in dataset.batches():
        splitter.add(batch)
    for writer in splitter.writers.values():
        writer.close()
    rows = splitter.rows(profile.rows)
    _check_rows(dataset.uri, rows, splitter)
    asked = request.get("Problem", {})
    problem = decide(splitter.target, asked.get("Type"), asked.get("ObjectiveMetric"))
    check_gate(problem.type, request.get("Gate", {}).get("Minimum", {}))
    fingerprint = {name: item.hex() for name, item in splitter.fingerprints.items()}
    state = _state(run, request, recipe, problem, rows)
    recipe = replace(recipe, numbers=tuple(splitter.maybe_numbers))
    write_json(s3, run.recipe, recipe.document(problem.type))
    write_json(s3, run.profile, _profile_document(dataset, profile, problem, rows, fingerprint))
    assert splitter.smoke is not None, "there are training rows"
    write_bytes(s3, run.smoke_rows, csv_records(splitter.smoke))
    return {**state, "Fingerprint": fingerprint}


def _writer(s3: "S3Client", run: RunFiles, split: str, header: list[str]) -> PartWriter:
    return PartWriter(s3, lambda part: f"{run.split(split)}part-{part:05d}.csv", header, PART_BYTES)


def _check_rows(uri: str, rows: Mapping[str, int], splitter: Splitter) -> None:
    if not splitter.target.rows:
        raise InvalidDataset(
            f"{uri} has no row with a value in {splitter.recipe.target!r} that passes the Filter; "
            "check Transform.Filter and Dataset.TargetColumn"
        )
    check_usable(splitter.target)
    if rows["Train"] < MINIMUM_TRAINING_ROWS:
        why = f": {MISSING_IS}" if rows["WithoutTarget"] else ""
        lost = f" ({rows['FilteredOut']:,} filtered out, {rows['WithoutTarget']:,} without target{why})"
        raise _too_few(uri, rows["Train"], rows["Read"], lost)
    if not rows["Test"]:
        raise InvalidDataset(f"{uri}: no row falls into the test split; raise Transform.Test or add rows")
    if len(splitter.train_values) < 2:
        raise InvalidDataset(
            f"{splitter.target.place} has the same value in every training row; there is nothing to learn: "
            "add rows with other values"
        )


def _too_few(uri: str, train: int, read: int, lost: str = "") -> InvalidDataset:
    return InvalidDataset(
        f"{uri} gives {train:,} training rows of {read:,} rows read{lost}, but an AutoML job needs at least "
        f"{MINIMUM_TRAINING_ROWS}; add rows, or relax Transform.Filter, Transform.Test and Transform.Calibration"
    )


def _profile_document(
    dataset: Dataset, profile: Profile, problem: Problem, rows: Mapping[str, int], fingerprint: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "Dataset": {"S3Uri": dataset.uri, "Objects": len(dataset.sources), "Bytes": dataset.size, "Rows": profile.rows},
        "Problem": {"Type": problem.type, "ObjectiveMetric": problem.objective, "Decided": problem.decided},
        "Rows": dict(rows),
        "Fingerprint": dict(fingerprint),
        "Columns": [column.document() for column in profile.columns.values()],
    }


def _state(
    run: RunFiles, request: Mapping[str, Any], recipe: Recipe, problem: Problem, rows: Mapping[str, int]
) -> dict[str, Any]:
    scoring = request.get("Scoring")
    state = {
        "ProblemType": problem.type,
        "ObjectiveMetric": problem.objective,
        "Decided": problem.decided,
        "Rows": dict(rows),
        "TrainUri": run.split(TRAIN),
        "Confidence": confidence(request.get("Confidence", {}), problem.type, rows["Calibration"]),
        "Test": {
            "Dataset": _held_out(run, TEST, recipe),
            "OutputUri": run.proof_of(TEST) if scoring else run.uri,
        },
    }
    if rows["Calibration"]:
        state["Calibration"] = {
            "Dataset": _held_out(run, CALIBRATION, recipe),
            "OutputUri": run.proof_of(CALIBRATION),
        }
    if scoring:
        state["Scoring"] = {"Dataset": scoring, "OutputUri": run.uri}
    return state


def _held_out(run: RunFiles, split: str, recipe: Recipe) -> dict[str, str]:
    """A split that the model did not learn from, as the scoring machine takes it."""
    dataset = {"S3Uri": run.split(split), "TargetColumn": recipe.target, "Delimiter": ",", "RowColumn": ROW_COLUMN}
    return {**dataset, "IdColumn": recipe.id_column} if recipe.id_column else dataset
