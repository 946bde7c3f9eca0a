"""Settle Execution: what is to be done after an execution that ended badly; stops what it had started."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment
from automl.outcome import settling
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(settling.SettlingSettings)
S3 = clients.s3()
STEP_FUNCTIONS = clients.step_functions()
SETTLING = settling.Settling(STEP_FUNCTIONS, S3, SETTINGS)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"ExecutionArn", "Execution", "CleanedUp"}`` → ``$.Ended``."""
    now = datetime.now(UTC)
    ended = SETTLING.settle(event["ExecutionArn"], event["Execution"], event["CleanedUp"], now)
    logger.info("execution settled", extra={key: ended[key] for key in ("Kind", "Name", "Status", "Todo")})
    return ended
