"""Test Endpoint: sends a few of the run's own rows and demands a readable prediction for each."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.deployment import smoke
from automl.telemetry import CLIENT_CONFIG, RUNTIME_CONFIG, Event, task

S3 = boto3.client("s3", config=CLIENT_CONFIG)
SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)
RUNTIME = boto3.client("sagemaker-runtime", config=RUNTIME_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Endpoint"}`` → ``$.Smoke``."""
    return {"Rows": smoke.smoke_test(SAGEMAKER, RUNTIME, S3, event["Endpoint"]["Name"])}
