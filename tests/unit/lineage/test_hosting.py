"""How an endpoint is hosted that a scoring makes: as the request says, else as the run's was."""

from typing import Any

import pytest

from automl.errors import InvalidRequest
from automl.lineage import serving
from tests.unit.endpoint_answers import INSTANCES, SERVERLESS

KEPT = {"AutoScaling": {"MaxInstanceCount": 3, "InvocationsPerInstance": 100}, "DataCapture": {"SamplingPercentage": 5}}


@pytest.mark.parametrize(
    ("asked", "former", "hosting"),
    [
        ({}, SERVERLESS, SERVERLESS),
        ({}, INSTANCES, INSTANCES),
        ({"InstanceType": "ml.c5.xlarge"}, SERVERLESS, {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1}),
        ({"InstanceType": "ml.c5.xlarge"}, INSTANCES, {"InstanceType": "ml.c5.xlarge", "InstanceCount": 2}),
        ({"InstanceCount": 7}, INSTANCES, {"InstanceType": "ml.m5.large", "InstanceCount": 7}),
        (SERVERLESS, INSTANCES, SERVERLESS),
    ],
)
def test_hosting_is_the_requests_else_the_runs(
    asked: dict[str, Any], former: dict[str, Any], hosting: dict[str, Any]
) -> None:
    assert serving.resolve_hosting(asked, {"Name": "x", "Keep": True, **former}, "", keep=False) == hosting


def test_only_an_endpoint_that_stays_scales_and_captures_data() -> None:
    former = {"Name": "x", "Keep": True, **INSTANCES, **KEPT}

    assert serving.resolve_hosting({}, former, "", keep=True) == {**INSTANCES, **KEPT}
    assert serving.resolve_hosting({}, former, "", keep=False) == INSTANCES


@pytest.mark.parametrize(
    ("asked", "former", "obstacle", "message"),
    [
        ({**SERVERLESS, "InstanceCount": 1}, SERVERLESS, "", "keep one kind of hosting"),
        ({"InstanceCount": 2}, SERVERLESS, "", "add InstanceType"),
        (SERVERLESS, INSTANCES, serving.no_serverless(3, in_vpc=False), "because the model has 3 containers; give"),
        ({}, SERVERLESS, serving.no_serverless(1, in_vpc=True), "because the stack runs its models in a VPC; give"),
    ],
)
def test_hosting_that_cannot_be_had_is_refused(
    asked: dict[str, Any], former: dict[str, Any], obstacle: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        serving.resolve_hosting(asked, former, obstacle, keep=False)
