"""What scorings and deployments leave behind that did not come to their end: endpoints, and a transform job."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from automl import runs, sagemaker_errors
from automl.chores import Chores
from automl.deployment import removal, rollback
from automl.deployment.endpoint_services import EndpointServices
from automl.scoring import transform_jobs
from automl.scoring.engines import BATCH_TRANSFORM

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def take_back(services: EndpointServices, deployments: Sequence[Mapping[str, str]], chores: Chores) -> None:
    """Take back deployments that did not come to their end. Again is no error; one of them at a time may be under way.

    Raises:
        ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
    """
    for one in deployments:
        chores.attempt(f"endpoint {one['EndpointName']}", partial(_roll_back, services, one, chores))


def _roll_back(services: EndpointServices, deployment: Mapping[str, str], chores: Chores) -> Sequence[str]:
    name, config = deployment["EndpointName"], deployment["ConfigName"]
    done = rollback.roll_back(services, name, config)
    if done.status == rollback.RESTORING:
        chores.leave(f"endpoint config {config}: needed until endpoint {name} is back as it was")
    return done.removed


def of_scoring(services: EndpointServices, state: Mapping[str, Any], chores: Chores) -> None:
    """Remove the endpoint that a scoring had to itself, and stop its transform job.

    Args:
        services: clients.
        state: the scoring's state data, of which any part may be missing.
        chores: told of what was removed and what could not be.

    Raises:
        ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
    """
    endpoint = state.get("Deployed", {}).get("Endpoint", {})
    if "ConfigName" in endpoint and not state["Serving"]["Keep"]:
        name, config = endpoint["Name"], endpoint["ConfigName"]
        chores.attempt(f"endpoint {name}", lambda: removal.remove(services, name, config).removed)
    if state.get("Rows", {}).get("Engine") == BATCH_TRANSFORM:
        job = runs.run_name(state["Execution"])
        chores.attempt(f"transform job {job}", lambda: _stop(services.sagemaker, job))


def _stop(sagemaker: "SageMakerClient", name: str) -> Sequence[str]:
    job = sagemaker_errors.find(sagemaker.describe_transform_job, TransformJobName=name)
    if job is None or job["TransformJobStatus"] != "InProgress":
        return ()
    transform_jobs.stop_job(sagemaker, name)
    return (f"transform job {name} (stopped)",)
