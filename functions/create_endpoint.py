"""Create Endpoint: makes this deployment's endpoint config and brings the endpoint to it."""

from datetime import UTC, datetime

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import endpoints, environment, schema
from automl.telemetry import CLIENT_CONFIG, Event, task

SETTINGS = environment.read(endpoints.EndpointSettings)
SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Input", "Execution"}`` → ``$.Endpoint``."""
    schema.check(event["Input"], "deployment-request", "the deployment's input")
    wanted = endpoints.target(SAGEMAKER, event["Input"])
    config, previous = endpoints.deploy(SAGEMAKER, wanted, event["Execution"]["Id"], SETTINGS.kms_key_arn)
    return endpoints.new_status(wanted, config, previous, datetime.now(UTC), SETTINGS.minimum_wait_seconds)
