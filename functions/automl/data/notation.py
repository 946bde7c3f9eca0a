"""Numbers as they are written elsewhere, which are not to be taken for classes: 1.234,56 or (12) or 12 %."""

import re
from collections.abc import Iterable

_SPACES = " \t\u00a0\u202f\u2009"
_AROUND = f"{_SPACES}+-\u2212%$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9"
"""Signs, before or behind, percent and currencies."""
_GROUPED = rf"\d{{1,3}}(?P<group>[.,'\u2019_\u066c{_SPACES}])\d{{3}}(?:(?P=group)\d{{3}})*"
_INDIAN = r"\d{1,2}(?:,\d{2})+,\d{3}"
_NUMBER = re.compile(rf"(?:{_GROUPED}|{_INDIAN}|\d+)(?:[.,\u066b]\d*)?|0[xX][0-9a-fA-F]+")
_PLAIN = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)


def are_numbers_elsewhere(texts: Iterable[str]) -> bool:
    """Whether each text is a number in some notation, and one at least in another than 1234.56."""
    others = [text for text in texts if not _PLAIN.fullmatch(text)]
    return bool(others) and all(map(_is_number, others))


def _is_number(text: str) -> bool:
    inner = text.strip(_AROUND)
    if inner.startswith("(") and inner.endswith(")"):  # accountants' minus
        inner = inner[1:-1].strip(_AROUND)
    return bool(_NUMBER.fullmatch(inner))
