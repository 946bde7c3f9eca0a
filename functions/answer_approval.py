"""Answer Approval: serves no state but the event of a model package whose approval status has changed."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment
from automl.lineage import approval
from automl.telemetry import Event, logger, task

SETTINGS = environment.read(approval.ApprovalSettings)
CLIENTS = approval.Clients(
    sagemaker=clients.sagemaker(),
    s3=clients.s3(),
    step_functions=clients.step_functions(),
)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """An event ``SageMaker Model Package State Change`` → what became of it."""
    package, status = approval.read_event(event)
    outcome = approval.answer(CLIENTS, package, status, SETTINGS.data_bucket)
    logger.info("approval status changed", extra={"package": package, "outcome": outcome})
    return {"Package": package, "Outcome": outcome}
