"""Explain Failure: what a Catch wrote, as an error name and a sentence for people."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import failures
from automl.telemetry import Event, logger, task


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Error": what was caught}`` → ``$.Error`` with ``Error`` and ``Cause``."""
    failure = failures.unwrap(event["Error"])
    logger.error("failed", extra={"error": failure.error, "reason": failure.cause})
    return {"Error": failure.error, "Cause": failure.cause}
