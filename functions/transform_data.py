"""Transform Data: profiles, checks and splits the dataset, and decides the problem type."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.data.transform import transform_data
from automl.run_files import RunFiles
from automl.telemetry import Event, logger, task

S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Run"}`` → ``$.Data``; writes data/, recipe.json, profile.json and smoke.csv."""
    data = transform_data(S3, RunFiles(event["Run"]["Uri"]))
    logger.info("dataset is ready", extra={"rows": data["Rows"], "decided": data["Decided"]})
    return data
