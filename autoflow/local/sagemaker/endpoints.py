"""Endpoint operations and the deployment that a job asks for."""

import copy
import threading
import time
import uuid
from collections.abc import Callable, Set
from typing import Any

from autoflow.local.sagemaker import deployment, models, paging
from autoflow.local.sagemaker.automl_job import AutoMLJob
from autoflow.local.sagemaker.endpoint import Endpoint
from autoflow.local.sagemaker.errors import validation
from autoflow.local.sagemaker.guardrails import Guardrails, require_alarms
from autoflow.local.sagemaker.in_the_name_of import role_of_model
from autoflow.local.sagemaker.state import Account, Document, now, tags_of

_KEYS: dict[str, Callable[[Document], Any]] = {
    "Name": lambda item: item["EndpointName"],
    "CreationTime": lambda item: item["CreationTime"],
    "Status": lambda item: item["EndpointStatus"],
}
_AUTOPILOT_INSTANCE_TYPE = "ml.m5.12xlarge"
"""What Autopilot itself deploys an ENSEMBLING candidate on."""


def create(account: Account, request: Document) -> Document:
    """CreateEndpoint. A DeploymentConfig is for the updates to come."""
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    arn = account.arn("endpoint", name)
    with account.lock:
        if name in account.endpoints:
            raise validation(f'Cannot create already existing endpoint "{arn}".')
        config = _find_config(account, config_name)
        _guardrails(account, request.get("DeploymentConfig"), config)
        endpoint = account.endpoints[name] = Endpoint(account, name, arn, config_name)
        endpoint.deployment_config = request.get("DeploymentConfig")
        account.tags[arn] = tags_of(request)
        deployment.begin(endpoint, config, Guardrails())
    return {"EndpointArn": arn}


def describe(account: Account, request: Document) -> Document:
    """DescribeEndpoint."""
    with account.lock:
        return copy.deepcopy(_find(account, request["EndpointName"]).describe())


def update(account: Account, request: Document) -> Document:
    """UpdateEndpoint: blue/green; the old config serves until the new one has proved itself."""
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
        config = _find_config(account, config_name)
        serverless = any("ServerlessConfig" in variant for variant in config["ProductionVariants"])
        if serverless and not endpoint.fleet.serverless:
            raise validation("Cannot update an instance-based endpoint to a serverless endpoint.")
        given = request.get("DeploymentConfig")
        if given is None and request.get("RetainDeploymentConfig"):
            given = endpoint.deployment_config
        if given is not None and endpoint.fleet.serverless:
            raise validation("Deployment guardrails (DeploymentConfig) are not supported for serverless endpoints.")
        rails = _guardrails(account, given, config)
        if request.get("RetainAllVariantProperties"):
            excluded = request.get("ExcludeRetainedVariantProperties", [])
            _retain_variants(config, endpoint.fleet.config, {item["VariantPropertyType"] for item in excluded})
        endpoint.deployment_config = given or endpoint.deployment_config
        endpoint.status, endpoint.failure, endpoint.modified = "Updating", "", now()
        deployment.begin(endpoint, config, rails)
    return {"EndpointArn": endpoint.arn}


def delete(account: Account, request: Document) -> Document:
    """DeleteEndpoint: asynchronous."""
    with account.lock:
        endpoint = _find(account, request["EndpointName"])
        _require_settled(endpoint)
        endpoint.status, endpoint.modified = "Deleting", now()

    def finish() -> None:
        if endpoint.fleet is not None:
            endpoint.fleet.retire()
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


def _find_config(account: Account, name: str) -> Document:
    config = copy.deepcopy(models.find_endpoint_config(account, name))
    for variant in config["ProductionVariants"]:
        models.find_model(account, variant["ModelName"])
    return config


def _guardrails(account: Account, deployment_config: Document | None, config: Document) -> Guardrails:
    if deployment_config is None:
        return Guardrails()
    rails = Guardrails.of(deployment_config, config)
    role = role_of_model(models.find_model(account, config["ProductionVariants"][0]["ModelName"]))
    require_alarms(account, role, rails.alarms)
    return rails


def _retain_variants(config: Document, current: Document, excluded: Set[str]) -> None:
    """Let the endpoint keep its instance counts, weights and data capture, except for the excluded properties."""
    before = {variant["VariantName"]: variant for variant in current["ProductionVariants"]}
    for variant in config["ProductionVariants"]:
        for kind, key in (("DesiredInstanceCount", "InitialInstanceCount"), ("DesiredWeight", "InitialVariantWeight")):
            if kind not in excluded and key in variant and key in before.get(variant["VariantName"], {}):
                variant[key] = before[variant["VariantName"]][key]
    if "DataCaptureConfig" not in excluded and "DataCaptureConfig" in current:
        config["DataCaptureConfig"] = current["DataCaptureConfig"]
