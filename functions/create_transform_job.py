"""Create Transform Job: has the parts of a scoring transformed, or finds that they are, or that the job has begun."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, runs
from automl.run_files import ScoringFiles
from automl.scoring import transform_jobs
from automl.telemetry import Event, task

SETTINGS = environment.read(transform_jobs.TransformSettings)
S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Rows", "Input", "Execution"}`` → ``$.TransformJob``."""
    rows, now = event["Rows"], datetime.now(UTC)
    files = ScoringFiles(rows["OutputUri"])
    names, everything = transform_jobs.unanswered_parts(S3, files)
    if not names:
        return transform_jobs.no_job(now)
    source = transform_jobs.data_source(S3, files, names, everything=everything)
    instances = transform_jobs.resources(SAGEMAKER, event["Input"], rows, SETTINGS)
    job = transform_jobs.job_request(runs.run_name(event["Execution"]), rows, source, instances, SETTINGS)
    transform_jobs.create_job(SAGEMAKER, job)
    return transform_jobs.new_status(job, len(names), rows["Sent"], now, SETTINGS.minimum_wait_seconds)
