"""The endpoints on which a run proves its model and scores the champion: made for the proof, removed after it."""

from automl import runs, sagemaker_errors
from automl.deployment import endpoint_configs, removal
from automl.deployment.endpoint_services import EndpointServices
from automl.deployment.endpoints import pending_config


def remove(services: EndpointServices, run_name: str) -> list[str]:
    """Delete the run's staging endpoints with their configs and say what was deleted.

    Raises:
        EndpointBusy: one of them cannot be deleted while it is changing.
    """
    removed: list[str] = []
    for name in (runs.staging_name(run_name), runs.champion_staging_name(run_name)):
        endpoint = sagemaker_errors.find(services.sagemaker.describe_endpoint, EndpointName=name)
        if endpoint:
            config = endpoint_configs.find(services.sagemaker, pending_config(endpoint))
            removed.extend(removal.delete(services, name, endpoint, config).removed)
    return removed
