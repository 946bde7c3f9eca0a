"""What the report is made of: the run's files, Autopilot's explanation, and the history of the execution."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import storage
from automl.outcome import cost
from automl.report import timeline
from automl.report.timeline import Phase
from automl.run_files import RunFiles
from automl.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

State = Mapping[str, Any]

_ABSENT = {"NoSuchKey", "NoSuchBucket", "404", "AccessDenied", "403"}
_ANALYSIS = "/analysis.json"


@dataclass(frozen=True)
class Source[T]:
    """A document of the run, or None and the reason why there is none."""

    content: T | None
    missing: str = ""


Document = Source[Mapping[str, Any]]


@dataclass(frozen=True)
class Documents:
    """All that a report tells, apart from the execution's own state data."""

    request: Document
    profile: Document
    leaderboard: Document
    evaluation: Document
    calibration: Document
    previous: Document
    importance: Source[Mapping[str, float]]
    phases: Source[list[Phase]]
    cost: Document


def read(s3: "S3Client", sfn: "SFNClient", lambda_client: "LambdaClient", state: State, now: datetime) -> Documents:
    """Read what there is; what cannot be had says why.

    Args:
        s3: client.
        sfn: client.
        lambda_client: client.
        state: the execution's state data.
        now: the time up to which the cost is counted.

    Raises:
        ClientError: S3 failed to answer, so that a retry may find more.
    """
    files = RunFiles(state["Run"]["Uri"])
    return Documents(
        request=_document(s3, files.request, "Validate Request"),
        profile=_document(s3, files.profile, "Transform Data"),
        leaderboard=_document(s3, files.leaderboard, "Select Best Candidate"),
        evaluation=_document(s3, files.evaluation, "Evaluate Model"),
        calibration=_document(s3, files.calibration, "Calibrate Model"),
        previous=_document(s3, files.previous, "Find Previous Model"),
        importance=_importance(s3, _document(s3, files.candidate, "Select Best Candidate")),
        phases=_phases(sfn, state["Execution"]["Id"]),
        cost=_cost(sfn, lambda_client, state, now),
    )


def _document(s3: "S3Client", uri: str, writer: str) -> Document:
    name = uri.rpartition("/")[2]
    try:
        content = storage.read_json(s3, uri)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        return Source(None, f"{name} is not in the run's folder: {writer} did not write it.")
    except ValueError as error:
        return Source(None, f"{name} is not JSON: {error}.")
    if not isinstance(content, dict):
        return Source(None, f"{name} does not hold a JSON object.")
    return Source(content)


def _importance(s3: "S3Client", candidate: Document) -> Source[Mapping[str, float]]:
    if candidate.content is None:
        return Source(None, candidate.missing)
    properties = candidate.content.get("CandidateProperties") or {}
    location = (properties.get("CandidateArtifactLocations") or {}).get("Explainability", "")
    if not location:
        return Source(
            None,
            "Autopilot explained another candidate than the chosen one, or none: it writes an explainability report "
            "for the best candidate only, and not when the job was stopped before.",
        )
    try:
        found = [item.uri for item in storage.list_objects(s3, location) if item.uri.endswith(_ANALYSIS)]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        found = []
    if not found:
        return Source(None, f"There is no analysis.json below {location}, where Autopilot says its explanation is.")
    analysis = _document(s3, found[0], "Autopilot")
    values = mean_importance(analysis.content or {})
    return Source(values) if values else Source(None, analysis.missing or f"{found[0]} names no feature.")


def mean_importance(analysis: Mapping[str, Any]) -> dict[str, float]:
    """Mean of each feature's global SHAP value over the predicted labels, the largest first.

    The document is Clarify's: ``explanations.kernel_shap.<label>.global_shap_values.<feature>``, means of absolute
    SHAP values.
    """
    labels = list(((analysis.get("explanations") or {}).get("kernel_shap") or {}).values())
    sums: dict[str, float] = {}
    for values in labels:
        for feature, value in values["global_shap_values"].items():
            sums[feature] = sums.get(feature, 0.0) + abs(float(value))
    return {name: total / len(labels) for name, total in sorted(sums.items(), key=lambda item: -item[1])}


def _phases(sfn: "SFNClient", execution_arn: str) -> Source[list[Phase]]:
    try:
        found = timeline.phases(cost.read_history(sfn, execution_arn))
    except ClientError as error:
        logger.warning("history unknown", extra={"reason": str(error)})
        return Source(None, f"Step Functions did not show the execution's history: {error}.")
    return Source(found) if found else Source(None, "The execution's history is empty.")


def _cost(sfn: "SFNClient", lambda_client: "LambdaClient", state: State, now: datetime) -> Document:
    try:
        return Source(cost.run_cost(sfn, lambda_client, state, now, states_after=0))
    except ClientError as error:
        logger.warning("cost unknown", extra={"reason": str(error)})
        return Source(None, f"What the run used could not be read: {error}.")
