"""The model made of a candidate: its containers, told to answer with everything the workflow needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.errors import InvalidRequest, NoUsableCandidate
from automl.job.jobs import vpc_config
from automl.lineage.registry import CONTAINER_KEYS, Package
from automl.objectives import REGRESSION
from automl.tags import RUN_TAG, as_tags, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import CreateModelInputTypeDef, VpcConfigTypeDef

INPUT = "SAGEMAKER_INFERENCE_INPUT"
OUTPUT = "SAGEMAKER_INFERENCE_OUTPUT"
SUPPORTED = "SAGEMAKER_INFERENCE_SUPPORTED"

_KEYS = ("predicted_label", "probability", "probabilities", "labels")
_NEEDED = frozenset({"predicted_label", "probabilities", "labels"})
_LAST_CONTAINER_KEY = "labels"

Container = dict[str, Any]


@dataclass(frozen=True)
class ModelSettings:
    """Settings of the function that creates models."""

    sagemaker_role_arn: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


def inference_containers(
    candidate_name: str, containers: Sequence[Mapping[str, Any]], problem_type: str
) -> tuple[list[Container], list[str]]:
    """The candidate's whole container list with its inference keys set, and the cells of an answer's record.

    A regression answers with one number and is left as it is. For classification the last container is told to answer
    with every key that it supports; in a three-container candidate (HYPERPARAMETER_TUNING) the algorithm container
    must hand over the same keys except ``labels``, which only the last container knows.

    Raises:
        NoUsableCandidate: the candidate cannot answer with a probability for each label.
    """
    edited: list[Container] = [
        {**container, "Environment": dict(container.get("Environment", {}))} for container in containers
    ]
    if problem_type == REGRESSION:
        return edited, ["prediction"]
    supported = {key.strip() for key in edited[-1]["Environment"].get(SUPPORTED, "").split(",")}
    keys = [key for key in _KEYS if key in supported]
    if not supported >= _NEEDED:
        raise NoUsableCandidate(
            f"Candidate {candidate_name!r} cannot answer with a probability for each label: its last container "
            f"supports {', '.join(keys) or 'no inference keys'}; start again with AutoML.Mode ENSEMBLING"
        )
    edited[-1]["Environment"][OUTPUT] = ",".join(keys)
    if len(edited) > 1:
        handed_over = ",".join(key for key in keys if key != _LAST_CONTAINER_KEY)
        edited[-2]["Environment"][OUTPUT] = handed_over
        edited[-1]["Environment"][INPUT] = handed_over
    return edited, keys


def model_request(
    name: str, run_uri: str, containers: Sequence[Container], role_arn: str, vpc: "VpcConfigTypeDef | None"
) -> "CreateModelInputTypeDef":
    """The parameters of CreateModel. One container goes as PrimaryContainer: serverless endpoints take no pipeline."""
    request: CreateModelInputTypeDef = {
        "ModelName": name,
        "ExecutionRoleArn": role_arn,
        "Tags": as_tags({RUN_TAG: run_uri}),
    }
    definitions: list[Any] = list(containers)
    if len(definitions) == 1:
        request["PrimaryContainer"] = definitions[0]
    else:
        request["Containers"] = definitions
    if vpc:
        request["VpcConfig"] = vpc
    return request


def create_model(sagemaker: "SageMakerClient", request: "CreateModelInputTypeDef", run_uri: str) -> None:
    """Create the model, unless an earlier attempt of the same run did.

    Raises:
        InvalidRequest: SageMaker refuses the model, or the name belongs to a model of another run.
    """
    try:
        sagemaker.create_model(**request)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        name = request["ModelName"]
        existing = sagemaker_errors.find(sagemaker.describe_model, ModelName=name)
        if existing and read_tags(sagemaker, existing["ModelArn"]).get(RUN_TAG) == run_uri:
            return
        raise InvalidRequest(
            f"SageMaker refused model {name!r}: {sagemaker_errors.message_of(error)}. "
            "Correct the stack's parameters or delete the model of that name, and start again"
        ) from error


def recreate_model(sagemaker: "SageMakerClient", package: Package, settings: ModelSettings) -> None:
    """Create a registered model anew, as it was: under its name, with its containers and the tag of its run.

    Raises:
        InvalidRequest: SageMaker refuses the model.
    """
    name, run_uri = package.properties["ModelName"], package.properties["RunUri"]
    vpc = vpc_config(settings.subnet_ids, settings.security_group_ids)
    containers = [{key: one[key] for key in CONTAINER_KEYS if one.get(key)} for one in package.containers]
    create_model(sagemaker, model_request(name, run_uri, containers, settings.sagemaker_role_arn, vpc), run_uri)


def model_document(
    name: str,
    candidate_name: str,
    mode: str,
    problem_type: str,
    response_keys: Sequence[str],
    containers: int,
    features: Sequence[str],
) -> dict[str, Any]:
    """The model.json document, from which scoring learns how to talk to the model."""
    return {
        "ModelName": name,
        "Candidate": candidate_name,
        "Mode": mode,
        "ProblemType": problem_type,
        "ResponseKeys": list(response_keys),
        "Containers": containers,
        "Features": list(features),
    }
