"""A request against botocore's service model, completely: what its own validator leaves to the service."""

import functools
import math
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from autoflow.local.sagemaker.errors import serialization, validation

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}
_POSIX = {"ASCII": r"\x00-\x7f", "Alnum": "a-zA-Z0-9", "Print": r"\x20-\x7e"}
_JAVA_NAMES = {"structure": "Structure", "map": "Map", "list": "List", "string": "String", "boolean": "Boolean"}


def check(shape: Shape | None, request: dict[str, Any]) -> None:
    """Refuse a request as the front door of AWS does.

    Members that the model does not know are ignored, as AWS ignores them; ``null`` is the same as absent.

    Args:
        shape: input shape of the operation.
        request: the JSON document.

    Raises:
        CommonServiceException: SerializationException for a wrong JSON type, ValidationException that lists every
            violated constraint otherwise.
    """
    if shape is None:
        return
    _check_types(shape, request, "")
    found = list(_violations(shape, request, ""))
    if found:
        errors = "error" if len(found) == 1 else "errors"
        raise validation(f"{len(found)} validation {errors} detected: {'; '.join(found)}")


def _check_types(shape: Shape, value: Any, path: str) -> None:
    if value is None:
        return
    items: Any = value
    allowed = _JSON_TYPES.get(shape.type_name, (object,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        kind = _JAVA_NAMES.get(shape.type_name, "Number")
        where = f" (at '{path}')" if path else ""
        raise serialization(f"{_token(value)} can not be converted to a {kind}{where}")
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            _check_types(member, items.get(name), _join(path, name))
    elif isinstance(shape, ListShape):
        for index, item in enumerate(items, 1):
            _check_types(shape.member, item, f"{path}.{index}.member")
    elif isinstance(shape, MapShape):
        for key, item in items.items():
            _check_types(shape.value, item, f"{path}.{key}.member")


def _token(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    names = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", list: "START_ARRAY", dict: "START_OBJECT"}
    return names.get(type(value), type(value).__name__)


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _structure_violations(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _size_violations(shape, value, path)
        for index, item in enumerate(value, 1):
            yield from _member_violations(shape.member, item, f"{path}.{index}.member")
    elif isinstance(shape, MapShape):
        yield from _size_violations(shape, value, path)
        for key, item in value.items():
            for constraint in _broken_constraints(shape.key, key):
                yield _text(value, path, f"Map keys must satisfy constraint: [{constraint}]")
            if item is not None:
                for constraint in _broken_constraints(shape.value, item):
                    yield _text(value, path, f"Map value must satisfy constraint: [{constraint}]")
    else:
        for constraint in _broken_constraints(shape, value):
            yield _text(value, path, constraint)


def _structure_violations(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    if shape.is_tagged_union:
        given = [name for name in shape.members if value.get(name) is not None]
        if len(given) != 1:
            constraint = f"Exactly one of [{', '.join(shape.members)}] must be set, found [{', '.join(given)}]"
            yield f"Value at '{path}' failed to satisfy constraint: {constraint}"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _violations(member, value[name], _join(path, name))


def _member_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"
    else:
        yield from _violations(shape, value, path)


def _size_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for constraint in _broken_bounds(shape, len(value), "length"):
        yield _text(value, path, constraint)


def _broken_constraints(shape: Shape, value: Any) -> Iterator[str]:
    """Constraints of a scalar that the value breaks, in AWS's words."""
    if isinstance(shape, StringShape) or shape.type_name == "string":
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            yield f"Member must satisfy enum value set: [{', '.join(enum)}]"
        yield from _broken_bounds(shape, len(value), "length")
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {pattern}"
    elif shape.type_name in {"integer", "long", "float", "double"}:
        if not math.isfinite(value):
            yield "Member must be a finite number"
        yield from _broken_bounds(shape, value, "value")


def _broken_bounds(shape: Shape, size: float, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"Member must have {what} greater than or equal to {low}"
    if high is not None and size > high:
        yield f"Member must have {what} less than or equal to {high}"


def _text(value: object, path: str, constraint: str) -> str:
    return f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(item)}' for key, item in value.items())}}}"
    return str(value)


def _join(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the service model, written for Java, for Python's ``re``."""
    in_class = False

    def translate(token: re.Match[str]) -> str:
        nonlocal in_class
        if token[1]:
            return _category(token[1]) if in_class else f"[{_category(token[1])}]"
        if token[0] in "[]":
            in_class = token[0] == "["
        if token[0].startswith("$"):
            # Java lets the end of the text be repeated: of no effect, so some patterns of the model have it.
            return "$"
        return r"\Z" if token[0] == r"\z" else token[0]

    return re.compile(re.sub(r"\\p\{(\w+)\}|\\.|[\[\]]|\$\{\d+,\d+\}", translate, pattern), re.ASCII)


@functools.cache
def _category(name: str) -> str:
    """Characters of a Unicode category as ranges for inside a character class."""
    if name in _POSIX:
        return _POSIX[name]
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)).startswith(name):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
