"""Retire Model: takes away the model that lost, the former champion or the challenger."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.lineage import retirement
from automl.telemetry import Event, logger, task

SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Retired``: what was removed, and what had to be left with the reason."""
    chores = retirement.retire(SAGEMAKER, event["State"])
    logger.info("model is retired", extra={"removed": chores.removed, "left": chores.left})
    return {"Removed": chores.removed, "Left": chores.left}
