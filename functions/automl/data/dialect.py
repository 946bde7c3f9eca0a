"""How a CSV object is written: its delimiter, its column names and where its rows begin."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from automl.errors import InvalidDataset

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_RECORDS = 200
_UTF8_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_CONVERT = "convert it to UTF-8, for example with: iconv -f {} -t UTF-8"


@dataclass(frozen=True)
class Layout:
    """A CSV object's delimiter, its column names, and the byte and line at which its first row begins."""

    delimiter: str
    columns: tuple[str, ...]
    start_byte: int
    start_line: int


def header_end(head: bytes) -> int:
    """Length of the first record with its line end, quoted line breaks respected; -1 when the head does not hold it."""
    end = head.find(b"\n")
    while end >= 0 and head.count(b'"', 0, end) % 2:
        end = head.find(b"\n", end + 1)
    return end + 1 if end >= 0 else -1


def read_layout(uri: str, head: bytes, complete: bool, delimiter: str | None = None) -> Layout:
    """Read the header from the object's first bytes; ``complete`` when they are the whole object.

    Raises:
        InvalidDataset: the object has no readable header, or its encoding is not UTF-8.
    """
    for mark, name in _OTHER_BOMS.items():
        if head.startswith(mark):
            raise InvalidDataset(f"{uri} is encoded in {name}; {_CONVERT.format(name)}")
    skipped = len(_UTF8_BOM) if head.startswith(_UTF8_BOM) else 0
    skipped += len(head[skipped:]) - len(head[skipped:].lstrip(b"\r\n"))
    body = head[skipped:]
    if not body.strip():
        raise InvalidDataset(f"{uri} is empty; write a header and at least one row, or remove the object")
    if b"\n" not in body and b"\r" in body:
        raise InvalidDataset(f"{uri} ends its lines with CR alone; write LF or CR LF at the end of each line")
    end = header_end(body)
    if end < 0:
        if not complete:
            raise InvalidDataset(f"{uri} has no end of the header in its first {len(head)} bytes; check its quotes")
        end = len(body)
    header = decode(uri, body[:end], skipped, 1)
    if "\0" in header:
        raise InvalidDataset(f"{uri} has NUL bytes in its header; write it as UTF-8 text without NUL bytes")
    if delimiter is None:
        whole = len(body) if complete else max(body.rfind(b"\n") + 1, end)
        delimiter = detect_delimiter(body[:whole].decode("utf-8", errors="replace"))
    columns = next(csv.reader(io.StringIO(header.rstrip("\r\n"), newline="\n"), delimiter=delimiter), [])
    return Layout(delimiter, tuple(columns), skipped + end, head[: skipped + end].count(b"\n") + 1)


def detect_delimiter(sample: str) -> str:
    """The delimiter under which most of the sample's records have as many cells as its header, and more than one.

    Of delimiters that agree equally well, the one with more columns; comma when none splits the header.
    """
    best, score = DELIMITERS[0], (0.0, 1)
    for delimiter in DELIMITERS:
        widths = []
        try:
            for record in csv.reader(io.StringIO(sample, newline="\n"), delimiter=delimiter):
                if record:
                    widths.append(len(record))
                if len(widths) > _SAMPLE_RECORDS:
                    break
        except csv.Error:
            if not widths:
                continue
        if not widths or widths[0] < 2:
            continue
        rows = widths[1:]
        agreement = sum(width == widths[0] for width in rows) / len(rows) if rows else 1.0
        if (agreement, widths[0]) > score:
            best, score = delimiter, (agreement, widths[0])
    return best


def decode(uri: str, data: bytes, first_byte: int, first_line: int) -> str:
    """The text of bytes that begin at the given byte and line of the object.

    Raises:
        InvalidDataset: they are not UTF-8; names the byte and the line.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise InvalidDataset(
            f"{uri} is not UTF-8 at byte {first_byte + error.start} (line {line}); {_CONVERT.format('WINDOWS-1252')}"
        ) from error


def check_columns(uri: str, columns: Sequence[str]) -> None:
    """Refuse a header with an empty or a repeated column name, or one that is longer than a line.

    Raises:
        InvalidDataset: names the object and the column.
    """
    for position, name in enumerate(columns):
        if not name.strip():
            raise InvalidDataset(f"{uri}: column {position + 1} of the header has no name; give every column a name")
        if "\n" in name or "\r" in name:
            raise InvalidDataset(f"{uri}: the name of column {position + 1} has a line break; write it on one line")
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise InvalidDataset(
            f"{uri}: the header has {_quoted(repeated)} more than once; give every column its own name"
        )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
