"""The model behind an endpoint: which one it is, which run made it, and how it is hosted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.errors import EndpointFailed, InvalidRequest
from automl.run_files import RunFiles
from automl.sagemaker_errors import find
from automl.storage import exists, read_json
from automl.tags import RUN_TAG, read_tags

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef, ProductionVariantOutputTypeDef

SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})
"""Statuses of an endpoint that answers."""


@dataclass(frozen=True)
class ServedModel:
    """A model, the run that made it, and the hosting of the endpoint that serves it."""

    name: str
    run: RunFiles
    hosting: Mapping[str, Any]
    """``Serverless``, or ``InstanceType`` and ``InstanceCount``, as a deployment takes them."""


def of_endpoint(sagemaker: "SageMakerClient", endpoint: "DescribeEndpointOutputTypeDef") -> ServedModel:
    """Follow endpoint → endpoint config → model → tag. A model made again from its package has the tag, too.

    Args:
        sagemaker: client.
        endpoint: as DescribeEndpoint tells it.

    Raises:
        InvalidRequest: the model was not made by this project, or it is gone.
    """
    name = endpoint["EndpointName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    variant = config["ProductionVariants"][0]
    model_name = variant.get("ModelName", "")
    model = find(sagemaker.describe_model, ModelName=model_name)
    if model is None:
        raise InvalidRequest(
            f"Model {model_name!r} behind endpoint {name!r} was deleted: its recipe is unknown; "
            "deploy a model to the endpoint again"
        )
    tags = read_tags(sagemaker, model["ModelArn"])
    if RUN_TAG not in tags:
        raise InvalidRequest(
            f"Model {model_name!r} behind endpoint {name!r} has no tag {RUN_TAG!r}: "
            "its recipe is unknown; score an endpoint that a run of this project deployed"
        )
    return ServedModel(model_name, RunFiles(tags[RUN_TAG]), _hosting(variant))


def _hosting(variant: "ProductionVariantOutputTypeDef") -> dict[str, Any]:
    if serverless := variant.get("ServerlessConfig"):
        return {"Serverless": {key: serverless[key] for key in ("MemorySizeInMB", "MaxConcurrency")}}
    return {"InstanceType": variant.get("InstanceType", ""), "InstanceCount": variant.get("InitialInstanceCount", 1)}


def in_service(sagemaker: "SageMakerClient", endpoint_name: str) -> ServedModel:
    """The model of an endpoint that must be there and answer.

    Raises:
        InvalidRequest: there is no such endpoint, or see :func:`of_endpoint`.
        EndpointFailed: the endpoint cannot answer now.
    """
    endpoint = find(sagemaker.describe_endpoint, EndpointName=endpoint_name)
    if endpoint is None:
        raise InvalidRequest(f"There is no endpoint {endpoint_name!r}; deploy a model to it first")
    if endpoint["EndpointStatus"] not in SERVING:
        raise EndpointFailed(
            f"Endpoint {endpoint_name!r} is {endpoint['EndpointStatus']} and cannot answer; wait until it is InService"
        )
    return of_endpoint(sagemaker, endpoint)


def how_to_ask(s3: "S3Client", model_name: str, run: RunFiles) -> dict[str, Any]:
    """The run's model.json: what the model predicts, from which features, and the cells of its answers.

    Raises:
        InvalidRequest: it is gone.
    """
    if not exists(s3, run.model):
        raise InvalidRequest(
            f"{run.model} is gone, so how to ask model {model_name!r} is unknown; "
            "restore the run's files, or train anew"
        )
    document: dict[str, Any] = read_json(s3, run.model)
    return document
