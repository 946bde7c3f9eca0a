"""Which predictions a scoring accepts, by which calibration: as it asks, else as its model's calibration.json says."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl import confidence_request
from automl.errors import InvalidRequest
from automl.objectives import REGRESSION
from automl.run_files import RunFiles, ScoringFiles
from automl.storage import exists, read_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Confidence = dict[str, Any]


def resolve(
    s3: "S3Client", rows: Mapping[str, Any], asked: Mapping[str, Any] | None, default_threshold: float | None
) -> dict[str, Any]:
    """``Confidence``, ``CalibrationUri`` (empty for raw answers) and ``Calibrate`` of ``$.Rows``.

    Another precision or another level than the model's is worked out anew from its calibration rows: ``Calibrate``.

    Args:
        s3: client.
        rows: ``ModelUri``, ``OutputUri``, ``ProblemType`` and ``ResponseKeys`` of ``$.Rows``.
        asked: Confidence of the scoring, checked against its schema; None when it has none.
        default_threshold: the stack's, for a model that has no calibration.json; regressions ignore it.

    Raises:
        InvalidRequest: the model cannot answer what is asked.
    """
    run = RunFiles(rows["ModelUri"])
    document = read_json(s3, run.calibration) if exists(s3, run.calibration) else None
    regression = rows["ProblemType"] == REGRESSION
    if asked is not None:
        fitted = confidence_request.for_type(confidence_request.normalise(asked), rows["ProblemType"])
        confidence = _at_level(fitted, asked, document) if regression else fitted
    elif document:
        confidence = document["Confidence"]
    else:
        confidence = {} if regression or default_threshold is None else {"Threshold": default_threshold}
    if not regression:
        _check_probabilities(confidence, rows)
    level = _level(document)
    calibrate = asked is not None and ("TargetPrecision" in confidence or confidence.get("Level", level) != level)
    if calibrate:
        _check_calibration_rows(s3, run, confidence, rows["OutputUri"])
    calibration = RunFiles(rows["OutputUri"]) if calibrate else run
    return {
        "Confidence": confidence,
        "CalibrationUri": calibration.calibration if calibrate or document else "",
        "Calibrate": calibrate,
    }


def _level(document: Mapping[str, Any] | None) -> float | None:
    level: float | None = (document or {}).get("Intervals", {}).get("Level")
    return level


def _at_level(fitted: Confidence, asked: Mapping[str, Any], document: Mapping[str, Any] | None) -> Confidence:
    """A scoring that names no level takes the model's; a model that has none is asked for none in vain."""
    if "Level" in asked:
        return fitted
    level = _level(document)
    if level is not None:
        return {**fitted, "Level": level}
    return fitted if "MaxIntervalWidth" in fitted else {}


def _check_probabilities(confidence: Confidence, rows: Mapping[str, Any]) -> None:
    for key in ("TargetPrecision", "Threshold"):
        if key in confidence and "probabilities" not in rows["ResponseKeys"]:
            raise InvalidRequest(
                f"The model of {rows['ModelUri']} answers without probabilities, so no Confidence.{key} can be "
                'applied; score with "Confidence": {} or deploy a model that has them'
            )


def _check_calibration_rows(s3: "S3Client", run: RunFiles, confidence: Confidence, output_uri: str) -> None:
    key = next(key for key in ("TargetPrecision", "MaxIntervalWidth", "Level") if key in confidence)
    if not exists(s3, ScoringFiles(run.proof_of("calibration")).rows):
        raise InvalidRequest(
            f"Confidence.{key} must be worked out from calibration rows, but the run {run.uri} has no predictions of "
            "any: it had Transform.Calibration 0, is older than calibration, or they were deleted; train again, or "
            + ("leave Confidence out" if key != "TargetPrecision" else "give a Confidence.Threshold instead")
        )
    if output_uri == run.uri:
        raise InvalidRequest(
            f"OutputUri is the run {run.uri}, whose own calibration.json another Confidence.{key} would replace; "
            "leave OutputUri out for a new folder"
        )
