"""Get Endpoint: looks at the endpoint and says how it stands; decides nothing."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, polling, sagemaker_errors
from automl.deployment import endpoint_status
from automl.telemetry import Event, task

SETTINGS = environment.read(polling.PollingSettings)
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Endpoint"}`` → ``$.Endpoint``, refreshed."""
    status = event["Endpoint"]
    found = sagemaker_errors.find(SAGEMAKER.describe_endpoint, EndpointName=status["Name"])
    return endpoint_status.refreshed_status(status, found, datetime.now(UTC), SETTINGS.minimum_wait_seconds)
