"""Every path through the machines, and every Retry: the unmodified ASL, with mocked Tasks."""

from collections import Counter

import pytest

from tests.statemachine import answers, cases, definitions, fault_cases
from tests.statemachine.case import Case
from tests.statemachine.conftest import Execution

EXPLAIN = {"automl": "Clean Up", "deployment": "Explain Failure", "scoring": "Explain Failure"}
"""Which Task makes of an error what people are told."""


def by_name(found: list[Case]) -> list[object]:
    return [pytest.param(case, id=case.id) for case in found]


def check(case: Case, execution: Execution) -> None:
    assert execution.path == case.states
    assert execution.description["status"] == case.status
    assert execution.description.get("error") == case.error
    if case.status == "FAILED":
        assert case.cause is not None
        assert case.cause in execution.description.get("cause", "")
    else:
        check_output(case, execution)
    if "Collect Parts" in execution.path:
        assert "MapError" not in execution.input_of("Collect Parts"), "the Map's own reader or writer failed"
    if case.machine == "automl":
        failed = case.status == "FAILED"
        counts = Counter(execution.path)
        assert (counts["Clean Up"], counts["Notify Failure"]) == ((1, 1) if failed else (0, 0))
        assert counts["Notify Success"] <= 1
    if explaining := EXPLAIN.get(case.machine) if case.status == "FAILED" else None:
        assert execution.path.count(explaining) == 1
        told = execution.input_of(explaining)["Error"]
        assert told["Error"] == case.origin[0]
        assert case.origin[1] in told["Cause"]


def check_output(case: Case, execution: Execution) -> None:
    output = execution.output
    if case.machine == "deployment":
        kept = {"Endpoint", "Outcome", "Reason"}
        assert set(output) == (kept | {"Smoke"} if output["Outcome"] == "InService" else kept)
        told = output["Outcome"], output["Reason"]
    elif case.machine == "automl":
        assert output == answers.RESULT
        outcome = execution.input_of("Publish Results")["Outcome"]
        told = outcome["Name"], outcome["Reason"]
    elif case.machine == "cleanup":
        cleaned = answers.CLEANED_UP if "Clean Up" in case.states else {}
        assert output == {"By": answers.ENDED["By"], "CleanedUp": cleaned}
        return
    else:
        assert output == (answers.PART if case.machine == definitions.PART else answers.SCORING)
        return
    if case.outcome[0]:
        assert told[0] == case.outcome[0]
        assert case.outcome[1] in told[1]


@pytest.mark.parametrize("case", by_name(cases.PATHS))
def test_path(case: Case, execution: Execution) -> None:
    check(case, execution)


@pytest.mark.parametrize("case", by_name(cases.recoveries()))
def test_retries_recover(case: Case, execution: Execution) -> None:
    check(case, execution)
    thrown = [a["Throw"]["Error"] for calls in case.mocked().values() for a in calls.values() if "Throw" in a]
    assert Counter(execution.failures()) == Counter(thrown)


@pytest.mark.parametrize("machine", definitions.MACHINES)
def test_the_paths_cover_every_state_and_every_way_out_of_it(machine: str) -> None:
    walked: set[tuple[str, str]] = set()
    for case in [*cases.PATHS, *(found.case for found in fault_cases.CASES if found.lasts)]:
        if case.machine == machine:
            walked |= set(zip(case.states, case.states[1:], strict=False))
    drawn = {
        (state.name, target) for state in definitions.states(machine) for target in definitions.targets(state.body)
    }
    assert drawn - walked == set()
