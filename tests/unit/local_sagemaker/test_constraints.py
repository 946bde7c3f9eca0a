"""Requests against the service model, refused in AWS's words."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st
from localstack.aws.api import CommonServiceException
from localstack.aws.spec import load_service

from autoflow.local.sagemaker import constraints, provider

MODEL = load_service("sagemaker")
ROLE = "arn:aws:iam::000000000000:role/SageMaker"
JOB: dict[str, Any] = {
    "AutoMLJobName": "a-job",
    "AutoMLJobInputDataConfig": [{"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}}}],
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
    "RoleArn": ROLE,
    "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y"}},
}


def refusal(operation: str, request: dict[str, Any]) -> CommonServiceException:
    with pytest.raises(CommonServiceException) as caught:
        constraints.check(MODEL.operation_model(operation).input_shape, request)
    return caught.value


def test_a_good_request_passes() -> None:
    constraints.check(MODEL.operation_model("CreateAutoMLJobV2").input_shape, JOB)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"AutoMLJobName": "a_job"},
            "1 validation error detected: Value 'a_job' at 'autoMLJobName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}",
        ),
        ({"AutoMLJobName": "a\n"}, "at 'autoMLJobName' failed to satisfy constraint: Member must satisfy regular"),
        ({"AutoMLJobName": "a" * 33}, "Member must have length less than or equal to 32"),
        ({"RoleArn": None}, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"),
        (
            {"AutoMLJobInputDataConfig": []},
            "Value '[]' at 'autoMLJobInputDataConfig' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        ({"AutoMLJobInputDataConfig": JOB["AutoMLJobInputDataConfig"] * 3}, "less than or equal to 2"),
        (
            {"AutoMLJobInputDataConfig": [{"ChannelType": "test"}]},
            "Value 'test' at 'autoMLJobInputDataConfig.1.member.channelType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [training, validation]",
        ),
        ({"AutoMLProblemTypeConfig": {}}, "at 'autoMLProblemTypeConfig' failed to satisfy constraint: Exactly one of"),
        (
            {
                "AutoMLProblemTypeConfig": {
                    "TabularJobConfig": {"TargetAttributeName": "y"},
                    "TextGenerationJobConfig": {},
                }
            },
            "found [TabularJobConfig, TextGenerationJobConfig]",
        ),
        (
            {
                "AutoMLProblemTypeConfig": {
                    "TabularJobConfig": {"TargetAttributeName": "y", "CompletionCriteria": {"MaxCandidates": 0}}
                }
            },
            "'autoMLProblemTypeConfig.tabularJobConfig.completionCriteria.maxCandidates' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        ({"Tags": [{"Key": "k€", "Value": ""}]}, "at 'tags.1.member.key' failed to satisfy constraint"),
    ],
)
def test_what_breaks_a_constraint_is_named(change: dict[str, Any], text: str) -> None:
    error = refusal("CreateAutoMLJobV2", JOB | change)
    assert (error.code, error.status_code) == ("ValidationException", 400)
    assert text in error.message


def test_all_errors_are_counted() -> None:
    error = refusal("CreateAutoMLJobV2", JOB | {"AutoMLJobName": "-" * 40, "RoleArn": "x"})
    assert error.message.startswith("4 validation errors detected: ")
    assert error.message.count("failed to satisfy constraint") == 4


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"AutoMLJobName": 5}, "NUMBER_VALUE can not be converted to a String"),
        ({"Tags": {"a": "b"}}, "START_OBJECT can not be converted to a List"),
        ({"OutputDataConfig": []}, "START_ARRAY can not be converted to a Structure"),
        ({"DataSplitConfig": {"ValidationFraction": "0.2"}}, "STRING_VALUE can not be converted to a Number"),
        ({"ModelDeployConfig": {"AutoGenerateEndpointName": 1}}, "NUMBER_VALUE can not be converted to a Boolean"),
    ],
)
def test_wrong_json_types_are_serialization_errors(change: dict[str, Any], text: str) -> None:
    error = refusal("CreateAutoMLJobV2", JOB | change)
    assert (error.code, error.status_code) == ("SerializationException", 400)
    assert text in error.message


def test_environment_of_a_container_is_checked_by_key_and_value() -> None:
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "i", "Environment": {"1A": "x", "B": "y" * 1025}}}
    message = refusal("CreateModel", model).message
    assert "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z_]" in message
    assert "Map value must satisfy constraint: [Member must have length less than or equal to 1024]" in message


def test_unknown_members_are_ignored_as_aws_ignores_them() -> None:
    constraints.check(MODEL.operation_model("CreateAutoMLJobV2").input_shape, JOB | {"Unknown": 1})


def test_letters_of_every_script_are_letters_in_a_tag() -> None:
    constraints.check(
        MODEL.operation_model("CreateAutoMLJobV2").input_shape, JOB | {"Tags": [{"Key": "Größe 大", "Value": "é"}]}
    )


def shapes_below(shape: Shape) -> Iterator[Shape]:
    yield shape
    if isinstance(shape, StructureShape):
        for member in shape.members.values():
            yield from shapes_below(member)
    elif isinstance(shape, ListShape):
        yield from shapes_below(shape.member)
    elif isinstance(shape, MapShape):
        yield from (shape.key, shape.value)


def test_every_pattern_of_the_offered_operations_compiles() -> None:
    inputs = [MODEL.operation_model(name).input_shape for name in provider.operations()]
    inputs.append(load_service("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape)
    patterns = {below.metadata.get("pattern") for shape in inputs if shape for below in shapes_below(shape)} - {None}
    assert len(patterns) > 30
    for pattern in patterns:
        constraints._compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"\p{ASCII}*", "text/csv", "é"),
        (r"\A\S[\p{Print}]*\z", "a b", "a\x01"),
        (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "Größe 1", "a#"),
        (r"[a\]\p{N}]+", "]9", "b"),
    ],
)
def test_patterns_of_java(pattern: str, good: str, bad: str) -> None:
    assert constraints._compiled(pattern).fullmatch(good)
    assert not constraints._compiled(pattern).fullmatch(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*JOB, "Tags", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*JOB, "Tags", "DataSplitConfig", "SecurityConfig"]), JSON))
def test_no_request_breaks_the_check(change: dict[str, Any]) -> None:
    with contextlib.suppress(CommonServiceException):
        constraints.check(MODEL.operation_model("CreateAutoMLJobV2").input_shape, JOB | change)
