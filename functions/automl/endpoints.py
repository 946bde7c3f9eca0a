"""A deployment's endpoint: its config, its creation or update, and its status as a small document.

A deployment makes one endpoint config of its own, named after the model and the execution. The config's tags remember
what the endpoint served before, so a retry, a removal or a clean-up needs nothing but the two names.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import runs, sagemaker_errors
from automl.errors import EndpointBusy, EndpointFailed, InvalidRequest
from automl.jobs import wait_seconds
from automl.tags import PREVIOUS_CONFIG_TAG, RUN_TAG, as_tags, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        CreateEndpointConfigInputTypeDef,
        DescribeEndpointOutputTypeDef,
        ProductionVariantTypeDef,
    )

CHANGING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
DEADLINE_SECONDS = 3600
SETTLING_WAITS = (1, 2, 4)
"""Seconds between attempts: SageMaker's read of a config made just before is eventually consistent."""


@dataclass(frozen=True)
class EndpointSettings:
    """Settings of the function that creates endpoints."""

    kms_key_arn: str | None
    minimum_wait_seconds: int


@dataclass(frozen=True)
class Target:
    """What is to be served where: the model, its run's folder, and the endpoint's name and hosting."""

    model_name: str
    run_uri: str
    endpoint_name: str
    hosting: Mapping[str, Any]

    @property
    def serverless(self) -> bool:
        """Whether the endpoint is to be serverless."""
        return "Serverless" in self.hosting


def target(sagemaker: "SageMakerClient", request: Mapping[str, Any]) -> Target:
    """What a deployment's input asks for, checked against the model.

    Raises:
        InvalidRequest: no such model, not a model of this project, or hosting that cannot serve it.
    """
    name, hosting = request["Model"]["Name"], request["Endpoint"]
    model = sagemaker_errors.find(sagemaker.describe_model, ModelName=name)
    if model is None:
        raise InvalidRequest(f"There is no model {name!r}; name the model of a completed run")
    run_uri = read_tags(sagemaker, model["ModelArn"]).get(RUN_TAG)
    if run_uri is None:
        raise InvalidRequest(
            f"Model {name!r} has no tag {RUN_TAG!r}, so its recipe is unknown; "
            "deploy a model that a run of this project made"
        )
    if ("Serverless" in hosting) == ("InstanceType" in hosting):
        raise InvalidRequest("Endpoint needs either Serverless or InstanceType; give exactly one of them")
    containers = len(model.get("Containers") or []) or 1
    if "Serverless" in hosting and containers > 1:
        raise InvalidRequest(
            f"Model {name!r} has {containers} containers, which a serverless endpoint cannot run; "
            "give Endpoint.InstanceType instead of Endpoint.Serverless"
        )
    return Target(name, run_uri, hosting.get("Name") or name, hosting)


def config_request(
    wanted: Target, config_name: str, previous_config: str, kms_key_arn: str | None
) -> "CreateEndpointConfigInputTypeDef":
    """The parameters of CreateEndpointConfig."""
    variant: ProductionVariantTypeDef = {"VariantName": "AllTraffic", "ModelName": wanted.model_name}
    if wanted.serverless:
        variant["ServerlessConfig"] = wanted.hosting["Serverless"]
    else:
        variant["InstanceType"] = wanted.hosting["InstanceType"]
        variant["InitialInstanceCount"] = wanted.hosting.get("InstanceCount", 1)
        variant["InitialVariantWeight"] = 1.0
    request: CreateEndpointConfigInputTypeDef = {
        "EndpointConfigName": config_name,
        "ProductionVariants": [variant],
        "Tags": as_tags({RUN_TAG: wanted.run_uri, PREVIOUS_CONFIG_TAG: previous_config}),
    }
    if kms_key_arn:
        request["KmsKeyId"] = kms_key_arn
    return request


def pending_config(endpoint: "DescribeEndpointOutputTypeDef") -> str:
    """The config that the endpoint has, or is being brought to."""
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    return pending or endpoint["EndpointConfigName"]


def deploy(
    sagemaker: "SageMakerClient",
    wanted: Target,
    execution_id: str,
    kms_key_arn: str | None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, str]:
    """Create the endpoint, or update the one of that name. Repeating it carries on where it was.

    Returns:
        The name of this deployment's config, and that of the config which the endpoint had before ("" if none).

    Raises:
        EndpointBusy: something else is changing the endpoint.
        InvalidRequest: the endpoint is not ours to change, or SageMaker refuses the hosting.
    """
    config_name = runs.config_name(wanted.model_name, execution_id)
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=wanted.endpoint_name)
    if endpoint and pending_config(endpoint) == config_name:
        return config_name, previous_config(sagemaker, config_name)
    if endpoint:
        _check_replaceable(sagemaker, wanted, endpoint)
    previous = endpoint["EndpointConfigName"] if endpoint else ""
    _ensure_config(sagemaker, config_request(wanted, config_name, previous, kms_key_arn), previous)
    for wait in (*SETTLING_WAITS, None):
        try:
            _bring(sagemaker, wanted, config_name, update=endpoint is not None)
            break
        except ClientError as error:
            refused = sagemaker_errors.is_refusal(error)
            if not refused and error.response["Error"]["Code"] != "ResourceLimitExceeded":
                raise
            seen = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=wanted.endpoint_name)
            if seen and pending_config(seen) == config_name:
                break
            if refused and wait is not None and not (seen and seen["EndpointStatus"] in CHANGING):
                sleep(wait)
                continue
            # Nothing uses the config, and another attempt makes it anew.
            sagemaker.delete_endpoint_config(EndpointConfigName=config_name)
            if refused:
                raise _refusal(wanted.endpoint_name, seen, error) from error
            raise
    return config_name, previous


def _bring(sagemaker: "SageMakerClient", wanted: Target, config_name: str, *, update: bool) -> None:
    if update:
        sagemaker.update_endpoint(EndpointName=wanted.endpoint_name, EndpointConfigName=config_name)
    else:
        sagemaker.create_endpoint(
            EndpointName=wanted.endpoint_name,
            EndpointConfigName=config_name,
            Tags=as_tags({RUN_TAG: wanted.run_uri}),
        )


def previous_config(sagemaker: "SageMakerClient", config_name: str) -> str:
    """The config that this one replaced on its endpoint, "" if none or if the config is gone."""
    config = sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=config_name)
    return read_tags(sagemaker, config["EndpointConfigArn"]).get(PREVIOUS_CONFIG_TAG, "") if config else ""


def _check_replaceable(sagemaker: "SageMakerClient", wanted: Target, endpoint: "DescribeEndpointOutputTypeDef") -> None:
    name, status = wanted.endpoint_name, endpoint["EndpointStatus"]
    if RUN_TAG not in read_tags(sagemaker, endpoint["EndpointArn"]):
        raise InvalidRequest(
            f"Endpoint {name!r} exists and was not made by this project; "
            f"give another Endpoint.Name, or hand it over by the tag {RUN_TAG!r} with any value"
        )
    if status in CHANGING:
        raise EndpointBusy(f"Endpoint {name!r} is {status}; wait until that has ended and deploy again")
    if status != "InService":
        raise EndpointFailed(f"Endpoint {name!r} is {status} and cannot be updated; delete it, then deploy again")
    config = sagemaker_errors.find(
        sagemaker.describe_endpoint_config, EndpointConfigName=endpoint["EndpointConfigName"]
    )
    if wanted.serverless and config and "ServerlessConfig" not in config["ProductionVariants"][0]:
        raise InvalidRequest(
            f"Endpoint {name!r} runs on instances, and SageMaker cannot make it serverless; "
            "give another Endpoint.Name, or Endpoint.InstanceType"
        )


def _ensure_config(sagemaker: "SageMakerClient", request: "CreateEndpointConfigInputTypeDef", previous: str) -> None:
    name = request["EndpointConfigName"]
    try:
        sagemaker.create_endpoint_config(**request)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        if sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=name) is None:
            raise InvalidRequest(
                f"SageMaker refused the hosting of the endpoint: {sagemaker_errors.message_of(error)}. "
                "Correct Endpoint in the request and start again"
            ) from error
        if previous_config(sagemaker, name) != previous:  # someone changed the endpoint between two of our attempts
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
            sagemaker.create_endpoint_config(**request)


def _refusal(name: str, endpoint: "DescribeEndpointOutputTypeDef | None", error: ClientError) -> Exception:
    """The error that says why the endpoint is not on its way to our config."""
    if endpoint and endpoint["EndpointStatus"] in CHANGING:
        status = endpoint["EndpointStatus"]
        return EndpointBusy(f"Endpoint {name!r} is {status}; wait until that has ended and deploy again")
    return InvalidRequest(
        f"SageMaker refused endpoint {name!r}: {sagemaker_errors.message_of(error)}. "
        "Correct Endpoint in the request and start again"
    )


def new_status(
    wanted: Target, config_name: str, previous: str, now: datetime, minimum_wait_seconds: int
) -> dict[str, Any]:
    """The status document of an endpoint that has just been created or updated."""
    return {
        "Name": wanted.endpoint_name,
        "ModelName": wanted.model_name,
        "ConfigName": config_name,
        "PreviousConfigName": previous,
        "Action": "Update" if previous else "Create",
        "Created": not previous,
        "Status": "Updating" if previous else "Creating",
        "ConfigInService": previous,
        "FailureReason": "",
        "Polls": 0,
        "WaitSeconds": wait_seconds(0, minimum_wait_seconds),
        "ElapsedSeconds": 0,
        "Seconds": 0.0,
        "DeadlineSeconds": DEADLINE_SECONDS,
        "StartedAt": now.isoformat(),
    }


def refreshed_status(
    status: Mapping[str, Any],
    endpoint: "DescribeEndpointOutputTypeDef | None",
    now: datetime,
    minimum_wait_seconds: int,
) -> dict[str, Any]:
    """The status document after looking at the endpoint once more. An endpoint that is gone counts as Failed."""
    elapsed = max(0.0, (now - datetime.fromisoformat(status["StartedAt"])).total_seconds())
    seen = {
        **status,
        "Polls": status["Polls"] + 1,
        "ElapsedSeconds": int(elapsed),
        "Seconds": round(elapsed, 3),
        "WaitSeconds": wait_seconds(elapsed, minimum_wait_seconds),
    }
    if endpoint is None:
        reason = "it was deleted while it was being deployed; deploy again"
        return {**seen, "Status": "Failed", "ConfigInService": "", "FailureReason": reason}
    return {
        **seen,
        "Status": endpoint["EndpointStatus"],
        "ConfigInService": endpoint["EndpointConfigName"],
        "FailureReason": endpoint.get("FailureReason", ""),
    }
