"""Find Champion: which model the new one has to beat, and how that one can be asked."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import environment
from automl.lineage import champion, models
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

SETTINGS = environment.read(models.ModelSettings)
S3 = boto3.client("s3", config=CLIENT_CONFIG)
SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run", "Data", "Model"}`` → ``$.Champion``."""
    found = champion.find_champion(SAGEMAKER, S3, event["Run"], event["Data"], SETTINGS)
    logger.info(
        "champion is looked up", extra={key: found.get(key) for key in ("Exists", "Comparable", "Reason", "Run")}
    )
    return found
