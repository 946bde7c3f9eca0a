"""IAM's evaluation of policies, as far as policies of this kind use it; whatever it does not know, it refuses to judge.

Source of the rules: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import functools
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Keys = frozenset[tuple[str, tuple[str, ...]]]
"""Condition keys of a request, in lower case, with their values."""


class UnknownPolicyElement(Exception):
    """A policy has something that is not evaluated here; the message says what."""


@dataclass(frozen=True)
class Ask:
    """One thing that a call needs to be allowed."""

    action: str
    """For example ``s3:GetObject``."""
    resource: str
    """An ARN, or ``*`` for an action that knows no resource."""
    keys: Keys = frozenset()

    def values(self, key: str) -> tuple[str, ...] | None:
        """Values of a condition key; None when the request does not have it."""
        return dict(self.keys).get(key.lower())


def keys(**values: str) -> Keys:
    """Condition keys with one value each; a name has ``__`` for ``:`` and ``_`` for ``-``."""
    return frozenset((name.replace("__", ":").replace("_", "-").lower(), (value,)) for name, value in values.items())


@dataclass(frozen=True)
class Condition:
    """One operator on one key."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, ask: Ask) -> bool:
        """Whether the request fulfils it.

        Raises:
            UnknownPolicyElement: the operator is not evaluated here.
        """
        found = ask.values(self.key)
        if self.operator == "Null":
            return (found is None) == (self.values[0].lower() == "true")
        name, if_exists = re.subn("IfExists$", "", self.operator)
        quantifier, _, name = name.rpartition(":")
        negated = "Not" in name
        try:
            test = _TESTS[name.replace("Not", "")]
        except KeyError:
            raise UnknownPolicyElement(f"condition operator {self.operator}") from None
        if found is None:
            return bool(if_exists) or quantifier == "ForAllValues" or (negated and not quantifier)
        some = [any(test(pattern, value) for pattern in self.values) != negated for value in found]
        return all(some) if quantifier == "ForAllValues" or (negated and not quantifier) else any(some)


def _same_in_any_case(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


def like(pattern: str, value: str, *, any_case: bool = False) -> bool:
    """Whether a value matches a pattern with ``*`` and ``?``."""
    return bool(_expression(pattern, any_case).fullmatch(value))


@functools.lru_cache(maxsize=4096)
def _expression(pattern: str, any_case: bool) -> re.Pattern[str]:
    if "${" in pattern:
        raise UnknownPolicyElement(f"policy variable in {pattern}")
    parts = {"*": ".*", "?": "."}
    text = "".join(parts.get(letter, re.escape(letter)) for letter in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if any_case else 0))


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringEqualsIgnoreCase": _same_in_any_case,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": _same_in_any_case,
}


@dataclass(frozen=True)
class Statement:
    """One statement of a policy."""

    policy: str
    """Name of the policy that it is in."""
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    all_actions_but: bool = False
    """The actions are those of NotAction."""
    all_resources_but: bool = False
    """The resources are those of NotResource."""

    def applies(self, ask: Ask) -> bool:
        """Whether it says something about the request."""
        named = any(like(action, ask.action, any_case=True) for action in self.actions)
        if named == self.all_actions_but:
            return False
        # A request for everything is none for a part of it.
        meant = any(like(resource, ask.resource) for resource in self.resources)
        return meant != self.all_resources_but and all(condition.holds(ask) for condition in self.conditions)


def statements(name: str, document: Mapping[str, Any] | str) -> tuple[Statement, ...]:
    """The statements of a policy document.

    Raises:
        UnknownPolicyElement: it has an element that is not evaluated here.
    """
    parsed = json.loads(document) if isinstance(document, str) else document
    return tuple(_statement(name, each) for each in _list(parsed["Statement"]))


def _statement(policy: str, body: Mapping[str, Any]) -> Statement:
    known = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"}
    if unknown := body.keys() - known:
        raise UnknownPolicyElement(f"{', '.join(sorted(unknown))} in {policy}")
    conditions = tuple(
        Condition(operator, key, tuple(str(value) for value in _list(values)))
        for operator, tests in body.get("Condition", {}).items()
        for key, values in tests.items()
    )
    return Statement(
        policy,
        body["Effect"],
        tuple(_list(body.get("Action", body.get("NotAction")))),
        tuple(_list(body.get("Resource", body.get("NotResource", "*")))),
        conditions,
        all_actions_but="NotAction" in body,
        all_resources_but="NotResource" in body,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True, eq=False)
class Rights:
    """All policies that decide what a role may do."""

    identity: tuple[Statement, ...]
    """Inline and attached."""
    boundary: tuple[Statement, ...] | None = None
    """Of the permissions boundary, if the role has one."""


@functools.lru_cache(maxsize=16384)
def refusal(rights: Rights, ask: Ask) -> str | None:
    """Why the request is denied, in the words that AWS ends its message with; None when it is allowed.

    Raises:
        UnknownPolicyElement: a policy has something that is not evaluated here.
    """
    for statement in itertools.chain(rights.identity, rights.boundary or ()):
        if statement.effect == "Deny" and statement.applies(ask):
            kind = "an identity-based policy" if statement in rights.identity else "a permissions boundary"
            return f"with an explicit deny in {kind}"
    if not _allowed(rights.identity, ask):
        return f"because no identity-based policy allows the {ask.action} action"
    if rights.boundary is not None and not _allowed(rights.boundary, ask):
        return f"because no permissions boundary allows the {ask.action} action"
    return None


def _allowed(policies: tuple[Statement, ...], ask: Ask) -> bool:
    return any(statement.effect == "Allow" and statement.applies(ask) for statement in policies)
