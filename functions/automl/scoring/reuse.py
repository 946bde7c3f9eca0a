"""Prepare Rows of a scoring whose predictions are there already: an earlier one's, to be accepted by another rule."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl.errors import InvalidRequest
from automl.run_files import ScoringFiles
from automl.scoring import scoring_confidence
from automl.scoring.part_results import finished_parts, is_beyond_tolerance
from automl.scoring.prepare import parts_to_score
from automl.storage import delete_prefix, exists, list_objects, read_json, write_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def reuse_rows(
    s3: "S3Client", request: Mapping[str, Any], scoring: str, output_uri: str, default_threshold: float | None
) -> dict[str, Any]:
    """``$.Rows`` of the earlier scoring, whose endpoint need not exist any more, with results in another folder.

    Args:
        s3: client.
        request: checked input of a scoring execution that has ``Predictions``.
        scoring: the new scoring's name.
        output_uri: folder for the results.
        default_threshold: the stack's Confidence, for a model that has no calibration.json.

    Raises:
        InvalidRequest: the folder is no scoring's, its raw predictions are gone, the results would replace them, or
            the confidence does not fit the model.
    """
    folder = str(request["Predictions"]).rstrip("/") + "/"
    earlier = _read(s3, folder, folder)
    if earlier["PredictionsUri"] != folder:  # itself made from the predictions of another, which knows best
        earlier = _read(s3, earlier["PredictionsUri"], folder)
    files = ScoringFiles(output_uri)
    if _has_predictions_of_its_own(s3, files):
        raise InvalidRequest(
            f"OutputUri {output_uri} holds a scoring with predictions of its own; leave OutputUri out for a new folder"
        )
    finished = _check_complete(s3, earlier, folder)
    rows = {**earlier, "Scoring": scoring, "OutputUri": output_uri, "Predicted": True}
    rows.update(scoring_confidence.resolve(s3, rows, request.get("Confidence"), default_threshold))
    for results in (files.accepted_folder, files.review_folder, files.finished_folder, files.failures_folder):
        delete_prefix(s3, results)  # of an earlier attempt
    rows |= parts_to_score(s3, rows, finished)
    write_json(s3, files.rows, rows)
    return rows


def _read(s3: "S3Client", folder: str, asked: str) -> dict[str, Any]:
    uri = ScoringFiles(folder).rows
    if not exists(s3, uri):
        raise InvalidRequest(
            f"Predictions is {asked}, but there is no {uri}; give the folder of a finished scoring, the one that "
            "holds its predictions/, or score the dataset with an endpoint"
        )
    document: dict[str, Any] = read_json(s3, uri)
    return document


def _has_predictions_of_its_own(s3: "S3Client", files: ScoringFiles) -> bool:
    return exists(s3, files.rows) and not read_json(s3, files.rows)["Predicted"]


def _check_complete(s3: "S3Client", rows: Mapping[str, Any], asked: str) -> list[int]:
    """The parts whose predictions there are; those that failed, but were tolerated, are not among them."""
    files = ScoringFiles(rows["PredictionsUri"])
    there = {
        item.uri for folder in (files.predictions_folder, files.skipped_folder) for item in list_objects(s3, folder)
    }
    finished = finished_parts(s3, files)
    if is_beyond_tolerance(rows, rows["PartCount"] - len(finished)):
        raise InvalidRequest(
            f"Predictions is {asked}, but only {len(finished):,} of its {rows['PartCount']:,} parts have been scored; "
            f'start the scoring machine with {{"Resume": "{rows["OutputUri"]}"}} first'
        )
    for part in finished:
        for uri in (files.predictions(part), files.skipped(part)):
            if uri not in there:
                raise InvalidRequest(
                    f"Predictions is {asked}, but {uri} is missing: its files were deleted; "
                    "score the dataset with an endpoint again"
                )
    return finished
