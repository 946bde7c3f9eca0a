"""Clean Up: after any failure, stops the job, removes what the run made, and writes down why it failed."""

from datetime import UTC, datetime

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import environment, failures, storage
from automl.deployment.endpoint_services import EndpointServices
from automl.outcome import cleanup, cost, results
from automl.run_files import RunFiles
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

SETTINGS = environment.read(cleanup.CleanUpSettings)
S3 = boto3.client("s3", config=CLIENT_CONFIG)
SERVICES = EndpointServices(
    sagemaker=boto3.client("sagemaker", config=CLIENT_CONFIG),
    cloudwatch=boto3.client("cloudwatch", config=CLIENT_CONFIG),
    autoscaling=boto3.client("application-autoscaling", config=CLIENT_CONFIG),
)
STEP_FUNCTIONS = boto3.client("stepfunctions", config=CLIENT_CONFIG)
LAMBDA = boto3.client("lambda", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Failure``; writes result.json. Works with any part of the state missing."""
    state = event["State"]
    run = cleanup.run_of(state, SETTINGS.data_bucket)
    failure = failures.unwrap(state.get("Error"))
    work = cleanup.CleanUp(SERVICES, S3, run).perform(state, failure.error)
    failure = failure.with_remainder(work.left)
    logger.error("run failed", extra={"error": failure.error, "reason": failure.cause, "removed": work.removed})
    now = datetime.now(UTC)
    spent = cost.known_cost(STEP_FUNCTIONS, LAMBDA, state, now, work.removed)
    document = results.failed(state, run, failure, work.removed, spent, now)
    storage.write_json(S3, RunFiles(run["Uri"]).result, document)
    return {"Error": failure.error, "Cause": failure.cause, "Removed": work.removed, "Left": work.left}
