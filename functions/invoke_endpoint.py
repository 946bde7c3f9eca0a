"""Invoke Endpoint: sends one part of the rows to the endpoint, several requests at a time."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.scoring.inference import score_part
from automl.scoring.part_results import recorded_failure
from automl.telemetry import Event, logger, metrics, task
from automl.usage import Meter

S3 = clients.s3()
RUNTIME = clients.sagemaker_runtime()
MOST_ROWS_TOLD = 100


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Part", "Rows"}`` → ``$.Prediction`` of the part; writes predictions/."""
    meter, part, rows = Meter(context), event["Part"], event["Rows"]
    with recorded_failure(S3, rows, part):
        answers = score_part(RUNTIME, S3, rows, part)
    if answers.not_predicted:
        told = {"part": part, "count": len(answers.not_predicted), "rows": answers.not_predicted[:MOST_ROWS_TOLD]}
        logger.warning("rows cannot be predicted", extra=told)
    metrics.add_metric(name="RowsPredicted", unit=MetricUnit.Count, value=answers.rows - len(answers.not_predicted))
    metrics.add_metric(name="RowsNotPredicted", unit=MetricUnit.Count, value=len(answers.not_predicted))
    usage = meter.read(answers.seconds, answers.requests)
    return {"Part": part, "Rows": answers.rows, "StartedAt": meter.started_at.isoformat(), "Usage": usage}
