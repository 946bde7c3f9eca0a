"""Wait for Approval: remembers the task token until somebody approves or rejects the model package."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.lineage import approval
from automl.telemetry import Event, logger, task

CLIENTS = approval.Clients(
    sagemaker=clients.sagemaker(),
    s3=clients.s3(),
    step_functions=clients.step_functions(),
)


@task
def handler(event: Event, context: LambdaContext) -> None:
    """``{"Run", "Package", "TaskToken"}``; ``$.Approval`` is what the token is answered with."""
    package = event["Package"]["Arn"]
    outcome = approval.wait(CLIENTS, event["Run"], package, event["TaskToken"])
    logger.info("waiting for approval", extra={"package": package, "outcome": outcome})
