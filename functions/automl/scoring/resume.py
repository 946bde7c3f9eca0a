"""Prepare Rows of a scoring whose parts did not all succeed: what is finished stays, the rest is scored again."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automl.errors import InvalidRequest
from automl.run_files import ScoringFiles
from automl.scoring.engines import BATCH_TRANSFORM
from automl.scoring.part_results import finished_parts
from automl.scoring.prepare import KEYS_WITHOUT_ROWS, asking, parts_to_score
from automl.scoring.scoring_request import earlier_rows
from automl.storage import list_objects, read_json, write_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def resume_rows(s3: "S3Client", request: Mapping[str, Any], serving: Mapping[str, Any]) -> dict[str, Any]:
    """``$.Rows`` of the earlier scoring with its unfinished parts to be scored, by the same model.

    Args:
        s3: client.
        request: checked input of a scoring execution that has ``Resume``.
        serving: what Find Model returned.

    Raises:
        InvalidRequest: see :func:`earlier_rows`; or the rows were prepared for another model, or are no longer there;
            or instances are given to a scoring that has no transform job.
    """
    rows = earlier_rows(s3, request["Resume"])
    if "TransformResources" in request and (rows["Predicted"] or rows["Engine"] != BATCH_TRANSFORM):
        raise InvalidRequest(
            f"TransformResources are for Engine {BATCH_TRANSFORM}, by which {request['Resume']} was not scored; "
            "leave them out"
        )
    files = ScoringFiles(rows["OutputUri"])
    if not rows["Predicted"]:
        if rows["ModelName"] != serving["ModelName"]:
            raise InvalidRequest(
                f"Resume is {request['Resume']}, whose rows model {rows['ModelName']!r} predicted, but now "
                f"{serving['ModelName']!r} would; score the dataset from the start"
            )
        rows |= asking(serving)
    if "ToleratedFailurePercentage" in request:
        rows["ToleratedFailurePercentage"] = request["ToleratedFailurePercentage"]
    finished = set(finished_parts(s3, files))
    planned = read_json(s3, files.parts) if rows["Predicted"] else range(rows["PartCount"])
    left = [part for part in planned if part not in finished]
    if not rows["Predicted"]:
        _check_prepared(s3, files, left)
    rows |= parts_to_score(s3, rows, left)
    write_json(s3, files.rows, rows)
    return rows


def _check_prepared(s3: "S3Client", files: ScoringFiles, parts: Sequence[int]) -> None:
    """Raise InvalidRequest unless what was prepared of the parts is still there, or their answers are."""
    keys = {item.uri: item.size for item in list_objects(s3, files.keys_folder)}
    features, answers = (
        {item.uri for item in list_objects(s3, folder)} for folder in (files.features_folder, files.transform_folder)
    )
    for part in parts:
        sent = keys.get(files.keys(part), 0) > KEYS_WITHOUT_ROWS
        needed = [files.keys(part)]
        if sent and files.transformed(part) not in answers:
            needed.append(files.features(part))
        for uri in needed:
            if uri not in keys and uri not in features:
                raise InvalidRequest(
                    f"Resume is {files.uri}, but {uri}, which part {part} needs, was deleted or has expired; "
                    "score the dataset from the start"
                )
