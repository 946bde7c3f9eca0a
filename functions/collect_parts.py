"""Collect Parts: adds up what became of the parts, and whether enough of them were scored."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.scoring.part_results import collect_parts
from automl.telemetry import Event, metrics, task

S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Parts``, whose size does not depend on how many parts there are."""
    parts = collect_parts(S3, event["State"])
    metrics.add_metric(name="PartsFailed", unit=MetricUnit.Count, value=parts.get("FailedParts", {}).get("Count", 0))
    return parts
