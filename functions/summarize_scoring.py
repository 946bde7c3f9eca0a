"""Summarize Scoring: writes what the scoring came to."""

from datetime import UTC, datetime

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.outcome import cost
from automl.run_files import ScoringFiles
from automl.scoring.predictions import read_rule
from automl.scoring.summary import summarize
from automl.storage import write_json
from automl.telemetry import Event, metrics, task

S3 = clients.s3()
STEP_FUNCTIONS = clients.step_functions()
LAMBDA = clients.lambda_functions()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Result``, which is the scoring's result.json."""
    state = event["State"]
    document = summarize(state["Rows"], state["Parts"], state["Evaluation"], read_rule(S3, state["Rows"]))
    if cost.stands_alone(state):
        document["Cost"] = cost.run_cost(STEP_FUNCTIONS, LAMBDA, state, datetime.now(UTC), cost.STATES_AFTER_SCORING)
    write_json(S3, ScoringFiles(state["Rows"]["OutputUri"]).summary, document)
    metrics.add_metric(name="PredictionsAccepted", unit=MetricUnit.Count, value=document["Accepted"])
    metrics.add_metric(name="PredictionsToReview", unit=MetricUnit.Count, value=document["Review"])
    return document
