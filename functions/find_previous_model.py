"""Find Previous Model: whether the endpoint may have a new model, and what its last accepted one leaves to that."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, storage
from automl.deployment import endpoints
from automl.lineage import champion
from automl.run_files import RunFiles
from automl.telemetry import Event, task

S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data"}`` → ``$.Previous``; writes previous.json."""
    run = event["Run"]
    endpoints.check_changeable(SAGEMAKER, run["Endpoint"]["Name"], run["Endpoint"])
    previous = champion.find_previous(SAGEMAKER, S3, run, event["Data"])
    storage.write_json(S3, RunFiles(run["Uri"]).previous, previous)
    return previous
