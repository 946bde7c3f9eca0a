"""What a call asks for is what AWS's service authorization reference says it is checked against."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from autoflow.local.access.asks import Call, asks
from tests.template import AUTHORIZATION, UNLISTED
from tests.unit.test_permissions import ALSO, OTHER_ACTIONS

ACCOUNT, REGION = "123456789012", "eu-central-1"
ARN = f"arn:aws:{{}}:{REGION}:{ACCOUNT}:{{}}"
MACHINE = ARN.format("states", "stateMachine:m")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
TAGS = [{"Key": "autopilot-flow:run", "Value": "r"}]


class Known:
    """One tagged endpoint, one object, one waiting execution."""

    def tags(self, arn: str) -> Mapping[str, str]:
        return {"autopilot-flow:run": "r"} if arn.endswith("endpoint/tagged") else {}

    def has_object(self, bucket: str, key: str) -> bool:
        return key == "there"

    def machine_of_token(self, token: str) -> str | None:
        return MACHINE if token == "token" else None


def asked(service: str, operation: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(ask.action, ask.resource) for ask in asks(Call(service, operation, parameters, ACCOUNT, REGION), Known())]


CALLS: dict[tuple[str, str], dict[str, Any]] = {
    ("application-autoscaling", "RegisterScalableTarget"): {"ResourceId": "endpoint/e/variant/v"},
    ("application-autoscaling", "PutScalingPolicy"): {"ResourceId": "endpoint/e/variant/v"},
    ("application-autoscaling", "DeregisterScalableTarget"): {"ResourceId": "endpoint/e/variant/v"},
    ("cloudwatch", "DeleteAlarms"): {"AlarmNames": ["a"]},
    ("cloudwatch", "DescribeAlarms"): {"AlarmNames": ["a"]},
    ("cloudwatch", "PutMetricAlarm"): {"AlarmName": "a"},
    ("cloudwatch", "PutMetricData"): {"Namespace": "AWS/SageMaker"},
    ("lambda", "GetFunctionConfiguration"): {"FunctionName": "f"},
    ("lambda", "Invoke"): {"FunctionName": ARN.format("lambda", "function:f")},
    ("logs", "CreateLogGroup"): {"logGroupName": "/aws/lambda/f"},
    ("logs", "CreateLogStream"): {"logGroupName": "/aws/lambda/f", "logStreamName": "s"},
    ("logs", "PutLogEvents"): {"logGroupName": "/aws/lambda/f", "logStreamName": "s"},
    ("s3", "AbortMultipartUpload"): {"Bucket": "b", "Key": "k"},
    ("s3", "CompleteMultipartUpload"): {"Bucket": "b", "Key": "k"},
    ("s3", "CreateMultipartUpload"): {"Bucket": "b", "Key": "k"},
    ("s3", "DeleteObject"): {"Bucket": "b", "Key": "k"},
    ("s3", "DeleteObjects"): {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}},
    ("s3", "GetObject"): {"Bucket": "b", "Key": "there"},
    ("s3", "HeadObject"): {"Bucket": "b", "Key": "there"},
    ("s3", "HeadBucket"): {"Bucket": "b"},
    ("s3", "ListObjectsV2"): {"Bucket": "b", "Prefix": "p/"},
    ("s3", "ListParts"): {"Bucket": "b", "Key": "k"},
    ("s3", "PutObject"): {"Bucket": "b", "Key": "k"},
    ("s3", "UploadPart"): {"Bucket": "b", "Key": "k"},
    ("sagemaker", "CreateAutoMLJobV2"): {"AutoMLJobName": "j", "RoleArn": ROLE, "Tags": TAGS},
    ("sagemaker", "CreateEndpoint"): {"EndpointName": "e", "EndpointConfigName": "c", "Tags": TAGS},
    ("sagemaker", "CreateEndpointConfig"): {"EndpointConfigName": "c", "Tags": TAGS},
    ("sagemaker", "CreateModel"): {"ModelName": "m", "ExecutionRoleArn": ROLE, "Tags": TAGS},
    ("sagemaker", "CreateModelPackage"): {"ModelPackageGroupName": "g"},
    ("sagemaker", "CreateModelPackageGroup"): {"ModelPackageGroupName": "g", "Tags": TAGS},
    ("sagemaker", "CreateTransformJob"): {"TransformJobName": "t", "Tags": TAGS},
    ("sagemaker", "DeleteEndpoint"): {"EndpointName": "e"},
    ("sagemaker", "DeleteEndpointConfig"): {"EndpointConfigName": "c"},
    ("sagemaker", "DeleteModel"): {"ModelName": "m"},
    ("sagemaker", "DescribeAutoMLJobV2"): {"AutoMLJobName": "j"},
    ("sagemaker", "DescribeEndpoint"): {"EndpointName": "e"},
    ("sagemaker", "DescribeEndpointConfig"): {"EndpointConfigName": "c"},
    ("sagemaker", "DescribeModel"): {"ModelName": "m"},
    ("sagemaker", "DescribeModelPackage"): {"ModelPackageName": ARN.format("sagemaker", "model-package/g/1")},
    ("sagemaker", "DescribeTransformJob"): {"TransformJobName": "t"},
    ("sagemaker", "ListCandidatesForAutoMLJob"): {"AutoMLJobName": "j"},
    ("sagemaker", "ListEndpointConfigs"): {},
    ("sagemaker", "ListTags"): {"ResourceArn": ARN.format("sagemaker", "endpoint/e")},
    ("sagemaker", "StopAutoMLJob"): {"AutoMLJobName": "j"},
    ("sagemaker", "StopTransformJob"): {"TransformJobName": "t"},
    ("sagemaker", "UpdateEndpoint"): {"EndpointName": "e", "EndpointConfigName": "c"},
    ("sagemaker", "UpdateModelPackage"): {"ModelPackageArn": ARN.format("sagemaker", "model-package/g/1")},
    ("sagemaker-runtime", "InvokeEndpoint"): {"EndpointName": "e"},
    ("sns", "Publish"): {"TopicArn": ARN.format("sns", "t")},
    ("sqs", "SendMessage"): {"QueueUrl": "http://host/123456789012/queue"},
    ("stepfunctions", "DescribeExecution"): {"executionArn": ARN.format("states", "execution:m:x")},
    ("stepfunctions", "GetExecutionHistory"): {"executionArn": ARN.format("states", "execution:m:x")},
    ("stepfunctions", "SendTaskSuccess"): {"taskToken": "token"},
    ("stepfunctions", "StartExecution"): {"stateMachineArn": MACHINE},
    ("stepfunctions", "StopExecution"): {"executionArn": ARN.format("states", "execution:m:x")},
}


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_an_action_is_asked_for_on_a_resource_that_aws_checks_it_against(service: str, operation: str) -> None:
    found = asked(service, operation, **CALLS[service, operation])
    assert found
    for action, resource in found:
        prefix, _, name = action.partition(":")
        reference = AUTHORIZATION[prefix]
        kinds = [kind.lower() for kind in reference["Actions"][name.lower()].get("Resources", [])]
        formats = [text for kind in kinds for text in reference["Resources"][kind]["ARNFormats"]]
        if action in UNLISTED:
            assert re.fullmatch(UNLISTED[action], resource)
        elif formats:
            assert any(re.fullmatch(re.sub(r"\$\{\w+\}", ".*", text), resource) for text in formats), (action, resource)
        else:
            assert resource == "*"


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_the_operation_exists_and_its_parameters_are_spelt_as_its_own(service: str, operation: str) -> None:
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    assert shape is not None
    assert set(CALLS[service, operation]) <= set(shape.members), xform_name(operation)


@pytest.mark.parametrize("action", sorted(ALSO.keys() | OTHER_ACTIONS.keys()))
def test_the_reading_of_the_code_and_the_judging_of_calls_agree(action: str) -> None:
    """tests/unit/test_permissions.py says which further actions a call in the code needs; so does this table."""
    prefix, _, operation = action.partition(":")
    actions = {found for found, _ in asked(prefix, operation, **CALLS[prefix, operation])}
    # ECR is asked by the registry, and the config of an endpoint looked at by Application Auto Scaling, on AWS alone.
    also = {one for one in ALSO.get(action, set()) if not one.startswith("ecr:")} - {"sagemaker:DescribeEndpointConfig"}
    assert also <= actions
    assert OTHER_ACTIONS.get(action, {action}) <= actions


def test_tags_are_brought_along_and_looked_up() -> None:
    call = Call("sagemaker", "CreateModel", CALLS["sagemaker", "CreateModel"], ACCOUNT, REGION)
    create, tag, passing = asks(call, Known())
    assert (
        create.values("aws:RequestTag/autopilot-flow:run") == tag.values("aws:requesttag/autopilot-flow:run") == ("r",)
    )
    assert passing.values("iam:PassedToService") == ("sagemaker.amazonaws.com",)
    for name, expected in (("tagged", ("r",)), ("other", None)):
        (delete,) = asks(Call("sagemaker", "DeleteEndpoint", {"EndpointName": name}, ACCOUNT, REGION), Known())
        assert delete.values("aws:ResourceTag/autopilot-flow:run") == expected


def test_whoever_asks_for_a_missing_object_asks_to_list_the_bucket() -> None:
    assert asked("s3", "GetObject", Bucket="b", Key="missing") == [
        ("s3:GetObject", "arn:aws:s3:::b/missing"),
        ("s3:ListBucket", "arn:aws:s3:::b"),
    ]


def test_an_update_that_alarms_decide_about_asks_for_the_alarms() -> None:
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}
    update = asked("sagemaker", "UpdateEndpoint", EndpointName="e", EndpointConfigName="c", DeploymentConfig=rollback)
    assert ("cloudwatch:DescribeAlarms", ARN.format("cloudwatch", "alarm:*")) in update


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("sagemaker", "DescribeTrainingJob", "sagemaker:DescribeTrainingJob"),
        ("s3", "ListBuckets", "s3:ListBuckets"),
        ("stepfunctions", "ListStateMachines", "states:ListStateMachines"),
        ("iam", "CreateRole", "iam:CreateRole"),
        ("cloudwatch", "ListMetrics", "cloudwatch:ListMetrics"),
    ],
)
def test_what_no_table_knows_is_asked_for_on_everything(service: str, operation: str, action: str) -> None:
    assert asked(service, operation) == [(action, "*")]


def test_everybody_may_ask_who_they_are() -> None:
    assert asked("sts", "GetCallerIdentity") == []
