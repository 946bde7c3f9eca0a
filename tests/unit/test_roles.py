"""The template's roles and policies: who may do what, each on as little as IAM lets it."""

import fnmatch
import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.template import AUTHORIZATION, FUNCTIONS, RESOURCES, ROOT, TEMPLATE, UNLISTED, allowed, allowed_to, as_list

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
    "sagemaker:ListCandidatesForAutoMLJob",
    "sagemaker:ListEndpointConfigs",
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

BOUNDARY = "FunctionsBoundary"
"""What no function can go beyond."""
UNTAGGED = ["sagemaker:CreateModelPackage"]
"""A version of a registered model has the tags of its group and takes none of its own."""

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


def arn(resource: Any) -> str:
    """The ARN that a Resource stands for, as far as IAM's resource types need it."""
    kinds = {
        "AWS::IAM::Role": "arn:aws:iam::1:role/r",
        "AWS::S3::Bucket": "arn:aws:s3:::bucket",
        "AWS::SNS::Topic": "arn:aws:sns:r:1:topic",
        "AWS::Serverless::Function": "arn:aws:lambda:r:1:function:f",
        "AWS::Serverless::StateMachine": "arn:aws:states:r:1:stateMachine:m",
        "String": "arn:aws:kms:r:1:key/k",
    }
    known = {**RESOURCES, **TEMPLATE["Parameters"]}
    match resource:
        case {"Ref": name} | {"Fn::GetAtt": [name, "Arn"]}:
            return kinds[known[name]["Type"]]
        case {"Fn::Sub": text}:
            return re.sub(
                r"\$\{([^}]+)\}", lambda found: "arn:aws:s3:::b" if found[1] == "DataBucket.Arn" else "x", text
            )
        case {"Fn::If": [_, inner, _]}:
            return arn(inner)
    return str(resource)


def covers(one: str, form: str) -> bool:
    """Whether an ARN or a pattern of ARNs is about the kind of resource whose ARNs have this form."""
    pattern = re.sub(r"\$\{\w+\}", "[^:]*", form)
    sample = re.sub(r"\$\{\w+\}|\.\*", "x", form)
    return bool(re.fullmatch(pattern, one)) or fnmatch.fnmatchcase(sample, one)


@pytest.mark.parametrize("statement", EVERY_STATEMENT)
def test_an_action_is_allowed_on_resources_that_iam_checks_it_against(statement: dict[str, Any]) -> None:
    """An action without resource types is checked against ``*`` alone: any narrower statement would deny it."""
    arns = [arn(resource) for resource in as_list(statement["Resource"])]
    useful = {"*"}
    for action in as_list(statement["Action"]):
        service, _, name = action.partition(":")
        reference = AUTHORIZATION[service]
        kinds = [kind.lower() for kind in reference["Actions"][name.lower()].get("Resources", [])]
        if action in UNLISTED:
            assert all(re.fullmatch(UNLISTED[action], one) for one in arns), action
            useful |= set(arns)
            continue
        if not kinds:
            assert arns == ["*"], action
            continue
        formats = [text for kind in kinds for text in reference["Resources"][kind]["ARNFormats"]]
        fitting = {one for one in arns if one == "*" or any(covers(one, text) for text in formats)}
        assert fitting, action
        useful |= fitting
        if "aws:ResourceTag" in json.dumps(statement.get("Condition", {})):
            assert all("aws:ResourceTag/${TagKey}" in reference["Resources"][kind]["ConditionKeys"] for kind in kinds)
    assert set(arns) <= useful


@pytest.mark.parametrize("statement", EVERY_STATEMENT)
def test_the_role_is_passed_to_sagemaker_only(statement: dict[str, Any]) -> None:
    if "iam:PassRole" in as_list(statement["Action"]):
        assert as_list(statement["Action"]) == ["iam:PassRole"]
        assert statement["Resource"] == {"Fn::GetAtt": ["SageMakerRole", "Arn"]}
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_away_only_what_the_project_tagged(name: str) -> None:
    for statement in allowed_to(name):
        actions = as_list(statement["Action"])
        if any(action.startswith(("sagemaker:Delete", "sagemaker:Stop")) for action in actions):
            assert statement["Condition"] == {"Null": {"aws:ResourceTag/autopilot-flow:run": "false"}}
        if any(action.startswith("sagemaker:Create") for action in actions) and actions != UNTAGGED:
            assert statement["Condition"] == {"Null": {"aws:RequestTag/autopilot-flow:run": "false"}}
        if any(action in {"cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"} for action in actions):
            ours = (":alarm:autopilot-flow-*", ":alarm:TargetTracking-endpoint/*")
            assert statement["Resource"]["Fn::Sub"].endswith(ours)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whoever_starts_volumes_may_let_sagemaker_use_the_key(name: str) -> None:
    """An endpoint gets new volumes when it is created, updated, or put back to what it was."""
    actions = {action for statement in allowed_to(name) for action in as_list(statement["Action"])}
    if actions & {"sagemaker:CreateAutoMLJobV2", "sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"}:
        grant = {"Fn::If": ["HasKmsKey", {"Ref": "GrantKeyPolicy"}, {"Ref": "AWS::NoValue"}]}
        assert grant in RESOURCES[name]["Properties"].get("Policies", [])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whoever_reads_or_writes_files_may_use_the_key(name: str) -> None:
    actions = {action for statement in allowed_to(name) for action in as_list(statement["Action"])}
    use = {"Fn::If": ["HasKmsKey", {"Ref": "UseKeyPolicy"}, {"Ref": "AWS::NoValue"}]}
    assert (use in RESOURCES[name]["Properties"].get("Policies", [])) == bool(
        actions & {"s3:GetObject", "s3:PutObject"}
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_role_has_more_policies_than_a_new_account_lets_it(name: str) -> None:
    """Ten; SAM attaches two more, for logs and traces."""
    policies = RESOURCES[name]["Properties"].get("Policies", [])
    assert len([policy for policy in policies if "Statement" not in policy]) + 2 <= 10


def test_every_shared_policy_is_shared() -> None:
    """What one role alone needs stands where that role is."""
    uses = Counter(
        policy["Ref"]
        for body in RESOURCES.values()
        for policy in body["Properties"].get("Policies", [])
        if "Ref" in policy
    )
    managed = {name for name, body in RESOURCES.items() if body["Type"] == "AWS::IAM::ManagedPolicy"} - {BOUNDARY}
    assert {name for name in managed if "Condition" not in RESOURCES[name]} == set(uses)
    assert min(uses.values()) > 1


def test_functions_write_into_the_log_groups_of_this_stack_only() -> None:
    """SAM gives each a policy of AWS's about all log groups."""
    assert TEMPLATE["Globals"]["Function"]["PermissionsBoundary"] == {"Ref": BOUNDARY}
    everything_else, logs = RESOURCES[BOUNDARY]["Properties"]["PolicyDocument"]["Statement"]
    assert everything_else == {"Effect": "Allow", "NotAction": "logs:*", "Resource": "*"}
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert logs["Resource"]["Fn::Sub"].endswith(":log-group:/aws/lambda/${AWS::StackName}-*")


def test_no_managed_policy_of_aws() -> None:
    """But those that SAM gives to a function's role for its logs and its traces."""
    assert "iam::aws:policy/" not in (ROOT / "template.yaml").read_text()


def test_whoever_answers_a_waiting_run_answers_only_runs_of_this_stack() -> None:
    answering = [
        name
        for name in FUNCTIONS
        for statement in allowed_to(name)
        if "states:SendTaskSuccess" in as_list(statement["Action"])
    ]
    assert answering == ["WaitForApprovalFunction", "AnswerApprovalFunction"]
    (statement,) = allowed("AnswerTasksPolicy")
    assert statement["Resource"] == {"Ref": "AutoMLStateMachine"}
