"""Every AWS call is refused: the workflow does without it, or fails and names it, and leaves nothing behind.

An ordinary run takes a sample of the flow that makes most of the calls; ``--all-faults`` takes them all.
"""

import functools
import secrets

import pytest

from tests.faults import call_cases
from tests.faults.call_cases import Deployed, Made
from tests.faults.faults import happened, set_faults
from tests.faults.flows import FLOWS, IN_SERVICE, INSTANCE, Bench
from tests.faults.orphans import orphans, snapshot
from tests.faults.undisturbed import Undisturbed, bench, deployed, undisturbed
from tests.ledger import Group, Ledger, Outcome

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
        if flow in IN_SERVICE:
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
        learnt = self.bench.ended(self.bench.learn(name, Endpoint={"Name": name, **INSTANCE, "Keep": False}))
        assert learnt.outcome == ("SUCCEEDED", "Completed"), learnt.cause
        return name

    def _in_service(self) -> bool:
        listed = self.bench.cloud.client("sagemaker").list_endpoints(StatusEquals="InService")["Endpoints"]
        return self.served in {one["EndpointName"] for one in listed}


@pytest.fixture(scope="module")
def prepared(bench: Bench) -> Prepared:
    return Prepared(bench)


@pytest.mark.sampled(0)
def test_every_call_is_made_by_a_flow_or_there_is_a_reason(undisturbed: Undisturbed) -> None:
    settled = [made for made in call_cases.all_made() if not call_cases.by_chance(made)]
    without = {made.name for made in settled if undisturbed.flow_of(made) is None}
    reasons = {made.name for made in settled if call_cases.never_made(made)}
    assert sorted(without - reasons) == [], "no flow comes to them; make one, or say why"
    assert sorted(reasons - without) == [], "flows come to them; they are not to be listed as never made"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("made", call_cases.all_made(), ids=lambda made: made.name)
def test_a_refused_call_is_done_without_or_named(
    bench: Bench,
    deployed: Deployed,
    undisturbed: Undisturbed,
    prepared: Prepared,
    ledger: Ledger,
    made: Made,
) -> None:
    flow = undisturbed.flow_of(made)
    chance = call_cases.by_chance(made)
    if flow is None or chance:
        pytest.skip(chance or call_cases.never_made(made) or "its flow is run with all faults only")
    endpoint, calm = prepared.endpoint(flow), undisturbed.ends[flow]
    before, case = snapshot(bench.cloud), f"{made.name} Refused"
    set_faults(bench.cloud, deployed.rule(made, "Refused", Times=10_000))
    ended = FLOWS[flow](bench, endpoint)
    count = happened(bench.cloud)[case]
    set_faults(bench.cloud)
    left = [one for one in orphans(bench.cloud, before, keep=[endpoint]) if one.rpartition(" ")[2] not in ended.said]
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
    # People who know of a failure hear once more of a clean-up that cannot do its work.
    again = made.caller in {"CleanUpFunction", "SettleExecutionFunction", "CleanupStateMachine"}
    assert ended.due <= ended.told <= ended.due + again or made.service == "sns"
