"""Roll Back Endpoint: takes a deployment back; an endpoint that existed before gets its former config again."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, failures, polling
from automl.deployment import endpoint_status, rollback
from automl.deployment.endpoint_services import EndpointServices
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(polling.PollingSettings)
SAGEMAKER = clients.sagemaker()
CLOUDWATCH = clients.cloudwatch()
AUTO_SCALING = clients.application_autoscaling()
SERVICES = EndpointServices(SAGEMAKER, CLOUDWATCH, AUTO_SCALING)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Endpoint", "Error"}`` → ``$.Endpoint`` with ``Reason``, the error in plain words.

    Called again while ``Restoring``, see automl/deployment/endpoints.py.
    """
    endpoint = event["Endpoint"]
    result = rollback.roll_back(SERVICES, endpoint["Name"], endpoint["ConfigName"])
    failure = failures.unwrap(event["Error"])
    logger.info(
        "endpoint taken back", extra={"status": result.status, "removed": result.removed, "error": failure.error}
    )
    status = endpoint_status.rolled_back_status(endpoint, result, datetime.now(UTC), SETTINGS.minimum_wait_seconds)
    return {**status, "Reason": failure.reason}
