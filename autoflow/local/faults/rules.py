"""Which calls meet which fault, and which have met one."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

import botocore.session
import jsonschema

Kind = Literal["Throttled", "Refused", "Reset", "Lost", "Slow", "Twice"]
"""What happens to a call: it is answered as throttled or as refused, its connection is reset before anything was done
or after everything was, its answer takes long, or it is received twice."""

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["Service", "Operation", "Kind"],
    "properties": {
        "Name": {"type": "string", "minLength": 1},
        "Service": {"type": "string"},
        "Operation": {"type": "string"},
        "Kind": {"enum": list(get_args(Kind))},
        "Role": {"type": "string", "minLength": 1},
        "Where": {"type": "object", "additionalProperties": {"type": "string"}},
        "After": {"type": "integer", "minimum": 0},
        "Times": {"type": "integer", "minimum": 1},
        "Seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 900},
    },
}
REPEATABLE = ("lambda", "Invoke")
"""The call that a service receives twice though it was made once: Lambda runs a function at least once."""

_MODELS = botocore.session.Session()


class InvalidRule(ValueError):
    """A fault that cannot be set; the message says what is wrong with it and what would be right."""


@dataclass(frozen=True)
class Call:
    """A call as it arrives, in AWS's words; ``role`` is the caller's ARN, None for the owner of the cloud."""

    service: str
    operation: str
    role: str | None


@dataclass
class Rule:
    """One fault, and how often it is to happen and has happened."""

    name: str
    service: str
    operation: str
    kind: Kind
    role: str | None = None
    """ARN of the role whose calls it is about; everybody's when None."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the calls that it is about, as patterns with ``*`` and ``?``."""
    after: int = 0
    """Calls that it lets pass first."""
    times: int = 1
    seconds: float = 2
    """How long a slow answer takes."""
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    @classmethod
    def parse(cls, document: Any) -> "Rule":
        """A rule from its JSON.

        Raises:
            InvalidRule: it has an unknown key or value, or names no operation that there is.
        """
        try:
            jsonschema.validate(document, SCHEMA)
        except jsonschema.ValidationError as error:
            where = ".".join(map(str, error.path)) or "the rule"
            raise InvalidRule(f"{where}: {error.message}") from error
        service, operation, kind = document["Service"], document["Operation"], document["Kind"]
        if service not in _MODELS.get_available_services():
            raise InvalidRule(f"Service: botocore knows no {service!r}; take a client's name, like 's3' or 'sagemaker'")
        if operation not in _MODELS.get_service_model(service).operation_names:
            raise InvalidRule(f"Operation: {service} has no {operation!r}; take the API's name, like 'CreateModel'")
        if kind == "Twice" and (service, operation) != REPEATABLE:
            raise InvalidRule(f"Kind: only {'.'.join(REPEATABLE)} is received twice; take 'Lost' for another operation")
        rest = {key.lower(): document[key] for key in ("Role", "Where", "After", "Times", "Seconds") if key in document}
        return cls(document.get("Name", f"{service}.{operation} {kind}"), service, operation, kind, **rest)

    def concerns(self, call: Call, parameters: Mapping[str, Any]) -> bool:
        """Whether the call is one of those that it is about."""
        return (
            (self.service, self.operation) == (call.service, call.operation)
            and self.role in (None, call.role)
            and all(fnmatchcase(str(parameters.get(key, "")), pattern) for key, pattern in self.where.items())
        )

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON, with how many calls it has seen, and how often it has happened."""
        return {
            "Name": self.name,
            "Service": self.service,
            "Operation": self.operation,
            "Kind": self.kind,
            "Role": self.role,
            "Where": dict(self.where),
            "After": self.after,
            "Times": self.times,
            "Seconds": self.seconds,
            "Seen": self.seen,
            "Fired": self.fired,
        }


class Rules:
    """The rules that are set, for many threads. A call meets the first rule that is about it and not used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, documents: list[Mapping[str, Any]]) -> None:
        """Set further rules: all of them, or none when one is invalid.

        Raises:
            InvalidRule: see :meth:`Rule.parse`.
        """
        rules = [Rule.parse(document) for document in documents]
        with self._lock:
            self._rules.extend(rules)

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def meet(self, call: Call, parameters: Mapping[str, Any]) -> Rule | None:
        """The fault that happens to the call with these parameters, which is counted."""
        with self._lock:
            for rule in self._rules:
                if rule.fired >= rule.times or not rule.concerns(call, parameters):
                    continue
                rule.seen += 1
                if rule.seen > rule.after:
                    rule.fired += 1
                    return rule
        return None

    @property
    def document(self) -> dict[str, Any]:
        """All rules."""
        with self._lock:
            return {"Rules": [rule.document for rule in self._rules]}
