"""Write Report: draws the run's page for people, report.html."""

from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, storage
from automl.report import documents, page
from automl.run_files import RunFiles
from automl.telemetry import Event, task

S3 = clients.s3()
STEP_FUNCTIONS = clients.step_functions()
LAMBDA = clients.lambda_functions()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"State"}`` → ``$.Report``; writes report.html."""
    state, now = event["State"], datetime.now(UTC)
    found = documents.read(S3, STEP_FUNCTIONS, LAMBDA, state, now)
    html = page.render(state, found, now)
    return {
        "Uri": storage.write_bytes(S3, RunFiles(state["Run"]["Uri"]).report, html.encode(), "text/html; charset=utf-8")
    }
