"""Retire Model: the model that lost, be it the former champion or the challenger, goes with its endpoint config.

Its package stays in the registry. A challenger's is set Rejected: the newest approved package is the champion.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl import sagemaker_errors
from automl.chores import Chores, delete_model, is_made_by
from automl.deployment.endpoints import pending_config
from automl.errors import AutopilotFlowError
from automl.lineage import registry
from automl.tags import RUN_TAG, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def retire(sagemaker: "SageMakerClient", state: Mapping[str, Any]) -> Chores:
    """Take away what lost. What is gone already is no error.

    Args:
        sagemaker: client.
        state: the state data at Retire Model.

    Raises:
        ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
    """
    chores, run, model_name = Chores(), state["Run"], state["Model"]["Name"]
    deployed = state.get("Deployment", {}).get("Endpoint", {})
    if state["Outcome"]["Name"] == "Completed":
        _retire_config(chores, sagemaker, run["Endpoint"]["Name"], deployed.get("PreviousConfigName"))
        former = state["Champion"].get("ModelName")
        if former and former != model_name:
            chores.attempt(f"model {former}", lambda: delete_model(sagemaker, former, lambda tags: RUN_TAG in tags))
        return chores
    if package := state.get("Package"):
        reject(chores, sagemaker, package["Arn"], state["Outcome"]["Reason"])
    _retire_config(chores, sagemaker, run["Endpoint"]["Name"], deployed.get("ConfigName"))
    chores.attempt(f"model {model_name}", lambda: delete_model(sagemaker, model_name, is_made_by(run["Uri"])))
    return chores


def reject(chores: Chores, sagemaker: "SageMakerClient", arn: str, reason: str) -> None:
    """Set the package Rejected, as one of the chores."""
    name = f"model package {arn.partition('/')[2]}"
    chores.attempt(name, lambda: [f"{name} (rejected)"] if registry.reject(sagemaker, arn, reason) else [])


def _retire_config(chores: Chores, sagemaker: "SageMakerClient", endpoint_name: str, config_name: str | None) -> None:
    if config_name:
        chores.attempt(f"endpoint config {config_name}", lambda: _delete_config(sagemaker, endpoint_name, config_name))


def _delete_config(sagemaker: "SageMakerClient", endpoint_name: str, name: str) -> list[str]:
    config = sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=name)
    if config is None or RUN_TAG not in read_tags(sagemaker, config["EndpointConfigArn"]):
        return []
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=endpoint_name)
    if endpoint and name in {endpoint["EndpointConfigName"], pending_config(endpoint)}:
        raise AutopilotFlowError(f"endpoint {endpoint_name} has it")
    removed = sagemaker_errors.delete(
        sagemaker.delete_endpoint_config, sagemaker.describe_endpoint_config, EndpointConfigName=name
    )
    return [f"endpoint config {name}"] if removed else []
