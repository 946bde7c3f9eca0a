"""Answer Approval: serves no state but the event of a model package whose approval status has changed."""

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import environment
from automl.lineage import approval
from automl.telemetry import CLIENT_CONFIG, Event, logger, task

SETTINGS = environment.read(approval.ApprovalSettings)
CLIENTS = approval.Clients(
    sagemaker=boto3.client("sagemaker", config=CLIENT_CONFIG),
    s3=boto3.client("s3", config=CLIENT_CONFIG),
    step_functions=boto3.client("stepfunctions", config=CLIENT_CONFIG),
)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """An event ``SageMaker Model Package State Change`` → what became of it."""
    detail = event["detail"]
    package = detail.get("ModelPackageArn") or event["resources"][0]
    outcome = approval.answer(CLIENTS, package, detail["ModelApprovalStatus"], SETTINGS.data_bucket)
    logger.info("approval status changed", extra={"package": package, "outcome": outcome})
    return {"Package": package, "Outcome": outcome}
