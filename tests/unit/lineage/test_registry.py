"""The registry: what SageMaker is asked about groups and packages, and that a repeated registration finds the first."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import InvalidRequest
from automl.lineage import registry
from tests.unit.registry_answers import (
    CONTAINER,
    GROUP,
    NOW,
    STARTED,
    arn,
    described,
    group,
    listed,
    missing,
    newest_approved,
    package,
    run_uri,
    summary,
    tag_of,
)

RUN = {"Name": "run-2", "Uri": run_uri("run-2"), "StartedAt": STARTED, "Approval": "Automatic"}
SINCE = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client("sagemaker")


@pytest.fixture
def stubber(sagemaker: Any, stub: Callable[[Any], Stubber]) -> Stubber:
    return stub(sagemaker)


@given(st.text(max_size=400))
def test_a_property_holds_only_what_sagemaker_takes(text: str) -> None:
    kept = registry.sanitise(text)
    assert len(kept) == min(len(text), 256)
    assert all(sign in "_.:/=+-@" or unicodedata.category(sign)[0] in "LZN" for sign in kept)
    assert registry.sanitise(kept) == kept


def test_names_of_columns_stay_readable() -> None:
    assert registry.sanitise("Größe (m²)\n50 %") == "Größe _m²__50 _"


def test_properties_are_texts_and_what_is_missing_is_left_out() -> None:
    values = {"A": "x", "B": None, "C": "", "D": 0.5, "E": float("nan"), "F": 3, "G": 1 / 3, "H": 1e-12}
    assert registry.as_properties(values) == {"A": "x", "D": "0.5", "F": "3", "G": "0.3333333333", "H": "1e-12"}
    assert len(registry.as_properties({f"Metric.{number}": number for number in range(99)})) == 50


def test_a_group_of_others_is_not_used(sagemaker: Any, stubber: Stubber) -> None:
    group(stubber, tags=[{"Key": "team", "Value": "x"}])
    with pytest.raises(
        InvalidRequest, match=r"group 'rings' exists and was not made by this project.*another Endpoint"
    ):
        registry.newest_approved(sagemaker, GROUP)


def test_without_a_group_there_is_no_package(sagemaker: Any, stubber: Stubber) -> None:
    missing(stubber, "describe_model_package_group", "describe_model_package_group")
    assert registry.newest_approved(sagemaker, GROUP) is None
    assert registry.package_of_model(sagemaker, GROUP, "run-1") is None


def test_that_a_group_cannot_be_seen_does_not_mean_that_there_is_none(sagemaker: Any, stubber: Stubber) -> None:
    stubber.add_client_error("describe_model_package_group", "AccessDeniedException", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        registry.newest_approved(sagemaker, GROUP)


def test_a_group_is_made_with_the_tag_of_its_first_run(sagemaker: Any, stubber: Stubber) -> None:
    missing(stubber, "describe_model_package_group")
    asked = {
        "ModelPackageGroupName": GROUP,
        "ModelPackageGroupDescription": "Models of endpoint rings",
        "Tags": tag_of("run-2"),
    }
    stubber.add_response("create_model_package_group", {"ModelPackageGroupArn": "arn:group"}, asked)
    registry.ensure_group(sagemaker, GROUP, RUN["Uri"])


def test_a_group_that_another_run_made_meanwhile_will_do(sagemaker: Any, stubber: Stubber) -> None:
    missing(stubber, "describe_model_package_group")
    stubber.add_client_error("create_model_package_group", "ValidationException", "already exists")
    group(stubber)
    registry.ensure_group(sagemaker, GROUP, RUN["Uri"])


def test_a_refused_group_is_told(sagemaker: Any, stubber: Stubber) -> None:
    missing(stubber, "describe_model_package_group")
    stubber.add_client_error("create_model_package_group", "ValidationException", "Bad name.")
    missing(stubber, "describe_model_package_group")
    with pytest.raises(InvalidRequest, match=r"refused model package group 'rings': Bad name\. Correct Endpoint\.Name"):
        registry.ensure_group(sagemaker, GROUP, RUN["Uri"])


def test_the_newest_approved_package_is_found_on_any_page_in_any_order(sagemaker: Any, stubber: Stubber) -> None:
    asked = {
        "ModelPackageGroupName": GROUP,
        "ModelApprovalStatus": "Approved",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
    }
    group(stubber)
    first = {"ModelPackageSummaryList": [summary(1, NOW - timedelta(days=2))], "NextToken": "more"}
    stubber.add_response("list_model_packages", first, asked)
    second = {"ModelPackageSummaryList": [summary(2), summary(3)]}
    stubber.add_response("list_model_packages", second, {**asked, "NextToken": "more"})
    described(stubber, package(3, "run-3"))
    found = registry.newest_approved(sagemaker, GROUP)
    assert found is not None
    assert (found.arn, found.version, found.metrics) == (arn(3), 3, {"RMSE": 2.1, "R2": 0.56})
    assert found.containers == (CONTAINER,)


@pytest.mark.parametrize(
    "newest",
    [
        package(2, "run-2", ModelPackageStatus="Failed"),
        package(2, "run-2", CustomerMetadataProperties={"team": "x"}),
        package(2, "run-2", "Rejected"),
    ],
    ids=["could not be made", "registered by hand", "rejected since it was listed"],
)
def test_a_package_that_is_no_model_of_ours_is_passed_over(
    sagemaker: Any, stubber: Stubber, newest: dict[str, Any]
) -> None:
    group(stubber)
    listed(stubber, 1, 2, ModelApprovalStatus="Approved")
    described(stubber, newest)
    described(stubber, package(1, "run-1"))
    found = registry.newest_approved(sagemaker, GROUP)
    assert found is not None
    assert found.arn == arn(1)


def test_a_package_that_was_deleted_since_it_was_listed_is_passed_over(sagemaker: Any, stubber: Stubber) -> None:
    group(stubber)
    listed(stubber, 1, ModelApprovalStatus="Approved")
    missing(stubber, "describe_model_package")
    assert registry.newest_approved(sagemaker, GROUP) is None


def test_a_metric_that_somebody_edited_does_not_end_a_run(sagemaker: Any, stubber: Stubber) -> None:
    edited = package(1, "run-1")
    edited["CustomerMetadataProperties"]["Metric.R2"] = "good"
    newest_approved(stubber, edited)
    found = registry.newest_approved(sagemaker, GROUP)
    assert found is not None
    assert found.metrics == {"RMSE": 2.1}


def test_a_model_is_found_by_its_name_whatever_became_of_its_package(sagemaker: Any, stubber: Stubber) -> None:
    group(stubber)
    listed(stubber, 1, 2)
    described(stubber, package(2, "run-2"))
    described(stubber, package(1, "run-1", "PendingManualApproval"))
    found = registry.package_of_model(sagemaker, GROUP, "run-1")
    assert found is not None
    assert (found.arn, found.status) == (arn(1), "PendingManualApproval")


REQUEST = registry.package_request(
    GROUP,
    RUN,
    [{**CONTAINER, "Mode": "SingleModel"}],
    {"Run": "run-2", "RunUri": RUN["Uri"]},
    {"Statistics": "s3://data-bucket/s.json", "Explainability": "s3://data-bucket/a.json"},
)


def test_a_package_has_the_containers_with_their_environment_the_reports_and_the_properties() -> None:
    def report(name: str) -> dict[str, str]:
        return {"ContentType": "application/json", "S3Uri": f"s3://data-bucket/{name}.json"}

    request: Any = REQUEST
    assert request == {
        "ModelPackageGroupName": GROUP,
        "ModelPackageDescription": "Model of run run-2",
        "InferenceSpecification": {
            "Containers": [CONTAINER],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelApprovalStatus": "Approved",
        "ModelMetrics": {"ModelQuality": {"Statistics": report("s")}, "Explainability": {"Report": report("a")}},
        "CustomerMetadataProperties": {"Run": "run-2", "RunUri": RUN["Uri"]},
        "ClientToken": "run-2",
    }


def test_manual_approval_leaves_the_package_pending_and_missing_reports_are_left_out() -> None:
    request = registry.package_request(GROUP, {**RUN, "Approval": "Manual"}, [CONTAINER], {"Run": "run-2"}, {})
    assert request["ModelApprovalStatus"] == "PendingManualApproval"
    assert "ModelMetrics" not in request


def test_a_model_is_registered_once(sagemaker: Any, stubber: Stubber) -> None:
    listed(stubber, CreationTimeAfter=SINCE)
    stubber.add_response("create_model_package", {"ModelPackageArn": arn(7)}, dict(REQUEST))
    registered = registry.register(sagemaker, REQUEST, RUN)
    assert (registered.arn, registered.version, registered.status) == (arn(7), 7, "Approved")


def test_a_retry_finds_the_package_of_the_first_attempt(sagemaker: Any, stubber: Stubber) -> None:
    listed(stubber, 6, 7, CreationTimeAfter=SINCE)
    described(stubber, package(7, "run-3"))
    described(stubber, package(6, "run-2", "Rejected"))
    registered = registry.register(sagemaker, REQUEST, RUN)
    assert (registered.arn, registered.status) == (arn(6), "Rejected")


def test_a_package_that_came_to_be_at_the_same_moment_is_found(sagemaker: Any, stubber: Stubber) -> None:
    listed(stubber, CreationTimeAfter=SINCE)
    stubber.add_client_error("create_model_package", "ConflictException", "in use")
    listed(stubber, 7, CreationTimeAfter=SINCE)
    described(stubber, package(7, "run-2"))
    assert registry.register(sagemaker, REQUEST, RUN).arn == arn(7)


def test_a_refused_package_is_told(sagemaker: Any, stubber: Stubber) -> None:
    listed(stubber, CreationTimeAfter=SINCE)
    stubber.add_client_error("create_model_package", "ValidationException", "Unknown property.")
    listed(stubber, CreationTimeAfter=SINCE)
    with pytest.raises(InvalidRequest, match=r"model of run 'run-2' in group 'rings': Unknown property\. See that"):
        registry.register(sagemaker, REQUEST, RUN)


def test_a_rejection_says_why_in_one_line(sagemaker: Any, stubber: Stubber) -> None:
    described(stubber, package(2, "run-2"))
    asked = {"ModelPackageArn": arn(2), "ModelApprovalStatus": "Rejected", "ApprovalDescription": "It was worse"}
    stubber.add_response("update_model_package", {"ModelPackageArn": arn(2)}, asked)
    assert registry.reject(sagemaker, arn(2), "It\nwas  worse")


def test_what_is_rejected_or_gone_is_not_rejected_again(sagemaker: Any, stubber: Stubber) -> None:
    described(stubber, package(2, "run-2", "Rejected", ApprovalDescription="by Ada"))
    missing(stubber, "describe_model_package")
    assert not registry.reject(sagemaker, arn(2), "x")
    assert not registry.reject(sagemaker, arn(2), "x")
