"""Remove Endpoint: takes a deployment back; an endpoint that existed before gets its former config again."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import rollback
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Endpoint"}`` → the same document with its new ``Status`` (``Deleted`` or ``Restored``)."""
    endpoint = event["Endpoint"]
    removal = rollback.remove(SAGEMAKER, endpoint["Name"], endpoint["ConfigName"])
    logger.info("endpoint taken back", extra={"status": removal.status, "removed": removal.removed})
    return {**endpoint, "Status": removal.status}
