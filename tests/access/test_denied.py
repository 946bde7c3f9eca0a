"""What a role may not do is refused in the local cloud too, in the words in which AWS refuses it."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from autoflow.local import cloud as host
from autoflow.local import deploy
from autoflow.local.access.gate import RECORDS_VARIABLE
from autoflow.local.cloud import REGION, Cloud
from autoflow.local.deploy import Stack
from tests.faults.conftest import small_run
from tests.faults.orphans import orphans, snapshot
from tests.local.conftest import Execute, execute, wait

__all__ = ["execute", "small_run"]

ROLE = "role-without-rights"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """Its refusals are wanted: they are no record of what the stack does."""
    with host.temporary(wait_scale=0.05, environment={RECORDS_VARIABLE: ""}) as started:
        yield started


@pytest.fixture(scope="session")
def stack(cloud: Cloud) -> Stack:
    return deploy.deploy(cloud, parameters={**deploy.PARAMETERS, "AutoMLMaxCandidates": "1"})


@pytest.fixture(scope="session")
def as_role(cloud: Cloud) -> Callable[[str], Any]:
    """Clients of somebody whose role may read what is in ``open/`` and delete what is in ``old/``."""
    iam, s3 = cloud.client("iam"), cloud.client("s3")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::denied/open/*"}
    deleting = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::denied/old/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement, deleting]})
    iam.put_role_policy(RoleName=ROLE, PolicyName="read", PolicyDocument=document)
    s3.create_bucket(Bucket="denied")
    for key in ("open/a", "shut/a"):
        s3.put_object(Bucket="denied", Key=key, Body=b"text")
    keys = cloud.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::000000000000:role/{ROLE}", RoleSessionName="somebody"
    )["Credentials"]
    session: Any = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    return lambda service: session.client(service, endpoint_url=cloud.url, config=config)


ACCOUNT = "000000000000"
CALLS: dict[str, tuple[Callable[[Any], object], tuple[str, int], str]] = {
    "sagemaker": (
        lambda client: client.describe_endpoint(EndpointName="e"),
        ("AccessDeniedException", 400),
        f"sagemaker:DescribeEndpoint on resource: arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/e",
    ),
    "sagemaker-runtime": (
        lambda client: client.invoke_endpoint(EndpointName="e", Body=b""),
        ("AccessDeniedException", 400),
        f"sagemaker:InvokeEndpoint on resource: arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/e",
    ),
    "s3": (
        lambda client: client.get_object(Bucket="denied", Key="shut/a"),
        ("AccessDenied", 403),
        's3:GetObject on resource: "arn:aws:s3:::denied/shut/a"',
    ),
    "lambda": (
        lambda client: client.invoke(FunctionName="f"),
        ("AccessDeniedException", 403),
        f"lambda:InvokeFunction on resource: arn:aws:lambda:{REGION}:{ACCOUNT}:function:f",
    ),
    "stepfunctions": (
        lambda client: client.start_execution(stateMachineArn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"),
        ("AccessDeniedException", 400),
        f"states:StartExecution on resource: arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m",
    ),
    "sns": (
        lambda client: client.publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:t", Message="m"),
        ("AuthorizationError", 403),
        f"SNS:Publish on resource: arn:aws:sns:{REGION}:{ACCOUNT}:t",
    ),
    "cloudwatch": (
        lambda client: client.delete_alarms(AlarmNames=["a"]),
        ("AccessDenied", 403),
        f"cloudwatch:DeleteAlarms on resource: arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a",
    ),
    "application-autoscaling": (
        lambda client: client.deregister_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId="endpoint/e/variant/v",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        ),
        ("AccessDeniedException", 400),
        f"application-autoscaling:DeregisterScalableTarget on resource: "
        f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/*",
    ),
}
"""By service: a call, code and status of its refusal, and what the message says was asked for."""


def refusal(call: Callable[[], object]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


@pytest.mark.parametrize("service", CALLS)
def test_each_service_refuses_as_on_aws(as_role: Callable[[str], Any], service: str) -> None:
    call, answer, asked = CALLS[service]
    code, status, message = refusal(lambda: call(as_role(service)))
    action = asked.partition(" ")[0]
    assert (code, status) == answer
    assert message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/somebody is not authorized to perform: {asked} "
        f"because no identity-based policy allows the {action} action"
    )


def test_what_is_allowed_passes_and_the_owner_may_do_everything(cloud: Cloud, as_role: Callable[[str], Any]) -> None:
    for client in (as_role("s3"), cloud.client("s3")):
        assert client.get_object(Bucket="denied", Key="open/a")["Body"].read() == b"text"
    assert cloud.client("s3").get_object(Bucket="denied", Key="shut/a")["Body"].read() == b"text"
    assert as_role("sts").get_caller_identity()["Arn"].endswith(f":assumed-role/{ROLE}/somebody")


def test_who_may_not_list_a_bucket_is_not_told_what_is_missing_in_it(as_role: Callable[[str], Any]) -> None:
    code, status, message = refusal(lambda: as_role("s3").get_object(Bucket="denied", Key="open/missing"))
    assert (code, status) == ("AccessDenied", 403)
    assert 's3:ListBucket on resource: "arn:aws:s3:::denied"' in message
    assert refusal(lambda: as_role("s3").head_object(Bucket="denied", Key="open/missing"))[1] == 403


def test_one_refused_key_is_told_beside_those_that_were_deleted(cloud: Cloud, as_role: Callable[[str], Any]) -> None:
    owner = cloud.client("s3")
    owner.put_object(Bucket="denied", Key="old/a", Body=b"text")
    keys = [{"Key": key} for key in ("shut/a", "old/a", "open/a")]
    for some in (keys, keys[::2]):
        answer = as_role("s3").delete_objects(Bucket="denied", Delete={"Objects": some})
        errors = {(each["Key"], each["Code"]) for each in answer["Errors"]}
        assert errors == {("shut/a", "AccessDenied"), ("open/a", "AccessDenied")}
        assert [each["Key"] for each in answer.get("Deleted", [])] == (["old/a"] if some is keys else [])
    left = [each["Key"] for each in owner.list_objects_v2(Bucket="denied")["Contents"]]
    assert left == ["open/a", "shut/a"]


def test_a_changed_policy_holds_for_the_next_call(cloud: Cloud, as_role: Callable[[str], Any]) -> None:
    iam, s3 = cloud.client("iam"), as_role("s3")
    assert refusal(lambda: s3.get_object(Bucket="denied", Key="shut/a"))[0] == "AccessDenied"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::denied/shut/a"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName=ROLE, PolicyName="more", PolicyDocument=document)
    assert s3.get_object(Bucket="denied", Key="shut/a")["Body"].read() == b"text"
    iam.delete_role_policy(RoleName=ROLE, PolicyName="more")
    assert refusal(lambda: s3.get_object(Bucket="denied", Key="shut/a"))[0] == "AccessDenied"


def test_a_state_machine_may_not_what_its_role_may_not(cloud: Cloud, stack: Stack) -> None:
    sfn = cloud.client("stepfunctions")
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": stack.outputs["NotificationTopicArn"], "Message": "m"},
        "End": True,
    }
    machine = sfn.create_state_machine(
        name="without-rights",
        definition=json.dumps({"StartAt": "Tell", "States": {"Tell": publish}}),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
    )
    ended = wait(cloud, sfn.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"], 120)
    assert ended["status"] == "FAILED"
    assert "not authorized to perform: SNS:Publish" in ended["cause"]


def test_a_run_whose_function_may_not_ends_with_the_reason_and_leaves_nothing(
    cloud: Cloud, stack: Stack, execute: Execute, small_run: Callable[..., dict[str, Any]]
) -> None:
    """The job has learnt and its model is to be made when the right to make models is missing."""
    iam = cloud.client("iam")
    role = function_role(cloud, stack, "CreateModelFunction")
    policies = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    (models,) = (one["PolicyArn"] for one in policies if "CreateModelsPolicy" in one["PolicyName"])
    iam.detach_role_policy(RoleName=role, PolicyArn=models)
    before = snapshot(cloud)
    try:
        ended = execute("AutoMLStateMachine", small_run())
    finally:
        iam.attach_role_policy(RoleName=role, PolicyArn=models)
    assert ended["status"] == "FAILED"
    assert ended["error"] == "ClientError"
    assert "AccessDeniedException" in ended["cause"]
    assert f":assumed-role/{role}/" in ended["cause"]
    assert "is not authorized to perform: sagemaker:CreateModel on resource: arn:aws:sagemaker:" in ended["cause"]
    assert "because no identity-based policy allows the sagemaker:CreateModel action" in ended["cause"]
    # What ends a failed run is followed by a machine that looks whether something was left.
    end = time.monotonic() + 240
    while (left := orphans(cloud, before)) and time.monotonic() < end:
        time.sleep(0.5)
    assert left == []


def function_role(cloud: Cloud, stack: Stack, function: str) -> str:
    """Name of the role of one of the stack's functions."""
    found = cloud.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId=f"{function}Role"
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
