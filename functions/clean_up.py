"""Clean Up: after any failure, stops the job, removes what the run made, and writes down why it failed."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, failures, storage
from automl.deployment.endpoint_services import EndpointServices
from automl.outcome import cleanup, cost, results
from automl.run_files import RunFiles
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(cleanup.CleanUpSettings)
S3 = clients.s3()
SERVICES = EndpointServices(
    sagemaker=clients.sagemaker(),
    cloudwatch=clients.cloudwatch(),
    autoscaling=clients.application_autoscaling(),
)
STEP_FUNCTIONS = clients.step_functions()
LAMBDA = clients.lambda_functions()


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
