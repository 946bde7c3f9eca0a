"""Labels as a model and as a dataset spell them."""

from collections.abc import Iterable


class Labels:
    """The labels seen, numbered, beginning with ``names``.

    A truth that is spelled otherwise than the model's label is matched by its value: pandas turns a column of
    ``true``/``false`` or ``1``/``1.0`` into booleans or numbers, so a model may answer ``True`` where the dataset says
    ``true``.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._index: dict[str, int] = {}
        self._by_value: dict[object, int] = {}
        for name in names:
            self.add(name)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def names(self) -> list[str]:
        """Labels in the order of their numbers."""
        return list(self._index)

    def positive_of(self, count: int) -> int:
        """The number of the second in sorted order of the first ``count`` labels: a binary problem's positive one."""
        names = self.names[:count]
        return sorted(range(len(names)), key=lambda number: _order(names[number]))[1 if len(names) > 1 else 0]

    def add(self, label: str) -> int:
        """The number of a label as it is spelled, a new one if need be."""
        if label not in self._index:
            self._index[label] = len(self._index)
            self._by_value.setdefault(_value(label), self._index[label])
        return self._index[label]

    def find(self, label: str) -> int:
        """The number of the label that is spelled so, else of one that means the same, else a new one."""
        if label in self._index:
            return self._index[label]
        number = self._by_value.get(_value(label))
        return self.add(label) if number is None else number


def _value(label: str) -> object:
    text = label.strip()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true", "boolean"
    try:
        return float(text)
    except ValueError:
        return text


def _order(label: str) -> tuple[bool, float, str]:
    value = _value(label)
    return (False, value, "") if isinstance(value, float) else (True, 0.0, label)
