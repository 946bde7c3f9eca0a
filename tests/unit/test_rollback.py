"""Taking a deployment back, from every state in which it can be."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from automl import rollback
from automl.errors import EndpointBusy, EndpointFailed

ACCOUNT = "arn:aws:sagemaker:eu-central-1:123456789012"
OURS = {"Key": "autopilot-flow:run", "Value": "s3://data-bucket/runs/run-1/"}
AFTER_OLD = {"Key": "autopilot-flow:previous-config", "Value": "old"}
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client("sagemaker")


@pytest.fixture
def stubber(sagemaker: Any, stub: Callable[[Any], Stubber]) -> Stubber:
    return stub(sagemaker)


def config_is(stubber: Stubber) -> None:
    """The config ``new`` is there."""
    arn = f"{ACCOUNT}:endpoint-config/new"
    stubber.add_response(
        "describe_endpoint_config",
        {
            "EndpointConfigName": "new",
            "EndpointConfigArn": arn,
            "ProductionVariants": [{"VariantName": "AllTraffic"}],
            "CreationTime": NOW,
        },
        {"EndpointConfigName": "new"},
    )


def config_tags(stubber: Stubber, *tags: dict[str, str]) -> None:
    stubber.add_response("list_tags", {"Tags": list(tags)}, {"ResourceArn": f"{ACCOUNT}:endpoint-config/new"})


def endpoint_is(stubber: Stubber, status: str, config: str, **more: Any) -> None:
    stubber.add_response(
        "describe_endpoint",
        {
            "EndpointName": "rings",
            "EndpointArn": f"{ACCOUNT}:endpoint/rings",
            "EndpointConfigName": config,
            "EndpointStatus": status,
            "CreationTime": NOW,
            "LastModifiedTime": NOW,
            **more,
        },
        {"EndpointName": "rings"},
    )


def missing(stubber: Stubber, operation: str, code: str = "ValidationException") -> None:
    stubber.add_client_error(operation, code, "Could not find it")


def config_deleted(stubber: Stubber) -> None:
    stubber.add_response("delete_endpoint_config", {}, {"EndpointConfigName": "new"})


@pytest.mark.parametrize("status", ["Creating", "InService", "Failed"])
def test_an_endpoint_that_was_created_is_deleted_with_its_config(sagemaker: Any, stubber: Stubber, status: str) -> None:
    config_is(stubber)
    endpoint_is(stubber, status, "new")
    config_tags(stubber, OURS)
    stubber.add_response("list_tags", {"Tags": [OURS]}, {"ResourceArn": f"{ACCOUNT}:endpoint/rings"})
    stubber.add_response("delete_endpoint", {}, {"EndpointName": "rings"})
    config_deleted(stubber)
    assert rollback.remove(sagemaker, "rings", "new") == rollback.Removal(
        "Deleted", ("endpoint rings", "endpoint config new")
    )


def test_an_endpoint_that_was_updated_gets_its_former_config_back(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "InService", "new")
    config_tags(stubber, OURS, AFTER_OLD)
    stubber.add_response(
        "update_endpoint",
        {"EndpointArn": f"{ACCOUNT}:endpoint/rings"},
        {"EndpointName": "rings", "EndpointConfigName": "old"},
    )
    assert rollback.remove(sagemaker, "rings", "new") == rollback.Removal("Restored", ())


def test_when_sagemaker_has_rolled_back_only_our_config_goes(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "InService", "old")
    config_tags(stubber, OURS, AFTER_OLD)
    config_deleted(stubber)
    assert rollback.remove(sagemaker, "rings", "new") == rollback.Removal("Restored", ("endpoint config new",))


def test_an_endpoint_that_went_on_to_another_config_stays(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "InService", "newer")
    config_tags(stubber, OURS)
    config_deleted(stubber)
    assert rollback.remove(sagemaker, "rings", "new").status == "InService"


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_nothing_there_is_nothing_to_do(sagemaker: Any, stubber: Stubber, code: str) -> None:
    missing(stubber, "describe_endpoint_config", code)
    missing(stubber, "describe_endpoint", code)
    assert rollback.remove(sagemaker, "rings", "new") == rollback.Removal("Deleted", ())


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_things_that_vanish_meanwhile_are_no_error(sagemaker: Any, stubber: Stubber, code: str) -> None:
    """Where a statement asks for a tag, IAM denies what SageMaker would not find."""
    config_is(stubber)
    endpoint_is(stubber, "InService", "new")
    config_tags(stubber, OURS)
    stubber.add_response("list_tags", {"Tags": [OURS]})
    for thing in ("endpoint", "endpoint_config"):
        missing(stubber, f"delete_{thing}", code)
        missing(stubber, f"describe_{thing}")
    assert rollback.remove(sagemaker, "rings", "new").status == "Deleted"


def test_an_endpoint_without_our_tag_stays(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "InService", "new")
    config_tags(stubber, OURS)
    stubber.add_response("list_tags", {"Tags": []}, {"ResourceArn": f"{ACCOUNT}:endpoint/rings"})
    assert rollback.remove(sagemaker, "rings", "new") == rollback.Removal("InService", ())


def test_an_update_that_is_under_way_is_busy(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "Updating", "old", PendingDeploymentSummary={"EndpointConfigName": "new"})
    config_tags(stubber, OURS, AFTER_OLD)
    with pytest.raises(EndpointBusy, match="'old' can be put back when that has ended"):
        rollback.remove(sagemaker, "rings", "new")


def test_a_config_in_service_stays_while_someone_else_updates_the_endpoint(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "Updating", "new", PendingDeploymentSummary={"EndpointConfigName": "newer"})
    config_tags(stubber, OURS)
    with pytest.raises(EndpointBusy, match="its config 'new' can be deleted when that has ended"):
        rollback.remove(sagemaker, "rings", "new")


def test_an_endpoint_that_cannot_be_deleted_now_is_busy(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "Creating", "new")
    config_tags(stubber, OURS)
    stubber.add_response("list_tags", {"Tags": [OURS]})
    stubber.add_client_error("delete_endpoint", "ValidationException", "Cannot delete while creating")
    endpoint_is(stubber, "Creating", "new")
    with pytest.raises(EndpointBusy, match="Cannot delete while creating; delete it later"):
        rollback.remove(sagemaker, "rings", "new")


def test_a_former_config_that_is_gone_cannot_be_put_back(sagemaker: Any, stubber: Stubber) -> None:
    config_is(stubber)
    endpoint_is(stubber, "InService", "new")
    config_tags(stubber, OURS, AFTER_OLD)
    stubber.add_client_error("update_endpoint", "ValidationException", "Could not find endpoint configuration old.")
    with pytest.raises(EndpointFailed, match="could not get its config 'old' back"):
        rollback.remove(sagemaker, "rings", "new")


def test_missing_permission_is_not_taken_for_absence(sagemaker: Any, stubber: Stubber) -> None:
    stubber.add_client_error("describe_endpoint_config", "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        rollback.remove(sagemaker, "rings", "new")
