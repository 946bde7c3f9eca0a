"""Get AutoML Job: looks at the job and says how it stands; decides nothing."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, polling
from automl.job import candidates, jobs
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(polling.PollingSettings)
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Job"}`` → ``$.Job``, refreshed."""
    name = event["Job"]["Name"]
    description = SAGEMAKER.describe_auto_ml_job_v2(AutoMLJobName=name)
    finished = candidates.count_finished(candidates.list_candidates(SAGEMAKER, name))
    now = datetime.now(UTC)
    status = jobs.refreshed_status(event["Job"], description, finished, now, SETTINGS.minimum_wait_seconds)
    logger.info(status["Progress"])
    return status
