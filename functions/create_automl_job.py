"""Create AutoML Job: starts the run's one AutoML job, or finds it when it has been started before."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, storage
from automl.job import jobs
from automl.run_files import RunFiles
from automl.telemetry import Event, task

SETTINGS = environment.read(jobs.JobSettings)
S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data", "Previous"}`` → ``$.Job``."""
    run = event["Run"]
    request = storage.read_json(S3, RunFiles(run["Uri"]).request)
    jobs.create_job(SAGEMAKER, jobs.job_request(run, event["Data"], event["Previous"], request, SETTINGS))
    limit = request["AutoML"]["MaxRuntimeSeconds"]
    return jobs.new_status(run["Name"], limit, datetime.now(UTC), SETTINGS.minimum_wait_seconds)
