"""The endpoints on which a run proves its model and scores the champion: made for the proof, removed after it."""

from collections.abc import Mapping
from typing import Any

from automl import runs, sagemaker_errors
from automl.deployment import endpoint_configs, removal
from automl.deployment.endpoint_services import EndpointServices
from automl.deployment.endpoints import pending_config

_OF_CHAMPION = "ChampionStaging"


def remove(services: EndpointServices, run_name: str, state: Mapping[str, Any]) -> list[str]:
    """Delete the run's staging endpoints with their configs and say what was deleted.

    Args:
        services: clients.
        run_name: of the run.
        state: the execution's state data, of which any part may be missing. It tells the config of an endpoint that
            somebody else deleted: that one stays behind, and with it the model.

    Raises:
        EndpointBusy: one of them cannot be deleted while it is changing.
    """
    removed: list[str] = []
    for name, key in ((runs.staging_name(run_name), "Staging"), (runs.champion_staging_name(run_name), _OF_CHAMPION)):
        endpoint = sagemaker_errors.find(services.sagemaker.describe_endpoint, EndpointName=name)
        told = ((state.get(key) or {}).get("Endpoint") or {}).get("ConfigName")
        if config_name := pending_config(endpoint) if endpoint else told:
            config = endpoint_configs.find(services.sagemaker, config_name)
            removed.extend(removal.delete(services, name, endpoint, config).removed)
    return removed
