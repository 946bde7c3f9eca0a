"""SageMaker's scripted answers about models, packages and endpoints, for the tests of who is champion."""

from datetime import UTC, datetime
from typing import Any

from botocore.stub import Stubber

ACCOUNT = "arn:aws:sagemaker:eu-central-1:123456789012"
GROUP = "rings"
GROUP_ARN = f"{ACCOUNT}:model-package-group/{GROUP}"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
STARTED = "2026-11-21T05:00:00.000Z"
CONTAINER = {"Image": "image:1", "ModelDataUrl": "s3://data-bucket/model.tar.gz", "Environment": {"MODE": "a,b"}}


def run_uri(run: str) -> str:
    return f"s3://data-bucket/runs/{run}/"


def tag_of(run: str) -> list[dict[str, str]]:
    return [{"Key": "autopilot-flow:run", "Value": run_uri(run)}]


def arn(version: int) -> str:
    return f"{ACCOUNT}:model-package/{GROUP}/{version}"


def missing(stubber: Stubber, *operations: str) -> None:
    for operation in operations:
        stubber.add_client_error(operation, "ValidationException", "Could not find it")


def group(stubber: Stubber, tags: list[dict[str, str]] | None = None) -> None:
    """The group is there; with the project's tag unless told otherwise."""
    described = {
        "ModelPackageGroupName": GROUP,
        "ModelPackageGroupArn": GROUP_ARN,
        "CreationTime": NOW,
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }
    stubber.add_response("describe_model_package_group", described, {"ModelPackageGroupName": GROUP})
    stubber.add_response("list_tags", {"Tags": tag_of("any") if tags is None else tags}, {"ResourceArn": GROUP_ARN})


def package(version: int, run: str, status: str = "Approved", **more: Any) -> dict[str, Any]:
    """DescribeModelPackage's answer about a package that a run registered."""
    properties = {
        "Run": run,
        "RunUri": run_uri(run),
        "ModelName": run,
        "ProblemType": "Regression",
        "TargetColumn": "Rings",
        "ObjectiveMetric": "RMSE",
        "Metric.RMSE": "2.1",
        "Metric.R2": "0.56",
    }
    return {
        "ModelPackageName": f"{GROUP}/{version}",
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": version,
        "ModelPackageArn": arn(version),
        "CreationTime": NOW,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": status,
        "InferenceSpecification": {"Containers": [CONTAINER]},
        "CustomerMetadataProperties": properties,
        **more,
    }


def summary(version: int, created: datetime = NOW, status: str = "Approved") -> dict[str, Any]:
    return {
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": version,
        "ModelPackageArn": arn(version),
        "CreationTime": created,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": status,
    }


def listed(stubber: Stubber, *versions: int, **asked: Any) -> None:
    """The group's versions, on one page."""
    expected = {"ModelPackageGroupName": GROUP, "SortBy": "CreationTime", "SortOrder": "Descending", **asked}
    answer = {"ModelPackageSummaryList": [summary(version) for version in versions]}
    stubber.add_response("list_model_packages", answer, expected)


def described(stubber: Stubber, answer: dict[str, Any]) -> None:
    stubber.add_response("describe_model_package", answer, {"ModelPackageName": answer["ModelPackageArn"]})


def newest_approved(stubber: Stubber, answer: dict[str, Any]) -> None:
    group(stubber)
    listed(stubber, answer["ModelPackageVersion"], ModelApprovalStatus="Approved")
    described(stubber, answer)


def model(stubber: Stubber, name: str, **more: Any) -> None:
    answer = {"ModelName": name, "ModelArn": f"{ACCOUNT}:model/{name}", "CreationTime": NOW, **more}
    stubber.add_response("describe_model", answer, {"ModelName": name})


def endpoint(stubber: Stubber, config: str, status: str = "InService") -> None:
    answer = {
        "EndpointName": GROUP,
        "EndpointArn": f"{ACCOUNT}:endpoint/{GROUP}",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
    }
    stubber.add_response("describe_endpoint", answer, {"EndpointName": GROUP})


def config(stubber: Stubber, name: str, model_name: str) -> None:
    answer = {
        "EndpointConfigName": name,
        "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/{name}",
        "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": model_name}],
        "CreationTime": NOW,
    }
    stubber.add_response("describe_endpoint_config", answer, {"EndpointConfigName": name})


def tags(stubber: Stubber, resource: str, found: list[dict[str, str]]) -> None:
    stubber.add_response("list_tags", {"Tags": found}, {"ResourceArn": f"{ACCOUNT}:{resource}"})
