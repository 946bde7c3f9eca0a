"""The first flaw in a block of CSV that the engine refused or read with cells missing: slow and exact."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from automl.data.column_types import LINE_BREAK
from automl.data.dialect import decode
from automl.errors import InvalidDataset

_LONE_CR = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True)
class Position:
    """Where a block begins in its object: byte and row count from 0, lines from 1."""

    uri: str
    byte: int
    row: int
    line: int


def blank_records(block: bytes, delimiter: str, width: int, where: Position) -> list[int]:
    """The 0-based records of the block that are blank lines, when those are its only peculiarity.

    Raises:
        InvalidDataset: the first flaw, with its object, row and line: another encoding, a row with more or fewer cells
            than the header, or misplaced quotes.
    """
    blank: list[int] = []
    for number, (row, line, record, text) in enumerate(_records(block, delimiter, where)):
        if not record:
            blank.append(number)
        elif len(record) != width:
            raise InvalidDataset(
                f"{where.uri}: row {row} (line {line}) has {len(record)} cells, the header has {width} columns; "
                f"quote cells that contain {delimiter!r}, and write an empty cell for a missing value"
            )
        elif any('"' in cell for cell in record) and '""' not in text:
            raise _misplaced_quote(where.uri, row, line)
    return blank


def check_quotes(block: bytes, frame: pl.DataFrame, delimiter: str, where: Position) -> None:
    """Compare what the engine read with what a strict reader reads, as quotes may be read in more than one way.

    Raises:
        InvalidDataset: the first row on which they differ, or on whose quotes the strict reader stumbles.
    """
    read = frame.iter_rows()
    for row, line, record, _ in _records(block, delimiter, where):
        cells = [re.sub(LINE_BREAK, " ", cell or "") for cell in next(read, ())]
        if record and [re.sub(LINE_BREAK, " ", cell) for cell in record] != cells[: len(record)]:
            raise _misplaced_quote(where.uri, row, line)


def _records(block: bytes, delimiter: str, where: Position) -> Iterator[tuple[int, int, list[str], str]]:
    """Row, line, cells and text of each record as a strict reader sees them; a blank line is one without cells."""
    lines = _Lines(decode(where.uri, _LONE_CR.sub(b" ", block), where.byte, where.line))
    row, line = where.row, where.line
    try:
        for record in csv.reader(lines, delimiter=delimiter, strict=True):
            yield row, line, record, lines.seen
            row += bool(record)
            line += lines.seen.count("\n")
            lines.seen = ""
    except csv.Error as error:
        raise _misplaced_quote(where.uri, row, line) from error


def _misplaced_quote(uri: str, row: int, line: int) -> InvalidDataset:
    return InvalidDataset(
        f'{uri}: row {row} (line {line}) has a quote (") that does not open and close a whole cell; '
        'put the cell in quotes and double each quote inside it ("")'
    )


class _Lines:
    """The text's lines, remembering those of the record that is being read."""

    def __init__(self, text: str) -> None:
        self._text = io.StringIO(text, newline="\n")
        self.seen = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.seen += line
        return line
