"""Every Task with everything that can go wrong with it, and how that must end. Made from the ASL files alone.

A fault strikes the first time that a path enters the Task.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.statemachine import answers, cases, definitions, faults
from tests.statemachine.case import Case
from tests.statemachine.definitions import MACHINES, State
from tests.statemachine.faults import Fault

TERMINAL = ("States.Runtime", "States.DataLimitExceeded")
"""Errors that no Catch sees. The rule on the end of executions does."""


@dataclass(frozen=True)
class FaultCase:
    """One fault of one Task."""

    case: Case
    """With the end that it must have; a malformed answer's is that of the path without it, if nothing reads it."""
    fault: Fault
    state: str
    retried: bool
    """Whether the Task tries until it succeeds."""

    @property
    def id(self) -> str:
        return f"{self.case.machine}: {self.state}: {self.fault.kind}: {self.fault.name}"

    @property
    def lasts(self) -> bool:
        """Whether it comes once more than the Task's last retrier tries."""
        return self.fault.name == "ServiceErrorForGood"

    @property
    def ends_the_run(self) -> bool:
        """Whether the run fails because of it; a Task that takes things back works for a run that failed before."""
        thrown = self.fault.attempts[-1].get("Throw", {})
        ends = (self.case.error, self.case.cause), self.case.origin
        return not self.retried and (thrown.get("Error"), thrown.get("Cause")) in ends

    @property
    def malformed(self) -> bool:
        return self.fault.kind == "MalformedAnswer"


def _cases() -> Iterator[FaultCase]:
    for machine in MACHINES:
        for state in definitions.tasks(machine):
            base = cases.through(machine, state.name)
            for fault in faults.faults(state, answers.USUAL[machine][state.name]):
                yield _case(base, state, fault)


def _case(base: Case, state: State, fault: Fault) -> FaultCase:
    name = f"{cases.camel(state.name)}{fault.kind}{fault.name}"
    first, usual = list(fault.attempts), cases.usual(base, state.name)
    if fault.kind == "MalformedAnswer":
        case = replace(base, name=name, answers={**base.answers, state.name: [*first, *usual[1:], *first]})
        return FaultCase(case, fault, state.name, retried=False)
    if _retried(state, fault):
        case = replace(base, name=name, answers={**base.answers, state.name: [*first, *usual]})
        return FaultCase(case, fault, state.name, retried=True)
    return FaultCase(cases.caught(base, state, name, first), fault, state.name, retried=False)


def _retried(state: State, fault: Fault) -> bool:
    """Whether the Task tries again as often as the fault comes."""
    error = fault.attempts[0]["Throw"]["Error"]
    allowed = [one.get("MaxAttempts", 3) for one in state.body["Retry"] if error in one["ErrorEquals"]]
    return bool(allowed) and len(fault.attempts) <= allowed[0]


CASES = list(_cases())
