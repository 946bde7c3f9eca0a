"""Stop Transform Job: tells a job that is past its deadline, or that nobody can look at any more, to stop."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.scoring import transform_jobs
from automl.telemetry import Event, task

SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"TransformJob"}`` → ``$.TransformJob``."""
    job = event["TransformJob"]
    transform_jobs.stop_job(SAGEMAKER, job["Name"])
    return {**job, "Progress": "Stopping"}
