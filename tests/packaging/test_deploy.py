"""A real `sam deploy` of the build output into a local cloud, layers included."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from autoflow.local.cloud import Cloud
from tests.packaging.sam_build import Build

STACK = "packaged"
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
ASKED = {
    "Architecture": "",
    "MinimumWaitSeconds": "1",
    "NotificationEmail": "people@example.com",
    "ScheduleExpression": "rate(7 days)",
    "ScheduleInput": '{"Dataset":{"S3Uri":"s3://data/y.csv"}}',
    "KmsKeyArn": KEY,
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "SourceBucketName": "warehouse",
    "RunRetentionInDays": "30",
}
"""Every optional part of the stack at once."""


@pytest.fixture(scope="module")
def stack(cloud: Cloud, build: Build, sam: Callable[..., str]) -> dict[str, Any]:
    """Description of the deployed stack."""
    cloud.client("s3").create_bucket(Bucket="artifacts")
    asked = {**ASKED, "Architecture": build.architecture}
    sam(
        *("deploy", "--template-file", str(build.template_file), "--stack-name", STACK, "--s3-bucket", "artifacts"),
        *("--no-resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-progressbar", "--parameter-overrides"),
        *(f"ParameterKey={key},ParameterValue={json.dumps(value)}" for key, value in asked.items()),
        AWS_ENDPOINT_URL=cloud.url,
        SAM_CLI_POLL_DELAY="0.3",
    )
    description: dict[str, Any] = cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return description


@pytest.fixture(scope="module")
def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_the_stack_is_complete(stack: dict[str, Any]) -> None:
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_the_outputs_exist_in_the_cloud(cloud: Cloud, outputs: dict[str, str]) -> None:
    machines = {name: arn for name, arn in outputs.items() if name.endswith("StateMachineArn")}
    assert {name.removesuffix("StateMachineArn") for name in machines} == {"AutoML", "Cleanup", "Deployment", "Scoring"}
    for arn in machines.values():
        machine = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
        assert "${" not in machine["definition"]
    cloud.client("s3").head_bucket(Bucket=outputs["DataBucketName"])
    cloud.client("sns").get_topic_attributes(TopicArn=outputs["NotificationTopicArn"])
    assert len(outputs) == 6


def test_the_bucket_is_versioned_and_wants_tls(cloud: Cloud, outputs: dict[str, str]) -> None:
    """Encryption, blocked public access and lifecycle are not made by this cloud's CloudFormation."""
    s3, bucket = cloud.client("s3"), outputs["DataBucketName"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]


def test_functions_have_their_layers_and_settings(cloud: Cloud, stack: dict[str, Any], build: Build) -> None:
    cloudformation, functions = cloud.client("cloudformation"), cloud.client("lambda")
    for name, expected in build.functions().items():
        resource = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId=name)
        physical = resource["StackResourceDetail"]["PhysicalResourceId"]
        actual = functions.get_function_configuration(FunctionName=physical)
        layers = [re.sub(r"[^a-z].*", "", layer["Arn"].split(":")[6].lower()) for layer in actual["Layers"]]
        assert layers == [layer.lower() for layer in expected["Layers"]]
        assert actual["Architectures"] == [build.architecture]
        assert (actual["Timeout"], actual["MemorySize"]) == (expected["Timeout"], expected["MemorySize"])
        assert set(expected["Variables"]) <= set(actual["Environment"]["Variables"])
        assert not any("${" in value for value in actual["Environment"]["Variables"].values())


def test_the_schedule_starts_the_main_machine_with_its_own_input(
    cloud: Cloud, stack: dict[str, Any], outputs: dict[str, str]
) -> None:
    scheduler = cloud.client("scheduler")
    schedules = [scheduler.get_schedule(Name=one["Name"]) for one in scheduler.list_schedules()["Schedules"]]
    (schedule,) = (one for one in schedules if one["State"] == "ENABLED")
    assert schedule["ScheduleExpression"] == ASKED["ScheduleExpression"]
    assert schedule["Target"]["Arn"] == outputs["AutoMLStateMachineArn"]
    assert json.loads(schedule["Target"]["Input"]) == json.loads(ASKED["ScheduleInput"])


def test_a_deployed_function_answers_with_its_layers(cloud: Cloud, stack: dict[str, Any]) -> None:
    resource = cloud.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId="ValidateRequestFunction"
    )
    event = {"Input": {"Datset": {}}, "Execution": {"Id": "arn:x", "Name": "n", "StartTime": "2026-11-20T10:00:00Z"}}
    answer = cloud.client("lambda").invoke(
        FunctionName=resource["StackResourceDetail"]["PhysicalResourceId"], Payload=json.dumps(event)
    )
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "InvalidRequest"
    assert "Dataset" in error["errorMessage"]
