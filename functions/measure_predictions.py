"""Measure Predictions: compares predictions with the truth where it is known."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.proof.metrics import measure
from automl.telemetry import Event, logger, task

S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Rows"}`` → ``$.Evaluation`` of the scoring machine."""
    evaluation = measure(S3, event["Rows"])
    logger.info("model is evaluated", extra={"evaluation": evaluation})
    return evaluation
