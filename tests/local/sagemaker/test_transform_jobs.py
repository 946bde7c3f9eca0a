"""Transform jobs: what they write, what they refuse, how they end."""

import contextlib
import csv
import gzip
import io
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from autoflow.local import processes

if TYPE_CHECKING:
    from autoflow.local.cloud import Cloud
    from tests.local.sagemaker.conftest import SageMaker, Trained

KEYS = "predicted_label,probability,probabilities,labels"


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def model(aws: "SageMaker", trained: "Trained") -> str:
    (container,) = trained.job["BestCandidate"]["InferenceContainers"]
    container = container | {"Environment": container["Environment"] | {"SAGEMAKER_INFERENCE_OUTPUT": KEYS}}
    aws.sagemaker.create_model(ModelName="transformer", Containers=[container], ExecutionRoleArn=aws.role)
    return "transformer"


@pytest.fixture(scope="module")
def rows(aws: "SageMaker") -> list[list[str]]:
    return [row[:-1] for row in aws.people(3_000, seed=21)]


def job(aws: "SageMaker", name: str, prefix: str, **given: Any) -> dict[str, Any]:
    """CreateTransformJob as Autopilot's documentation writes it, for the objects below the prefix."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{aws.bucket}/{prefix}"}
    return {
        "TransformJobName": name,
        "ModelName": "transformer",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
            **given.pop("source", {}),
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{aws.bucket}/transformed/{name}/",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **given,
    }


def ended(aws: "SageMaker", name: str, seconds: float = 90) -> dict[str, Any]:
    """The job's description when it is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        description: dict[str, Any] = aws.sagemaker.describe_transform_job(TransformJobName=name)
        if description["TransformJobStatus"] not in {"InProgress", "Stopping"}:
            return description
        time.sleep(0.05)
    raise AssertionError(f"{name} is {description['TransformJobStatus']} after {seconds} s")


def outputs(aws: "SageMaker", name: str) -> dict[str, bytes]:
    """Name below the output path → content."""
    prefix = f"transformed/{name}/"
    found = aws.s3.list_objects_v2(Bucket=aws.bucket, Prefix=prefix).get("Contents", [])
    keys = [item["Key"] for item in found]
    return {key.removeprefix(prefix): aws.s3.get_object(Bucket=aws.bucket, Key=key)["Body"].read() for key in keys}


def data_log(aws: "SageMaker", name: str) -> str:
    group = "/aws/sagemaker/TransformJobs"
    streams = aws.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    (stream,) = [item["logStreamName"] for item in streams if item["logStreamName"].endswith("/data-log")]
    events = aws.logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    return "\n".join(event["message"] for event in events)


def serving(cloud: "Cloud") -> set[int]:
    """Process ids of the containers."""
    found = set()
    for process in processes.find(cloud.mark):
        with contextlib.suppress(psutil.Error):
            if "autoflow.local.engine.serve" in process.cmdline():
                found.add(process.pid)
    return found


def test_each_object_has_its_answers_in_the_order_of_its_rows(
    aws: "SageMaker", model: str, rows: list[list[str]], heard: Any
) -> None:
    """GIVEN objects in folders WHEN they are transformed several requests at a time THEN each has all its answers."""
    aws.upload("batch/a.csv", aws.table(rows[:2_500], header=None))
    aws.upload("batch/deep/er/b.csv", aws.table(rows[2_500:], header=None).rstrip(b"\n"))
    aws.upload("batch/empty.csv", b"")
    tags = [{"Key": "autopilot-flow:run", "Value": "s3://b/runs/r/"}]
    many = job(aws, "many", "batch/", MaxPayloadInMB=1, MaxConcurrentTransforms=4, BatchStrategy="MultiRecord")
    arn = aws.sagemaker.create_transform_job(**many, Tags=tags)["TransformJobArn"]
    begun = aws.sagemaker.describe_transform_job(TransformJobName="many")
    assert begun["TransformJobStatus"] == "InProgress"
    description = ended(aws, "many")
    assert description["TransformJobStatus"] == "Completed", description
    assert description["CreationTime"] <= description["TransformStartTime"] <= description["TransformEndTime"]
    found = outputs(aws, "many")
    assert sorted(found) == ["a.csv.out", "deep/er/b.csv.out"]

    listed = aws.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert listed == tags
    told = heard("Transform Job", 4)
    assert {event["detail"]["TransformJobName"] for event in told} == {"many"}
    assert {event["detail"]["TransformJobStatus"] for event in told} == {"InProgress", "Completed"}
    assert told[0]["resources"] == [arn]

    aws.upload("one/b.csv", aws.table(rows[2_500:2_520], header=None))
    aws.sagemaker.create_transform_job(
        **job(
            aws, "single", "one/b.csv", BatchStrategy="SingleRecord", Environment={"SAGEMAKER_INFERENCE_OUTPUT": KEYS}
        )
    )
    assert ended(aws, "single")["TransformJobStatus"] == "Completed"
    one_by_one = outputs(aws, "single")["b.csv.out"]
    assert one_by_one.count(b"\n") == 20
    assert found["deep/er/b.csv.out"].startswith(one_by_one)
    assert [len(record) for record in csv.reader(io.StringIO(found["a.csv.out"].decode()))] == [4] * 2_500


def test_the_answers_are_those_of_an_endpoint(aws: "SageMaker", model: str, rows: list[list[str]]) -> None:
    body = aws.table(rows[:1_000], header=None)
    aws.upload("same/rows.csv.gz", gzip.compress(body))
    aws.upload("same/list.manifest", json.dumps([{"prefix": f"s3://{aws.bucket}/same/"}, "rows.csv.gz"]).encode())
    manifest = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://{aws.bucket}/same/list.manifest"}}
    aws.sagemaker.create_transform_job(
        **job(aws, "same", "same/", source={"DataSource": manifest, "CompressionType": "Gzip"})
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1},
    }
    aws.sagemaker.create_endpoint_config(EndpointConfigName="beside", ProductionVariants=[variant])
    aws.sagemaker.create_endpoint(EndpointName="beside", EndpointConfigName="beside")
    aws.wait_for_endpoint("beside")
    answered = aws.invoke("beside", body, Accept="text/csv")
    aws.sagemaker.delete_endpoint(EndpointName="beside")
    assert ended(aws, "same")["TransformJobStatus"] == "Completed"
    assert outputs(aws, "same") == {"rows.csv.gz.out": answered.encode()}


def test_an_object_that_fails_fails_the_job_but_not_the_others(
    aws: "SageMaker", model: str, rows: list[list[str]]
) -> None:
    aws.upload("broken/good.csv", aws.table(rows[:10], header=None))
    aws.upload("broken/wide.csv", aws.table([[*row, "more", "than", "it", "knows"] for row in rows[:10]], header=None))
    aws.sagemaker.create_transform_job(**job(aws, "broken", "broken/"))
    description = ended(aws, "broken")
    assert description["TransformJobStatus"] == "Failed"
    assert description["FailureReason"] == "ClientError: See job logs for more information"
    assert list(outputs(aws, "broken")) == ["good.csv.out"]
    said = data_log(aws, "broken")
    assert f"{aws.bucket}/broken/wide.csv: Bad HTTP status received from algorithm: 400" in said


def test_a_record_that_is_larger_than_a_request_fails(aws: "SageMaker", model: str, rows: list[list[str]]) -> None:
    large = [*rows[0][:-1], "x" * (1024 * 1024)]
    aws.upload("large/rows.csv", aws.table([rows[0], large], header=None))
    aws.sagemaker.create_transform_job(**job(aws, "large", "large/", MaxPayloadInMB=1))
    assert ended(aws, "large")["FailureReason"] == "ClientError: See job logs for more information"
    assert outputs(aws, "large") == {}
    assert "Too much data for max payload size" in data_log(aws, "large")


def test_a_stopped_job_leaves_no_output_and_no_process(
    aws: "SageMaker", model: str, cloud: "Cloud", rows: list[list[str]]
) -> None:
    before = serving(cloud)
    aws.upload("long/rows.csv", aws.table(rows * 20, header=None))
    aws.sagemaker.create_transform_job(**job(aws, "long", "long/", BatchStrategy="SingleRecord"))
    while "TransformStartTime" not in aws.sagemaker.describe_transform_job(TransformJobName="long"):
        time.sleep(0.05)
    aws.sagemaker.stop_transform_job(TransformJobName="long")
    with contextlib.suppress(ClientError):  # again, unless it has stopped in between
        aws.sagemaker.stop_transform_job(TransformJobName="long")
    description = ended(aws, "long", seconds=15)
    assert description["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in description
    assert outputs(aws, "long") == {}
    assert serving(cloud) <= before
    code, message = refusal(aws.sagemaker.stop_transform_job, TransformJobName="long")
    assert (code, message) == (
        "ValidationException",
        "The request was rejected because the transform job is in status Stopped.",
    )


def test_a_container_that_dies_fails_the_job(
    aws: "SageMaker", model: str, cloud: "Cloud", rows: list[list[str]]
) -> None:
    before = serving(cloud)
    aws.upload("dies/rows.csv", aws.table(rows * 20, header=None))
    aws.sagemaker.create_transform_job(**job(aws, "dies", "dies/", BatchStrategy="SingleRecord"))
    while "TransformStartTime" not in aws.sagemaker.describe_transform_job(TransformJobName="dies"):
        time.sleep(0.05)
    for pid in serving(cloud) - before:
        os.kill(pid, signal.SIGKILL)
    assert ended(aws, "dies")["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert outputs(aws, "dies") == {}
    assert "The container has ended" in data_log(aws, "dies")


def test_describe_shows_the_defaults_and_list_finds_the_job_whose_name_is_used_once(
    aws: "SageMaker", model: str, rows: list[list[str]]
) -> None:
    aws.upload("plain/rows.csv", aws.table(rows[:5], header=None))
    request = job(aws, "plain", "plain/")
    del request["TransformInput"]["SplitType"], request["TransformOutput"]["AssembleWith"]
    aws.sagemaker.create_transform_job(**request)
    description = ended(aws, "plain")
    assert description["TransformJobStatus"] == "Completed", description
    assert description["TransformInput"] == request["TransformInput"] | {"CompressionType": "None", "SplitType": "None"}
    assert description["TransformOutput"] == request["TransformOutput"] | {"AssembleWith": "None", "KmsKeyId": ""}
    assert description["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    listed = aws.sagemaker.list_transform_jobs(NameContains="plai", StatusEquals="Completed")["TransformJobSummaries"]
    assert [item["TransformJobArn"] for item in listed] == [description["TransformJobArn"]]
    assert aws.sagemaker.list_transform_jobs(StatusEquals="Stopping")["TransformJobSummaries"] == []
    assert refusal(aws.sagemaker.create_transform_job, **request)[0] == "ResourceInUse"


def test_what_cannot_be_done_is_refused_at_once(aws: "SageMaker", model: str, rows: list[list[str]]) -> None:
    aws.upload("refused/rows.csv", aws.table(rows[:5], header=None))

    def message(prefix: str = "refused/", **given: Any) -> str:
        code, text = refusal(aws.sagemaker.create_transform_job, **job(aws, "refused", prefix, **given))
        assert code == "ValidationException"
        return text

    assert "at most 100" in message(MaxPayloadInMB=101)
    assert "at most 100 MB, not 17 * 6" in message(MaxConcurrentTransforms=17)
    assert "at most 100 MB, not 11 * 10" in message(MaxConcurrentTransforms=11, MaxPayloadInMB=10)
    assert "chunked" in message(MaxPayloadInMB=0)
    assert "Could not find model" in message(ModelName="nobody")
    assert "No S3 objects found under S3 URL" in message("nothing-here/")
    assert "SplitType RecordIO" in message(source={"SplitType": "RecordIO"})
    assert "JoinSource Input is not supported" in message(DataProcessing={"JoinSource": "Input"})
    assert "InputFilter $[1:] is not supported" in message(DataProcessing={"InputFilter": "$[1:]"})
    assert "DataCaptureConfig is not supported" in message(DataCaptureConfig={"DestinationS3Uri": "s3://b/c"})
    resources = {"InstanceType": "ml.none.large", "InstanceCount": 1}
    assert "2 validation errors" in message(TransformResources=resources, BatchStrategy="Everything")
    assert refusal(aws.sagemaker.describe_transform_job, TransformJobName="refused") == (
        "ValidationException",
        "Could not find requested job with name: refused",
    )
