"""Every AWS call meets every fault: all is made good and nothing lost, or the execution fails and says why.

An ordinary run takes a sample; ``--all-faults`` takes all flows, in as many turns as there are kinds of faults, so that
each call of each function meets each of them.
"""

import functools
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.faults import call_cases
from tests.faults.call_cases import RECOVERED, Deployed, Made
from tests.faults.conftest import SmallRun
from tests.faults.faults import happened, seen, set_faults
from tests.faults.flows import FLOWS, LONGEST, Bench, Ended
from tests.faults.orphans import orphans, snapshot
from tests.ledger import Group, Ledger, Outcome
from tests.sampling import OPTION

GROUP: Group = "AWS calls"
NAMELESS = {"States.TaskFailed", "States.Unknown", "Exception", ""}
NEVER = 10**9
"""Calls that a fault lets pass which is only to see them."""
HANGS_SECONDS = 27.0
"""Longer than any client of the functions waits for an answer; see ``automl.clients``."""


@pytest.fixture(scope="module")
def bench(cloud: Cloud, stack: Stack, small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(cloud, stack, small_run(), tmp_path_factory.mktemp("flows"))
    yield made
    set_faults(cloud)
    made.letters.close()


@pytest.fixture(scope="module")
def deployed(bench: Bench) -> Deployed:
    callers = {made.caller for made in call_cases.all_made()}
    return Deployed({caller: bench.role(caller) for caller in sorted(callers)}, bench.names)


@dataclass(frozen=True)
class Undisturbed:
    """How each flow ends without any fault, and what is called meanwhile."""

    ends: Mapping[str, Ended]
    calls: Mapping[str, frozenset[Made]]
    """What each flow calls."""
    versions: Mapping[str, int]
    """Flow → model packages of its endpoint after it."""

    def flow_of(self, made: Made) -> str | None:
        """The cheapest flow in which the call is made; None when none of them comes to it."""
        return next((flow for flow in CHEAPEST if made in self.calls.get(flow, ())), None)


CHEAPEST = ("on demand", "batch", "broken", "hopeless", "stopped", "stopped late", "champion", "challenger")


@pytest.fixture(scope="module")
def undisturbed(bench: Bench, deployed: Deployed, pytestconfig: pytest.Config) -> Undisturbed:
    endpoint, ends, calls, packages = f"calm-{secrets.token_hex(3)}", {}, {}, {}
    watched = {deployed.rule(made, "Slow")["Name"]: made for made in call_cases.all_made()}
    for flow in chosen(pytestconfig):
        set_faults(bench.cloud, *(deployed.rule(made, "Slow", After=NEVER) for made in watched.values()))
        ends[flow] = FLOWS[flow](bench, endpoint)
        calls[flow] = frozenset(watched[name] for name in seen(bench.cloud))
        packages[flow] = versions(bench, endpoint)
    return Undisturbed(ends, calls, packages)


def versions(bench: Bench, endpoint: str) -> int:
    """How many model packages there are for the endpoint."""
    listed = bench.cloud.client("sagemaker").list_model_packages(ModelPackageGroupName=endpoint)
    return len(listed["ModelPackageSummaryList"])


def chosen(config: pytest.Config) -> list[str]:
    """All flows; in an ordinary run the one that makes most of the calls."""
    return list(FLOWS) if config.getoption(OPTION) else [LONGEST]


def test_the_flows_end_as_they_are_meant_to(undisturbed: Undisturbed) -> None:
    """GIVEN no fault THEN each flow comes to its own end, rows are scored once, and people are told of a run once."""
    meant = {
        "champion": ("SUCCEEDED", "Completed"),
        "broken": ("SUCCEEDED", "RolledBack"),
        "challenger": ("SUCCEEDED", "Completed"),
        "batch": ("SUCCEEDED", ""),
        "on demand": ("SUCCEEDED", ""),
        "hopeless": ("FAILED", "NoUsableCandidate"),
        "stopped": ("ABORTED", ""),
        "stopped late": ("ABORTED", ""),
    }
    for flow, ended in undisturbed.ends.items():
        assert ended.outcome == meant[flow], (flow, ended.cause)
        scores = flow in {"champion", "challenger", "batch", "on demand"}
        assert set(ended.rows.values()) == ({1} if scores else set()), flow
        assert ended.told == (flow not in {"broken", "batch", "on demand"}), flow


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
        assert calm.told <= ended.told <= calm.told + again, (flow, sorted(fired))
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


class Prepared:
    """What flows need before they begin, made when it is needed."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.served = ""

    def endpoint(self, flow: str) -> str:
        """Name of an endpoint as the flow needs it: with a model in service, or only approved, or new."""
        set_faults(self.bench.cloud)
        if flow in {"broken", "challenger", "batch"}:
            if not self._in_service():
                self.served = f"served-{secrets.token_hex(3)}"
                assert FLOWS["champion"](self.bench, self.served).outcome == ("SUCCEEDED", "Completed")
            return self.served
        if flow == "on demand":
            return self._shelved
        return f"new-{secrets.token_hex(3)}"

    @functools.cached_property
    def _shelved(self) -> str:
        name = f"shelf-{secrets.token_hex(3)}"
        learnt = self.bench.ended(self.bench.learn(name, Endpoint={"Name": name, "Keep": False}))
        assert learnt.outcome == ("SUCCEEDED", "Completed"), learnt.cause
        return name

    def _in_service(self) -> bool:
        listed = self.bench.cloud.client("sagemaker").list_endpoints(StatusEquals="InService")["Endpoints"]
        return self.served in {one["EndpointName"] for one in listed}


@pytest.fixture(scope="module")
def prepared(bench: Bench) -> Prepared:
    return Prepared(bench)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("made", call_cases.all_made(), ids=lambda made: made.name)
def test_a_refused_call_is_done_without_or_named(
    bench: Bench,
    deployed: Deployed,
    undisturbed: Undisturbed,
    prepared: Prepared,
    ledger: Ledger,
    pytestconfig: pytest.Config,
    made: Made,
) -> None:
    flow, reason = undisturbed.flow_of(made), call_cases.never_made(made)
    if flow is None:
        assert reason or not pytestconfig.getoption(OPTION), "no flow comes to this call; make one, or say why"
        pytest.skip(reason or "its flow is run with all faults only")
    assert reason is None, f"{flow!r} comes to this call; it is not to be listed as never made"
    endpoint, calm = prepared.endpoint(flow), undisturbed.ends[flow]
    before, case = snapshot(bench.cloud), f"{made.name} Refused"
    set_faults(bench.cloud, deployed.rule(made, "Refused", Times=10_000))
    ended = FLOWS[flow](bench, endpoint)
    count = happened(bench.cloud)[case]
    set_faults(bench.cloud)
    left = [one for one in orphans(bench.cloud, before, keep=[endpoint]) if one.partition(" ")[2] not in ended.cause]
    succeeded = ended.outcome[0] == "SUCCEEDED"
    twice = (ended.rows - calm.rows).total()
    lost = (calm.rows - ended.rows).total() if succeeded else 0
    assert count, "the call was not made"
    if ended.outcome != calm.outcome and not succeeded:
        error, said = ended.named
        assert error not in NAMELESS, said
        assert made.operation in said, said
        assert any(word in said for word in ("AccessDenied", "not authorized", "Forbidden")), said
        assert "Traceback" not in said
    how: Outcome = "Recovered" if ended.outcome == calm.outcome else "FailedCleanly"
    ledger.note(GROUP, case, how, orphans=left, lost=lost, duplicated=twice)
    assert (left, lost, twice) == ([], 0, 0)
    assert ended.told == calm.told or made.service == "sns"
