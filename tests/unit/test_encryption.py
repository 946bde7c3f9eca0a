"""Whatever the template makes that holds data is encrypted: with the given key, or with AWS's own."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.template import FUNCTIONS, MACHINES, RESOURCES, TEMPLATE, as_list

KEY = {"Ref": "KmsKeyArn"}
NOTHING = {"Ref": "AWS::NoValue"}


def resolved(value: Any, conditions: dict[str, bool]) -> Any:
    """The value as CloudFormation sees it under the conditions: properties without a value are gone."""
    if isinstance(value, list):
        return [resolved(item, conditions) for item in value if resolved(item, conditions) != NOTHING]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        name, one, other = value["Fn::If"]
        return resolved(one if conditions[name] else other, conditions)
    found = {key: resolved(item, conditions) for key, item in value.items()}
    return {key: item for key, item in found.items() if item != NOTHING}


def properties(*, key: bool) -> dict[str, dict[str, Any]]:
    """Properties of all resources of a stack with or without a key, and with no other option."""
    conditions = dict.fromkeys(TEMPLATE["Conditions"], False) | {"HasKmsKey": key}
    return {name: resolved(body["Properties"], conditions) for name, body in RESOURCES.items()}


def of_type(*types: str) -> list[str]:
    return [name for name, body in RESOURCES.items() if body["Type"] in types]


WITH_KEY: dict[str, Callable[[dict[str, Any]], bool]] = {
    "AWS::Logs::LogGroup": lambda body: body.get("KmsKeyId") == KEY,
    "AWS::SNS::Topic": lambda body: body.get("KmsMasterKeyId") == KEY,
    "AWS::SQS::Queue": lambda body: body.get("KmsMasterKeyId") == KEY and "SqsManagedSseEnabled" not in body,
    "AWS::S3::Bucket": lambda body: (
        body["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        == [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            }
        ]
    ),
}
WITHOUT_KEY: dict[str, Callable[[dict[str, Any]], bool]] = {
    "AWS::Logs::LogGroup": lambda body: "KmsKeyId" not in body,  # CloudWatch encrypts it with a key of its own
    "AWS::SNS::Topic": lambda body: body.get("KmsMasterKeyId") == "alias/aws/sns",
    "AWS::SQS::Queue": lambda body: "KmsMasterKeyId" not in body and body.get("SqsManagedSseEnabled") is True,
    "AWS::S3::Bucket": lambda body: (
        body["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        == [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    ),
}
KEEPERS = of_type(*WITH_KEY)
HOLD_NOTHING = {
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Events::Rule",
    "AWS::Serverless::Function",
    "AWS::Serverless::LayerVersion",
    "AWS::Serverless::StateMachine",
}
"""Kinds of resources that hold no data, or none that a template can encrypt: see docs/security.md."""


def test_every_kind_of_resource_that_holds_data_is_known_here() -> None:
    assert {body["Type"] for body in RESOURCES.values()} <= HOLD_NOTHING | set(WITH_KEY)
    assert set(WITH_KEY) == set(WITHOUT_KEY)


@pytest.mark.parametrize("name", KEEPERS)
def test_with_a_key_everything_is_encrypted_with_it(name: str) -> None:
    assert WITH_KEY[RESOURCES[name]["Type"]](properties(key=True)[name])


@pytest.mark.parametrize("name", KEEPERS)
def test_without_a_key_everything_is_encrypted_with_a_key_of_aws(name: str) -> None:
    assert WITHOUT_KEY[RESOURCES[name]["Type"]](properties(key=False)[name])


@pytest.mark.parametrize("name", [*FUNCTIONS, *MACHINES])
def test_every_function_and_machine_logs_into_a_group_of_this_template(name: str) -> None:
    """One that AWS makes at the first line would be without the key, and kept for ever."""
    assert RESOURCES[f"{name}LogGroup"]["Type"] == "AWS::Logs::LogGroup"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_who_makes_what_has_volumes_or_writes_files_is_told_the_key(name: str) -> None:
    policies = [policy["Ref"] for policy in properties(key=True)[name].get("Policies", []) if "Ref" in policy]
    makers = {
        "sagemaker:CreateAutoMLJobV2",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateTransformJob",
    }
    own = {
        action
        for policy in RESOURCES[name]["Properties"].get("Policies", [])
        for statement in policy.get("Statement", [])
        for action in as_list(statement["Action"])
    }
    told = RESOURCES[name]["Properties"].get("Environment", {}).get("Variables", {}).get("KMS_KEY_ARN") == KEY
    assert told == bool(own & makers)
    assert not told or "GrantKeyPolicy" in policies


@pytest.mark.parametrize("name", FUNCTIONS)
def test_who_makes_what_runs_in_a_network_is_told_the_network(name: str) -> None:
    body = RESOURCES[name]["Properties"]
    makes = "CreateModelsPolicy" in str(body.get("Policies")) or "sagemaker:CreateAutoMLJobV2" in str(
        body.get("Policies")
    )
    variables = body.get("Environment", {}).get("Variables", {})
    assert ("SECURITY_GROUP_IDS" in variables) == makes
    assert not makes or "SUBNET_IDS" in variables


def test_variables_of_functions_hold_no_secret() -> None:
    """They are words, parameters that everybody may read, names and ARNs; nothing comes from a store of secrets."""
    assert not any(about.get("NoEcho") for about in TEMPLATE["Parameters"].values())
    bodies = [TEMPLATE["Globals"]["Function"], *(RESOURCES[name]["Properties"] for name in FUNCTIONS)]
    for body in bodies:
        for value in body.get("Environment", {}).get("Variables", {}).values():
            match value:
                case str():
                    assert value.replace("-", "").isalnum()
                case {"Ref": name} | {"Fn::Join": [",", {"Ref": name}]}:
                    assert name in TEMPLATE["Parameters"] or name in RESOURCES
                case _:
                    (_, attribute) = value["Fn::GetAtt"]
                    assert attribute == "Arn"


def test_nobody_in_another_account_can_have_sagemaker_use_the_role() -> None:
    (statement,) = properties(key=False)["SageMakerRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("name", of_type("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"))
def test_only_tls_and_only_rules_of_this_stack_reach_what_holds_data(name: str) -> None:
    statements = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]
    (tls,) = (one for one in statements if one["Effect"] == "Deny")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    for statement in statements:
        if statement["Effect"] == "Allow":
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            (source,) = as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
            assert set(source) == {"Fn::GetAtt"}


def test_every_topic_queue_and_bucket_has_a_policy() -> None:
    policies = of_type("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy")
    kept: set[str] = set()
    for name in policies:
        body = RESOURCES[name]["Properties"]
        for one in [*body.get("Queues", []), *body.get("Topics", []), *as_list(body.get("Bucket", []))]:
            kept.add(one["Ref"])
    assert kept == set(of_type("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket"))
