"""What an approval is made of works in the local cloud: an event's rule, a waiting task, its answer and its timeout."""

import json
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoflow.local import cloud as host
from autoflow.local import deploy
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack

TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.13, CodeUri: functions/, Timeout: 30, Environment: {Variables: {BUCKET: !Ref Bucket}}}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  AskFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.ask
      Policies: [{Statement: [{Effect: Allow, Action: s3:PutObject, Resource: !Sub '${Bucket.Arn}/*'}]}]
  AnswerFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.answer
      Policies:
        - Statement:
            - {Effect: Allow, Action: [s3:GetObject, s3:PutObject], Resource: !Sub '${Bucket.Arn}/*'}
            - {Effect: Allow, Action: states:SendTaskSuccess, Resource: !Sub '${Machine.Arn}'}
      Events:
        Decided:
          Type: EventBridgeRule
          Properties:
            Pattern:
              source: [aws.sagemaker]
              detail-type: [SageMaker Model Package State Change]
              detail: {ModelApprovalStatus: [Approved, Rejected]}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: machine.asl.json
      DefinitionSubstitutions: {AskFunctionArn: !GetAtt AskFunction.Arn}
      Role: arn:aws:iam::000000000000:role/machine
Outputs:
  MachineArn: {Value: !Ref Machine}
  Bucket: {Value: !Ref Bucket}
"""
CODE = """
import json, os, boto3
s3, states = boto3.client("s3"), boto3.client("stepfunctions")

def ask(event, context):
    s3.put_object(Bucket=os.environ["BUCKET"], Key="token", Body=event["TaskToken"])

def answer(event, context):
    token = s3.get_object(Bucket=os.environ["BUCKET"], Key="token")["Body"].read().decode()
    try:
        states.send_task_success(taskToken=token, output=json.dumps({"Status": event["detail"]["ModelApprovalStatus"]}))
        outcome = "sent"
    except states.exceptions.ClientError as error:
        outcome = error.response["Error"]["Code"]
    s3.put_object(Bucket=os.environ["BUCKET"], Key=f"answers/{context.aws_request_id}", Body=outcome)
"""
MACHINE = {
    "StartAt": "Wait",
    "States": {
        "Wait": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "${AskFunctionArn}", "Payload": {"TaskToken.$": "$$.Task.Token"}},
            "TimeoutSecondsPath": "$.Seconds",
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Nobody Answered"}],
            "End": True,
        },
        "Nobody Answered": {"Type": "Pass", "Result": {"Status": "Nobody"}, "End": True},
    },
}
SPECIFICATION = {"Containers": [{"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/other:1"}]}


@pytest.fixture(scope="module")
def own_cloud() -> Iterator[Cloud]:
    with host.temporary() as started:
        yield started


@pytest.fixture(scope="module")
def own_stack(own_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    project: Path = tmp_path_factory.mktemp("project")
    for folder in ("functions", "statemachine"):
        (project / folder).mkdir()
    (project / "template.yaml").write_text(TEMPLATE)
    (project / "functions" / "app.py").write_text(textwrap.dedent(CODE))
    (project / "machine.asl.json").write_text(json.dumps(MACHINE))
    return deploy.deploy(own_cloud, project=project, name="approval", parameters={})


def wait_for(cloud: Cloud, execution: str) -> dict[str, Any]:
    end = time.monotonic() + 40
    while time.monotonic() < end:
        description: dict[str, Any] = cloud.client("stepfunctions").describe_execution(executionArn=execution)
        if description["status"] != "RUNNING":
            return description
        time.sleep(0.1)
    pytest.fail("the execution hangs")


def ask(cloud: Cloud, stack: Stack, seconds: int) -> str:
    """ARN of an execution that waits for an answer."""
    s3, bucket = cloud.client("s3"), stack.outputs["Bucket"]
    s3.delete_object(Bucket=bucket, Key="token")
    started = cloud.client("stepfunctions").start_execution(
        stateMachineArn=stack.outputs["MachineArn"], input=json.dumps({"Seconds": seconds})
    )
    end = time.monotonic() + 40
    while not s3.list_objects_v2(Bucket=bucket, Prefix="token")["KeyCount"]:
        assert time.monotonic() < end, "nobody was asked"
        time.sleep(0.1)
    return str(started["executionArn"])


def test_an_approval_reaches_the_execution_that_waits_and_its_duplicate_harms_nobody(
    own_cloud: Cloud, own_stack: Stack
) -> None:
    sagemaker, s3 = own_cloud.client("sagemaker"), own_cloud.client("s3")
    sagemaker.create_model_package_group(ModelPackageGroupName="group")
    package = sagemaker.create_model_package(ModelPackageGroupName="group", InferenceSpecification=SPECIFICATION)
    execution = ask(own_cloud, own_stack, 60)
    sagemaker.update_model_package(ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved")
    ended = wait_for(own_cloud, execution)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"Status": "Approved"})
    end = time.monotonic() + 20
    outcomes: list[str] = []
    while len(outcomes) < 2:
        assert time.monotonic() < end, outcomes
        time.sleep(0.1)
        listed = s3.list_objects_v2(Bucket=own_stack.outputs["Bucket"], Prefix="answers/").get("Contents", [])
        outcomes = [
            s3.get_object(Bucket=own_stack.outputs["Bucket"], Key=item["Key"])["Body"].read().decode()
            for item in listed
        ]
    assert "sent" in outcomes


def test_nobody_answers_in_time(own_cloud: Cloud, own_stack: Stack) -> None:
    ended = wait_for(own_cloud, ask(own_cloud, own_stack, 3))
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"Status": "Nobody"})
