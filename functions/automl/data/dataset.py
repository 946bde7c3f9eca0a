"""A dataset in S3: one object or all under a prefix, CSV or Parquet, read as text in a stream."""

import io
import itertools
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl
from botocore.exceptions import ClientError

from automl.data import csv_source, parquet_source
from automl.data.ahead import ahead
from automl.data.column_types import values
from automl.data.dialect import Layout, check_columns, named, read_layout
from automl.data.formats import check_format
from automl.errors import InvalidDataset
from automl.nearest import nearest_name
from automl.quoting import quoted, quoted_beside
from automl.sagemaker_errors import message_of
from automl.storage import StoredObject, list_objects, split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEAD_BYTES = 1024 * 1024
_MARKER_NAMES = ("_", ".")
MOST_OBJECTS = 10_000
"""Opening each takes a while; more could not be read in a function's time."""
_DENIED = (
    "access is denied ({said}); deploy the stack with the parameter SourceBucketName set to this bucket, "
    "or copy the data into the stack's own bucket"
)
_UNREADABLE = {
    "NoSuchBucket": "its bucket does not exist; check the URI",
    "NoSuchKey": "it does not exist; check the URI",
    "404": "it does not exist; check the URI",
    "AccessDenied": _DENIED,
    "AllAccessDisabled": "access is disabled; check the bucket",
    "403": _DENIED,
    "PermanentRedirect": "its bucket is in another region; use a bucket in the stack's region",
    "InvalidObjectState": "it is archived; restore it first",
    "PreconditionFailed": "it changed while it was being read; start again when nobody writes it any more",
    "412": "it changed while it was being read; start again when nobody writes it any more",
}


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a dataset as text, with the number of the first one (from 0) and the object they are in."""

    frame: pl.DataFrame
    first_row: int
    uri: str
    _values: dict[tuple[str, str], pl.Series] = field(default_factory=dict, repr=False, compare=False)

    def values(self, kinds: Mapping[str, str]) -> pl.DataFrame:
        """Columns as values of a type, as :func:`automl.data.column_types.values` gives them, each parsed only once."""
        new = {name: kind for name, kind in kinds.items() if (name, kind) not in self._values}
        for series in values(self.frame, new):
            self._values[series.name, new[series.name]] = series
        return pl.DataFrame([self._values[name, kind] for name, kind in kinds.items()])

    def misfits(self, kinds: Mapping[str, str]) -> list[str]:
        """Those of the columns that have a cell that is neither missing nor a finite value of its type."""
        read = self.values(kinds)
        return [name for name in kinds if read[name].null_count() != self.frame[name].null_count()]

    def row(self, offset: int) -> str:
        """Where a row of the frame is, for messages."""
        return f"row {self.first_row + offset} (counted from 0) in {self.uri}"


@dataclass(frozen=True)
class Source:
    """One object of a dataset: its column names, and for CSV how it is written (None: Parquet)."""

    stored: StoredObject
    columns: tuple[str, ...]
    layout: Layout | None = None
    zipped: bool = False


@dataclass(frozen=True)
class Dataset:
    """An opened dataset: headers are read and agree, rows are not read yet."""

    uri: str
    sources: tuple[Source, ...]
    s3: "S3Client" = field(repr=False, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in the order of the first object."""
        return self.sources[0].columns

    @property
    def size(self) -> int:
        """Bytes of all objects as they are stored."""
        return sum(source.stored.size for source in self.sources)

    def require(self, column: str, what: str) -> None:
        """Check that there is such a column.

        Args:
            column: its name.
            what: what it is, for the message, for example ``Dataset.TargetColumn``.

        Raises:
            InvalidDataset: there is not; names the nearest one.
        """
        if column not in self.columns:
            nearest = nearest_name(column, self.columns)
            remedy = f"did you mean {quoted_beside(nearest, column)}?" if nearest else f"it has {named(self.columns)}"
            raise InvalidDataset(f"{what} {quoted(column)} is not a column of {self.uri}; {remedy}")

    def batches(self) -> Iterator[Batch]:
        """The rows in their order; every call reads the dataset anew. Columns are those of the first object.

        The next batch is read while the caller is busy with the last one.

        Raises:
            InvalidDataset: an object cannot be read, or there is no row in any of them.
        """
        return ahead(self._batches())

    def _batches(self) -> Iterator[Batch]:
        row = 0
        for source in self.sources:
            for frame in self._frames(source):
                yield Batch(frame.select(self.columns), row, source.stored.uri)
                row += frame.height
        if not row:
            raise InvalidDataset(f"{self.uri} has a header but no rows; add rows below it")

    def _frames(self, source: Source) -> Iterator[pl.DataFrame]:
        uri = source.stored.uri
        if source.layout is None:
            return self._parquet_frames(source)
        body = _get(self.s3, source.stored)
        pieces = ahead(csv_source.unzipped(body, uri) if source.zipped else csv_source.chunks(body))
        return csv_source.text_frames(_skip(pieces, source.layout.start_byte), source.layout, uri)

    def _parquet_frames(self, source: Source) -> Iterator[pl.DataFrame]:
        try:
            yield from parquet_source.text_frames(self.s3, source.stored, source.columns)
        except ClientError as error:
            raise _unreadable(source.stored.uri, error) from error


def open_dataset(s3: "S3Client", uri: str, delimiter: str | None = None) -> Dataset:
    """Find the dataset's objects and read their headers.

    Args:
        s3: client.
        uri: an object, or the beginning of the keys of several.
        delimiter: of CSV objects; detected in the first one when None.

    Raises:
        InvalidDataset: nothing is there, an object is empty, or headers are unusable or differ.
    """
    objects = _find(s3, uri)
    first = _open(s3, objects[0], delimiter)
    known = first.layout.delimiter if first.layout else delimiter
    with ThreadPoolExecutor(max_workers=8) as pool:
        others = list(pool.map(lambda stored: _open(s3, stored, known), objects[1:]))
    for source in (first, *others):
        check_columns(source.stored.uri, source.columns)
        _check_same(first, source)
    return Dataset(uri, (first, *others), s3)


def _find(s3: "S3Client", uri: str) -> list[StoredObject]:
    try:
        found = list_objects(s3, uri)
        first = next(found, None)
        alone = first is None or first.uri == uri
        objects = [stored for stored in (first, *([] if alone else itertools.islice(found, MOST_OBJECTS))) if stored]
    except ClientError as error:
        raise _unreadable(uri, error) from error
    objects = [
        stored for stored in objects if stored.size or not stored.uri.rpartition("/")[2].startswith(_MARKER_NAMES)
    ]
    if not objects:
        raise InvalidDataset(f"There is no object at {uri}, nor any whose key begins so; check the URI")
    if len(objects) > MOST_OBJECTS:
        raise InvalidDataset(
            f"There are more than {MOST_OBJECTS:,} objects at {uri}; join them into fewer, larger ones"
        )
    for stored in objects:
        if not stored.size:
            raise InvalidDataset(f"{stored.uri} is empty; write a header and at least one row, or remove the object")
    return objects


def _open(s3: "S3Client", stored: StoredObject, delimiter: str | None) -> Source:
    body = _get(s3, stored, f"bytes=0-{HEAD_BYTES - 1}")
    head = body.read(HEAD_BYTES)
    complete = len(head) == stored.size
    if head.startswith(parquet_source.MAGIC):
        try:
            return Source(stored, parquet_source.read_columns(s3, stored))
        except ClientError as error:
            raise _unreadable(stored.uri, error) from error
    zipped = head.startswith(csv_source.GZIP_MAGIC)
    if zipped:
        if complete:  # reads to the end, so that damage is found here
            head = b"".join(itertools.islice(csv_source.unzipped(io.BytesIO(head), stored.uri), 1))
        else:
            head = _begin_unzipped(head, stored.uri)
    check_format(stored.uri, head, unpacked=zipped)
    layout = read_layout(stored.uri, head, complete and len(head) < csv_source.BLOCK_BYTES, delimiter)
    return Source(stored, layout.columns, layout, zipped)


def _begin_unzipped(head: bytes, uri: str) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error as error:
        raise InvalidDataset(f"{uri} is a damaged gzip file ({error}); compress and upload it again") from error


def _check_same(first: Source, other: Source) -> None:
    if missing := [name for name in first.columns if name not in set(other.columns)]:
        raise InvalidDataset(
            f"{other.stored.uri} has no column {named(missing)}, which {first.stored.uri} has; "
            "give all objects the same columns"
        )
    if extra := [name for name in other.columns if name not in set(first.columns)]:
        raise InvalidDataset(
            f"{other.stored.uri} has column {named(extra)}, which {first.stored.uri} has not; "
            "give all objects the same columns"
        )


def _get(s3: "S3Client", stored: StoredObject, byte_range: str | None = None) -> csv_source.ByteStream:
    """The object's content, as long as it is what was found first."""
    bucket, key = split_uri(stored.uri)
    asked: Any = {"Range": byte_range, "IfMatch": stored.etag}
    try:
        return s3.get_object(Bucket=bucket, Key=key, **{name: value for name, value in asked.items() if value})["Body"]
    except ClientError as error:
        raise _unreadable(stored.uri, error) from error


def _unreadable(uri: str, error: ClientError) -> Exception:
    """The error for the dataset's reader; AWS's own when it says nothing about the dataset, such as throttling."""
    reason = _UNREADABLE.get(error.response["Error"]["Code"])
    if not reason:
        return error
    said = f"{error.operation_name}: {message_of(error)}"
    return InvalidDataset(f"{uri} cannot be read: {reason.format(said=said)}")


def _skip(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        if count < len(piece):
            yield piece[count:]
        count = max(0, count - len(piece))
