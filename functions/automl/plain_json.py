"""What must be true of any execution input before a closer look: it is small, flat, of finite numbers and real text."""

import json
import math
from collections.abc import Iterable
from typing import Any

from automl.errors import InvalidRequest
from automl.quoting import quoted

MAX_REQUEST_BYTES = 64 * 1024
"""The request travels in the state data, which Step Functions limits to 256 KiB."""
MAX_DEPTH = 16
"""No schema of a request is half as deep, and what is very deep cannot be written down again."""
_LARGEST = 2**63
"""No key takes a number as large, and a float cannot hold every integer that JSON can."""

Path = tuple[str | int, ...]


def check_plain(document: Any, subject: str) -> None:
    """Raise InvalidRequest unless the document is what every later step can read, write and show.

    Args:
        document: parsed JSON.
        subject: what the document is, to begin messages with, for example ``the execution input``.
    """
    waiting: list[tuple[Path, Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > MAX_DEPTH:
            raise InvalidRequest(
                f"{place(path[:3])} in {subject} holds lists or objects in more than {MAX_DEPTH} layers; "
                "no key takes that: take them away"
            )
        _check_value(path, value, subject)
        if isinstance(value, dict):
            for key in value:
                _check_text(path, key, subject)
            waiting.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, number), item) for number, item in enumerate(value))
    size = len(json.dumps(document, ensure_ascii=False).encode())
    if size > MAX_REQUEST_BYTES:
        raise InvalidRequest(
            f"{_capital(subject)} has {size:,} bytes but may have {MAX_REQUEST_BYTES:,}; "
            f"shorten {_largest_part(document)}, its largest part"
        )


def _check_value(path: Path, value: Any, subject: str) -> None:
    where = place(path) or _capital(subject)
    if isinstance(value, str):
        _check_text(path, value, subject)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"{where} is no finite number (NaN, Infinity or beyond 1.8e308); write it as 1.5 or 1e-3")
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise InvalidRequest(
            f"{where} is a number of more than 18 digits, which nothing here can be; write a smaller one"
        )


def _check_text(path: Path, text: str, subject: str) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidRequest(
            f"{place(path) or _capital(subject)} has the text {quoted(text)} with half of a character (a lone "
            "surrogate), which cannot be written as UTF-8; correct the program that wrote the input"
        )


def _largest_part(document: Any) -> str:
    parts = document.items() if isinstance(document, dict) else ()
    sizes = {key: len(json.dumps(value)) for key, value in parts}
    return quoted(max(sizes, key=sizes.__getitem__)) if sizes else "it"


def _capital(subject: str) -> str:
    return subject[0].upper() + subject[1:]


def place(path: Iterable[str | int]) -> str:
    """Where in a document, as ``Transform.Drop[3]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{shown_key(step)}"
    return text.removeprefix(".")


def shown_key(key: str) -> str:
    """A key as it is, or in quotes when it is long or strange."""
    usual = key.isascii() and key.isprintable() and 0 < len(key) <= 100
    return key if usual else quoted(key)
