"""Measure Predictions: compares predictions with the truth where it is known."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.proof.metrics import measure
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

S3 = boto3.client("s3", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Rows"}`` → ``$.Evaluation`` of the scoring machine."""
    evaluation = measure(S3, event["Rows"])
    logger.info("model is evaluated", extra={"evaluation": evaluation})
    return evaluation
