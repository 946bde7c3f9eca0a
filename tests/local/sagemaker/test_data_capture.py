"""What an endpoint with instances writes down of its invocations."""

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker, Trained

ROW = b"44,cook,0.1,x\n"


def serve(aws: "SageMaker", trained: "Trained", name: str, **capture: Any) -> None:
    """An endpoint of this name that captures into a folder of this name."""
    (container,) = trained.job["BestCandidate"]["InferenceContainers"]
    aws.sagemaker.create_model(ModelName=name, Containers=[container], ExecutionRoleArn=aws.role)
    instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    body = {"InitialSamplingPercentage": 100, "DestinationS3Uri": f"s3://{aws.bucket}/{name}", **capture}
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, **instances}],
        DataCaptureConfig=body,
    )
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert aws.wait_for_endpoint(name)["EndpointStatus"] == "InService"


def captured(aws: "SageMaker", name: str, count: int) -> list[dict[str, Any]]:
    """The records, as soon as there are so many."""
    end = time.monotonic() + 15
    lines: list[str] = []
    while len(lines) < count and time.monotonic() < end:
        time.sleep(0.2)
        keys = [
            item["Key"] for item in aws.s3.list_objects_v2(Bucket=aws.bucket, Prefix=f"{name}/").get("Contents", [])
        ]
        assert all(re.fullmatch(rf"{name}/{name}/AllTraffic/\d{{4}}/\d\d/\d\d/\d\d/[^/]+\.jsonl", key) for key in keys)
        bodies = [aws.s3.get_object(Bucket=aws.bucket, Key=key)["Body"].read().decode() for key in keys]
        lines = [line for body in bodies for line in body.splitlines()]
    return [json.loads(line) for line in lines]


def test_every_invocation_is_written_down(aws: "SageMaker", trained: "Trained") -> None:
    both = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
    header = {"CsvContentTypes": ["text/csv"]}
    serve(aws, trained, "captured", CaptureOptions=both, CaptureContentTypeHeader=header)
    summary = aws.sagemaker.describe_endpoint(EndpointName="captured")["DataCaptureConfig"]
    assert (summary["CaptureStatus"], summary["CurrentSamplingPercentage"]) == ("Started", 100)
    answers = [aws.invoke("captured", ROW, InferenceId=f"id-{number}") for number in range(3)]
    with pytest.raises(ClientError, match="columns"):
        aws.invoke("captured", b"1,2\n")
    records = captured(aws, "captured", 3)
    assert {record["eventMetadata"]["inferenceId"] for record in records} == {"id-0", "id-1", "id-2"}
    data = records[0]["captureData"]
    assert data["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": ROW.decode(),
        "encoding": "CSV",
    }
    assert (data["endpointOutput"]["data"], data["endpointOutput"]["mode"]) == (answers[0], "OUTPUT")
    assert records[0]["eventVersion"] == "0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", records[0]["eventMetadata"]["inferenceTime"])
    assert len({record["eventMetadata"]["eventId"] for record in records}) == 3
    aws.sagemaker.delete_endpoint(EndpointName="captured")


def test_a_sample_of_the_requests_alone_in_base64(aws: "SageMaker", trained: "Trained") -> None:
    serve(aws, trained, "sampled", CaptureOptions=[{"CaptureMode": "Input"}], InitialSamplingPercentage=50)
    for _ in range(40):
        aws.invoke("sampled", ROW)
    time.sleep(3)
    records = captured(aws, "sampled", 1)
    assert 5 <= len(records) <= 35
    (data,) = records[0]["captureData"].values()
    assert (base64.b64decode(data["data"]), data["encoding"]) == (ROW, "BASE64")
    aws.sagemaker.delete_endpoint(EndpointName="sampled")


def test_a_serverless_endpoint_captures_nothing(aws: "SageMaker") -> None:
    container = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/other:1", "ModelDataUrl": "s3://nowhere/none"}
    aws.sagemaker.create_model(ModelName="uncaptured", PrimaryContainer=container, ExecutionRoleArn=aws.role)
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    with pytest.raises(ClientError, match="Data capture is not supported for serverless endpoints"):
        aws.sagemaker.create_endpoint_config(
            EndpointConfigName="uncaptured",
            ProductionVariants=[
                {"VariantName": "AllTraffic", "ModelName": "uncaptured", "ServerlessConfig": serverless}
            ],
            DataCaptureConfig={
                "InitialSamplingPercentage": 1,
                "DestinationS3Uri": f"s3://{aws.bucket}/uncaptured",
                "CaptureOptions": [{"CaptureMode": "Input"}],
            },
        )
