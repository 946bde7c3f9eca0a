"""The AutoML job: its request, and its status as a small document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.errors import InvalidRequest
from automl.polling import wait_seconds
from automl.run_files import RunFiles
from automl.tags import PREVIOUS_RUN_TAG, RUN_TAG, as_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        CreateAutoMLJobV2RequestTypeDef,
        DescribeAutoMLJobV2ResponseTypeDef,
        VpcConfigTypeDef,
    )

TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
_GRACE_SECONDS = 1800
_STOP_SECONDS = 3600

_PHASES = {
    "Starting": "starting",
    "AnalyzingData": "analyzing data",
    "PreTraining": "preparing the training",
    "FeatureEngineering": "engineering features",
    "ModelTuning": "tuning models",
    "TrainingModels": "training models",
    "GeneratingExplainabilityReport": "explaining the best candidate",
    "GeneratingModelInsightsReport": "reporting on the best candidate",
    "MaxCandidatesReached": "completed, all candidates tried",
    "MaxAutoMLJobRuntimeReached": "completed, at the runtime limit",
}


@dataclass(frozen=True)
class JobSettings:
    """Settings of the function that creates jobs."""

    sagemaker_role_arn: str
    kms_key_arn: str | None
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    minimum_wait_seconds: int


def vpc_config(subnet_ids: tuple[str, ...], security_group_ids: tuple[str, ...]) -> "VpcConfigTypeDef | None":
    """The VPC of jobs and models, or None.

    Raises:
        RuntimeError: only one of the two is set; the stack's parameters must be corrected.
    """
    if bool(subnet_ids) != bool(security_group_ids):
        raise RuntimeError("SUBNET_IDS and SECURITY_GROUP_IDS belong together; set both stack parameters or neither")
    if not subnet_ids:
        return None
    return {"Subnets": list(subnet_ids), "SecurityGroupIds": list(security_group_ids)}


def job_request(
    run: Mapping[str, Any],
    data: Mapping[str, Any],
    previous: Mapping[str, Any],
    request: Mapping[str, Any],
    settings: JobSettings,
) -> "CreateAutoMLJobV2RequestTypeDef":
    """The parameters of CreateAutoMLJobV2. Mode, problem type and objective are always explicit.

    Args:
        run: ``Name`` and ``Uri``.
        data: ``TrainUri``, ``ProblemType`` and ``ObjectiveMetric`` as Transform Data decided them.
        previous: what Find Previous Model found; a job cannot start from a model, but it names its predecessor.
        request: the resolved request (request.json).
        settings: role, key and network of the stack.
    """
    job: CreateAutoMLJobV2RequestTypeDef = {
        "AutoMLJobName": run["Name"],
        "AutoMLJobInputDataConfig": [
            {
                "ChannelType": "training",
                "ContentType": "text/csv;header=present",
                "CompressionType": "None",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data["TrainUri"]}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": RunFiles(run["Uri"]).autopilot},
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {
                "TargetAttributeName": request["Dataset"]["TargetColumn"],
                "Mode": request["AutoML"]["Mode"],
                "ProblemType": data["ProblemType"],
                "CompletionCriteria": {
                    "MaxCandidates": request["AutoML"]["MaxCandidates"],
                    "MaxAutoMLJobRuntimeInSeconds": request["AutoML"]["MaxRuntimeSeconds"],
                },
            }
        },
        "AutoMLJobObjective": {"MetricName": data["ObjectiveMetric"]},
        "RoleArn": settings.sagemaker_role_arn,
        "Tags": as_tags({RUN_TAG: run["Uri"], PREVIOUS_RUN_TAG: previous.get("Uri", "")}),
    }
    vpc = vpc_config(settings.subnet_ids, settings.security_group_ids)
    if settings.kms_key_arn:
        job["OutputDataConfig"]["KmsKeyId"] = settings.kms_key_arn
    if settings.kms_key_arn or vpc:
        job["SecurityConfig"] = {
            **({"VolumeKmsKeyId": settings.kms_key_arn} if settings.kms_key_arn else {}),
            # Whoever has a key of their own wants no row in the clear between the instances of a large job, either.
            "EnableInterContainerTrafficEncryption": bool(settings.kms_key_arn),
            **({"VpcConfig": vpc} if vpc else {}),
        }
    return job


def create_job(sagemaker: "SageMakerClient", job: "CreateAutoMLJobV2RequestTypeDef") -> None:
    """Create the job, unless an earlier attempt of the same run did.

    Raises:
        InvalidRequest: SageMaker refuses the job.
    """
    try:
        sagemaker.create_auto_ml_job_v2(**job)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        name = job["AutoMLJobName"]
        existing = sagemaker_errors.find(sagemaker.describe_auto_ml_job_v2, AutoMLJobName=name)
        if existing and existing["OutputDataConfig"]["S3OutputPath"] == job["OutputDataConfig"]["S3OutputPath"]:
            return
        raise InvalidRequest(
            f"SageMaker refused AutoML job {name!r}: {sagemaker_errors.message_of(error)}. "
            "Correct the request or the stack's parameters and start again"
        ) from error


def new_status(name: str, max_runtime_seconds: int, now: datetime, minimum_wait_seconds: int) -> dict[str, Any]:
    """The status document of a job that has just been created."""
    deadline = max_runtime_seconds + max(_GRACE_SECONDS, max_runtime_seconds // 2)
    return {
        "Name": name,
        "Status": "InProgress",
        "SecondaryStatus": "Starting",
        "HasCandidate": False,
        "Candidates": 0,
        "ElapsedSeconds": 0,
        "MaxRuntimeSeconds": max_runtime_seconds,
        "DeadlineSeconds": deadline,
        "AbandonSeconds": deadline + _STOP_SECONDS,
        "WaitSeconds": wait_seconds(0, minimum_wait_seconds),
        "Polls": 0,
        "StartedAt": now.isoformat(),
        "FailureReason": "",
        "Progress": "Starting",
    }


def refreshed_status(
    status: Mapping[str, Any],
    description: "DescribeAutoMLJobV2ResponseTypeDef",
    finished_candidates: int,
    now: datetime,
    minimum_wait_seconds: int,
) -> dict[str, Any]:
    """The status document after looking at the job once more. It decides nothing.

    Once the job has ended it also has ``AutoMLSeconds`` (creation to end) and ``LagSeconds`` (end to now).
    """
    started = description["CreationTime"]
    state = description["AutoMLJobStatus"]
    elapsed = max(0, int((now - started).total_seconds()))
    # After a stop the job ends within minutes: the wait starts small again.
    since = max(0, elapsed - status["DeadlineSeconds"]) if state == "Stopping" else elapsed
    refreshed = {
        **status,
        "Status": state,
        "SecondaryStatus": description["AutoMLJobSecondaryStatus"],
        "HasCandidate": bool(description.get("BestCandidate")) or finished_candidates > 0,
        "Candidates": finished_candidates,
        "ElapsedSeconds": elapsed,
        "WaitSeconds": wait_seconds(since, minimum_wait_seconds),
        "Polls": status["Polls"] + 1,
        "StartedAt": started.isoformat(),
        "FailureReason": description.get("FailureReason", ""),
    }
    if state in TERMINAL:
        ended = description.get("EndTime", description["LastModifiedTime"])
        refreshed["AutoMLSeconds"] = round(max(0.0, (ended - started).total_seconds()), 3)
        refreshed["LagSeconds"] = round(max(0.0, (now - ended).total_seconds()), 3)
    refreshed["Progress"] = progress(refreshed, description)
    return refreshed


def progress(status: Mapping[str, Any], description: Mapping[str, Any]) -> str:
    """One line for people: phase, candidates so far with the best value, time used of the time allowed."""
    secondary = status["SecondaryStatus"]
    phase = _PHASES.get(secondary, secondary)
    count = status["Candidates"]
    text = f"{phase[0].upper()}{phase[1:]}, {count} candidate{'' if count == 1 else 's'} so far"
    best = (description.get("BestCandidate") or {}).get("FinalAutoMLJobObjectiveMetric")
    if best:
        text += f", best {best.get('StandardMetricName') or best['MetricName']} {best['Value']:.4g}"
    elapsed = timedelta(seconds=status["ElapsedSeconds"])
    return f"{text}, {elapsed} of at most {timedelta(seconds=status['MaxRuntimeSeconds'])}"


def stop_job(sagemaker: "SageMakerClient", name: str) -> None:
    """Tell the job to stop; nothing happens when it has ended or is not there."""
    try:
        sagemaker.stop_auto_ml_job(AutoMLJobName=name)
    except ClientError as error:
        if not (sagemaker_errors.is_refusal(error) or error.response["Error"]["Code"] == "ResourceNotFound"):
            raise
        description = sagemaker_errors.find(sagemaker.describe_auto_ml_job_v2, AutoMLJobName=name)
        if description and description["AutoMLJobStatus"] == "InProgress":
            raise
