"""CSV objects as a stream of text frames. Memory is a few blocks, whatever the size of the object."""

import gzip
import zlib
from collections.abc import Iterator
from typing import Protocol

import polars as pl
from polars.exceptions import PolarsError

from automl.data.column_types import clean_text
from automl.data.diagnosis import (
    Position,
    blank_records,
    check_bytes,
    check_ends,
    check_quotes,
    check_repeated_header,
)
from automl.data.dialect import Layout
from automl.errors import InvalidDataset

BLOCK_BYTES = 16 * 1024 * 1024
LONGEST_RECORD = 4 * BLOCK_BYTES
"""A row that does not end is looked into as text, which takes ten times its bytes."""
_SLICE_BYTES = 1024 * 1024
_MOST_QUOTES = 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
UNZIPPED_UNJUDGED = 64 * 1024 * 1024
MOST_UNZIPPED = 250
"""Times its size that a gzip file may unpack to. The format's own limit is 1,032, tables stay below 100."""


class ByteStream(Protocol):
    """Something bytes can be read from, such as the body of an object."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


class _Counted:
    """A stream that knows how much of it was read."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


def unzipped(stream: ByteStream, uri: str) -> Iterator[bytes]:
    """The decompressed bytes of a gzip stream in chunks.

    Raises:
        InvalidDataset: the stream ends early, is damaged, or unpacks to far more than a table could.
    """
    counted, size = _Counted(stream), 0
    try:
        with gzip.GzipFile(fileobj=counted, mode="rb") as file:  # type: ignore[call-overload]
            while chunk := file.read(BLOCK_BYTES):
                size += len(chunk)
                if size > UNZIPPED_UNJUDGED and size > MOST_UNZIPPED * counted.count:
                    raise InvalidDataset(
                        f"{uri} unpacks to more than {MOST_UNZIPPED} times its size, as no table does; if it is one, "
                        "upload it without compression"
                    )
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

    Bytes that outgrow ``longest`` without such an end are passed on as they are, for diagnosis; so are the last ones.
    """
    rest: list[bytes] = []
    size, odd = 0, False  # of the rest: its bytes, and whether it ends inside quotes
    for piece in pieces:
        end, odd = _last_record_end(piece, odd)
        if end < 0 and size + len(piece) > longest:
            end, odd = len(piece), False
        if end > 0:
            yield b"".join([*rest, piece[:end]])
            rest, size, piece = [], 0, piece[end:]
        if piece:
            rest.append(piece)
            size += len(piece)
    if rest:
        yield b"".join(rest)


def _last_record_end(data: bytes, odd: bool) -> tuple[int, bool]:
    """Position after the last line break that is not inside quotes, or -1; and whether the data end inside quotes.

    Args:
        data: some bytes.
        odd: whether they begin inside quotes.
    """
    at_end = odd = bool((data.count(b'"') + odd) % 2)
    position = len(data)
    while (newline := data.rfind(b"\n", 0, position)) >= 0:
        odd ^= bool(data.count(b'"', newline, position) % 2)
        if not odd:
            return newline + 1, at_end
        position = data.rfind(b'"', 0, newline) + 1  # line breaks after it are inside the same quotes
        if not position:
            break
    return -1, at_end


def text_frames(pieces: Iterator[bytes], layout: Layout, uri: str) -> Iterator[pl.DataFrame]:
    """The rows below the header as frames of text; missing values are null, blank lines are no rows.

    Args:
        pieces: the bytes after the header, in chunks of any size.
        layout: the object's delimiter and columns, and where its rows begin.
        uri: the object's name in errors.

    Raises:
        InvalidDataset: the first row with more or fewer cells than the header, misplaced quotes, a CR without LF
            outside quotes, NUL bytes, another encoding than UTF-8, or what joining files leaves behind; with its row
            (from 0) and line (from 1) in the object.
    """
    where = Position(uri, layout.start_byte, 0, layout.start_line)
    for block in record_blocks(pieces):
        line_feeds = block.count(b"\n")
        frame = _parse(block, layout, where, line_feeds)
        if frame.height:
            yield frame
        where = Position(uri, where.byte + len(block), where.row + frame.height, where.line + line_feeds)


def _parse(block: bytes, layout: Layout, where: Position, line_feeds: int) -> pl.DataFrame:
    lone_returns = check_bytes(block, where)
    body = block.strip(b"\r\n")
    leading = len(block) - len(block.lstrip(b"\r\n"))
    start = Position(where.uri, where.byte + leading, where.row, where.line + block.count(b"\n", 0, leading))
    line_feeds -= block.count(b"\n", 0, leading) + block.count(b"\n", leading + len(body))
    check_ends(body, start, LONGEST_RECORD)
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
    check_repeated_header(frame, start)
    one_line_each = line_feeds + 1 == frame.height and not lone_returns
    return clean_text(frame, with_line_breaks=not one_line_each)


def delimiters_in_quotes(body: bytes, delimiter: bytes) -> int | None:
    """How many delimiters are inside cells, if every quote opens or closes a cell or is doubled inside one; else None.

    The engine reads on over quotes that do not and may join rows that belong apart, without a word. None is also given
    for cells that have quotes and begin without one, which are well-formed, and for so many quotes in a record that
    looking at what is between them would take more memory than a strict reader.
    """
    if b'"' not in body:
        return 0
    opens, closes = (delimiter, b"\n"), (delimiter, b"\n", b"\r\n")
    inside = 0
    slices = (body[first : first + _SLICE_BYTES] for first in range(0, len(body), _SLICE_BYTES))
    for records in record_blocks(slices, len(body)):
        if records.count(b'"') > _MOST_QUOTES:
            return None
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
