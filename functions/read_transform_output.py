"""Read Transform Output: turns what a transform job wrote about one part into predictions like an endpoint's."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.scoring.part_results import recorded_failure
from automl.scoring.transform_output import read_part
from automl.telemetry import Event, metrics, task
from automl.usage import Meter

S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Part", "Rows"}`` → ``$.Prediction`` of the part; writes predictions/."""
    meter, part, rows = Meter(context), event["Part"], event["Rows"]
    with recorded_failure(S3, rows, part):
        output = read_part(S3, rows, part)
    metrics.add_metric(name="RowsPredicted", unit=MetricUnit.Count, value=output.rows - output.not_predicted)
    metrics.add_metric(name="RowsNotPredicted", unit=MetricUnit.Count, value=output.not_predicted)
    return {"Part": part, "Rows": output.rows, "StartedAt": meter.started_at.isoformat(), "Usage": meter.read()}
