"""Whose model predicts: the endpoint that was named, or the only one that the stack has an approved model for."""

from typing import Any

import pytest

from autoflow import endpoints
from autoflow.errors import UsageError
from autoflow.stack import Stack
from tests.unit.cli.conftest import BUCKET

TAG = "autopilot-flow:run"


def learn(stack: Stack, name: str, status: str = "Approved", **tags: str) -> None:
    """As a run does that registers its model."""
    sagemaker: Any = stack.client("sagemaker")
    tags = tags or {TAG: f"s3://{BUCKET}/runs/{name}-1/"}
    tagged = [{"Key": key, "Value": value} for key, value in tags.items()]
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=tagged)
    sagemaker.create_model_package(ModelPackageGroupName=name, ModelApprovalStatus=status)


def test_the_only_endpoint_with_an_approved_model_need_not_be_named(stack: Stack) -> None:
    learn(stack, "churn")
    learn(stack, "rejected", status="Rejected")
    learn(stack, "pending", status="PendingManualApproval")
    learn(stack, "of-another-stack", **{TAG: "s3://another-bucket/runs/x-1/"})
    learn(stack, "of-somebody-else", owner="them")
    assert endpoints.choose(stack, None) == "churn"


def test_a_group_that_was_handed_over_counts(stack: Stack) -> None:
    learn(stack, "theirs", **{TAG: "by hand"})
    assert endpoints.choose(stack, None) == "theirs"


def test_several_are_named_and_none_is_said(stack: Stack) -> None:
    with pytest.raises(UsageError, match=r"test has no approved model.*`\S+ run DATA --target COLUMN --stack prod`"):
        endpoints.choose(stack, None)
    for number in range(7):
        learn(stack, f"churn-{number}")
    named = (
        r"there are the endpoints churn-6, churn-5, churn-4, churn-3, churn-2 and 2 more in test; say with --endpoint"
    )
    with pytest.raises(UsageError, match=named):
        endpoints.choose(stack, None)


def test_a_name_that_was_misspelt_is_refused_with_the_nearest(stack: Stack) -> None:
    learn(stack, "churn")
    learn(stack, "loyalty")
    assert endpoints.choose(stack, "loyalty") == "loyalty"
    with pytest.raises(UsageError, match=r"no endpoint 'loialty', and .*; did you mean 'loyalty'\?"):
        endpoints.choose(stack, "loialty")
    with pytest.raises(UsageError, match=r"no endpoint 'q'.*; there are the endpoints loyalty, churn"):
        endpoints.choose(stack, "q")


def test_an_endpoint_in_service_needs_no_package(stack: Stack) -> None:
    sagemaker: Any = stack.client("sagemaker")
    sagemaker.create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/sagemaker-role")
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="by-hand", EndpointConfigName="c")
    assert endpoints.choose(stack, "by-hand") == "by-hand"
