"""The template keeps its promises: who may do what, what is kept how long, what can be set."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FUNCTIONS = [name for name, body in RESOURCES.items() if body["Type"] == "AWS::Serverless::Function"]
MACHINES = [name for name, body in RESOURCES.items() if body["Type"] == "AWS::Serverless::StateMachine"]
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
}
"""Actions that IAM can only allow on everything, or whose resources do not exist yet."""
SETTLED = {"iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", "iam::aws:policy/AWSXRayDaemonWriteAccess"}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in the value, however deep."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from dictionaries(item)


def allowed(name: str) -> list[dict[str, Any]]:
    """The Allow statements of the resource."""
    return [found for found in dictionaries(RESOURCES[name]) if found.get("Effect") == "Allow" and "Action" in found]


EVERY_STATEMENT = [
    pytest.param(statement, id=f"{name}-{number}")
    for name in RESOURCES
    for number, statement in enumerate(allowed(name))
    if "Principal" not in statement
]


@pytest.mark.parametrize("statement", EVERY_STATEMENT)
def test_statements_name_actions_and_resources(statement: dict[str, Any]) -> None:
    actions = as_list(statement["Action"])
    assert not any("*" in action for action in actions)
    if "*" in as_list(statement["Resource"]):
        assert set(actions) <= WITHOUT_RESOURCE


@pytest.mark.parametrize("statement", EVERY_STATEMENT)
def test_the_role_is_passed_to_sagemaker_only(statement: dict[str, Any]) -> None:
    if "iam:PassRole" in as_list(statement["Action"]):
        assert as_list(statement["Action"]) == ["iam:PassRole"]
        assert statement["Resource"] == {"Fn::GetAtt": ["SageMakerRole", "Arn"]}
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_away_only_what_the_project_tagged(name: str) -> None:
    body = RESOURCES[name]["Properties"]
    owner = body["Role"]["Fn::GetAtt"][0] if "Role" in body else name
    for statement in allowed(owner):
        actions = as_list(statement["Action"])
        if any(action.startswith(("sagemaker:Delete", "sagemaker:Stop")) for action in actions):
            assert statement["Condition"] == {"Null": {"aws:ResourceTag/autopilot-flow:run": "false"}}
        if any(action.startswith("sagemaker:Create") for action in actions):
            assert statement["Condition"] == {"Null": {"aws:RequestTag/autopilot-flow:run": "false"}}


def test_no_managed_policy_but_the_settled_ones() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert set(re.findall(r"iam::aws:policy/\S+", text)) == SETTLED
    assert "FullAccess" not in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_role_and_a_log_group_of_its_own(name: str) -> None:
    body = RESOURCES[name]["Properties"]
    assert ("Policies" in body) != ("Role" in body)
    if "Role" in body:
        role = body["Role"]["Fn::GetAtt"][0]
        assert [other for other in FUNCTIONS if RESOURCES[other]["Properties"].get("Role") == body["Role"]] == [name]
        assert RESOURCES[role]["Type"] == "AWS::IAM::Role"
    group = RESOURCES[f"{name}LogGroup"]["Properties"]
    assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{{name}}}"}
    assert group["RetentionInDays"] == {"Ref": "LogRetentionInDays"}


@pytest.mark.parametrize("name", MACHINES)
def test_machines_log_without_data_and_are_traced(name: str) -> None:
    body = RESOURCES[name]["Properties"]
    assert body["Logging"]["IncludeExecutionData"] is False
    group = RESOURCES[f"{name}LogGroup"]["Properties"]
    assert group["RetentionInDays"] == {"Ref": "LogRetentionInDays"}
    assert body["Tracing"] == {"Enabled": True}


def test_every_handler_is_a_function_and_every_function_a_handler() -> None:
    handlers = [RESOURCES[name]["Properties"]["Handler"] for name in FUNCTIONS]
    assert sorted(handlers) == sorted(f"{path.stem}.handler" for path in (ROOT / "functions").glob("*.py"))
    for name in FUNCTIONS:
        snake = RESOURCES[name]["Properties"]["Handler"].removesuffix(".handler")
        assert name.lower() == f"{snake.replace('_', '')}function"


def test_no_physical_name_is_fixed() -> None:
    fixed = {"FunctionName", "RoleName", "BucketName", "TopicName", "Name", "StateMachineName", "ManagedPolicyName"}
    assert [name for name, body in RESOURCES.items() if fixed & set(body["Properties"])] == []
    assert RESOURCES["AutoMLStateMachine"]["Properties"]["Events"]["Retraining"]["Properties"]["OmitName"] is True


def test_the_bucket_is_private_encrypted_versioned_and_kept() -> None:
    bucket = RESOURCES["DataBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    body = bucket["Properties"]
    assert all(body["PublicAccessBlockConfiguration"][key] is True for key in body["PublicAccessBlockConfiguration"])
    assert len(body["PublicAccessBlockConfiguration"]) == 4
    (rule,) = body["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": {"Fn::If": ["HasKmsKey", "aws:kms", "AES256"]},
        "KMSMasterKeyID": {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]},
    }
    assert body["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = {rule["Id"]: rule for rule in body["LifecycleConfiguration"]["Rules"]}
    assert {rule.get("Prefix") for rule in rules.values()} == {"runs/", "uploads/", "scorings/", None}


@pytest.mark.parametrize("name", ["DataBucketPolicy", "NotificationTopicPolicy"])
def test_only_tls_is_let_in(name: str) -> None:
    (statement,) = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_schedule_is_off_until_an_expression_is_given() -> None:
    schedule = RESOURCES["AutoMLStateMachine"]["Properties"]["Events"]["Retraining"]["Properties"]
    assert TEMPLATE["Parameters"]["ScheduleExpression"]["Default"] == ""
    assert schedule["State"] == {"Fn::If": ["HasSchedule", "ENABLED", "DISABLED"]}
    assert schedule["Input"] == {"Ref": "ScheduleInput"}


def test_every_parameter_is_explained_grouped_and_used() -> None:
    parameters = TEMPLATE["Parameters"]
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(parameters)
    text = (ROOT / "template.yaml").read_text()
    for name, body in parameters.items():
        assert body["Description"].endswith("."), name
        assert "Default" in body, f"{name} must not be asked for"
        assert f"!Ref {name}" in text or f"${{{name}}}" in text, f"{name} is used nowhere"


@pytest.mark.parametrize("stage", ["default", "dev", "prod"])
def test_every_stage_can_be_deployed(stage: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())[stage]
    assert config["global"]["parameters"]["stack_name"].startswith("autopilot-flow")
    assert config["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
    overrides = config["global"]["parameters"].get("parameter_overrides", [])
    assert {override.partition("=")[0] for override in overrides} <= set(TEMPLATE["Parameters"])
