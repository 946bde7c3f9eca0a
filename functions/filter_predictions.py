"""Filter Predictions: accepts one part's predictions or sends their rows to review."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.scoring.predictions import filter_part
from automl.telemetry import CLIENT_CONFIG, Event, task

S3 = boto3.client("s3", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Part", "Rows"}`` → the part's counts; writes accepted/ and review/."""
    return filter_part(S3, event["Rows"], event["Part"])
