"""Checks documents against ``schemas/`` and says what is wrong in words: where, what, and what would be right."""

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators

from automl.errors import InvalidRequest
from automl.nearest import nearest_name
from automl.plain_json import check_plain, place
from automl.quoting import shortened, visible

_TYPES = {
    "object": "a JSON object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
SCHEMAS = Path(__file__).with_name("schemas")


def _matches(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """All our patterns begin with ``^``; Python's ``$``, unlike JSON Schema's, lets a line break follow."""
    if isinstance(instance, str) and not re.match(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"does not match {pattern}")


def _is_unique(_: Any, wanted: bool, instance: Any, __: Any) -> Iterator[ValidationError]:
    """In a time that grows with the items; jsonschema compares each pair when they are of several types."""
    if wanted and isinstance(instance, list):
        items = {json.dumps(item, sort_keys=True) for item in instance}
        if len(items) < len(instance):
            yield ValidationError("has repetitions")


_Validator = validators.extend(Draft202012Validator, {"pattern": _matches, "uniqueItems": _is_unique})  # type: ignore[no-untyped-call]


@functools.cache
def load(name: str) -> dict[str, Any]:
    """The schema of that name, for example ``request``."""
    document: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return document


def check(document: Any, name: str, subject: str) -> None:
    """Raise InvalidRequest with the first thing about the document that breaks the schema, or with why none can hold.

    Args:
        document: parsed JSON.
        name: the schema's name, for example ``request``.
        subject: what the document is, to begin messages with, for example ``the execution input``.
    """
    check_plain(document, subject)
    errors = sorted(_Validator(load(name)).iter_errors(document), key=_importance)
    if errors:
        raise InvalidRequest(explain(errors[0], subject))


def _importance(error: ValidationError) -> tuple[bool, int, str]:
    # A misspelt key explains the "missing" key beside it, so it is told first.
    return error.validator != "additionalProperties", len(error.absolute_path), str(list(error.absolute_path))


def explain(error: ValidationError, subject: str) -> str:
    """One sentence for a schema violation, naming the place and the remedy."""
    at = place(error.absolute_path)
    rules = cast(dict[str, Any], error.schema)
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        return _unknown_key(instance, rules["properties"], at, subject)
    if error.validator == "required":
        missing = next(key for key in rules["required"] if key not in instance)
        hint = rules["properties"].get(missing, {}).get("description", "")
        return f"{_joined(at, missing)} is missing from {subject}. Add it{f': {hint}' if hint else ''}"
    where = at or subject[0].upper() + subject[1:]
    shown = visible(shortened(json.dumps(instance, ensure_ascii=False)))
    return f"{where} is {shown} but must be {_expectation(str(error.validator), rules)}"


def _expectation(rule: str, rules: Mapping[str, Any]) -> str:
    limit = rules[rule]
    match rule:
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            text = " or ".join(_TYPES[kind] for kind in kinds)
        case "enum":
            words = (str(value) if str(value)[:1].isalnum() else repr(value) for value in limit)
            text = f"one of {', '.join(words)}"
        case "minimum" | "maximum":
            text = f"at {'least' if rule == 'minimum' else 'most'} {limit:,}"
        case "exclusiveMinimum" | "exclusiveMaximum":
            text = f"{'more' if rule == 'exclusiveMinimum' else 'less'} than {limit:,}"
        case "minLength" | "minItems":
            text = "not empty" if limit == 1 else f"at least {limit:,} long"
        case "maxLength" | "maxItems":
            text = f"at most {limit:,} long"
        case "maxProperties":
            text = f"an object of at most {limit:,} keys"
        case "uniqueItems":
            text = "free of repetitions"
        case _:
            text = f"as its schema says ({rule}: {limit})"
    description = rules.get("description", "")
    if rule == "pattern":
        return description or f"of the form {limit}"
    return f"{text} ({description})" if description else text


def _unknown_key(instance: Iterable[str], properties: Iterable[str], at: str, subject: str) -> str:
    known = sorted(properties)
    unknown = min(key for key in instance if key not in known)
    nearest = nearest_name(unknown, known)
    remedy = f"Did you mean {_joined(at, nearest)!r}?" if nearest else f"Known keys here are {', '.join(known)}"
    return f"{_joined(at, shortened(unknown))!r} in {subject} is not a known key. {remedy}"


def _joined(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key
