"""The first flaw in a block of CSV that the engine refused or read with cells missing: slow and exact."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from automl.data.column_types import LINE_BREAK
from automl.data.dialect import UTF8_MARK, decode
from automl.errors import InvalidDataset

_LINE_WITH_MARK = b"\n" + UTF8_MARK
_LONE_CR = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True)
class Position:
    """Where a block begins in its object: byte and row count from 0, lines from 1."""

    uri: str
    byte: int
    row: int
    line: int


def check_bytes(block: bytes, where: Position) -> bool:
    """Whether there are CRs without LF, which are inside quotes then.

    Raises:
        InvalidDataset: NUL bytes, a CR without LF outside quotes, where readers disagree whether the row ends, or a
            byte-order mark before a row.
    """
    if b"\0" in block:
        position = block.index(b"\0")
        line = where.line + block.count(b"\n", 0, position)
        raise InvalidDataset(
            f"{where.uri} has a NUL byte at byte {where.byte + position} (line {line}); "
            "write it as UTF-8 text without NUL bytes"
        )
    if block.startswith(UTF8_MARK) or _LINE_WITH_MARK in block:
        line = where.line + block.count(b"\n", 0, block.find(UTF8_MARK))
        raise InvalidDataset(
            f"{where.uri}: line {line} begins with a byte-order mark, as where files were joined; remove it, and a "
            "second header, or give the files as a folder"
        )
    lone_returns = b"\r" in block and block.count(b"\r") != block.count(b"\r\n")
    if lone_returns:
        _check_returns(block.removesuffix(b"\r"), where)
    return lone_returns


def _check_returns(block: bytes, where: Position) -> None:
    quotes = position = 0
    for found in _LONE_CR.finditer(block):
        quotes += block.count(b'"', position, found.start())
        position = found.start()
        if quotes % 2 == 0:
            line = where.line + block.count(b"\n", 0, position)
            raise InvalidDataset(
                f"{where.uri}: line {line} has a CR that is neither followed by LF nor inside quotes; end each row "
                "with LF or CR LF, and put cells with line breaks in quotes"
            )


def check_ends(block: bytes, where: Position, longest: int) -> None:
    """Refuse what does not end: quotes that are open at the end of the block, or a row that is all of a long block.

    Raises:
        InvalidDataset: names the first row of the block, which such a block begins with.
    """
    if block.count(b'"') % 2:
        raise _misplaced_quote(where.uri, where.row, where.line)
    if len(block) > longest and b"\n" not in block:
        raise InvalidDataset(
            f"{where.uri}: row {where.row} (line {where.line}) has more than {longest // 2**20} MiB; end each row with "
            "LF or CR LF, and leave such long texts out"
        )


def check_repeated_header(frame: pl.DataFrame, where: Position) -> None:
    """Refuse a row that says the column names once more, as where files were joined.

    Raises:
        InvalidDataset: names the row.
    """
    first = frame.to_series(0) == frame.columns[0]
    if frame.width < 2 or not first.any():
        return
    for offset in first.arg_true():
        if frame.row(offset) == tuple(frame.columns):
            raise InvalidDataset(
                f"{where.uri}: row {where.row + offset} repeats the header, as where files were joined; remove it, or "
                "give the files as a folder"
            )


def blank_records(block: bytes, delimiter: str, width: int, where: Position) -> list[int]:
    """The 0-based records of the block that are blank lines, when those are its only peculiarity.

    Raises:
        InvalidDataset: the first flaw, with its object, row and line: another encoding, a row with more or fewer cells
            than the header, or misplaced quotes.
    """
    blank: list[int] = []
    for number, (row, line, record, doubled) in enumerate(_records(block, delimiter, where)):
        if not record:
            blank.append(number)
        elif len(record) != width:
            raise InvalidDataset(
                f"{where.uri}: row {row} (line {line}) has {len(record)} cells, the header has {width} columns; "
                f"quote cells that contain {delimiter!r}, and write an empty cell for a missing value"
            )
        elif any('"' in cell for cell in record) and not doubled:
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


def _records(block: bytes, delimiter: str, where: Position) -> Iterator[tuple[int, int, list[str], bool]]:
    """Row, line and cells of each record as a strict reader sees them, and whether it has doubled quotes.

    A blank line is a record without cells.
    """
    lines = _Lines(decode(where.uri, _LONE_CR.sub(b" ", block), where.byte, where.line))
    row, line = where.row, where.line
    try:
        for record in csv.reader(lines, delimiter=delimiter, strict=True):
            yield row, line, record, lines.doubled
            row += bool(record)
            line += lines.count
            lines.count, lines.doubled = 0, False
    except csv.Error as error:
        raise _misplaced_quote(where.uri, row, line) from error


def _misplaced_quote(uri: str, row: int, line: int) -> InvalidDataset:
    return InvalidDataset(
        f'{uri}: row {row} (line {line}) has a quote (") that does not open and close a whole cell; '
        'put the cell in quotes and double each quote inside it ("")'
    )


class _Lines:
    """The text's lines, made one at a time; knows of those of the record that is being read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.count = 0
        self.doubled = False
        """Whether one of them has two quotes in a row."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._position == len(self._text):
            raise StopIteration
        end = self._text.find("\n", self._position) + 1 or len(self._text)
        line = self._text[self._position : end]
        self._position = end
        self.count += 1
        self.doubled = self.doubled or '""' in line
        return line
