"""Every AWS call meets every fault that passes, and nobody can tell from how all ends.

An ordinary run takes a sample; ``--all-faults`` takes all flows, in as many turns as there are kinds of faults, so that
each call of each function meets each of them.
"""

import secrets

import pytest

from tests.faults import call_cases
from tests.faults.call_cases import RECOVERED, Deployed
from tests.faults.faults import happened, set_faults
from tests.faults.flows import FLOWS, Bench
from tests.faults.orphans import orphans, snapshot
from tests.faults.undisturbed import Undisturbed, bench, deployed, undisturbed, versions
from tests.ledger import Group, Ledger

__all__ = ["bench", "deployed", "undisturbed"]

GROUP: Group = "AWS calls"
HANGS_SECONDS = 27.0
"""Longer than any client of the functions waits for an answer; see ``automl.clients``."""


def test_the_flows_end_as_they_are_meant_to(undisturbed: Undisturbed) -> None:
    """GIVEN no fault THEN each flow comes to its own end, rows are scored once, and people are told of a run once."""
    meant = {
        "champion": ("SUCCEEDED", "Completed"),
        "broken": ("SUCCEEDED", "RolledBack"),
        "challenger": ("SUCCEEDED", "Completed"),
        "batch": ("SUCCEEDED", ""),
        "on demand": ("SUCCEEDED", ""),
        "plain": ("SUCCEEDED", "Completed"),
        "unsuitable": ("FAILED", "InvalidRequest"),
        "hopeless": ("FAILED", "NoUsableCandidate"),
        "stopped": ("ABORTED", ""),
        "stopped late": ("ABORTED", ""),
        "stopped waiting": ("ABORTED", ""),
        "stopped update": ("ABORTED", ""),
        "stopped batch": ("ABORTED", ""),
        "stillborn": ("FAILED", "EndpointFailed"),
        "nobody": ("FAILED", "InvalidRequest"),
        "unanswered": ("SUCCEEDED", "Rejected"),
    }
    for flow, ended in undisturbed.ends.items():
        assert ended.outcome == meant[flow], (flow, ended.cause)
        scores = flow in {"champion", "challenger", "batch", "on demand", "plain", "unanswered"}
        assert set(ended.rows.values()) == ({1} if scores else set()), flow
        assert ended.told == ended.due, flow


def ends_as_ever(bench: Bench, undisturbed: Undisturbed, ledger: Ledger) -> None:
    """Nobody can tell from how the flows end that anything happened to them."""
    endpoint, noted, before = f"e-{secrets.token_hex(3)}", set[str](), snapshot(bench.cloud)
    for flow, calm in undisturbed.ends.items():
        ended = FLOWS[flow](bench, endpoint)
        fired = {name for name, count in happened(bench.cloud).items() if count} - noted
        left = orphans(bench.cloud, before, keep=[endpoint])
        lost, twice = (calm.rows - ended.rows).total(), (ended.rows - calm.rows).total()
        assert ended.outcome == calm.outcome, (flow, ended.cause, sorted(fired))
        for case in fired:
            ledger.note(GROUP, case, "Recovered", orphans=left, lost=lost, duplicated=twice)
        assert (left, lost, twice) == ([], 0, 0), (flow, sorted(fired))
        assert versions(bench, endpoint) == undisturbed.versions[flow], (flow, sorted(fired))
        # A topic does not know a message that it has had already from one that says the same.
        again = sum(case.endswith(" sns.Publish Lost") for case in fired)
        assert ended.due <= ended.told <= ended.due + again, (flow, sorted(fired))
        noted |= fired
    assert noted, "no fault happened"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("turn", range(len(RECOVERED)))
def test_a_call_that_meets_a_passing_fault_is_made_good(
    bench: Bench, deployed: Deployed, undisturbed: Undisturbed, ledger: Ledger, turn: int
) -> None:
    made = call_cases.all_made()
    set_faults(bench.cloud, *(deployed.rule(one, one.kind(turn), Seconds=1) for one in made))
    ends_as_ever(bench, undisturbed, ledger)


@pytest.mark.sampled(0)
def test_a_function_that_runs_twice_does_its_work_once(
    bench: Bench, deployed: Deployed, undisturbed: Undisturbed, ledger: Ledger
) -> None:
    """Lambda runs a function at least once for an event; the state machine gets the last answer."""
    invocations = [one for one in call_cases.of_machines() if one.service == "lambda"]
    set_faults(bench.cloud, *(deployed.rule(one, "Twice") for one in invocations))
    ends_as_ever(bench, undisturbed, ledger)


@pytest.mark.sampled(0)
def test_a_call_that_hangs_is_made_again_in_time(
    bench: Bench, deployed: Deployed, undisturbed: Undisturbed, ledger: Ledger
) -> None:
    """Of each function one call, whichever: all clients wait equally long, and the functions have their own limits."""
    hanging = {one.caller: one for one in call_cases.of_functions() if one.service != "sagemaker-runtime"}
    rules = [deployed.rule(one, "Slow", Seconds=HANGS_SECONDS) for one in hanging.values()]
    set_faults(bench.cloud, *({**one, "Name": f"{one['Name']} beyond the time-out"} for one in rules))
    ends_as_ever(bench, undisturbed, ledger)
