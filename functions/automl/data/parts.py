"""Text frames written to S3 as numbered CSV objects of bounded size."""

import io
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal

import polars as pl

from automl.storage import write_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def csv_records(frame: pl.DataFrame, plain: Collection[str] = ()) -> bytes:
    """The rows as CSV without header: UTF-8, comma, quotes where needed, LF; a missing value is an empty cell.

    In a single column it is an empty cell in quotes, as readers skip blank lines.

    Args:
        frame: text columns.
        plain: those in which no cell needs quotes, such as numbers. They are written twice as fast, as the engine takes
            as long to look for what must be quoted as it takes to write.
    """
    if frame.width == 1:
        frame = frame.fill_null("")
    if not plain:
        return _csv(frame, header=False)
    doubtful = [name for name in frame.columns if name not in plain]
    needed = frame.select(_needs_quotes(name).any() for name in doubtful)
    quoted = [_quoted(name) for name in doubtful if needed[name].item()]
    return _csv(frame.with_columns(quoted) if quoted else frame, header=False, quote_style="never")


def _needs_quotes(name: str) -> pl.Expr:
    return pl.col(name).str.contains_any(['"', ",", "\n", "\r"]) | (pl.col(name) == "")


def _quoted(name: str) -> pl.Expr:
    cell = pl.col(name)
    quoted = pl.lit('"') + cell.str.replace_all('"', '""', literal=True) + pl.lit('"')
    return pl.when(_needs_quotes(name)).then(quoted).otherwise(cell).alias(name)


def csv_header(names: Sequence[str]) -> bytes:
    """The header line."""
    return _csv(pl.DataFrame(schema=dict.fromkeys(names, pl.String())), header=True)


def _csv(frame: pl.DataFrame, *, header: bool, quote_style: Literal["necessary", "never"] = "necessary") -> bytes:
    file = io.BytesIO()
    frame.write_csv(file, include_header=header, quote_style=quote_style)
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

    def write(self, frame: pl.DataFrame, plain: Collection[str] = ()) -> None:
        """Add rows; ``plain`` as in :func:`csv_records`."""
        if not frame.height:
            return
        records = csv_records(frame, plain)
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
