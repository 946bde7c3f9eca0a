"""Wait for Approval: remembers the task token until somebody approves or rejects the model package."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.lineage import approval
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

CLIENTS = approval.Clients(
    sagemaker=boto3.client("sagemaker", config=CLIENT_CONFIG),
    s3=boto3.client("s3", config=CLIENT_CONFIG),
    step_functions=boto3.client("stepfunctions", config=CLIENT_CONFIG),
)


@task
def handler(event: Event, context: LambdaContext) -> None:
    """``{"Run", "Package", "TaskToken"}``; ``$.Approval`` is what the token is answered with."""
    package = event["Package"]["Arn"]
    outcome = approval.wait(CLIENTS, event["Run"], package, event["TaskToken"])
    logger.info("waiting for approval", extra={"package": package, "outcome": outcome})
