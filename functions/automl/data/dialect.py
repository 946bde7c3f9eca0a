"""How a CSV object is written: its delimiter, its column names and where its rows begin."""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from automl.errors import InvalidDataset

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_RECORDS = 200
UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""UTF-16's little-endian mark begins that of UTF-32, so it comes later."""
_CONVERT = "convert it to UTF-8, for example with: iconv -f {} -t UTF-8"
MOST_COLUMNS = 5_000
"""What Transform Data takes in its memory and time, whatever the number of rows."""


@dataclass(frozen=True)
class Layout:
    """A CSV object's delimiter, its column names, and the byte and line at which its first row begins."""

    delimiter: str
    columns: tuple[str, ...]
    start_byte: int
    start_line: int


def header_end(head: bytes) -> int:
    """Length of the first record with its line end, quoted line breaks respected; -1 when the head does not hold it."""
    quotes, begin = 0, 0
    while (end := head.find(b"\n", begin)) >= 0:
        quotes += head.count(b'"', begin, end)
        if quotes % 2 == 0:
            return end + 1
        begin = end + 1
    return -1


def read_layout(uri: str, head: bytes, complete: bool, delimiter: str | None = None) -> Layout:
    """Read the header from the object's first bytes; ``complete`` when they are the whole object.

    Raises:
        InvalidDataset: the object has no readable header, or its encoding is not UTF-8.
    """
    if other := _other_encoding(head):
        raise InvalidDataset(f"{uri} is encoded in {other}; {_CONVERT.format(other)}")
    skipped = 0
    while head.startswith(UTF8_MARK, skipped):  # a writer that adds one to a text that has one
        skipped += len(UTF8_MARK)
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
        if body.count(b'"') % 2:
            raise InvalidDataset(f"{uri} has a quote in its header that is never closed; close it, or remove it")
    header = decode(uri, body[:end], skipped, 1)
    if "\0" in header:
        raise InvalidDataset(f"{uri} has NUL bytes in its header; write it as UTF-8 text without NUL bytes")
    if delimiter is None:
        whole = len(body) if complete else max(body.rfind(b"\n") + 1, end)
        delimiter = detect_delimiter(body[:whole].decode("utf-8", errors="replace"))
    if "\r" in outside_quotes(header.removesuffix("\n").removesuffix("\r")):
        raise InvalidDataset(f"{uri} has a CR in its header; write LF or CR LF, and nothing else, at the end of a line")
    columns = next(csv.reader(io.StringIO(header.rstrip("\r\n"), newline="\n"), delimiter=delimiter), [])
    return Layout(delimiter, tuple(columns), skipped + end, head[: skipped + end].count(b"\n") + 1)


def _other_encoding(head: bytes) -> str | None:
    """Which encoding of 16 or 32 bits the bytes are in: by their mark, else as the ASCII in a header leaves zeros."""
    for mark, name in _OTHER_MARKS.items():
        if head.startswith(mark):
            return name
    first = [byte != 0 for byte in head[:4]]
    patterns = {
        "UTF-32LE": [True, False, False, False],
        "UTF-32BE": [False, False, False, True],
        "UTF-16LE": [True, False, True, False],
        "UTF-16BE": [False, True, False, True],
    }
    return next((name for name, pattern in patterns.items() if first == pattern), None)


def outside_quotes(text: str) -> str:
    """The text without what is between a quote and the next one."""
    return '"'.join(text.split('"')[::2])


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
    """Refuse a header with an empty or a repeated column name, or one that is longer than a line; and too many columns.

    Raises:
        InvalidDataset: names the object and the column.
    """
    if len(columns) > MOST_COLUMNS:
        raise InvalidDataset(
            f"{uri} has {len(columns):,} columns, but at most {MOST_COLUMNS:,} can be read; leave out those "
            "that tell nothing"
        )
    for position, name in enumerate(columns):
        if not looks(name):
            raise InvalidDataset(f"{uri}: column {position + 1} of the header has no name; give every column a name")
        if "\n" in name or "\r" in name:
            raise InvalidDataset(f"{uri}: the name of column {position + 1} has a line break; write it on one line")
    if repeated := sorted(name for name, count in Counter(columns).items() if count > 1):
        raise InvalidDataset(f"{uri}: the header has {named(repeated)} more than once; give every column its own name")
    _check_twins(uri, columns)


def _check_twins(uri: str, columns: Sequence[str]) -> None:
    """Refuse names that nobody can tell apart: composed and decomposed accents, invisible characters, outer spaces."""
    seen: dict[str, str] = {}
    for name in columns:
        other = seen.setdefault(looks(name), name)
        if other != name:
            raise InvalidDataset(
                f"{uri}: the header has {other!a} and {name!a}, which look the same; rename one of them"
            )


def looks(name: str) -> str:
    """What people see of a name: in Unicode's composed form (NFC), without formatting characters and outer spaces."""
    visible = (character for character in name if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", "".join(visible)).strip()


def named(names: Sequence[str], most: int = 12) -> str:
    """Quoted names for a message, not too many of them."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
