"""Inference keys and CreateModel, for the documented containers of both modes."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from jsonschema import Draft202012Validator

from automl import schema
from automl.errors import InvalidRequest, NoUsableCandidate
from automl.lineage import models

ALL = "predicted_label,probability,probabilities,labels"
URI = "s3://data-bucket/runs/run-1/"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:model/run-1"


def container(**environment: str) -> dict[str, Any]:
    return {"Image": "image:1", "ModelDataUrl": "s3://data-bucket/model.tar.gz", "Environment": environment}


# The containers as the Autopilot guide shows them.
ENSEMBLING = [
    container(
        MODEL_NAME="WeightedEnsemble-L3-FULL-t3",
        SAGEMAKER_INFERENCE_OUTPUT="predicted_label",
        SAGEMAKER_INFERENCE_SUPPORTED="predicted_label, labels, probability, probabilities",
    )
]
TRANSFORM = container(AUTOML_TRANSFORM_MODE="feature-transform", SAGEMAKER_PROGRAM="sagemaker_serve")
ALGORITHM = container(
    MAX_CONTENT_LENGTH="20971520",
    SAGEMAKER_INFERENCE_OUTPUT="predicted_label",
    SAGEMAKER_INFERENCE_SUPPORTED="predicted_label,probability,probabilities",
)
INVERSE = container(
    AUTOML_TRANSFORM_MODE="inverse-label-transform",
    SAGEMAKER_INFERENCE_INPUT="predicted_label",
    SAGEMAKER_INFERENCE_OUTPUT="predicted_label",
    SAGEMAKER_INFERENCE_SUPPORTED="predicted_label,probability,labels,probabilities",
)


def test_an_ensemble_answers_with_all_keys() -> None:
    containers, keys = models.inference_containers("c", ENSEMBLING, "BinaryClassification")
    assert keys == ALL.split(",")
    assert containers[0]["Environment"] == {**ENSEMBLING[0]["Environment"], "SAGEMAKER_INFERENCE_OUTPUT": ALL}


def test_a_tuned_pipeline_hands_all_but_the_labels_to_its_last_container() -> None:
    containers, keys = models.inference_containers("c", [TRANSFORM, ALGORITHM, INVERSE], "MulticlassClassification")
    first, second, third = (one["Environment"] for one in containers)
    assert keys == ALL.split(",")
    assert first == TRANSFORM["Environment"]
    assert second["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label,probability,probabilities"
    assert third["SAGEMAKER_INFERENCE_INPUT"] == "predicted_label,probability,probabilities"
    assert third["SAGEMAKER_INFERENCE_OUTPUT"] == ALL
    assert "SAGEMAKER_INFERENCE_INPUT" not in second


@pytest.mark.parametrize("containers", [[container(MODEL_NAME="m")], [TRANSFORM, container(MAX_CONTENT_LENGTH="1")]])
def test_a_regression_is_left_as_it_is(containers: list[dict[str, Any]]) -> None:
    assert models.inference_containers("c", containers, "Regression") == (containers, ["prediction"])


def test_only_supported_keys_are_asked_for() -> None:
    sparse = [container(SAGEMAKER_INFERENCE_SUPPORTED="labels,predicted_label,probabilities")]
    containers, keys = models.inference_containers("c", sparse, "BinaryClassification")
    assert keys == ["predicted_label", "probabilities", "labels"]
    assert containers[0]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label,probabilities,labels"


@pytest.mark.parametrize("supported", ["predicted_label,probability", ""])
def test_a_candidate_without_probabilities_cannot_be_used(supported: str) -> None:
    with pytest.raises(NoUsableCandidate, match="probability for each label"):
        models.inference_containers("c", [container(SAGEMAKER_INFERENCE_SUPPORTED=supported)], "BinaryClassification")


def test_the_candidate_itself_is_not_changed() -> None:
    models.inference_containers("c", ENSEMBLING, "BinaryClassification")
    assert ENSEMBLING[0]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label"


@pytest.mark.parametrize("containers", [ENSEMBLING, [TRANSFORM, ALGORITHM, INVERSE]], ids=["one", "three"])
def test_sagemaker_accepts_the_whole_container_list(
    stub: Callable[[Any], Stubber], containers: list[dict[str, Any]]
) -> None:
    sagemaker = boto3.client("sagemaker")
    request = models.model_request("run-1", URI, containers, ROLE, {"Subnets": ["s"], "SecurityGroupIds": ["g"]})
    stub(sagemaker).add_response("create_model", {"ModelArn": ARN}, dict(request))
    models.create_model(sagemaker, request, URI)
    assert request.get("Containers", [request.get("PrimaryContainer")]) == containers
    assert request["VpcConfig"]["Subnets"] == ["s"]


def exists(stubber: Stubber, run_uri: str) -> None:
    described = {"ModelName": "run-1", "ModelArn": ARN, "ExecutionRoleArn": ROLE, "CreationTime": 0}
    stubber.add_client_error("create_model", "ValidationException", "Cannot create already existing model")
    stubber.add_response("describe_model", described, {"ModelName": "run-1"})
    stubber.add_response("list_tags", {"Tags": [{"Key": "autopilot-flow:run", "Value": run_uri}]}, {"ResourceArn": ARN})


def test_creating_the_same_model_again_finds_it(stub: Callable[[Any], Stubber]) -> None:
    sagemaker = boto3.client("sagemaker")
    exists(stub(sagemaker), URI)
    models.create_model(sagemaker, models.model_request("run-1", URI, ENSEMBLING, ROLE, None), URI)


def test_a_model_of_another_run_is_not_taken(stub: Callable[[Any], Stubber]) -> None:
    sagemaker = boto3.client("sagemaker")
    exists(stub(sagemaker), "s3://data-bucket/runs/other/")
    with pytest.raises(InvalidRequest, match=r"already existing model.*delete the model of that name"):
        models.create_model(sagemaker, models.model_request("run-1", URI, ENSEMBLING, ROLE, None), URI)


def test_model_json_keeps_its_schema() -> None:
    document = models.model_document("run-1", "c", "ENSEMBLING", "Regression", ["prediction"], 1, ["a", "b"])
    Draft202012Validator(schema.load("model")).validate(document)
