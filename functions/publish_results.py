"""Publish Results: writes result.json and makes it the execution's output."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, storage
from automl.outcome import cost, results
from automl.run_files import RunFiles
from automl.telemetry import Event, task

S3 = clients.s3()
STEP_FUNCTIONS = clients.step_functions()
LAMBDA = clients.lambda_functions()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Result``; writes result.json."""
    state, now = event["State"], datetime.now(UTC)
    spent = cost.run_cost(STEP_FUNCTIONS, LAMBDA, state, now, cost.STATES_AFTER_SUCCESS)
    document = results.ended(state, spent, now)
    storage.write_json(S3, RunFiles(state["Run"]["Uri"]).result, document)
    return document
