"""A deployment's endpoint: its creation or update, and its status as a small document.

A deployment makes one endpoint config of its own, named after the model and the execution. The config's tags remember
what the endpoint served before, so a retry, a removal or a clean-up needs nothing but the two names.

The document (``$.Endpoint`` of the deployment machine):

- ``Name``, ``ModelName``; ``ConfigName``: this deployment's config, always; ``PreviousConfigName``: the config that the
  endpoint had before, "" for an endpoint that was created; ``Action``: ``Create`` or ``Update``; ``Created``: bool.
- ``Status``: EndpointStatus as SageMaker tells it; after Roll Back Endpoint ``Deleted``, ``Restoring``, ``Restored``.
- ``ConfigInService``: the config that the endpoint has; the deployment is through when it is ``ConfigName``, and taken
  back by SageMaker when it is ``PreviousConfigName`` and the status ``InService``. ``FailureReason``: SageMaker's.
- ``Restoring``: whether the endpoint is being brought back to ``PreviousConfigName``. ``FailedConfigName``: "", or
  ``ConfigName`` when it was taken back and is not deleted yet.
- ``Polls``, ``WaitSeconds``, ``ElapsedSeconds``, ``Seconds``, ``DeadlineSeconds``, ``StartedAt``: as of every wait;
  they begin anew when ``Restoring`` becomes true.

Roll Back Endpoint of an update is called twice. The first call orders the former config back and answers with
``Restoring`` true. Get Endpoint, which changes nothing, keeps that, until ``Status`` is ``InService`` and
``ConfigInService`` is ``PreviousConfigName``; the second call then deletes the failed config, gives the endpoint the
auto scaling that it had, and answers with ``Restoring`` false (true again if the endpoint is not back after all).
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import runs, sagemaker_errors
from automl.deployment import alarms, endpoint_configs, guardrails, scaling
from automl.deployment.endpoint_configs import Config, Target
from automl.deployment.endpoint_services import EndpointServices
from automl.errors import ChampionChanged, EndpointBusy, EndpointFailed, InvalidRequest
from automl.tags import RUN_TAG, as_tags, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        CreateEndpointConfigInputTypeDef,
        DescribeEndpointOutputTypeDef,
        UpdateEndpointInputTypeDef,
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
    canary_wait_seconds: int
    latency_alarm_seconds: int


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
    _check_hosting(hosting)
    containers = len(model.get("Containers") or []) or 1
    if "Serverless" in hosting and containers > 1:
        raise InvalidRequest(
            f"Model {name!r} has {containers} containers, which a serverless endpoint cannot run; "
            "give Endpoint.InstanceType instead of Endpoint.Serverless"
        )
    return Target(name, run_uri, hosting.get("Name") or name, hosting, request.get("Replaces"))


def _check_hosting(hosting: Mapping[str, Any]) -> None:
    if ("Serverless" in hosting) == ("InstanceType" in hosting):
        raise InvalidRequest("Endpoint needs either Serverless or InstanceType; give exactly one of them")
    for key in ("InstanceCount", "AutoScaling", "DataCapture"):
        if "Serverless" in hosting and key in hosting:
            raise InvalidRequest(
                f"Endpoint.{key} cannot be used with Endpoint.Serverless; "
                f"leave {key} out, or give Endpoint.InstanceType instead of Serverless"
            )
    wanted = scaling.of_hosting(hosting)
    if wanted and wanted.max_instances < wanted.min_instances:
        raise InvalidRequest(
            f"Endpoint.AutoScaling.MaxInstanceCount is {wanted.max_instances}, less than Endpoint.InstanceCount "
            f"{wanted.min_instances}, with which the endpoint starts; raise the one or lower the other"
        )


def pending_config(endpoint: "DescribeEndpointOutputTypeDef") -> str:
    """The config that the endpoint has, or is being brought to."""
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    return pending or endpoint["EndpointConfigName"]


def deploy(
    services: EndpointServices,
    wanted: Target,
    execution_id: str,
    settings: EndpointSettings,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, str]:
    """Create the endpoint, or update the one of that name. Repeating it carries on where it was.

    Returns:
        The name of this deployment's config, and that of the config which the endpoint had before ("" if none).

    Raises:
        ChampionChanged: the endpoint has another config than the one that is to be replaced.
        EndpointBusy: something else is changing the endpoint.
        EndpointFailed: the endpoint is broken and takes no update.
        InvalidRequest: the endpoint is not ours to change, or SageMaker refuses the hosting.
    """
    sagemaker = services.sagemaker
    config_name = runs.config_name(wanted.model_name, execution_id)
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=wanted.endpoint_name)
    if endpoint and pending_config(endpoint) == config_name:
        own = endpoint_configs.find(sagemaker, config_name)
        return config_name, own.previous if own else ""
    former = _former_config(sagemaker, wanted, endpoint)
    previous = endpoint["EndpointConfigName"] if endpoint else ""
    instances = endpoint_configs.first_instances(wanted.hosting, endpoint)
    request = endpoint_configs.config_request(wanted, config_name, previous, instances, settings.kms_key_arn)
    if endpoint is None:
        _ensure_config(sagemaker, request, previous)
        _bring(sagemaker, wanted, (previous, config_name), lambda: _create(sagemaker, wanted, config_name), sleep)
        return config_name, previous
    order: UpdateEndpointInputTypeDef = {"EndpointName": wanted.endpoint_name, "EndpointConfigName": config_name}
    if former and not former.serverless and not wanted.serverless:
        watching = alarms.put(services.cloudwatch, wanted.endpoint_name, settings.latency_alarm_seconds)
        order["DeploymentConfig"] = guardrails.deployment_config(instances, watching, settings.canary_wait_seconds)
    ended = _end_scaling(services, wanted, former)
    try:
        _ensure_config(sagemaker, request, previous)
        _bring(sagemaker, wanted, (previous, config_name), lambda: sagemaker.update_endpoint(**order), sleep)
    except Exception:
        if ended:
            scaling.configure(services.autoscaling, wanted.endpoint_name, ended)
        raise
    return config_name, previous


def _bring(
    sagemaker: "SageMakerClient",
    wanted: Target,
    configs: tuple[str, str],
    order: Callable[[], object],
    sleep: Callable[[float], None],
) -> None:
    """Give SageMaker the order that brings the endpoint to our config, again if it does not see the config yet.

    Args:
        sagemaker: client.
        wanted: what is deployed.
        configs: the config that the endpoint has ("" if there is none), and ours.
        order: calls SageMaker.
        sleep: waits that many seconds.
    """
    previous, config_name = configs
    for wait in (*SETTLING_WAITS, None):
        try:
            order()
            return
        except ClientError as error:
            refused = sagemaker_errors.is_refusal(error)
            if not refused and error.response["Error"]["Code"] != "ResourceLimitExceeded":
                raise
            seen = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=wanted.endpoint_name)
            if seen and pending_config(seen) == config_name:
                return
            overtaken = (seen["EndpointConfigName"] if seen else "") != previous
            if refused and wait is not None and not overtaken and not (seen and seen["EndpointStatus"] in CHANGING):
                sleep(wait)
                continue
            # Nothing uses the config, and another attempt makes it anew, or finds it: IAM may not see its tags yet.
            with contextlib.suppress(ClientError):
                sagemaker.delete_endpoint_config(EndpointConfigName=config_name)
            if refused:
                raise _refusal(wanted, seen, overtaken, error) from error
            raise


def _create(sagemaker: "SageMakerClient", wanted: Target, config_name: str) -> None:
    sagemaker.create_endpoint(
        EndpointName=wanted.endpoint_name,
        EndpointConfigName=config_name,
        Tags=as_tags({RUN_TAG: wanted.run_uri}),
    )


def _former_config(
    sagemaker: "SageMakerClient", wanted: Target, endpoint: "DescribeEndpointOutputTypeDef | None"
) -> Config | None:
    """The config that is to be replaced, None if there is none, after checking that the endpoint may have ours."""
    name = wanted.endpoint_name
    if endpoint is None:
        _check_champion(wanted, "")
        return None
    status = endpoint["EndpointStatus"]
    if status == "Deleting":  # its tags may be gone any moment
        raise EndpointBusy(f"Endpoint {name!r} is {status}; wait until that has ended and deploy again")
    _check_ours(sagemaker, endpoint)
    if status in CHANGING:
        raise EndpointBusy(f"Endpoint {name!r} is {status}; wait until that has ended and deploy again")
    _check_champion(wanted, endpoint["EndpointConfigName"])
    return _replaceable_config(sagemaker, endpoint, wanted.serverless)


def check_changeable(sagemaker: "SageMakerClient", name: str, hosting: Mapping[str, Any]) -> None:
    """See before anything costs time whether an endpoint of that name, if there is one, could get another model at all.

    Raises:
        EndpointFailed: it is broken and takes no update.
        InvalidRequest: it is not ours to change, or its hosting cannot become the wanted one.
    """
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=name)
    if endpoint is None or endpoint["EndpointStatus"] == "Deleting":
        return
    _check_ours(sagemaker, endpoint)
    if endpoint["EndpointStatus"] not in CHANGING:
        _replaceable_config(sagemaker, endpoint, "Serverless" in hosting)


def _check_ours(sagemaker: "SageMakerClient", endpoint: "DescribeEndpointOutputTypeDef") -> None:
    if RUN_TAG not in read_tags(sagemaker, endpoint["EndpointArn"]):
        raise InvalidRequest(
            f"Endpoint {endpoint['EndpointName']!r} exists and was not made by this project; "
            f"give another Endpoint.Name, or hand it over by the tag {RUN_TAG!r} with any value"
        )


def _replaceable_config(
    sagemaker: "SageMakerClient", endpoint: "DescribeEndpointOutputTypeDef", serverless: bool
) -> Config | None:
    """The config of an endpoint that is settled, after checking that it may have a successor of the wanted kind."""
    name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
    if status != "InService":
        raise EndpointFailed(f"Endpoint {name!r} is {status} and cannot be updated; delete it, then deploy again")
    config = endpoint_configs.find(sagemaker, endpoint["EndpointConfigName"])
    if serverless and config and not config.serverless:
        raise InvalidRequest(
            f"Endpoint {name!r} runs on instances, and SageMaker cannot make it serverless; "
            "give another Endpoint.Name, or Endpoint.InstanceType"
        )
    return config


def _check_champion(wanted: Target, in_service: str) -> None:
    if wanted.replaces is None or wanted.replaces == in_service:
        return
    now = f"has config {in_service!r} now" if in_service else "is not there now"
    then = f"config {wanted.replaces!r}" if wanted.replaces else "no endpoint"
    raise ChampionChanged(
        f"Endpoint {wanted.endpoint_name!r} {now}, but model {wanted.model_name!r} was to replace {then}: "
        "another deployment came first. Start again to compare with the model that is in service"
    )


def _end_scaling(services: EndpointServices, wanted: Target, former: Config | None) -> scaling.Scaling | None:
    """End the auto scaling that SageMaker would refuse the update for, or that is not wanted any more, and return it.

    An update to another model on the same instance type keeps it: it never stops looking after the load.
    """
    if former is None or former.scaling is None:
        return None
    if scaling.of_hosting(wanted.hosting) and wanted.hosting["InstanceType"] == former.instance_type:
        return None
    scaling.remove(services.autoscaling, wanted.endpoint_name)
    return former.scaling


def _ensure_config(sagemaker: "SageMakerClient", request: "CreateEndpointConfigInputTypeDef", previous: str) -> None:
    name = request["EndpointConfigName"]
    try:
        sagemaker.create_endpoint_config(**request)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        existing = endpoint_configs.find(sagemaker, name)
        if existing is None:
            raise InvalidRequest(
                f"SageMaker refused the hosting of the endpoint: {sagemaker_errors.message_of(error)}. "
                "Correct Endpoint in the request and start again"
            ) from error
        if existing.previous != previous:  # someone changed the endpoint between two of our attempts
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
            sagemaker.create_endpoint_config(**request)


def _refusal(
    wanted: Target, endpoint: "DescribeEndpointOutputTypeDef | None", overtaken: bool, error: ClientError
) -> Exception:
    """The error that says why the endpoint is not on its way to our config."""
    name = wanted.endpoint_name
    if endpoint and endpoint["EndpointStatus"] in CHANGING:
        status = endpoint["EndpointStatus"]
        return EndpointBusy(f"Endpoint {name!r} is {status}; wait until that has ended and deploy again")
    if overtaken:  # the next attempt compares, and sees what it replaces
        return EndpointBusy(f"Endpoint {name!r} was changed by another deployment at this moment; deploy again")
    return InvalidRequest(
        f"SageMaker refused endpoint {name!r}: {sagemaker_errors.message_of(error)}. "
        "Correct Endpoint in the request and start again"
    )
