"""How all flows end without any fault, and which calls are made meanwhile: every fault is held against that."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.faults import call_cases
from tests.faults.call_cases import Deployed, Made
from tests.faults.conftest import SmallRun
from tests.faults.faults import seen, set_faults
from tests.faults.flows import CHEAPEST, FLOWS, LONGEST, Bench, Ended
from tests.sampling import OPTION

NEVER = 10**9
"""Calls that a fault lets pass which is only to see them."""


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
