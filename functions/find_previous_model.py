"""Find Previous Model: what the last accepted model of this endpoint leaves to its successor."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, storage
from automl.lineage import champion
from automl.run_files import RunFiles
from automl.telemetry import Event, task

S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data"}`` → ``$.Previous``; writes previous.json."""
    run = event["Run"]
    previous = champion.find_previous(SAGEMAKER, S3, run, event["Data"])
    storage.write_json(S3, RunFiles(run["Uri"]).previous, previous)
    return previous
