"""Find Previous Model: what the last accepted model of this endpoint leaves to its successor."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import storage
from automl.lineage import champion
from automl.run_files import RunFiles
from automl.telemetry import CLIENT_CONFIG, Event, task

S3 = boto3.client("s3", config=CLIENT_CONFIG)
SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data"}`` → ``$.Previous``; writes previous.json."""
    run = event["Run"]
    previous = champion.find_previous(SAGEMAKER, S3, run, event["Data"])
    storage.write_json(S3, RunFiles(run["Uri"]).previous, previous)
    return previous
