"""Prepare Rows: turns a dataset into parts of records as the endpoint's model takes them."""

from dataclasses import dataclass

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import environment, runs, schema
from automl.scoring import prepare, reuse
from automl.telemetry import CLIENT_CONFIG, Event, logger, task


@dataclass(frozen=True)
class Settings:
    """Environment variables of the function."""

    data_bucket: str
    default_confidence: float | None


SETTINGS = environment.read(Settings)
S3 = boto3.client("s3", config=CLIENT_CONFIG)
SAGEMAKER = boto3.client("sagemaker", config=CLIENT_CONFIG)


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"Input", "Execution"}`` → ``$.Rows``; writes rows.json, and rows/ unless the predictions are there already."""
    asked = event["Input"]
    schema.check(asked, "scoring-request", "the execution input")
    prepare.check_source(asked)
    output_uri = prepare.output_folder(asked, SETTINGS.data_bucket, runs.run_name(event["Execution"]))
    if "Predictions" in asked:
        rows = reuse.reuse_rows(S3, asked, output_uri, SETTINGS.default_confidence)
    else:
        rows = prepare.prepare_rows(SAGEMAKER, S3, asked, output_uri, SETTINGS.default_confidence)
    logger.append_keys(run=rows["Name"])
    logger.info("rows are ready", extra={key: rows[key] for key in ("Rows", "Skipped", "IgnoredColumns")})
    return rows
