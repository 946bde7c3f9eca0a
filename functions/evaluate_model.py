"""Evaluate Model: judges a model by its test rows, compares it with the champion and decides whether it may go on."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.proof.evaluation import evaluate, summary
from automl.run_files import RunFiles
from automl.storage import write_json
from automl.telemetry import Event, logger, task

S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Evaluation``; writes evaluation.json."""
    document = evaluate(S3, event["State"])
    uri = write_json(S3, RunFiles(event["State"]["Run"]["Uri"]).evaluation, document)
    evaluation = summary(uri, document)
    logger.info("model is evaluated", extra={"evaluation": evaluation})
    return evaluation
