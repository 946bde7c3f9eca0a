"""The template keeps its promises: who may do what, what is kept how long, what can be set."""

import fnmatch
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import resources
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
AUTHORIZATION = json.loads((resources.files("cfnlint") / "data/AdditionalSpecs/Policies.json").read_text("utf-8"))
"""AWS's service authorization reference, as cfn-lint ships it: each service's actions and the resources they know."""
UNLISTED = {"states:SendTaskSuccess": "arn:aws:states:.*:.*:stateMachine:.*"}
"""What AWS checks although its reference names no resource: messages of a denied SendTaskSuccess name the machine."""


BOUNDARY = "FunctionsBoundary"
"""What no function can go beyond."""
UNTAGGED = ["sagemaker:CreateModelPackage"]
"""A version of a registered model has the tags of its group and takes none of its own."""


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


def allowed_to(function: str) -> list[dict[str, Any]]:
    """All that a function's role may do, whichever policy allows it."""
    attached = [
        name for name, body in RESOURCES.items() if {"Ref": f"{function}Role"} in body["Properties"].get("Roles", [])
    ]
    return [statement for owner in (function, *shared(function), *attached) for statement in allowed(owner)]


def shared(function: str) -> list[str]:
    """Names of the managed policies that a function asks for, those that depend on a condition left out."""
    return [policy["Ref"] for policy in RESOURCES[function]["Properties"].get("Policies", []) if "Ref" in policy]


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


def test_a_key_is_named_by_its_own_arn() -> None:
    """IAM allows nothing on the ARN of an alias."""
    pattern = TEMPLATE["Parameters"]["KmsKeyArn"]["AllowedPattern"]
    key = "arn:aws:kms:eu-central-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef"
    assert re.fullmatch(pattern, "")
    assert re.fullmatch(pattern, key)
    assert not re.fullmatch(pattern, "arn:aws:kms:eu-central-1:123456789012:alias/data")


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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_role_and_a_log_group_of_its_own(name: str) -> None:
    body = RESOURCES[name]["Properties"]
    assert "Role" not in body
    group = RESOURCES[f"{name}LogGroup"]["Properties"]
    assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{{name}}}"}
    assert group["RetentionInDays"] == {"Ref": "LogRetentionInDays"}


def test_an_approval_reaches_the_run_or_a_queue() -> None:
    function = RESOURCES["AnswerApprovalFunction"]["Properties"]
    rule = function["Events"]["ModelPackageStateChange"]
    queue = {"Fn::GetAtt": ["UnansweredApprovals", "Arn"]}
    assert rule["Type"] == "EventBridgeRule"
    assert rule["Properties"]["Pattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelApprovalStatus": ["Approved", "Rejected"]},
    }
    assert rule["Properties"]["DeadLetterConfig"] == {"Arn": queue}
    assert function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"] == queue


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


@pytest.mark.parametrize("name", MACHINES)
def test_machines_log_without_data_and_are_traced(name: str) -> None:
    body = RESOURCES[name]["Properties"]
    assert body["Logging"]["IncludeExecutionData"] is False
    waits = "waitForTaskToken" in (ROOT / body["DefinitionUri"]).read_text()
    assert body["Logging"]["Level"] == ("ERROR" if waits else "ALL"), "ALL writes the task token into the log"
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


def test_the_bucket_is_private_versioned_and_kept() -> None:
    bucket = RESOURCES["DataBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    body = bucket["Properties"]
    assert all(body["PublicAccessBlockConfiguration"][key] is True for key in body["PublicAccessBlockConfiguration"])
    assert len(body["PublicAccessBlockConfiguration"]) == 4
    assert body["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = {rule["Id"]: rule for rule in body["LifecycleConfiguration"]["Rules"]}
    assert {rule.get("Prefix") for rule in rules.values()} == {
        "runs/",
        "uploads/",
        "incoming/",
        "scorings/",
        "map-runs/",
        "cleanups/",
        None,
    }


def test_runs_may_expire_after_any_number_of_days() -> None:
    """S3 refuses a rule that does not expire objects later than it moves them to another storage class."""
    rules = RESOURCES["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    moves = [move["TransitionInDays"] for rule in rules for move in rule.get("Transitions", [])]
    assert moves == [0]
    assert TEMPLATE["Parameters"]["RunRetentionInDays"]["MinValue"] == 0


def test_the_defaults_fit_the_quotas_of_a_new_account() -> None:
    """There a serverless endpoint may have 3,072 MB, all of them 10 invocations at a time, a function 3,008 MB."""
    assert TEMPLATE["Parameters"]["EndpointMemorySizeInMB"]["Default"] <= 3072
    assert TEMPLATE["Parameters"]["EndpointMaxConcurrency"]["Default"] <= 10
    assert all(RESOURCES[name]["Properties"].get("MemorySize", 0) <= 3008 for name in FUNCTIONS)


@pytest.mark.parametrize(
    "name",
    [
        "DataBucketPolicy",
        "NotificationTopicPolicy",
        "UnansweredApprovalsPolicy",
        "UnscoredUploadsPolicy",
        "UnsettledExecutionsPolicy",
    ],
)
def test_only_tls_is_let_in(name: str) -> None:
    statement, *_ = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_schedule_is_off_until_an_expression_is_given() -> None:
    schedule = RESOURCES["AutoMLStateMachine"]["Properties"]["Events"]["Retraining"]["Properties"]
    assert TEMPLATE["Parameters"]["ScheduleExpression"]["Default"] == ""
    assert schedule["State"] == {"Fn::If": ["HasSchedule", "ENABLED", "DISABLED"]}
    assert schedule["Input"] == {"Ref": "ScheduleInput"}


def test_scorings_start_by_schedule_and_upload_only_where_that_is_asked_for() -> None:
    events = RESOURCES["ScoringStateMachine"]["Properties"]["Events"]
    schedule, upload = events["Schedule"]["Properties"], events["Upload"]["Properties"]
    for parameter in ("ScoringScheduleExpression", "IncomingEndpointName"):
        assert TEMPLATE["Parameters"][parameter]["Default"] == ""
    assert schedule["State"] == {"Fn::If": ["HasScoringSchedule", "ENABLED", "DISABLED"]}
    assert schedule["Input"] == {"Ref": "ScoringScheduleInput"}
    assert upload["State"] == {"Fn::If": ["HasIncoming", "ENABLED", "DISABLED"]}
    told = RESOURCES["DataBucket"]["Properties"]["NotificationConfiguration"]
    assert told == {
        "Fn::If": ["HasIncoming", {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}, {"Ref": "AWS::NoValue"}]
    }


def test_an_upload_is_scored_or_kept_in_a_queue() -> None:
    upload = RESOURCES["ScoringStateMachine"]["Properties"]["Events"]["Upload"]["Properties"]
    assert upload["Pattern"]["detail"]["bucket"] == {"name": [{"Ref": "DataBucket"}]}
    assert upload["Pattern"]["detail"]["object"] == {"key": [{"prefix": "incoming/"}], "size": [{"numeric": [">", 0]}]}
    assert upload["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["UnscoredUploads", "Arn"]}}
    (_, allow) = RESOURCES["UnscoredUploadsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert allow["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ScoringStateMachineUpload", "Arn"]}}}


def test_every_bad_end_of_an_execution_is_settled_or_kept_in_a_queue() -> None:
    """Of all machines but the one that cleans up, whose own end would otherwise start it again."""
    rule = RESOURCES["CleanupStateMachine"]["Properties"]["Events"]["ExecutionEnded"]["Properties"]
    detail = rule["Pattern"]["detail"]
    assert rule["Pattern"]["source"] == ["aws.states"]
    assert rule["Pattern"]["detail-type"] == ["Step Functions Execution Status Change"]
    assert detail["status"] == ["ABORTED", "TIMED_OUT", "FAILED"]
    assert sorted(one["Ref"] for one in detail["stateMachineArn"]) == sorted({*MACHINES} - {"CleanupStateMachine"})
    assert rule["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["UnsettledExecutions", "Arn"]}}
    (_, allow) = RESOURCES["UnsettledExecutionsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert allow["Condition"]["ArnEquals"]["aws:SourceArn"] == {
        "Fn::GetAtt": ["CleanupStateMachineExecutionEnded", "Arn"]
    }


def test_the_clean_up_is_told_which_execution_ended_and_no_more() -> None:
    """An event carries the execution's whole input, which with the state data would not fit into a payload."""
    rule = RESOURCES["CleanupStateMachine"]["Properties"]["Events"]["ExecutionEnded"]["Properties"]
    assert rule["InputTransformer"] == {
        "InputPathsMap": {"execution": "$.detail.executionArn"},
        "InputTemplate": '{"ExecutionArn":<execution>}',
    }


def test_the_name_of_an_upload_stays_a_value() -> None:
    """EventBridge quotes and escapes what a variable holds where it stands for a whole value, and there only."""
    transformer = RESOURCES["ScoringStateMachine"]["Properties"]["Events"]["Upload"]["Properties"]["InputTransformer"]
    template = transformer["InputTemplate"]["Fn::Sub"]
    for name in transformer["InputPathsMap"]:
        template = template.replace(f"<{name}>", json.dumps(f"{name} of it"))
    assert json.loads(template) == {
        "Endpoint": {"Name": "${IncomingEndpointName}"},
        "Upload": {"Bucket": "bucket of it", "Key": "key of it"},
    }


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
    name = config["global"]["parameters"]["stack_name"]
    assert name.startswith("autopilot-flow")
    assert len(name) <= 24, "CloudFormation cuts it in the names of functions, and the boundary refuses their logs"
    assert config["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
    overrides = config["global"]["parameters"].get("parameter_overrides", [])
    assert {override.partition("=")[0] for override in overrides} <= set(TEMPLATE["Parameters"])
