"""Calibrate Model: learns from the calibration rows how sure the model may be, and which predictions to accept."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from automl import clients
from automl.proof.calibrate import calibrate
from automl.run_files import RunFiles
from automl.storage import write_json
from automl.telemetry import Event, logger, task

S3 = clients.s3()


@task
def handler(event: Event, context: LambdaContext) -> Event:
    """``{"ModelUri", "OutputUri", "Confidence"}`` → ``$.Calibration``; writes calibration.json to OutputUri."""
    document = calibrate(S3, event["ModelUri"], event["Confidence"])
    uri = write_json(S3, RunFiles(event["OutputUri"]).calibration, document)
    calibration = {"Uri": uri, **{key: document[key] for key in ("Method", "Rows", "Confidence")}}
    logger.append_keys(run=document["Model"])
    logger.info("model is calibrated", extra={"calibration": calibration, "reason": document["MethodReason"]})
    return calibration
