"""Find Model: which model is to predict the rows, and whether an endpoint has to be made for it."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, runs, schema
from automl.lineage import serving
from automl.scoring import scoring_request
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(serving.ServingSettings)
S3 = clients.s3()
SAGEMAKER = clients.sagemaker()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Input", "Execution"}`` → ``$.Serving``."""
    asked = event["Input"]
    schema.check(asked, "scoring-request", "the execution input")
    scoring_request.check_source(asked)
    scoring = runs.run_name(event["Execution"])
    scoring_request.output_folder(asked, SETTINGS.data_bucket, scoring)  # refused before an endpoint is waited for
    found = serving.find_serving(SAGEMAKER, S3, asked, scoring, SETTINGS)
    logger.append_keys(run=found["Name"], scoring=scoring)
    logger.info("model is found", extra={key: found[key] for key in ("ModelName", "EndpointName", "Ready", "Keep")})
    return found
