"""Remove Staging: deletes the endpoints on which the run proved its model and scored the champion."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.deployment import staging
from automl.deployment.endpoint_services import EndpointServices
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)
CLOUDWATCH = boto3.client("cloudwatch", config=CLIENT_CONFIG)
AUTO_SCALING = boto3.client("application-autoscaling", config=CLIENT_CONFIG)
SERVICES = EndpointServices(SAGEMAKER, CLOUDWATCH, AUTO_SCALING)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Champion"}`` → ``$.StagingRemoved``. The names follow from the run alone."""
    removed = staging.remove(SERVICES, event["Run"]["Name"])
    logger.info("staging removed", extra={"removed": removed})
    return {"Removed": removed}
