"""A hostile file, and what is to become of it; and the honest table that most of them are made from."""

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

FOLDER = "in/"
"""Where the objects are put, in the data bucket."""
TARGET, IDENTITY = "Price", "Id"
ROWS = 800


@dataclass(frozen=True)
class Table:
    """Column names and rows of text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def csv(self, delimiter: str = ",", line_end: str = "\n", *, quote_all: bool = False) -> str:
        """The table as Python writes it."""
        file = io.StringIO(newline="")
        quoting: Any = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
        writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
        writer.writerows([self.header, *self.rows])
        return file.getvalue()

    def with_cells(self, column: str, cell: Callable[[int, str], str]) -> "Table":
        """Another text in each cell of a column: from the row's number and the text that was there."""
        place = self.header.index(column)
        rows = ((*row[:place], cell(number, row[place]), *row[place + 1 :]) for number, row in enumerate(self.rows))
        return replace(self, rows=tuple(rows))

    def renamed(self, column: str, name: str) -> "Table":
        """Another name for a column."""
        return replace(self, header=tuple(name if other == column else other for other in self.header))

    def with_column(self, name: str, cell: Callable[[int], str]) -> "Table":
        """One more column at the end."""
        rows = tuple((*row, cell(number)) for number, row in enumerate(self.rows))
        return Table((*self.header, name), rows)


def honest(rows: int = ROWS) -> Table:
    """Nothing is wrong with it: an identity, a number, a text and a target that is a number."""
    draw = random.Random(5)
    cities = ["Oslo", "Paris, France", 'the "best"', "Rome"]
    return Table(
        (IDENTITY, "Area", "City", TARGET),
        tuple(
            (f"k{row:05}", f"{draw.uniform(20, 200):.1f}", draw.choice(cities), f"{draw.uniform(50, 900):.2f}")
            for row in range(rows)
        ),
    )


HONEST = honest()


@dataclass(frozen=True)
class Refused:
    """It ends in a named error whose message matches the pattern."""

    says: str
    error: str = "InvalidDataset"


@dataclass(frozen=True)
class Read:
    """Its rows arrive, each of them once and with just these cells; ``None`` where only their number is looked at."""

    table: Table | None
    rows: int
    left_out: int = 0
    """Rows without target."""


Outcome = Refused | Read
Objects = Mapping[str, bytes]
Disturb = Callable[[Any, str], None]
"""Is given the S3 client and a key when somebody has begun to read."""


@dataclass(frozen=True)
class Case:
    """A hostile dataset.

    Args:
        name: for people.
        objects: makes the bytes by key, below :data:`FOLDER`.
        learnt: what Transform Data makes of it.
        scored: what Prepare Rows makes of the same rows, with a model of the honest table; None: not tried.
        uri: key, or beginning of keys, that is asked for.
        dataset: more of the request's Dataset.
        transform: more of the request's Transform.
        disturb: what happens when the first object is read the second time.
    """

    name: str
    objects: Callable[[], Objects]
    learnt: Outcome | None
    scored: Outcome | None
    uri: str = "data.csv"
    dataset: Mapping[str, Any] = field(default_factory=dict)
    transform: Mapping[str, Any] = field(default_factory=dict)
    disturb: Disturb | None = None


def refused(
    name: str,
    data: Callable[[], bytes] | bytes,
    says: str,
    *,
    scored: str | None = "",
    key: str = "data.csv",
    **more: Any,
) -> Case:
    """One object that neither can be learnt from nor scored.

    Args:
        name: of the case.
        data: the object's bytes.
        says: pattern of the message.
        scored: another pattern for scoring; None: not tried.
        key: of the object.
        more: for the case.
    """
    make = data if callable(data) else lambda: data
    as_scored = None if scored is None else Refused(scored or says)
    return Case(name, lambda: {key: make()}, Refused(says), as_scored, uri=key, **more)


def read(
    name: str,
    data: Callable[[], bytes] | bytes,
    table: Table = HONEST,
    *,
    score: bool = True,
    key: str = "data.csv",
    left_out: int = 0,
    **more: Any,
) -> Case:
    """One object that is read as the table."""
    make = data if callable(data) else lambda: data
    learnt = Read(table, len(table.rows), left_out)
    scored = more.pop("scored", Read(table, len(table.rows)) if score else None)
    return Case(name, lambda: {key: make()}, learnt, scored, uri=key, **more)


def rows_of(cases: Sequence[Case]) -> dict[str, Case]:
    """The cases by name; no two have the same."""
    named = {case.name: case for case in cases}
    assert len(named) == len(cases), "two cases of one name"
    return named
