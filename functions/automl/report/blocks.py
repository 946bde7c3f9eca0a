"""What a page is built of. The template knows how each kind looks; sections only say what is in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from automl.report.figure import Chart


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    words: str
    kind = "text"


@dataclass(frozen=True)
class Missing:
    """Why something that belongs here is not shown."""

    words: str
    kind = "missing"


@dataclass(frozen=True)
class Fact:
    """A short value under its name, with an explanation in small print."""

    name: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    """Facts side by side."""

    facts: Sequence[Fact]
    kind = "facts"


@dataclass(frozen=True)
class Checks:
    """Conditions that did or did not hold."""

    checks: Sequence[tuple[bool, str]]
    kind = "checks"


@dataclass(frozen=True)
class Table:
    """Rows whose first cell names them. ``numeric`` are the columns of numbers; ``strong`` is a row that stands out."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    strong: int | None = None
    folded: bool = False
    """Whether it opens on demand only, as its chart says most of it."""
    kind = "table"


@dataclass(frozen=True)
class Charts:
    """Charts side by side where there is room."""

    charts: Sequence[Chart]
    kind = "charts"


Block = Text | Missing | Facts | Checks | Table | Charts


@dataclass(frozen=True)
class Section:
    """A heading, and what is below it."""

    name: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def numeric(first: int, last: int) -> frozenset[int]:
    """Columns from the first to the last, both counted."""
    return frozenset(range(first, last + 1))
