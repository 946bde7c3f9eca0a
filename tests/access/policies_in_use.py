"""What roles were seen to ask for, held against what their deployed policies allow.

Names that CloudFormation makes differ between stacks: on both sides ``autoflow-<LogicalId>`` stands in their place.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from autoflow.local.access.policies import Ask, Condition, Keys, Rights, Statement, refusal

_GENERATED = re.compile(r"(?i)\bautoflow-([a-z]+)-[0-9a-f]{8}\b")
_TOPIC = re.compile(r":topic-[0-9a-f]{8}\b")
"""What LocalStack calls a topic without a name."""


@dataclass(frozen=True)
class Names:
    """The logical ids of a stack."""

    logical: frozenset[str]

    def generic(self, text: str) -> str:
        """The text with logical ids for generated names."""
        return _TOPIC.sub(":<NotificationTopic>", _GENERATED.sub(lambda found: self._logical(found, text), text))

    def _logical(self, found: re.Match[str], text: str) -> str:
        # IAM and Lambda cut long names; a function's role begins like the function.
        fitting = sorted((one for one in self.logical if one.lower().startswith(found[1].lower())), key=len)
        roles = [one for one in fitting if one.endswith("Role")]
        chosen = roles if ":role/" in text[: found.start()] else fitting
        return f"autoflow-<{chosen[0]}>" if chosen else found[0]


@dataclass(frozen=True)
class Seen:
    """A role asked for something."""

    role: str
    """Logical id."""
    ask: Ask
    denied: str | None
    """What the local cloud answered, if it refused."""


def read(folder: Path, names: Names) -> list[Seen]:
    """All that was recorded of the stack's roles; what other roles did is left out."""
    found = set()
    for path in sorted(folder.glob("*.jsonl")):
        # Of a cloud that was killed, the last line may be half written: what has no end is none.
        for line in path.read_text().split("\n")[:-1]:
            record = json.loads(line)
            role = names.generic(record["Role"]).rpartition("/")[2]
            if record["Known"] and role.startswith("autoflow-<"):
                keys = frozenset((key, tuple(map(names.generic, values))) for key, values in record["Keys"].items())
                ask = Ask(record["Action"], names.generic(record["Resource"]), keys)
                found.add(Seen(role[len("autoflow-<") : -1], ask, record["Denied"]))
    return sorted(found, key=lambda seen: (seen.role, seen.ask.action, seen.ask.resource))


def generic_rights(rights: Rights, names: Names) -> Rights:
    """The policies of a deployed role with logical ids."""

    def change(statement: Statement) -> Statement:
        policy = names.generic(f"{statement.policy}")
        conditions = tuple(
            Condition(one.operator, one.key, tuple(map(names.generic, one.values))) for one in statement.conditions
        )
        resources = tuple(map(names.generic, statement.resources))
        return replace(statement, policy=policy, resources=resources, conditions=conditions)

    boundary = None if rights.boundary is None else tuple(map(change, rights.boundary))
    return Rights(tuple(map(change, rights.identity)), boundary)


@dataclass(frozen=True, order=True)
class Finding:
    """Something about a role's policies that a reader should know."""

    role: str
    policy: str
    action: str
    what: str

    def __str__(self) -> str:
        return f"{self.role} | {self.policy} | {self.action} | {self.what}"


@dataclass(frozen=True)
class Evidence:
    """Roles, and all that they were seen to ask for."""

    rights: Mapping[str, Rights]
    seen: Sequence[Seen]

    @cached_property
    def asked(self) -> Mapping[str, list[Ask]]:
        """By role."""
        found: dict[str, list[Ask]] = {role: [] for role in self.rights}
        for one in self.seen:
            found[one.role].append(one.ask)
        return found

    @cached_property
    def used(self) -> Mapping[tuple[str, Statement], list[Ask]]:
        """What a role asked for and each statement of its policies allowed."""
        return {
            (role, statement): [ask for ask in self.asked[role] if statement.applies(ask)]
            for role, own in self.rights.items()
            for statement in own.identity
        }

    def with_policy_of(self, statement: Statement) -> list[Ask]:
        """What the statement allowed to all roles that share it: those whose policy of that name says the same."""
        return [ask for (_, other), asks in self.used.items() if other == statement for ask in asks]


def not_allowed(evidence: Evidence) -> Iterator[Finding]:
    """Calls that the policies of the role do not allow, or that were refused."""
    for one in evidence.seen:
        if reason := refusal(evidence.rights[one.role], one.ask) or one.denied:
            yield Finding(one.role, "", one.ask.action, f"{one.ask.resource} {reason}")


def never_used(evidence: Evidence) -> Iterator[Finding]:
    """Actions and resources of statements that nobody asked for.

    Who shares a policy may look at what the others look at.
    """
    for (role, statement), asks in evidence.used.items():
        together = {ask.action.lower() for ask in evidence.with_policy_of(statement)}
        own = {ask.action.lower() for ask in asks}
        for action in statement.actions:
            if action.lower() not in own | {one for one in together if _only_looks(one)}:
                yield Finding(role, statement.policy, action, "never used")
        for resource in statement.resources if together else ():
            if not any(_match(resource, ask.resource) for ask in evidence.with_policy_of(statement)):
                yield Finding(role, statement.policy, ",".join(statement.actions), f"{resource} never used")


def _only_looks(action: str) -> bool:
    return action.partition(":")[2].startswith(("describe", "list", "get"))


def too_wide(evidence: Evidence) -> Iterator[Finding]:
    """Wildcards that always stood for the same.

    The first part of what one stands for is a name, which has to differ between all calls that a pattern with the same
    beginning allowed. What comes after it has to differ between the calls of one action that the policy allowed.
    """
    names: dict[str, set[str]] = {}
    for (_, statement), asks in evidence.used.items():
        for place, stood in _wildcards(statement, asks):
            names.setdefault(_before(place), set()).update(_SEPARATOR.split(one)[0] for one in stood)
    for role, statement in evidence.used:
        for action in statement.actions:
            asks = [ask for ask in evidence.with_policy_of(statement) if ask.action.lower() == action.lower()]
            for place, stood in _wildcards(statement, asks):
                known = names[_before(place)]
                same = [one for one in known if len(known) == 1 and not _VARIES.search(one)]
                rests = {one[len(_SEPARATOR.split(one)[0]) :] for one in stood}
                for complaint in (
                    *(f"stood for {one} only" for one in same),
                    *(f"was {one} but for a name" for one in _common(rests)),
                ):
                    yield Finding(role, statement.policy, action, f"{place[0]} {complaint}")


_SEPARATOR = re.compile("[/:]")
_VARIES = re.compile(r"[0-9*]")
"""A part with a number in it varies, though it may not have; one that was asked for as a whole stands for all."""


def _before(place: tuple[str, int]) -> str:
    """The text of a pattern up to the wildcard."""
    pattern, number = place
    return "*".join(pattern.split("*")[: number + 1])


def _wildcards(statement: Statement, asks: Iterable[Ask]) -> Iterator[tuple[tuple[str, int], set[str]]]:
    """What each wildcard of the statement's resources stood for: pattern and number of the wildcard in it → values."""
    for pattern in statement.resources:
        stood = [found.groups() for ask in asks if (found := _match(pattern, ask.resource))]
        if pattern != "*" and stood:
            for number in range(pattern.count("*")):
                yield (pattern, number), {groups[number] for groups in stood}


def _common(values: set[str]) -> Iterator[str]:
    """What all values begin and end with, in whole parts that could vary no more."""
    parts = [_SEPARATOR.split(value) for value in values]
    begin, end = _same([each[1:-1] for each in parts]), _same([each[:0:-1] for each in parts])
    if begin:
        yield f"/{'/'.join(begin)}/…"
    if end:
        yield f"…/{'/'.join(reversed(end))}"


def _same(rows: list[list[str]]) -> list[str]:
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False))
    return list(itertools.takewhile(lambda part: not _VARIES.search(part), (column[0] for column in alike)))


def _match(pattern: str, resource: str) -> re.Match[str] | None:
    return _expression(pattern).fullmatch(resource)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join("(.*)" if part == "*" else re.escape(part) for part in re.split(r"(\*)", pattern)))


def idle_conditions(evidence: Evidence) -> Iterator[Finding]:
    """Conditions that stop nothing: without their key, the same calls would be allowed all the same."""
    for (role, statement), asks in evidence.used.items():
        for condition in statement.conditions:
            without = [replace(ask, keys=_without(ask.keys, condition.key)) for ask in asks]
            if any(refusal(evidence.rights[role], ask) is None for ask in without):
                action = ",".join(statement.actions)
                yield Finding(role, statement.policy, action, f"{condition.operator} {condition.key} stops nothing")


def _without(keys: Keys, key: str) -> Keys:
    return frozenset(pair for pair in keys if pair[0] != key.lower())
