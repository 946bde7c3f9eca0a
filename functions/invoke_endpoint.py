"""Invoke Endpoint: sends one part of the rows to the endpoint, several requests at a time."""

import boto3
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.scoring.inference import score_part
from automl.telemetry import CLIENT_CONFIG, RUNTIME_CONFIG, Event, metrics, task

S3 = boto3.client("s3", config=CLIENT_CONFIG)
RUNTIME = boto3.client("sagemaker-runtime", config=RUNTIME_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Part", "Rows"}`` → the number of answered rows; writes predictions/."""
    answered = score_part(RUNTIME, S3, event["Rows"], event["Part"])
    metrics.add_metric(name="RowsPredicted", unit=MetricUnit.Count, value=answered)
    return {"Part": event["Part"], "Rows": answered}
