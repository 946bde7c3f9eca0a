"""Stop Transform Job: tells a job that is past its deadline, or that nobody can look at any more, to stop."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl.scoring import transform_jobs
from automl.telemetry import CLIENT_CONFIG, Event, task

SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"TransformJob"}`` → ``$.TransformJob``."""
    job = event["TransformJob"]
    transform_jobs.stop_job(SAGEMAKER, job["Name"])
    return {**job, "Progress": "Stopping"}
