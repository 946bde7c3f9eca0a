"""Every AWS call is refused: the workflow does without it, or fails and names it, and leaves nothing behind.

An ordinary run takes a sample of the flow that makes most of the calls; ``--all-faults`` takes them all.
"""

import functools
import secrets

import pytest

from tests.faults import call_cases
from tests.faults.call_cases import Deployed, Made
from tests.faults.faults import happened, set_faults
from tests.faults.flows import FLOWS, Bench
from tests.faults.orphans import orphans, snapshot
from tests.faults.undisturbed import Undisturbed, bench, deployed, undisturbed
from tests.ledger import Group, Ledger, Outcome
from tests.sampling import OPTION

__all__ = ["bench", "deployed", "undisturbed"]

GROUP: Group = "AWS calls"
NAMELESS = {"States.TaskFailed", "States.Unknown", "Exception", ""}


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
