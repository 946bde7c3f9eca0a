"""Write Report: draws the run's page for people, report.html."""

from datetime import UTC, datetime

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import storage
from automl.report import documents, page
from automl.run_files import RunFiles
from automl.telemetry import CLIENT_CONFIG, Event, task

S3 = boto3.client("s3", config=CLIENT_CONFIG)
STEP_FUNCTIONS = boto3.client("stepfunctions", config=CLIENT_CONFIG)
LAMBDA = boto3.client("lambda", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Report``; writes report.html."""
    state, now = event["State"], datetime.now(UTC)
    found = documents.read(S3, STEP_FUNCTIONS, LAMBDA, state, now)
    html = page.render(state, found, now)
    return {
        "Uri": storage.write_bytes(S3, RunFiles(state["Run"]["Uri"]).report, html.encode(), "text/html; charset=utf-8")
    }
