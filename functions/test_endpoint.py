"""Test Endpoint: sends a few of the run's own rows and demands a readable prediction for each."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.deployment import smoke
from automl.telemetry import Event, task

S3 = clients.s3()
SAGEMAKER = clients.sagemaker()
RUNTIME = clients.sagemaker_runtime()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Endpoint"}`` → ``$.Smoke``."""
    return {"Rows": smoke.smoke_test(SAGEMAKER, RUNTIME, S3, event["Endpoint"]["Name"])}
