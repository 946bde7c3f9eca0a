"""The model registry: versions, approval, what becomes a model, and what EventBridge hears."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker, Trained

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package"
CONTAINER = {
    "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/other:1",
    "ModelDataUrl": "s3://nowhere/model.tar.gz",
    "Environment": {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"},
}
SPECIFICATION = {"Containers": [CONTAINER], "SupportedContentTypes": ["text/csv"]}


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def group(aws: "SageMaker", request: pytest.FixtureRequest) -> str:
    """A group of the test's own."""
    name = f"G{request.node.name.replace('_', '-')[:50].strip('-')}"
    aws.sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "k", "Value": "v"}])
    return name


def register(aws: "SageMaker", group: str, **request: Any) -> str:
    body = {"ModelPackageGroupName": group, "InferenceSpecification": SPECIFICATION} | request
    return str(aws.sagemaker.create_model_package(**body)["ModelPackageArn"])


def versions(aws: "SageMaker", **request: Any) -> list[int]:
    listed = aws.sagemaker.list_model_packages(**request)["ModelPackageSummaryList"]
    return [item["ModelPackageVersion"] for item in listed]


def test_a_group_has_a_name_tags_and_an_end(aws: "SageMaker", group: str) -> None:
    call = aws.sagemaker
    described = call.describe_model_package_group(ModelPackageGroupName=group)
    arn = described["ModelPackageGroupArn"]
    assert arn == f"{ARN}-group/{group.lower()}"
    assert described["ModelPackageGroupStatus"] == "Completed"
    assert call.describe_model_package_group(ModelPackageGroupName=arn)["ModelPackageGroupName"] == group
    assert call.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    code, message = refusal(call.create_model_package_group, ModelPackageGroupName=group)
    assert (code, "already exists" in message) == ("ValidationException", True)
    listed = call.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [item["ModelPackageGroupName"] for item in listed] == [group]
    package = register(aws, group)
    assert refusal(call.delete_model_package_group, ModelPackageGroupName=group)[0] == "ConflictException"
    call.delete_model_package(ModelPackageName=package)
    call.delete_model_package_group(ModelPackageGroupName=group)
    code, message = refusal(call.describe_model_package_group, ModelPackageGroupName=group)
    assert (code, "does not exist" in message) == ("ValidationException", True)
    assert refusal(call.list_model_packages, ModelPackageGroupName=group)[0] == "ValidationException"


def test_versions_are_numbered_and_wait_for_approval(aws: "SageMaker", group: str) -> None:
    arn = register(aws, group, CustomerMetadataProperties={"Run": "r"}, ModelPackageDescription="first")
    assert arn == f"{ARN}/{group.lower()}/1"
    package = aws.sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["InferenceSpecification"] == SPECIFICATION
    assert (package["ModelPackageVersion"], package["ModelApprovalStatus"]) == (1, "PendingManualApproval")
    assert (package["ModelPackageStatus"], package["CustomerMetadataProperties"]) == ("Completed", {"Run": "r"})
    assert "ModelPackageName" not in package
    aws.sagemaker.delete_model_package(ModelPackageName=arn)
    assert register(aws, group, ModelApprovalStatus="Approved").endswith("/2"), "a number is never used again"
    code, message = refusal(aws.sagemaker.describe_model_package, ModelPackageName=arn)
    assert (code, message) == ("ValidationException", f"ModelPackage {arn} does not exist.")


def test_a_token_makes_one_package(aws: "SageMaker", group: str) -> None:
    first = register(aws, group, ClientToken="one-and-the-same")
    assert register(aws, group, ClientToken="one-and-the-same") == first
    body = {"ModelPackageGroupName": group, "InferenceSpecification": SPECIFICATION, "ClientToken": "one-and-the-same"}
    code, _ = refusal(aws.sagemaker.create_model_package, **body, ModelApprovalStatus="Approved")
    assert code == "ConflictException"
    assert versions(aws, ModelPackageGroupName=group) == [1]


def test_what_is_not_a_versioned_package_is_refused(aws: "SageMaker", group: str) -> None:
    create = aws.sagemaker.create_model_package

    def message(**request: Any) -> str:
        return refusal(create, **({"InferenceSpecification": SPECIFICATION} | request))[1]

    assert "Unversioned model packages are not supported" in message(ModelPackageName="alone")
    assert "Cannot determine which one" in message(ModelPackageName="alone", ModelPackageGroupName=group)
    assert "tag its model package group" in message(ModelPackageGroupName=group, Tags=[{"Key": "k", "Value": "v"}])
    assert "does not exist" in message(ModelPackageGroupName="nobody")
    no_image = {"Containers": [{"ModelDataUrl": "s3://nowhere/model.tar.gz"}]}
    assert "Image must be specified" in message(ModelPackageGroupName=group, InferenceSpecification=no_image)
    too_long = {"Run": "x" * 257}
    assert "less than or equal to 256" in message(ModelPackageGroupName=group, CustomerMetadataProperties=too_long)
    package = register(aws, group)
    for call, request in (
        (aws.sagemaker.add_tags, {"Tags": [{"Key": "k", "Value": "v"}]}),
        (aws.sagemaker.list_tags, {}),
    ):
        assert "its group" in refusal(call, ResourceArn=package, **request)[1]


def test_packages_are_listed_filtered_sorted_and_paged(aws: "SageMaker", group: str) -> None:
    for status in ("Approved", "Rejected", "Approved", "PendingManualApproval"):
        register(aws, group, ModelApprovalStatus=status)
    assert versions(aws, ModelPackageGroupName=group) == [1, 2, 3, 4]
    newest = {"ModelPackageGroupName": group, "SortBy": "CreationTime", "SortOrder": "Descending"}
    assert versions(aws, **newest, ModelApprovalStatus="Approved") == [3, 1]
    page = aws.sagemaker.list_model_packages(**newest, MaxResults=3)
    assert [item["ModelPackageVersion"] for item in page["ModelPackageSummaryList"]] == [4, 3, 2]
    assert versions(aws, **newest, MaxResults=3, NextToken=page["NextToken"]) == [1]
    assert versions(aws, ModelPackageGroupName=group, ModelPackageType="Unversioned") == []
    assert versions(aws, NameContains=group) == [], "unversioned ones by default"
    assert versions(aws, NameContains=group, ModelPackageType="Versioned", SortBy="Name") == [1, 2, 3, 4]


def test_an_approval_is_given_and_taken_but_never_undecided(aws: "SageMaker", group: str) -> None:
    arn = register(aws, group, CustomerMetadataProperties={"Run": "r", "Old": "x"})
    call = aws.sagemaker
    for status in ("Rejected", "Approved", "Rejected"):
        call.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=f"now {status}")
        package = call.describe_model_package(ModelPackageName=arn)
        assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == (status, f"now {status}")
    _, message = refusal(call.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="PendingManualApproval")
    assert "from Rejected to PendingManualApproval" in message
    call.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"New": "y"}, CustomerMetadataPropertiesToRemove=["Old"]
    )
    package = call.describe_model_package(ModelPackageName=arn)
    assert package["CustomerMetadataProperties"] == {"Run": "r", "New": "y"}
    assert package["LastModifiedTime"] > package["CreationTime"]
    too_many = {f"K{number}": "v" for number in range(49)}
    assert (
        "at most 50" in refusal(call.update_model_package, ModelPackageArn=arn, CustomerMetadataProperties=too_many)[1]
    )


def test_only_an_approved_package_becomes_a_model(aws: "SageMaker", trained: "Trained", group: str) -> None:
    (container,) = trained.job["BestCandidate"]["InferenceContainers"]
    environment = container["Environment"] | {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability"}
    specification = {"Containers": [container | {"Environment": environment}], "SupportedContentTypes": ["text/csv"]}
    arn = register(aws, group, InferenceSpecification=specification)
    model: dict[str, Any] = {"Containers": [{"ModelPackageName": arn}], "ExecutionRoleArn": aws.role}
    _, message = refusal(aws.sagemaker.create_model, ModelName="packaged", **model)
    assert "approval status is PendingManualApproval" in message
    aws.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    aws.sagemaker.create_model(ModelName="packaged", **model)
    assert aws.sagemaker.describe_model(ModelName="packaged")["Containers"] == [{"ModelPackageName": arn}]
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "packaged",
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    aws.sagemaker.create_endpoint_config(EndpointConfigName="packaged", ProductionVariants=[variant])
    aws.sagemaker.create_endpoint(EndpointName="packaged", EndpointConfigName="packaged")
    assert aws.wait_for_endpoint("packaged")["EndpointStatus"] == "InService"
    label, probability = aws.invoke("packaged", b"44,cook,0.1,x\n").strip().split(",")
    assert label in {"yes", "no"}
    assert 0 <= float(probability) <= 1
    aws.sagemaker.delete_endpoint(EndpointName="packaged")


def test_eventbridge_hears_of_every_change_of_approval_more_than_once(aws: "SageMaker", group: str, heard: Any) -> None:
    arn = register(aws, group, CustomerMetadataProperties={"Run": "r"})
    created = heard("Model Package", 2)
    assert len(created) == 2
    for event in created:
        assert (event["source"], event["detail-type"]) == ("aws.sagemaker", "SageMaker Model Package State Change")
        assert event["resources"] == [arn]
        detail = event["detail"]
        assert detail["ModelPackageArn"] == arn
        assert (detail["ModelPackageGroupName"], detail["ModelPackageVersion"]) == (group, 1)
        assert (detail["ModelApprovalStatus"], detail["ModelPackageStatus"]) == ("PendingManualApproval", "Completed")
        assert detail["InferenceSpecification"]["Containers"] == [CONTAINER]
    aws.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="ok")
    approved = [event["detail"] for event in heard("Model Package", 2)]
    assert [detail["ModelApprovalStatus"] for detail in approved] == ["Approved", "Approved"]
    assert approved[0]["ApprovalDescription"] == "ok"
