"""Register Model: the accepted model becomes a package in its endpoint's group, with all that led to it."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.lineage import registration
from automl.telemetry import Event, logger, task

S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Package``."""
    package = registration.register_model(SAGEMAKER, S3, event["State"])
    logger.info("model is registered", extra={"package": package["Arn"], "status": package["ApprovalStatus"]})
    return package
