"""Remove Staging: deletes the endpoints on which the run proved its model and scored the champion."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.deployment import staging
from automl.deployment.endpoint_services import EndpointServices
from automl.telemetry import Event, logger, task

SAGEMAKER = clients.sagemaker()
CLOUDWATCH = clients.cloudwatch()
AUTO_SCALING = clients.application_autoscaling()
SERVICES = EndpointServices(SAGEMAKER, CLOUDWATCH, AUTO_SCALING)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.StagingRemoved``. The endpoints' names follow from the run alone."""
    removed = staging.remove(SERVICES, event["State"]["Run"]["Name"], event["State"])
    logger.info("staging removed", extra={"removed": removed})
    return {"Removed": removed}
