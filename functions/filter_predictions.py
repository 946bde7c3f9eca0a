"""Filter Predictions: accepts one part's predictions or sends their rows to review."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.scoring.part_results import finish_part, recorded_failure
from automl.scoring.predictions import filter_part
from automl.telemetry import Event, task
from automl.usage import Meter

S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Part", "Rows", "Prediction"}`` → the part's counts; writes accepted/, review/ and, at last, parts/."""
    meter, part, rows = Meter(context), event["Part"], event["Rows"]
    with recorded_failure(S3, rows, part):
        counts = filter_part(S3, rows, part)
    finish_part(S3, rows, counts, event["Prediction"], meter)
    return {key: counts[key] for key in ("Part", "Rows", "Accepted", "Review")}
