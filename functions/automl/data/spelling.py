"""One spelling for each label: a class that is written in several ways, such as ``1`` and ``1.0``, is one class."""

from dataclasses import dataclass, field

import polars as pl

MOST_SPELLINGS = 2000
"""A target with more is no classification, or one that is refused."""


@dataclass
class Spellings:
    """How often each text stands in the target, counted while the rows stream by."""

    counts: dict[str, int] = field(default_factory=dict)
    many: bool = False

    def add(self, target: pl.Series) -> None:
        """Count the texts of some more rows."""
        if self.many:
            return
        for text, count in target.drop_nulls().value_counts().rows():
            self.counts[text] = self.counts.get(text, 0) + count
        self.many = len(self.counts) > MOST_SPELLINGS

    def corrections(self, kind: str) -> dict[str, str]:
        """Rarer spellings of a value → its most frequent one; nothing when there are too many texts.

        Texts are one value when they are the same number or boolean, or differ in outer spaces only.

        Args:
            kind: the target's type, one of :data:`automl.data.column_types.TYPES`.
        """
        if self.many:
            return {}
        usual: dict[object, str] = {}
        for text in sorted(self.counts, key=lambda text: (-self.counts[text], text)):
            usual.setdefault(_value(text, kind), text)
        return {text: usual[_value(text, kind)] for text in self.counts if usual[_value(text, kind)] != text}


def _value(text: str, kind: str) -> object:
    match kind:
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "boolean":
            return text.strip().lower()
    return text.strip()
