"""Endpoint operations and the deployment that a job asks for."""

import copy
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from autoflow.local.sagemaker import models, paging
from autoflow.local.sagemaker.automl_job import AutoMLJob
from autoflow.local.sagemaker.endpoint import Endpoint
from autoflow.local.sagemaker.errors import validation
from autoflow.local.sagemaker.state import Account, Document, now, tags_of

_KEYS: dict[str, Callable[[Document], Any]] = {
    "Name": lambda item: item["EndpointName"],
    "CreationTime": lambda item: item["CreationTime"],
    "Status": lambda item: item["EndpointStatus"],
}
_AUTOPILOT_INSTANCE_TYPE = "ml.m5.12xlarge"
"""What Autopilot itself deploys an ENSEMBLING candidate on."""


def create(account: Account, request: Document) -> Document:
    """CreateEndpoint."""
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    arn = account.arn("endpoint", name)
    with account.lock:
        if name in account.endpoints:
            raise validation(f'Cannot create already existing endpoint "{arn}".')
        _require_models(account, config_name)
        _refuse_guardrails(request)
        endpoint = account.endpoints[name] = Endpoint(account, name, arn, config_name)
        account.tags[arn] = tags_of(request)
    endpoint.deploy(config_name)
    return {"EndpointArn": arn}


def describe(account: Account, request: Document) -> Document:
    """DescribeEndpoint."""
    with account.lock:
        return copy.deepcopy(_find(account, request["EndpointName"]).describe())


def update(account: Account, request: Document) -> Document:
    """UpdateEndpoint: all at once; the old config serves until the new one is in service."""
    config_name = request["EndpointConfigName"]
    with account.lock:
        endpoint = _find(account, request["EndpointName"])
        _require_settled(endpoint)
        if endpoint.fleet is None:
            raise validation(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}.')
        if config_name == endpoint.config_name:
            raise validation(
                f"Endpoint {endpoint.name} already uses the endpoint configuration {config_name}; "
                "an update needs a different one."
            )
        new = models.find_endpoint_config(account, config_name)
        _require_models(account, config_name)
        _refuse_guardrails(request)
        if (
            any("ServerlessConfig" in variant for variant in new["ProductionVariants"])
            and not endpoint.fleet.serverless
        ):
            raise validation("Cannot update an instance-based endpoint to a serverless endpoint.")
        endpoint.status, endpoint.failure, endpoint.modified = "Updating", "", now()
    endpoint.deploy(config_name)
    return {"EndpointArn": endpoint.arn}


def delete(account: Account, request: Document) -> Document:
    """DeleteEndpoint: asynchronous."""
    with account.lock:
        endpoint = _find(account, request["EndpointName"])
        _require_settled(endpoint)
        endpoint.status, endpoint.deleted, endpoint.modified = "Deleting", True, now()

    def finish() -> None:
        if endpoint.fleet is not None:
            endpoint.fleet.stop()
        with account.lock:
            account.endpoints.pop(endpoint.name, None)
            account.tags.pop(endpoint.arn, None)

    threading.Thread(target=finish, name=f"endpoint-{endpoint.name}", daemon=True).start()
    return {}


def list_endpoints(account: Account, request: Document) -> Document:
    """ListEndpoints."""
    with account.lock:
        summaries = copy.deepcopy([endpoint.summary() for endpoint in account.endpoints.values()])
    if status := request.get("StatusEquals"):
        summaries = [item for item in summaries if item["EndpointStatus"] == status]
    found = paging.within(summaries, request, "EndpointName")
    items, more = paging.page(paging.ordered(found, request, _KEYS, "CreationTime", "Descending"), request)
    return {"Endpoints": items} | more


def deploy_best(job: AutoMLJob) -> str:
    """Deploy a job's best candidate as its ModelDeployConfig says, and wait for it.

    Raises:
        RuntimeError: the endpoint failed.
    """
    account, config = job.account, job.request["ModelDeployConfig"]
    name = config.get("EndpointName") or f"{job.name}-{uuid.uuid4().hex[:8]}"
    with account.lock:
        best = copy.deepcopy(job.best() or {})
    model = {"ModelName": name, "Containers": best["InferenceContainers"], "ExecutionRoleArn": job.request["RoleArn"]}
    models.create_model(account, model)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": _AUTOPILOT_INSTANCE_TYPE,
        "InitialInstanceCount": 1,
    }
    models.create_endpoint_config(account, {"EndpointConfigName": name, "ProductionVariants": [variant]})
    create(account, {"EndpointName": name, "EndpointConfigName": name})
    while (state := describe(account, {"EndpointName": name}))["EndpointStatus"] == "Creating":
        time.sleep(0.1)
    if state["EndpointStatus"] != "InService":
        raise RuntimeError(state.get("FailureReason", state["EndpointStatus"]))
    return name


def _find(account: Account, name: str) -> Endpoint:
    try:
        return account.endpoints[name]
    except KeyError:
        raise validation(f'Could not find endpoint "{account.arn("endpoint", name)}".') from None


def _require_settled(endpoint: Endpoint) -> None:
    if endpoint.status in {"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"}:
        raise validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def _require_models(account: Account, config_name: str) -> None:
    for variant in models.find_endpoint_config(account, config_name)["ProductionVariants"]:
        models.find_model(account, variant["ModelName"])


def _refuse_guardrails(request: Document) -> None:
    deployment = request.get("DeploymentConfig", {})
    blue_green = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    gradual = "RollingUpdatePolicy" in deployment or blue_green.get("Type", "ALL_AT_ONCE") != "ALL_AT_ONCE"
    if gradual or "AutoRollbackConfiguration" in deployment:
        raise validation("The local cloud updates endpoints ALL_AT_ONCE, without alarms; leave DeploymentConfig out.")
    if request.get("RetainAllVariantProperties"):
        raise validation("RetainAllVariantProperties is not supported in the local cloud; the new config's apply.")
