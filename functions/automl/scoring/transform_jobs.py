"""The transform job of a scoring whose engine is batch transform: its request, and its status as a small document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.errors import InvalidRequest
from automl.polling import wait_seconds
from automl.run_files import ScoringFiles
from automl.storage import list_objects, read_json, write_json
from automl.tags import RUN_TAG, as_tags

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        CreateTransformJobRequestTypeDef,
        DescribeTransformJobResponseTypeDef,
        TransformResourcesTypeDef,
        TransformS3DataSourceTypeDef,
    )

TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
PAYLOAD_MB = 1
"""Of one request, the least there is. An endpoint's batches follow what answers weigh and take; a job's cannot, and
AWS's serving containers are reported to give up in jobs, too, at answers above 6.5 MB and after 60 s."""

_INVOCATION_SECONDS = 3600
"""The most that SageMaker allows: 1 MB may be many short rows, and an ensemble may need 50 ms for each."""
_RETRIES = 3
_START_SECONDS = 3600
_SLOWEST_ROWS_PER_SECOND = 20
"""Of one instance. Who is slower than that has come to a standstill."""


@dataclass(frozen=True)
class TransformSettings:
    """Settings of the function that creates transform jobs."""

    endpoint_instance_type: str
    kms_key_arn: str | None
    minimum_wait_seconds: int


def unanswered_parts(s3: "S3Client", files: ScoringFiles) -> tuple[list[str], bool]:
    """The feature files of the parts to score that no transform job has answered yet.

    An output is there only if the whole of its input was transformed, and Prepare Rows removes what does not belong
    to the rows; so what is there need not be paid for again.

    Returns:
        Their names in the features folder, and whether they are all that is there.
    """
    folder = files.features_folder
    features = {item.uri.removeprefix(folder) for item in list_objects(s3, folder)}
    # SageMaker may put outputs into a subfolder; see transform_output
    outputs = {item.uri.rpartition("/")[2] for item in list_objects(s3, files.transform_folder)}
    planned = (files.features(part).removeprefix(folder) for part in read_json(s3, files.parts))
    names = [name for name in planned if name in features and f"{name}.out" not in outputs]
    return names, len(names) == len(features)


def data_source(
    s3: "S3Client", files: ScoringFiles, names: Sequence[str], *, everything: bool
) -> "TransformS3DataSourceTypeDef":
    """The whole features folder, or a manifest, which is written, of some of its files."""
    if everything:
        return {"S3DataType": "S3Prefix", "S3Uri": files.features_folder}
    manifest = write_json(s3, files.transform_manifest, [{"prefix": files.features_folder}, *names])
    return {"S3DataType": "ManifestFile", "S3Uri": manifest}


def resources(
    sagemaker: "SageMakerClient", request: Mapping[str, Any], rows: Mapping[str, Any], settings: TransformSettings
) -> "TransformResourcesTypeDef":
    """The instances of the job: the request's; of a resumed scoring those it had before; else one of the stack's type.

    Args:
        sagemaker: client.
        request: checked input of the scoring execution.
        rows: what Prepare Rows returned.
        settings: of the stack.
    """
    asked: Mapping[str, Any] = request.get("TransformResources", {})
    if not asked and "Resume" in request:
        former = sagemaker_errors.find(sagemaker.describe_transform_job, TransformJobName=rows["Scoring"])
        asked = former["TransformResources"] if former else {}
    found: TransformResourcesTypeDef = {
        "InstanceType": asked.get("InstanceType", settings.endpoint_instance_type),
        "InstanceCount": asked.get("InstanceCount", 1),
    }
    if settings.kms_key_arn:
        found["VolumeKmsKeyId"] = settings.kms_key_arn
    return found


def job_request(
    name: str,
    rows: Mapping[str, Any],
    source: "TransformS3DataSourceTypeDef",
    instances: "TransformResourcesTypeDef",
    settings: TransformSettings,
) -> "CreateTransformJobRequestTypeDef":
    """The parameters of CreateTransformJob, as Autopilot's documentation writes them for its models.

    Args:
        name: of the job.
        rows: what Prepare Rows returned.
        source: files of records without header.
        instances: what :func:`resources` found.
        settings: of the stack.
    """
    job: CreateTransformJobRequestTypeDef = {
        "TransformJobName": name,
        "ModelName": rows["ModelName"],
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": PAYLOAD_MB,
        "ModelClientConfig": {
            "InvocationsTimeoutInSeconds": _INVOCATION_SECONDS,
            "InvocationsMaxRetries": _RETRIES,
        },
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "CompressionType": "None",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": ScoringFiles(rows["OutputUri"]).transform_folder,
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": instances,
        "Tags": as_tags({RUN_TAG: rows["ModelUri"]}),
    }
    if settings.kms_key_arn:
        job["TransformOutput"]["KmsKeyId"] = settings.kms_key_arn
    return job


def create_job(sagemaker: "SageMakerClient", job: "CreateTransformJobRequestTypeDef") -> None:
    """Create the job, unless an earlier attempt of the same execution did.

    Raises:
        InvalidRequest: SageMaker refuses the job.
    """
    try:
        sagemaker.create_transform_job(**job)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        name, output = job["TransformJobName"], job["TransformOutput"]["S3OutputPath"]
        existing = sagemaker_errors.find(sagemaker.describe_transform_job, TransformJobName=name)
        if existing and existing["TransformOutput"]["S3OutputPath"] == output:
            return
        raise InvalidRequest(
            f"SageMaker refused transform job {name!r}: {sagemaker_errors.message_of(error)}. "
            "Correct TransformResources or the stack's parameters, or score with Engine Endpoint"
        ) from error


def new_status(
    job: "CreateTransformJobRequestTypeDef", files: int, rows: int, now: datetime, minimum_wait_seconds: int
) -> dict[str, Any]:
    """The status document of a job that has just been created.

    Args:
        job: its request.
        files: how many it is to transform.
        rows: about how many they have.
        now: the present moment.
        minimum_wait_seconds: of the stack.
    """
    instances = job["TransformResources"]
    pace = _SLOWEST_ROWS_PER_SECOND * instances["InstanceCount"]
    return {
        "Name": job["TransformJobName"],
        "Status": "InProgress",
        "Files": files,
        "InstanceType": instances["InstanceType"],
        "InstanceCount": instances["InstanceCount"],
        "ElapsedSeconds": 0,
        "DeadlineSeconds": _START_SECONDS + rows // pace,
        "WaitSeconds": wait_seconds(0, minimum_wait_seconds),
        "Polls": 0,
        "StartedAt": now.isoformat(),
        "FailureReason": "",
        "Progress": "Starting",
    }


def no_job(now: datetime) -> dict[str, Any]:
    """The status document when all parts have been transformed before."""
    return {
        "Name": "",
        "Status": "Completed",
        "Files": 0,
        "InstanceCount": 0,
        "TransformSeconds": 0.0,
        "StartedAt": now.isoformat(),
        "Progress": "All parts were transformed before",
    }


def refreshed_status(
    status: Mapping[str, Any],
    description: "DescribeTransformJobResponseTypeDef",
    now: datetime,
    minimum_wait_seconds: int,
) -> dict[str, Any]:
    """The status document after looking at the job once more. It decides nothing.

    Once the job has ended it also has ``TransformSeconds``, for which each of its instances is paid (0 if none came
    up), and ``LagSeconds`` (end to now).
    """
    created, state = description["CreationTime"], description["TransformJobStatus"]
    elapsed = max(0, int((now - created).total_seconds()))
    refreshed = {
        **status,
        "Status": state,
        "ElapsedSeconds": elapsed,
        "WaitSeconds": wait_seconds(elapsed, minimum_wait_seconds),
        "Polls": status["Polls"] + 1,
        "StartedAt": created.isoformat(),
        "FailureReason": description.get("FailureReason", "somebody stopped it" if state == "Stopped" else ""),
    }
    began = description.get("TransformStartTime")
    if state in TERMINAL:
        ended = description.get("TransformEndTime", now)
        refreshed["TransformSeconds"] = round(max(0.0, (ended - (began or ended)).total_seconds()), 3)
        refreshed["LagSeconds"] = round(max(0.0, (now - ended).total_seconds()), 3)
    refreshed["Progress"] = progress(refreshed, started=began is not None)
    return refreshed


def progress(status: Mapping[str, Any], *, started: bool) -> str:
    """One line for people: what happens now, on what, since when."""
    words = {"InProgress": "Transforming" if started else "Starting"}
    count = status["Files"]
    return (
        f"{words.get(status['Status'], status['Status'])}, {count:,} file{'' if count == 1 else 's'} on "
        f"{status['InstanceCount']} {status['InstanceType']}, {timedelta(seconds=status['ElapsedSeconds'])} so far"
    )


def stop_job(sagemaker: "SageMakerClient", name: str) -> None:
    """Tell the job to stop; nothing happens when it has ended or is not there."""
    try:
        sagemaker.stop_transform_job(TransformJobName=name)
    except ClientError as error:
        if not (sagemaker_errors.is_refusal(error) or error.response["Error"]["Code"] == "ResourceNotFound"):
            raise
        description = sagemaker_errors.find(sagemaker.describe_transform_job, TransformJobName=name)
        if description and description["TransformJobStatus"] == "InProgress":
            raise
