"""What a scoring is asked to do: in one way only, below the folders that are its own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl.errors import InvalidRequest
from automl.run_files import ScoringFiles
from automl.scoring.engines import BATCH_TRANSFORM
from automl.storage import read_json_if_there

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_OF_PREDICTING = {
    "Predictions": ("Engine", "TransformResources", "ToleratedFailurePercentage", "Resume"),
    "Resume": ("Engine", "OutputUri", "Confidence", "Predictions"),
}
"""Keys that make no sense beside the one that stands alone."""


def check_source(request: Mapping[str, Any]) -> None:
    """Raise InvalidRequest unless a scoring's input says in exactly one way what is to be done."""
    given = [key for key in ("Endpoint", "Dataset") if key in request]
    for alone, instead in (
        ("Predictions", "are there already, and"),
        ("Resume", "says which scoring goes on with what it has, and"),
    ):
        others = [key for key in (*given, *_OF_PREDICTING[alone]) if key in request]
        if alone in request and others:
            raise InvalidRequest(
                f"The execution input has {alone}, which {instead} {' and '.join(others)}; leave one of them out"
            )
    if "Predictions" not in request and "Resume" not in request and len(given) < 2:
        lacking = "Dataset" if given == ["Endpoint"] else "Endpoint" if given else "Endpoint and Dataset"
        raise InvalidRequest(
            f"The execution input has no {lacking}; give Endpoint and Dataset to predict rows, Predictions to apply "
            "another Confidence to predictions that are there already, or Resume to score the parts that failed"
        )
    if "TransformResources" in request and "Resume" not in request and request.get("Engine") != BATCH_TRANSFORM:
        raise InvalidRequest(
            f"TransformResources are for Engine {BATCH_TRANSFORM}; leave them out, or ask for that engine"
        )


def output_folder(request: Mapping[str, Any], bucket: str, name: str) -> str:
    """Where a scoring's results go: where the request says, else a folder of its own.

    Args:
        request: checked input of a scoring execution.
        bucket: the data bucket, the only one that scoring may write to.
        name: of the scoring.

    Raises:
        InvalidRequest: the request's folders are not below runs/ or scorings/ of the data bucket.
    """
    folders = tuple(f"s3://{bucket}/{folder}/" for folder in ("scorings", "runs"))
    uri = str(request.get("OutputUri", f"{folders[0]}{name}")).rstrip("/") + "/"
    if not uri.startswith(folders) or uri in folders:
        raise InvalidRequest(f"OutputUri is {uri} but must be a folder below {folders[0]}; leave it out for a new one")
    for key in ("Predictions", "Resume"):
        if not str(request.get(key, uri)).startswith(folders):
            raise InvalidRequest(
                f"{key} is {request[key]} but must be a folder below {' or '.join(folders)}; "
                "give the folder of an earlier scoring"
            )
    return uri


def earlier_rows(s3: "S3Client", folder: str) -> dict[str, Any]:
    """``$.Rows`` of the scoring in the folder.

    Raises:
        InvalidRequest: there is none, or it did not get as far as to have parts.
    """
    uri = ScoringFiles(folder.rstrip("/") + "/").rows
    rows: dict[str, Any] | None = read_json_if_there(s3, uri)
    if rows is None:
        raise InvalidRequest(
            f"Resume is {folder}, but there is no {uri}: that scoring failed before it had prepared its rows, or its "
            "files were deleted; score the dataset from the start"
        )
    return rows
