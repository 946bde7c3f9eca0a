"""Clean Up: after any failure, stops the job, removes what the run made, and writes down why it failed."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment
from automl.deployment.endpoint_services import EndpointServices
from automl.outcome import cleanup
from automl.outcome.ending import Ending
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(cleanup.CleanUpSettings)
SERVICES = EndpointServices(
    sagemaker=clients.sagemaker(),
    cloudwatch=clients.cloudwatch(),
    autoscaling=clients.application_autoscaling(),
)
STEP_FUNCTIONS = clients.step_functions()
ENDING = Ending(SERVICES, clients.s3(), STEP_FUNCTIONS, clients.lambda_functions(), SETTINGS.data_bucket)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Failure`` of a run, or ``$.CleanedUp`` for a state that points to an execution which ended.

    Works with any part of a run's state missing.
    """
    state = event["State"]
    if "Ended" in state:
        done = ENDING.after(state["Ended"], state["CleanedUp"].get("Removed", []))
    else:
        done = ENDING.of_failed_run(state)
    logger.error("cleaned up", extra={"error": done["Error"], "reason": done["Cause"], "removed": done["Removed"]})
    return done
