"""The template keeps its promises: what is kept how long, what starts what, what can be set."""

import json
import re
import tomllib

import pytest

from tests.template import FUNCTIONS, MACHINES, RESOURCES, ROOT, TEMPLATE


def test_a_key_is_named_by_its_own_arn() -> None:
    """IAM allows nothing on the ARN of an alias."""
    pattern = TEMPLATE["Parameters"]["KmsKeyArn"]["AllowedPattern"]
    key = "arn:aws:kms:eu-central-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef"
    assert re.fullmatch(pattern, "")
    assert re.fullmatch(pattern, key)
    assert not re.fullmatch(pattern, "arn:aws:kms:eu-central-1:123456789012:alias/data")


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
