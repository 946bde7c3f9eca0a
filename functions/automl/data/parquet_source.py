"""Parquet objects as a stream of text frames. The engine reads a temporary file, some rows at a time."""

import re
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from automl.data.column_types import clean_text, to_text
from automl.errors import InvalidDataset
from automl.storage import StoredObject, split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAGIC = b"PAR1"
_ROWS_PER_FRAME = 50_000
_TAIL_BYTES = 8
_DAMAGE = (PolarsError, PanicException, OSError)
"""What the engine raises on a damaged file; its panics are no PolarsError."""
_NO_TEXT: tuple[type[pl.DataType], ...] = (pl.Binary, pl.Object, pl.Duration, pl.Time, pl.BaseExtension)
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_columns(s3: "S3Client", stored: StoredObject) -> tuple[str, ...]:
    """The object's column names without pandas' unnamed index; only its footer is downloaded.

    Raises:
        InvalidDataset: its footer is damaged, or a column holds something that has no text in CSV.
    """
    tail = _range(s3, stored, max(0, stored.size - _TAIL_BYTES))
    start = stored.size - _TAIL_BYTES - int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or start < len(MAGIC):
        raise _damaged(stored.uri)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.truncate(start)
        file.seek(start)
        file.write(_range(s3, stored, start))
        file.flush()
        try:
            schema = pl.read_parquet_schema(file.name)
        except _DAMAGE as error:
            raise _damaged(stored.uri) from error
    if not schema:
        raise InvalidDataset(f"{stored.uri} has no columns; write and upload it again")
    for name, dtype in schema.items():
        if dtype.is_nested() or isinstance(dtype, _NO_TEXT):
            raise InvalidDataset(
                f"{stored.uri}: column {name!r} holds {dtype}; write numbers, text, booleans, dates or times, "
                "or leave the column out"
            )
    return tuple(name for name in schema if not _PANDAS_INDEX.fullmatch(name))


def text_frames(s3: "S3Client", stored: StoredObject, columns: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """The object's rows as frames of text; numbers in their shortest round-trip form, times in ISO 8601.

    Raises:
        InvalidDataset: a part of the object cannot be read.
        ClientError: it is no longer what it was.
    """
    bucket, key = split_uri(stored.uri)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        s3.download_fileobj(bucket, key, file)
        if stored.etag:  # S3 compares it with the object's
            s3.head_object(Bucket=bucket, Key=key, IfMatch=stored.etag)
        file.flush()
        try:
            lazy = pl.scan_parquet(file.name, glob=False)
            schema = lazy.collect_schema()
            promised = lazy.select(pl.len()).collect().item()
            texts = [name for name in columns if schema[name] == pl.String]
            text = lazy.select(to_text(name, schema[name]) for name in columns)
            rows = 0
            for frame in text.collect_batches(chunk_size=_ROWS_PER_FRAME, maintain_order=True):
                _check_texts(stored.uri, frame.select(texts), rows)
                rows += frame.height
                if frame.height:
                    yield clean_text(frame)
        except _DAMAGE as error:
            raise _damaged(stored.uri) from error
        if rows != promised:  # the engine's threads end on damage, and it says nothing
            raise _damaged(stored.uri)


def _check_texts(uri: str, frame: pl.DataFrame, first_row: int) -> None:
    for column in frame:
        found = column.str.contains("\0", literal=True)
        if found.any():
            row = first_row + (found.arg_max() or 0)
            raise InvalidDataset(
                f"{uri}: {column.name!r} has a NUL character in row {row}; write texts without NUL characters"
            )


def _range(s3: "S3Client", stored: StoredObject, start: int) -> bytes:
    bucket, key = split_uri(stored.uri)
    asked: Any = {"IfMatch": stored.etag} if stored.etag else {}
    return s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{stored.size - 1}", **asked)["Body"].read()


def _damaged(uri: str) -> InvalidDataset:
    return InvalidDataset(f"{uri} is a damaged or truncated Parquet file; write and upload it again")
