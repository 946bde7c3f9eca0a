"""Prepare Rows: a dataset becomes parts of records as the endpoint's model takes them, by the model's own recipe."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from automl.data import formulas
from automl.data import recipe as recipes
from automl.data.dataset import Batch, Dataset, open_dataset
from automl.data.parts import PartWriter
from automl.data.reserved_columns import check_columns, check_identity
from automl.errors import InvalidDataset
from automl.quoting import shortened
from automl.run_files import RunFiles, ScoringFiles
from automl.scoring import scoring_confidence
from automl.scoring.engines import BATCH_TRANSFORM
from automl.scoring.uploads import as_stored
from automl.storage import delete_prefix, read_json, split_uri, write_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART_BYTES = 8 * 1024 * 1024
"""Size of a part's records: two invocations of a serverless endpoint, and half a thousand parts for 4 GB of rows."""
PART_ROWS = 50_000
_SLICE_ROWS = 5_000
_NAMES_IN_STATE = 20
_KEY_HEADER = ["Row", "Id", "Truth"]
KEYS_WITHOUT_ROWS = len(",".join(_KEY_HEADER)) + 1
"""Bytes of the keys of a part that sends no row."""
_MOST_PARTS_AT_ONCE = 40
"""Each takes a concurrent execution of Lambda from the rest of the account."""
_TRANSFORMED_PARTS_AT_ONCE = 10


@dataclass(frozen=True)
class Roles:
    """Columns of the dataset to score that are not features; None where there is no such column."""

    identity: str | None
    truth: str | None
    row_number: str | None

    def keys(self, batch: Batch) -> pl.DataFrame:
        """``Row``, ``Id``, ``Truth`` of each row as text."""
        frame = batch.frame
        if self.identity:
            formulas.check_cells(batch, self.identity, formulas.WITHOUT_IDENTITY)
        numbers = pl.int_range(batch.first_row, batch.first_row + frame.height).cast(pl.String)
        empty = pl.lit(None, dtype=pl.String)
        keys = frame.select(
            (pl.col(self.row_number) if self.row_number else numbers).alias("Row"),
            (pl.col(self.identity) if self.identity else empty).alias("Id"),
            (pl.col(self.truth) if self.truth else empty).alias("Truth"),
        )
        if self.row_number and not keys["Row"].str.contains(r"^\d+$").fill_null(value=False).all():
            raise InvalidDataset(
                f"Column {self.row_number!r} of {batch.uri} must hold row numbers; leave RowColumn out"
            )
        return keys


def prepare_rows(
    s3: "S3Client",
    request: Mapping[str, Any],
    serving: Mapping[str, Any],
    scoring: str,
    output_uri: str,
    default_threshold: float | None,
) -> dict[str, Any]:
    """Write the dataset's rows as parts of records, keys and skipped rows; what the state machine goes on with.

    That is written to rows.json as well.

    Args:
        s3: client.
        request: checked input of a scoring execution.
        serving: what Find Model returned.
        scoring: the scoring's name.
        output_uri: folder for the results.
        default_threshold: the stack's Confidence, for a model that has no calibration.json; regressions ignore it.

    Raises:
        InvalidRequest: the confidence does not fit the model.
        InvalidDataset: the dataset cannot be read, lacks a training column, or has a cell the recipe cannot use.
    """
    model = RunFiles(serving["ModelUri"])
    recipe, told = recipes.from_document(read_json(s3, model.recipe)), read_json(s3, model.model)
    asked = request["Dataset"]
    uri = as_stored(s3, asked["S3Uri"], split_uri(output_uri)[0])
    dataset = open_dataset(s3, uri, asked.get("Delimiter"))
    roles = _roles(dataset, asked, recipe)
    unknown = recipe.check_scorable(dataset)
    ignored = [name for name in unknown if name not in {roles.identity, roles.truth, roles.row_number}]
    files = ScoringFiles(output_uri)
    answering = {
        "ModelUri": model.uri,
        "OutputUri": files.uri,
        "ProblemType": told["ProblemType"],
        "ResponseKeys": list(told["ResponseKeys"]),
    }
    decision = scoring_confidence.resolve(s3, answering, request.get("Confidence"), default_threshold)
    _clear(s3, files)
    writer = _Writer(s3, files)
    try:
        for batch in dataset.batches():
            passes, features = recipe.to_score(batch)
            writer.add(roles.keys(batch), features, passes)
    except InvalidDataset:
        _clear(s3, files)
        raise
    writer.close()
    rows = {
        "Name": serving["Name"],
        "Scoring": scoring,
        "ModelName": serving["ModelName"],
        **answering,
        **decision,
        "PredictionsUri": files.uri,
        "Predicted": False,
        "Engine": serving["Engine"],
        "PartCount": writer.parts,
        "Rows": writer.sent + writer.skipped.rows,
        "Sent": writer.sent,
        "Skipped": writer.skipped.rows,
        "HasTruth": roles.truth is not None,
        "IdColumn": roles.identity or "",
        "IgnoredColumns": [shortened(name) for name in ignored[:_NAMES_IN_STATE]],
        "ToleratedFailurePercentage": request.get("ToleratedFailurePercentage", 0),
        **asking(serving),
    }
    rows |= parts_to_score(s3, rows, range(writer.parts))
    write_json(s3, files.rows, rows)
    return rows


def asking(serving: Mapping[str, Any]) -> dict[str, Any]:
    """Whom the parts ask, and how many of them at once; and how it is hosted, for a scoring that goes on with this."""
    transformed = serving["Engine"] == BATCH_TRANSFORM
    return {
        "EndpointName": serving["EndpointName"],
        "Hosting": serving["Endpoint"],
        "MaxConcurrency": serving["MaxConcurrency"],
        "MaxPayloadBytes": serving["MaxPayloadBytes"],
        "PartsAtOnce": (
            _TRANSFORMED_PARTS_AT_ONCE if transformed else min(serving["MaxConcurrency"], _MOST_PARTS_AT_ONCE)
        ),
    }


def parts_to_score(s3: "S3Client", rows: Mapping[str, Any], parts: Iterable[int]) -> dict[str, Any]:
    """Write parts.json, the items of the Distributed Map, and say where it is.

    What of all parts may fail is another share of those that are left. Collect Parts decides in any case, so the
    share at which Step Functions gives up early is a whole number, which it surely takes, and never too small.
    """
    files = ScoringFiles(rows["OutputUri"])
    numbers = list(parts)
    write_json(s3, files.parts, numbers)
    bucket, key = split_uri(files.parts)
    share = rows["ToleratedFailurePercentage"] * rows["PartCount"] / max(1, len(numbers))
    return {
        "PartsToScore": len(numbers),
        "ToleratedFailurePercentageOfMap": min(100, math.ceil(share)),
        "Bucket": bucket,
        "PartsKey": key,
    }


def _clear(s3: "S3Client", files: ScoringFiles) -> None:
    """Remove what an earlier attempt, which may have had more parts, left in the folder."""
    for folder in files.results:
        delete_prefix(s3, folder)


def _roles(dataset: Dataset, asked: Mapping[str, str], recipe: recipes.Recipe) -> Roles:
    for key in ("IdColumn", "TargetColumn", "RowColumn"):
        if key in asked:
            dataset.require(asked[key], f"Dataset.{key}")
    row_number = asked.get("RowColumn")
    check_columns(dataset, row_number)
    identity = asked.get("IdColumn") or (recipe.id_column if recipe.id_column in dataset.columns else None)
    if identity:
        check_identity(identity)
    truth = asked.get("TargetColumn") or (recipe.target if recipe.target in dataset.columns else None)
    return Roles(identity, truth, row_number)


class _Writer:
    """Three files per part, in step: records for the endpoint, their keys, and the keys of rows that are not sent."""

    def __init__(self, s3: "S3Client", files: ScoringFiles) -> None:
        self.parts = 0
        self.skipped = PartWriter(s3, lambda _: files.skipped(self.parts), [*_KEY_HEADER, "Reason"], None)
        self._features = PartWriter(s3, lambda _: files.features(self.parts), None, None)
        self._keys = PartWriter(s3, lambda _: files.keys(self.parts), _KEY_HEADER, None)
        self._rows = 0

    @property
    def sent(self) -> int:
        """Rows that the model is asked about."""
        return self._features.rows

    def add(self, keys: pl.DataFrame, features: pl.DataFrame, passes: pl.Series) -> None:
        for start in range(0, keys.height, _SLICE_ROWS):
            sent = passes.slice(start, _SLICE_ROWS)
            some = keys.slice(start, _SLICE_ROWS)
            self._features.write(features.slice(start, _SLICE_ROWS).filter(sent))
            self._keys.write(some.filter(sent))
            self.skipped.write(some.filter(~sent).with_columns(Reason=pl.lit("FilteredOut")))
            self._rows += some.height
            if self._features.size >= PART_BYTES or self._rows >= PART_ROWS:
                self.close()

    def close(self) -> None:
        if not self._rows:
            return
        if self._features.size:  # SageMaker is not to be asked about an object without a row
            self._features.flush()
        for writer in (self._keys, self.skipped):
            writer.flush()
        self._rows = 0
        self.parts += 1
