"""Stop AutoML Job: tells a job that is past its deadline to stop and keep what is already good."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, polling
from automl.job import jobs
from automl.telemetry import Event, task

SETTINGS = environment.read(polling.PollingSettings)
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Job"}`` → ``$.Job`` with the wait before the next look, which starts small again."""
    job = event["Job"]
    jobs.stop_job(SAGEMAKER, job["Name"])
    return {**job, "WaitSeconds": polling.wait_seconds(0, SETTINGS.minimum_wait_seconds), "Progress": "Stopping"}
