"""Register Model: the accepted model becomes a package in its endpoint's group, with all that led to it."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.lineage import registration
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

S3 = boto3.client("s3", config=CLIENT_CONFIG)
SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Package``."""
    package = registration.register_model(SAGEMAKER, S3, event["State"])
    logger.info("model is registered", extra={"package": package["Arn"], "status": package["ApprovalStatus"]})
    return package
