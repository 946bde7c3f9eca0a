"""What a scoring is asked to do: in one way only, below the folders that are its own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl import runs
from automl.errors import InvalidRequest
from automl.quoting import quoted
from automl.run_files import ScoringFiles
from automl.scoring.engines import BATCH_TRANSFORM
from automl.storage import read_json_if_there, split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_OF_PREDICTING = {
    "Predictions": ("Engine", "TransformResources", "ToleratedFailurePercentage", "Resume"),
    "Resume": ("Engine", "OutputUri", "Confidence", "Predictions"),
}
"""Keys that make no sense beside the one that stands alone."""
_STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
_LONGEST_FOLDER = 900
"""Bytes of a folder's key, so that the keys of the files in it stay within S3's 1,024."""


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
        InvalidRequest: the request's folders are not below runs/ or scorings/ of the data bucket, or the results would
            replace those of a run that did not ask for them, or the dataset.
    """
    own, of_runs = folders = tuple(f"s3://{bucket}/{folder}/" for folder in ("scorings", "runs"))
    uri = _folder(request, "OutputUri", f"{own}{name}")
    if not uri.startswith(folders) or uri in folders:
        raise InvalidRequest(f"OutputUri is {quoted(uri)} but must be a folder below {own}; leave it out for a new one")
    run = uri.removeprefix(of_runs).partition("/")[0]
    if uri.startswith(of_runs) and not runs.may_be_run_of(run, request.get(_STARTED_BY, "")):
        raise InvalidRequest(
            f"OutputUri is {quoted(uri)}, in the folder of the run {quoted(run)}, whose results this scoring would "
            f"replace; give a folder below {own}, or leave it out for a new one"
        )
    for key in ("Predictions", "Resume"):
        if not _folder(request, key, uri).startswith(folders):
            raise InvalidRequest(
                f"{key} is {quoted(request[key])} but must be a folder below {' or '.join(folders)}; "
                "give the folder of an earlier scoring"
            )
    if "Dataset" in request:
        _check_apart(request["Dataset"]["S3Uri"], uri)
    return uri


def _folder(request: Mapping[str, Any], key: str, default: str) -> str:
    """The URI of a folder, with a slash at its end and no names in it that other programs take for directions."""
    uri = str(request.get(key, default)).rstrip("/") + "/"
    _, _, path = uri.removeprefix("s3://").partition("/")
    if {"", ".", ".."} & set(path[:-1].split("/")[1:]):
        raise InvalidRequest(
            f"{key} is {quoted(uri)}, but a folder's path has no empty names, '.' or '..'; write the path to it"
        )
    if (size := len(path.encode())) > _LONGEST_FOLDER:
        raise InvalidRequest(
            f"{key} is {quoted(uri)}, whose key has {size:,} bytes; give a folder of at most {_LONGEST_FOLDER} bytes, "
            "so that the names of its files fit"
        )
    return uri


def _check_apart(dataset: str, output: str) -> None:
    """A scoring empties the folders of its results before it reads the dataset."""
    split_uri(dataset)
    for folder in ScoringFiles(output).results:
        if dataset.startswith(folder) or folder.startswith(dataset):
            raise InvalidRequest(
                f"Dataset.S3Uri is {quoted(dataset)}, which the results in {quoted(folder)} would replace; "
                "give another OutputUri, or leave it out for a new folder"
            )


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
