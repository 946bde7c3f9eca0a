"""CSV objects as a stream of text frames. Memory is a few blocks, whatever the size of the object."""

import gzip
import zlib
from collections.abc import Iterator
from typing import Protocol

import polars as pl
from polars.exceptions import PolarsError

from automl.data.column_types import clean_text
from automl.data.diagnosis import Position, blank_records, check_quotes
from automl.data.dialect import Layout
from automl.errors import InvalidDataset

BLOCK_BYTES = 16 * 1024 * 1024
LONGEST_RECORD = 8 * BLOCK_BYTES
_SLICE_BYTES = 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"


class ByteStream(Protocol):
    """Something bytes can be read from, such as the body of an object."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


def unzipped(stream: ByteStream, uri: str) -> Iterator[bytes]:
    """The decompressed bytes of a gzip stream in chunks.

    Raises:
        InvalidDataset: the stream ends early or is damaged.
    """
    try:
        with gzip.GzipFile(fileobj=stream, mode="rb") as file:  # type: ignore[call-overload]
            while chunk := file.read(BLOCK_BYTES):
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidDataset(
            f"{uri} is a damaged or truncated gzip file ({error}); compress and upload it again"
        ) from error


def chunks(stream: ByteStream) -> Iterator[bytes]:
    """The stream's bytes in chunks."""
    while chunk := stream.read(BLOCK_BYTES):
        yield chunk


def record_blocks(pieces: Iterator[bytes], longest: int = LONGEST_RECORD) -> Iterator[bytes]:
    """Regroup bytes so that each block ends where a record ends, quoted line breaks respected.

    A block that outgrows ``longest`` without such an end is passed on as it is, for diagnosis.
    """
    rest = b""
    for piece in pieces:
        data = rest + piece
        end = _last_record_end(data)
        if end < 0 and len(data) > longest:
            end = len(data)
        if end > 0:
            yield data[:end]
            data = data[end:]
        rest = data
    if rest:
        yield rest


def _last_record_end(data: bytes) -> int:
    """Position after the last line break with an even number of quotes before it, or -1."""
    position = len(data)
    quotes = data.count(b'"')
    while (newline := data.rfind(b"\n", 0, position)) >= 0:
        quotes -= data.count(b'"', newline, position)
        if quotes % 2 == 0:
            return newline + 1
        position = newline
    return -1


def text_frames(pieces: Iterator[bytes], layout: Layout, uri: str) -> Iterator[pl.DataFrame]:
    """The rows below the header as frames of text; missing values are null, blank lines are no rows.

    Args:
        pieces: the bytes after the header, in chunks of any size.
        layout: the object's delimiter and columns, and where its rows begin.
        uri: the object's name in errors.

    Raises:
        InvalidDataset: the first row with more or fewer cells than the header, misplaced quotes, NUL bytes, or another
            encoding than UTF-8; with its row (from 0) and line (from 1) in the object.
    """
    where = Position(uri, layout.start_byte, 0, layout.start_line)
    for block in record_blocks(pieces):
        line_feeds = block.count(b"\n")
        frame = _parse(block, layout, where, line_feeds)
        if frame.height:
            yield frame
        where = Position(uri, where.byte + len(block), where.row + frame.height, where.line + line_feeds)


def _parse(block: bytes, layout: Layout, where: Position, line_feeds: int) -> pl.DataFrame:
    if b"\0" in block:
        line = where.line + block.count(b"\n", 0, block.index(b"\0"))
        raise InvalidDataset(
            f"{where.uri} has a NUL byte at byte {where.byte + block.index(b'\0')} (line {line}); "
            "write it as UTF-8 text without NUL bytes"
        )
    body = block.strip(b"\r\n")
    leading = len(block) - len(block.lstrip(b"\r\n"))
    start = Position(where.uri, where.byte + leading, where.row, where.line + block.count(b"\n", 0, leading))
    line_feeds -= block.count(b"\n", 0, leading) + block.count(b"\n", leading + len(body))
    width = len(layout.columns)
    schema = dict.fromkeys(layout.columns, pl.String())
    if not body:
        return pl.DataFrame(schema=schema)
    try:
        frame = pl.read_csv(
            body,
            has_header=False,
            schema=schema,
            separator=layout.delimiter,
            empty_string_is_null=False,
            encoding="utf8",
        )
    except PolarsError as error:
        blank_records(body, layout.delimiter, width, start)
        raise InvalidDataset(
            f"{where.uri}: the rows from {start.row} (line {start.line}) on cannot be read as CSV with delimiter "
            f"{layout.delimiter!r}; check quotes and line ends"
        ) from error
    inside = delimiters_in_quotes(body, layout.delimiter.encode())
    if inside is None:
        check_quotes(body, frame, layout.delimiter, start)
        inside = sum(frame.select(pl.all().str.count_matches(layout.delimiter, literal=True).sum()).row(0))
    if _has_short_records(body, frame, layout.delimiter, inside):
        blank = blank_records(body, layout.delimiter, width, start)
        frame = frame.with_row_index("").filter(~pl.col("").is_in(blank)).drop("")
        return clean_text(frame)
    lone_returns = b"\r" in body and body.count(b"\r") != body.count(b"\r\n")
    one_line_each = line_feeds + 1 == frame.height and not lone_returns
    return clean_text(frame, with_line_breaks=not one_line_each)


def delimiters_in_quotes(body: bytes, delimiter: bytes) -> int | None:
    """How many delimiters are inside cells, if every quote opens or closes a cell or is doubled inside one; else None.

    The engine reads on over quotes that do not and may join rows that belong apart, without a word. None is also given
    for cells that have quotes and begin without one, which are well-formed.
    """
    if b'"' not in body:
        return 0
    opens, closes = (delimiter, b"\n"), (delimiter, b"\n", b"\r\n")
    inside = 0
    slices = (body[first : first + _SLICE_BYTES] for first in range(0, len(body), _SLICE_BYTES))
    for records in record_blocks(slices, len(body)):
        before, *rest = records.split(b'"')
        if not rest:
            continue
        between, after = set(rest[1:-1:2]), rest[-1]
        if (
            len(rest) % 2
            or (before and not before.endswith(opens))
            or (after and not after.startswith(closes))
            or not all(not piece or (piece.startswith(closes) and piece.endswith(opens)) for piece in between)
        ):
            return None
        inside += b"".join(rest[0::2]).count(delimiter)
    return inside


def _has_short_records(body: bytes, frame: pl.DataFrame, delimiter: str, inside: int) -> bool:
    """Whether the engine filled up records that had too few cells, which blank lines are too.

    Delimiters between cells = delimiters in the block - delimiters inside cells; a full table has one less than columns
    in each row. Records that are too long do not come here: the engine refuses them.
    """
    if frame.width == 1:
        return bool(frame.to_series().eq("").any())
    return bool(body.count(delimiter.encode()) - inside != frame.height * (frame.width - 1))
