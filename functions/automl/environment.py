"""A function's settings: environment variables read once into a frozen dataclass."""

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _optional_text(value: str) -> str | None:
    return value or None


def _optional_number(value: str) -> float | None:
    return float(value) if value else None


def _flag(value: str) -> bool:
    return {"true": True, "false": False}[value.lower()]


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in value.split(",")) if name)


_READERS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    str: ("a text", _text),
    str | None: ("a text, or empty", _optional_text),
    int: ("a whole number", int),
    float: ("a number", float),
    float | None: ("a number, or empty for none", _optional_number),
    bool: ("true or false", _flag),
    tuple[str, ...]: ("a comma-separated list, possibly empty", _names),
}


def read[T: "DataclassInstance"](settings: type[T], variables: Mapping[str, str] = os.environ) -> T:
    """An instance of the dataclass; field ``minimum_wait_seconds`` is read from ``MINIMUM_WAIT_SECONDS``.

    Fields are ``str`` (not empty), ``str | None`` (empty is None), ``int``, ``float``, ``float | None``, ``bool``
    or ``tuple[str, ...]`` (comma-separated).

    Raises:
        RuntimeError: a variable is missing or malformed. The template sets them all, so the stack is broken.
    """
    types = get_type_hints(settings)
    values = {}
    for field in fields(settings):
        name = field.name.upper()
        kind, reader = _READERS[types[field.name]]
        if name not in variables:
            raise RuntimeError(f"Environment variable {name} is missing; set it on the function in template.yaml")
        try:
            values[field.name] = reader(variables[name])
        except (ValueError, KeyError) as error:
            raise RuntimeError(
                f"Environment variable {name} is {variables[name]!r} but must be {kind}; correct it in template.yaml"
            ) from error
    return settings(**values)
