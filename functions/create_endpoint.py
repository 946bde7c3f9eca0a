"""Create Endpoint: makes this deployment's endpoint config and brings the endpoint to it."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, schema
from automl.deployment import endpoint_status, endpoints
from automl.deployment.endpoint_services import EndpointServices
from automl.telemetry import Event, task

SETTINGS = environment.read(endpoints.EndpointSettings)
SAGEMAKER = clients.sagemaker()
CLOUDWATCH = clients.cloudwatch()
AUTO_SCALING = clients.application_autoscaling()
SERVICES = EndpointServices(SAGEMAKER, CLOUDWATCH, AUTO_SCALING)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Input", "Execution"}`` → ``$.Endpoint``."""
    schema.check(event["Input"], "deployment-request", "the deployment's input")
    wanted = endpoints.target(SAGEMAKER, event["Input"])
    config, previous = endpoints.deploy(SERVICES, wanted, event["Execution"]["Id"], SETTINGS)
    return endpoint_status.new_status(wanted, config, previous, datetime.now(UTC), SETTINGS)
