"""Remove Endpoint: deletes the endpoint that the run was to keep no longer than it needed it."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.deployment import removal
from automl.deployment.endpoint_services import EndpointServices
from automl.telemetry import Event, logger, task

SAGEMAKER = clients.sagemaker()
CLOUDWATCH = clients.cloudwatch()
AUTO_SCALING = clients.application_autoscaling()
SERVICES = EndpointServices(SAGEMAKER, CLOUDWATCH, AUTO_SCALING)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Endpoint"}`` → the same document with ``Status`` ``Deleted``, or its own if another deployment has it now."""
    endpoint = event["Endpoint"]
    result = removal.remove(SERVICES, endpoint["Name"], endpoint["ConfigName"])
    logger.info("endpoint removed", extra={"status": result.status, "removed": result.removed})
    return {**endpoint, "Status": result.status}
