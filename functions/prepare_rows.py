"""Prepare Rows: turns a dataset into parts of records as the model takes them."""

from dataclasses import dataclass

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients, environment, runs, schema
from automl.scoring import prepare, resume, reuse, scoring_request
from automl.telemetry import Event, logger, task


@dataclass(frozen=True)
class Settings:
    """Environment variables of the function."""

    data_bucket: str
    default_confidence: float | None


SETTINGS = environment.read(Settings)
S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Input", "Execution", "Serving"}`` → ``$.Rows``; writes rows.json, parts.json and what is to be predicted."""
    asked, serving, threshold = event["Input"], event["Serving"], SETTINGS.default_confidence
    schema.check(asked, "scoring-request", "the execution input")
    scoring_request.check_source(asked)
    scoring = runs.run_name(event["Execution"])
    output_uri = scoring_request.output_folder(asked, SETTINGS.data_bucket, scoring)
    if "Resume" in asked:
        rows = resume.resume_rows(S3, asked, serving)
    elif "Predictions" in asked:
        rows = reuse.reuse_rows(S3, asked, scoring, output_uri, threshold)
    else:
        rows = prepare.prepare_rows(S3, asked, serving, scoring, output_uri, threshold)
    logger.append_keys(run=rows["Name"], scoring=rows["Scoring"])
    logger.info("rows are ready", extra={key: rows[key] for key in ("Rows", "Skipped", "PartCount", "PartsToScore")})
    return rows
