"""One named execution: what each Task answers, and the path and the end that this must lead to."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.statemachine import answers

Json = dict[str, Any]
Answers = Json | list[Json]


@dataclass(frozen=True)
class Case:
    """One mock-config case. ``answers`` overrides the usual ones: for every call, or call by call."""

    name: str
    machine: str
    path: str
    """States entered, ``>`` between them."""
    status: str = "SUCCEEDED"
    error: str | None = None
    cause: str | None = None
    """A part of the Cause."""
    answers: dict[str, Answers] = field(default_factory=dict)
    origin: tuple[str, str] = ("", "")
    """Error, and a part of the Cause, that the Task which explains it is told."""
    real: tuple[str, ...] = ()
    """Tasks that are not mocked."""
    outcome: tuple[str, str] = ("", "")
    """Outcome, and a part of its Reason, of an execution that succeeds."""
    input: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.machine}: {self.name}"

    @property
    def states(self) -> list[str]:
        return self.path.split(" > ")

    def mocked(self) -> dict[str, dict[str, Json]]:
        """State → call number → answer."""
        chosen = {**answers.USUAL[self.machine], **self.answers}
        return {state: _numbered(value) for state, value in chosen.items() if state not in self.real}


def _numbered(value: Answers) -> dict[str, Json]:
    if isinstance(value, dict):
        return {"0-99": value}
    return {str(number): answer for number, answer in enumerate(value)}


def fails(case: Case, error: str, cause: str) -> Case:
    """The case with a failed end. Most machines tell what a Task made of the error."""
    told = answers.TOLD.get(case.machine, {"Error": error, "Cause": cause})
    return replace(case, status="FAILED", error=told["Error"], cause=told["Cause"], origin=(error, cause))
