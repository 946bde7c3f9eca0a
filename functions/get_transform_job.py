"""Get Transform Job: looks at the job and says how it stands; decides nothing."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, polling
from automl.scoring import transform_jobs
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(polling.PollingSettings)
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"TransformJob"}`` → ``$.TransformJob``, refreshed."""
    job = event["TransformJob"]
    description = SAGEMAKER.describe_transform_job(TransformJobName=job["Name"])
    status = transform_jobs.refreshed_status(job, description, datetime.now(UTC), SETTINGS.minimum_wait_seconds)
    logger.info(status["Progress"])
    return status
