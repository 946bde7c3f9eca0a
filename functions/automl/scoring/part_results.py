"""What became of the parts of a scoring: each tells in a document of its own, so any number of them can be added up."""

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from automl import usage
from automl.errors import PartsFailed
from automl.failures import unwrap
from automl.run_files import ScoringFiles
from automl.storage import list_objects, read_json, read_json_if_there, write_json
from automl.telemetry import named_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Document = dict[str, Any]

_READERS = 16
_NAMED_IN_ERROR = 3
_NAMED_IN_STATE = 20
_CAUSE_IN_STATE = 500
_GIVEN_UP = "States.ExceedToleratedFailureThreshold"
_NO_WORD = (
    "a function of it ran out of time or memory or is not authorized to perform s3:PutObject in the folder of the "
    "results, or the state machine is not authorized to perform lambda:InvokeFunction; see the Map Run of the execution"
)
"""What keeps a part from telling why it failed."""
_STOPPED = f"it was stopped or never began, as too many others had failed, or {_NO_WORD}"
_TRANSITIONS_OF_PART = 3
"""Predict How?, one Task that predicts, Filter Predictions."""


def finished_parts(s3: "S3Client", files: ScoringFiles) -> list[int]:
    """The numbers of the parts that have been scored to their end, in order."""
    names = (PurePosixPath(item.uri).stem for item in list_objects(s3, files.finished_folder))
    return [int(name.removeprefix("part-")) for name in names]


@contextlib.contextmanager
def recorded_failure(s3: "S3Client", rows: Mapping[str, Any], part: int) -> Iterator[None]:
    """Write down why a part could not be scored: Step Functions tells it nowhere that every engine of it has."""
    try:
        yield
    except Exception as error:
        named = named_error(error)
        document = {"Part": part, "Error": type(named).__name__, "Cause": str(named)}
        write_json(s3, ScoringFiles(rows["OutputUri"]).failure(part), document)
        raise


def finish_part(
    s3: "S3Client",
    rows: Mapping[str, Any],
    counts: Mapping[str, Any],
    prediction: Mapping[str, Any],
    meter: usage.Meter,
) -> None:
    """Write the document that makes a part finished.

    Args:
        s3: client.
        rows: what Prepare Rows returned.
        counts: what :func:`automl.scoring.predictions.filter_part` returned.
        prediction: ``$.Prediction`` of the part, ``{}`` when its predictions were there already.
        meter: of the function that filtered.
    """
    document = {
        **counts,
        "StartedAt": prediction.get("StartedAt", meter.started_at.isoformat()),
        "EndedAt": datetime.now(UTC).isoformat(),
        "Usage": usage.total([prediction.get("Usage", {}), meter.read()]),
    }
    write_json(s3, ScoringFiles(rows["OutputUri"]).finished(counts["Part"]), document)


def collect_parts(s3: "S3Client", state: Mapping[str, Any]) -> Document:
    """``$.Parts``: what all parts together came to.

    Args:
        s3: client.
        state: ``Rows``, ``Execution``, ``TransformJob`` if there was one, ``MapError`` if the Map was given up.

    Raises:
        PartsFailed: more parts were not scored than is tolerated. Says which, why, and how to score just these.
    """
    rows = state["Rows"]
    files = ScoringFiles(rows["OutputUri"])
    finished = finished_parts(s3, files)
    missing = sorted(set(range(rows["PartCount"])) - set(finished))
    failures = _failures(s3, files, missing, state.get("MapError"))
    if is_beyond_tolerance(rows, len(missing)):
        raise PartsFailed(_told(rows, missing, failures))
    with ThreadPoolExecutor(_READERS) as pool:
        parts = list(pool.map(lambda part: read_json(s3, files.finished(part)), finished))
    started = _started(state)
    scored_now = [part for part in parts if part["StartedAt"] >= started]
    known = sum(part["Rows"] for part in parts)
    document = {
        **add_up(parts),
        **_speed(scored_now, state.get("TransformJob", {}).get("StartedAt")),
        "Usage": {
            "StateTransitions": _TRANSITIONS_OF_PART * len(scored_now),
            **usage.total(part["Usage"] for part in scored_now),
        },
    }
    if missing:
        document["FailedParts"] = {
            "Count": len(missing),
            "Rows": rows["Rows"] - known,
            "Parts": failures,
        }
    return document


def is_beyond_tolerance(rows: Mapping[str, Any], missing: int) -> bool:
    """Whether so many parts that were not scored are more than the scoring tolerates."""
    return bool(missing * 100 > rows["ToleratedFailurePercentage"] * rows["PartCount"])


def add_up(parts: Iterable[Mapping[str, Any]]) -> Document:
    """``Rows``, ``Accepted``, ``Review``, ``Reasons`` and ``Widths`` of several parts."""
    reasons: Counter[str] = Counter()
    sums = dict.fromkeys(("Rows", "Accepted", "Review"), 0)
    width_rows, widths = 0, []
    for part in parts:
        reasons.update(part["Reasons"])
        for key in sums:
            sums[key] += part[key]
        width_rows += part["Widths"]["Rows"]
        widths.append(part["Widths"]["Sum"])
    return {
        **sums,
        "Reasons": dict(sorted(reasons.items())),
        "Widths": {"Rows": width_rows, "Sum": math.fsum(widths)},
    }


def _started(state: Mapping[str, Any]) -> str:
    return datetime.fromisoformat(state["Execution"]["StartTime"]).astimezone(UTC).isoformat()


def _speed(parts: Sequence[Mapping[str, Any]], job_started: str | None) -> Document:
    """From the first part's begin, or that of the transform job, to the last part's end; without preparing rows."""
    if not parts:
        return {"Seconds": 0.0, "RowsPerSecond": None}
    began = datetime.fromisoformat(job_started or min(part["StartedAt"] for part in parts))
    ended = max(datetime.fromisoformat(part["EndedAt"]) for part in parts)
    seconds = (ended - began).total_seconds()
    rows = sum(part["Rows"] for part in parts)
    return {"Seconds": round(seconds, 3), "RowsPerSecond": round(rows / seconds, 1) if seconds else None}


def _failures(
    s3: "S3Client", files: ScoringFiles, missing: Sequence[int], map_error: Mapping[str, str] | None
) -> list[Document]:
    """``Part``, ``Error`` and ``Cause`` of some, first of those that said why: others may have been stopped for it."""
    told = {"Error": "States.TaskFailed", "Cause": _NO_WORD}
    if map_error:
        failure = unwrap(map_error)
        cause = _STOPPED if failure.error == _GIVEN_UP else failure.cause
        told = {"Error": failure.error, "Cause": cause}
    spoke = {PurePosixPath(item.uri).stem for item in list_objects(s3, files.failures_folder)}
    some = sorted(missing, key=lambda part: PurePosixPath(files.failure(part)).stem not in spoke)[:_NAMED_IN_STATE]
    found = [{**told, "Part": part, **(read_json_if_there(s3, files.failure(part)) or {})} for part in some]
    return [{**one, "Cause": one["Cause"][:_CAUSE_IN_STATE]} for one in found]


def _told(rows: Mapping[str, Any], missing: Sequence[int], failures: Sequence[Document]) -> str:
    some = "; ".join(
        f"part {one['Part']}: {one['Error']}: {one['Cause'].rstrip('.')}" for one in failures[:_NAMED_IN_ERROR]
    )
    more = f"; and {len(missing) - _NAMED_IN_ERROR:,} more" if len(missing) > _NAMED_IN_ERROR else ""
    return (
        f"{len(missing):,} of {rows['PartCount']:,} parts were not scored, and ToleratedFailurePercentage is "
        f"{rows['ToleratedFailurePercentage']:g}: {some}{more}. The finished parts are kept: when the cause is gone, "
        f'start the scoring machine with {{"Resume": "{rows["OutputUri"]}"}} to score only the others'
    )
