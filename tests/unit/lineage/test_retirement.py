"""What is taken away at the end of a run: the former champion, or the challenger that lost."""

from collections.abc import Callable
from typing import Any

import pytest
import retire_model
from botocore.stub import Stubber

from automl.errors import ServiceUnavailable
from tests.unit.registry_answers import arn, config, described, endpoint, missing, model, package, run_uri, tag_of, tags

RUN = {"Name": "run-2", "Uri": run_uri("run-2"), "Endpoint": {"Name": "rings", "Keep": True}}
PACKAGE = {"Arn": arn(2), "GroupName": "rings", "Version": 2, "ApprovalStatus": "Approved"}


@pytest.fixture
def stubber(stub: Callable[[Any], Stubber]) -> Stubber:
    return stub(retire_model.SAGEMAKER)


def retire(lambda_context: Any, outcome: str, champion: str = "", **more: Any) -> dict[str, Any]:
    state = {
        "Run": RUN,
        "Model": {"Name": "run-2", "Containers": 1},
        "Champion": {"Exists": bool(champion), **({"ModelName": champion} if champion else {})},
        "Outcome": {"Name": outcome, "Reason": "" if outcome == "Completed" else "It was worse"},
        **more,
    }
    retired: dict[str, Any] = retire_model.handler({"State": state}, lambda_context)
    return retired


def configs_with(stubber: Stubber, model_name: str, *names: str) -> None:
    listed = [{"EndpointConfigName": name, "EndpointConfigArn": "arn:config/" + name} for name in names]
    answer = {"EndpointConfigs": [{**one, "CreationTime": "2026-11-21T06:00:00Z"} for one in listed]}
    stubber.add_response("list_endpoint_configs", answer, {"NameContains": f"{model_name}-"})


def unused_model(stubber: Stubber, name: str) -> None:
    model(stubber, name)
    tags(stubber, f"model/{name}", tag_of(name))
    configs_with(stubber, name)
    stubber.add_response("delete_model", {}, {"ModelName": name})


def unused_config(stubber: Stubber, name: str, run: str, in_service: str) -> None:
    config(stubber, name, run)
    tags(stubber, f"endpoint-config/{name}", tag_of(run))
    endpoint(stubber, in_service)
    stubber.add_response("delete_endpoint_config", {}, {"EndpointConfigName": name})


def rejected(stubber: Stubber) -> None:
    described(stubber, package(2, "run-2"))
    asked = {"ModelPackageArn": arn(2), "ModelApprovalStatus": "Rejected", "ApprovalDescription": "It was worse"}
    stubber.add_response("update_model_package", {"ModelPackageArn": arn(2)}, asked)


def deployed(previous: str = "run-1-config") -> dict[str, Any]:
    return {"Endpoint": {"Name": "rings", "ConfigName": "run-2-config", "PreviousConfigName": previous}}


def test_the_former_champion_goes_and_its_package_stays(stubber: Stubber, lambda_context: Any) -> None:
    unused_config(stubber, "run-1-config", "run-1", in_service="run-2-config")
    unused_model(stubber, "run-1")
    retired = retire(lambda_context, "Completed", champion="run-1", Deployment=deployed(), Package=PACKAGE)
    assert retired == {"Removed": ["endpoint config run-1-config", "model run-1"], "Left": []}


def test_a_champion_that_was_not_in_service_goes_too(stubber: Stubber, lambda_context: Any) -> None:
    unused_model(stubber, "run-1")
    assert retire(lambda_context, "Completed", champion="run-1", Deployment=deployed(""))["Removed"] == ["model run-1"]


def test_the_first_model_of_an_endpoint_replaces_nothing(stubber: Stubber, lambda_context: Any) -> None:
    retired = retire(lambda_context, "Completed", Deployment=deployed(""), Package=PACKAGE)
    assert retired == {"Removed": [], "Left": []}


def test_doing_it_again_finds_nothing_left_to_do(stubber: Stubber, lambda_context: Any) -> None:
    missing(stubber, "describe_endpoint_config", "describe_model")
    retired = retire(lambda_context, "Completed", champion="run-1", Deployment=deployed())
    assert retired == {"Removed": [], "Left": []}


def test_what_others_made_stays(stubber: Stubber, lambda_context: Any) -> None:
    config(stubber, "run-1-config", "run-1")
    tags(stubber, "endpoint-config/run-1-config", [])
    model(stubber, "run-1")
    tags(stubber, "model/run-1", [{"Key": "team", "Value": "x"}])
    retired = retire(lambda_context, "Completed", champion="run-1", Deployment=deployed())
    assert retired == {"Removed": [], "Left": []}


def test_a_model_on_another_endpoint_stays_and_is_told(stubber: Stubber, lambda_context: Any) -> None:
    model(stubber, "run-1")
    tags(stubber, "model/run-1", tag_of("run-1"))
    configs_with(stubber, "run-1", "run-1-0a1b2c3d", "re-run-1-0a1b2c3d", "run-1-gone", "run-1-other-0a1b2c3d")
    config(stubber, "run-1-0a1b2c3d", "run-1")
    missing(stubber, "describe_endpoint_config")
    config(stubber, "run-1-other-0a1b2c3d", "run-1-other")
    retired = retire(lambda_context, "Completed", champion="run-1", Deployment=deployed(""))
    assert retired == {"Removed": [], "Left": ["model run-1: endpoint config run-1-0a1b2c3d has it"]}


def test_a_config_that_is_in_service_stays_and_is_told(stubber: Stubber, lambda_context: Any) -> None:
    config(stubber, "run-1-config", "run-1")
    tags(stubber, "endpoint-config/run-1-config", tag_of("run-1"))
    endpoint(stubber, "run-1-config")
    retired = retire(lambda_context, "Completed", Deployment=deployed())
    assert retired == {"Removed": [], "Left": ["endpoint config run-1-config: endpoint rings has it"]}


def test_a_challenger_that_was_never_registered_leaves_nothing(stubber: Stubber, lambda_context: Any) -> None:
    unused_model(stubber, "run-2")
    retired = retire(lambda_context, "Rejected", champion="run-1")
    assert retired == {"Removed": ["model run-2"], "Left": []}


def test_a_challenger_that_was_not_approved_or_came_too_late_is_nobodys_champion(
    stubber: Stubber, lambda_context: Any
) -> None:
    rejected(stubber)
    unused_model(stubber, "run-2")
    late = {"Endpoint": {"Name": "rings"}}
    retired = retire(lambda_context, "Rejected", champion="run-1", Package=PACKAGE, Deployment=late)
    assert retired == {"Removed": ["model package rings/2 (rejected)", "model run-2"], "Left": []}


def test_a_challenger_that_was_rolled_back_goes_with_its_config(stubber: Stubber, lambda_context: Any) -> None:
    rejected(stubber)
    unused_config(stubber, "run-2-config", "run-2", in_service="run-1-config")
    unused_model(stubber, "run-2")
    retired = retire(lambda_context, "RolledBack", champion="run-1", Package=PACKAGE, Deployment=deployed())
    assert retired["Removed"] == [
        "model package rings/2 (rejected)",
        "endpoint config run-2-config",
        "model run-2",
    ]


def test_what_may_not_be_deleted_does_not_stop_the_rest(stubber: Stubber, lambda_context: Any) -> None:
    described(stubber, package(2, "run-2"))
    stubber.add_client_error("update_model_package", "AccessDeniedException", "not authorized.")
    unused_model(stubber, "run-2")
    retired = retire(lambda_context, "Rejected", Package=PACKAGE)
    assert retired == {"Removed": ["model run-2"], "Left": ["model package rings/2: not authorized"]}


def test_an_unavailable_service_makes_the_state_machine_try_again(stubber: Stubber, lambda_context: Any) -> None:
    stubber.add_client_error("describe_model", "ThrottlingException", "slow down")
    with pytest.raises(ServiceUnavailable):
        retire(lambda_context, "Rejected")
