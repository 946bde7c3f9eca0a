"""Text frames written to S3 as numbered CSV objects of bounded size."""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from automl.storage import write_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def csv_records(frame: pl.DataFrame) -> bytes:
    """The rows as CSV without header: UTF-8, comma, quotes where needed, LF; a missing value is an empty cell.

    In a single column it is an empty cell in quotes, as readers skip blank lines.
    """
    if frame.width == 1:
        frame = frame.fill_null("")
    return _csv(frame, header=False)


def csv_header(names: Sequence[str]) -> bytes:
    """The header line."""
    return _csv(pl.DataFrame(schema=dict.fromkeys(names, pl.String())), header=True)


def _csv(frame: pl.DataFrame, *, header: bool) -> bytes:
    file = io.BytesIO()
    frame.write_csv(file, include_header=header)
    return file.getvalue()


class PartWriter:
    """Collects rows and puts an object whenever it is large enough. Close it to put the rest.

    Args:
        s3: client.
        name: gives the URI of part n.
        header: column names for the first line of each object; None for no header.
        part_bytes: size at which an object is put; None to put one only when told.
    """

    def __init__(
        self,
        s3: "S3Client",
        name: Callable[[int], str],
        header: Sequence[str] | None,
        part_bytes: int | None,
    ) -> None:
        self._s3 = s3
        self._name = name
        self._header = csv_header(header) if header is not None else b""
        self._part_bytes = part_bytes
        self._pieces: list[bytes] = []
        self.size = 0
        """Bytes collected for the next object, without its header."""
        self.parts = 0
        self.rows = 0

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        if not frame.height:
            return
        records = csv_records(frame)
        self._pieces.append(records)
        self.size += len(records)
        self.rows += frame.height
        if self._part_bytes is not None and self.size >= self._part_bytes:
            self.flush()

    def flush(self) -> None:
        """Put what has been collected as one object, even if that is no row."""
        write_bytes(self._s3, self._name(self.parts), b"".join([self._header, *self._pieces]))
        self._pieces, self.size = [], 0
        self.parts += 1

    def close(self) -> None:
        """Put the rows that are left."""
        if self._pieces:
            self.flush()
