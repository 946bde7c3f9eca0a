"""Whatever goes wrong with whichever Task: the run recovers, or ends with an error that says what it was, told once."""

import json
from collections import Counter

import pytest

from automl import failures
from tests.ledger import Ledger
from tests.statemachine import definitions, faults
from tests.statemachine.case import Case
from tests.statemachine.conftest import Execution
from tests.statemachine.fault_cases import CASES, TERMINAL, FaultCase
from tests.statemachine.test_paths import EXPLAIN, check

NOTIFICATIONS = ("Notify Success", "Notify Failure")
LASTING = [found for found in CASES if found.lasts]
PASSING = [found for found in CASES if not found.lasts and not found.malformed]
ANSWERED = [found for found in CASES if found.malformed]


def parameters(found: list[FaultCase]) -> list[object]:
    return [pytest.param(one.case, one, id=one.id) for one in found]


def check_end(found: FaultCase, execution: Execution) -> None:
    """Its end is the one that it must have, and a failure is told by name, once, and cleaned up."""
    case = found.case
    check(case, execution)
    if case.status == "FAILED" and found.ends_the_run:
        check_words(found, execution)
    entered = Counter(execution.path)
    if {"Notify Success", "Notify Failure"} & {state.name for state in definitions.states(case.machine)}:
        assert sum(entered[name] for name in NOTIFICATIONS) <= 1 + (found.state in NOTIFICATIONS)
    if case.machine == "automl" and case.status == "FAILED":
        assert entered["Clean Up"] == entered["Notify Failure"] == 1
    if case.machine == "deployment" and case.status == "FAILED" and "Get Endpoint" in entered:
        assert entered["Roll Back Endpoint"], "an endpoint that was made or updated is taken back"
    if case.machine == "scoring" and case.status == "FAILED":
        assert not entered["Get Transform Job"] or entered["Stop Transform Job"] or entered["Transform Job Failed"]


def check_words(found: FaultCase, execution: Execution) -> None:
    """People hear the fault's name and words, and after an error that is not the project's own what to do."""
    told = execution.description
    if explaining := EXPLAIN.get(found.case.machine):
        told = execution.input_of(explaining)["Error"]
    failure = failures.unwrap(
        {"Error": told.get("Error", told.get("error")), "Cause": told.get("Cause", told.get("cause"))}
    )
    thrown = found.fault.attempts[-1]["Throw"]
    assert failure.error == failures.unwrap(thrown).error
    assert found.fault.says in failure.cause
    if failure.error not in faults.OWN_ERRORS:
        assert len(failure.cause) > len(found.fault.says) + 20, "advice"


@pytest.mark.parametrize(("case", "found"), parameters(LASTING))
def test_a_service_that_stays_broken_ends_the_run_well(
    case: Case, found: FaultCase, execution: Execution, ledger: Ledger
) -> None:
    note(ledger, found, execution)
    check_end(found, execution)
    assert max(Counter(execution.failures()).values()) == len(found.fault.attempts)


@pytest.mark.sampled(90)
@pytest.mark.parametrize(("case", "found"), parameters(PASSING))
def test_a_fault_is_survived_or_told(case: Case, found: FaultCase, execution: Execution, ledger: Ledger) -> None:
    note(ledger, found, execution)
    check_end(found, execution)


@pytest.mark.sampled(40)
@pytest.mark.parametrize(("case", "found"), parameters(ANSWERED))
def test_an_answer_that_cannot_be_read_is_told_with_its_place(
    case: Case, found: FaultCase, execution: Execution, ledger: Ledger
) -> None:
    """No state reads it, or the execution ends with an error that the rule on the end of executions hears of."""
    error = execution.description.get("error")
    check_way(case, execution)
    if error not in TERMINAL:
        assert (execution.description["status"], error) == (case.status, case.error)
        return
    note(ledger, found, execution)
    assert execution.description["status"] == "FAILED"
    cause = execution.description["cause"]
    if error == "States.DataLimitExceeded":
        assert found.fault.name.endswith("TooLarge")
        assert execution.path[-1] == found.state
    else:
        assert f"'{execution.path[-1]}'" in cause, "the state that reads it"
        assert "$." in cause, "what it reads"


def check_way(case: Case, execution: Execution) -> None:
    """It is that of the case, until a Choice asks whether something is there."""
    for number, (entered, usual) in enumerate(zip(execution.path, case.states, strict=False)):
        if entered != usual:
            before = definitions.state(case.machine, case.states[number - 1])
            assert '"IsPresent"' in json.dumps(before.body), f"{before.name} leads to {entered}, not to {usual}"
            return


def note(ledger: Ledger, found: FaultCase, execution: Execution) -> None:
    recovered = execution.description["status"] == "SUCCEEDED"
    ledger.note("Tasks", found.id, "Recovered" if recovered else "FailedCleanly")
