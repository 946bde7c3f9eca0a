"""The smoke test of an endpoint, with the run's rows in S3 and SageMaker's answers scripted."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from automl.deployment.smoke import smoke_test
from automl.errors import EndpointFailed, InvalidRequest, PredictionMismatch

ACCOUNT = "arn:aws:sagemaker:eu-central-1:123456789012"
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
SMOKE = b"1,2\n3,4\n"


def put(s3: Any, problem_type: str, keys: list[str], smoke: bytes | None = SMOKE) -> None:
    model = {
        "ModelName": "run-1",
        "Candidate": "c",
        "Mode": "ENSEMBLING",
        "ProblemType": problem_type,
        "ResponseKeys": keys,
        "Containers": 1,
        "Features": ["a", "b"],
    }
    s3.put_object(Bucket="data-bucket", Key="runs/run-1/model.json", Body=json.dumps(model))
    if smoke is not None:
        s3.put_object(Bucket="data-bucket", Key="runs/run-1/smoke.csv", Body=smoke)


@pytest.fixture
def sagemaker(stub: Callable[[Any], Stubber]) -> Any:
    client = boto3.client("sagemaker")
    stubber = stub(client)
    named = {"EndpointName": "rings", "EndpointArn": f"{ACCOUNT}:endpoint/rings", "EndpointConfigName": "c"}
    stubber.add_response(
        "describe_endpoint",
        {**named, "EndpointStatus": "InService", "CreationTime": NOW, "LastModifiedTime": NOW},
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "run-1",
        "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 5},
    }
    stubber.add_response(
        "describe_endpoint_config",
        {
            "EndpointConfigName": "c",
            "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/c",
            "ProductionVariants": [variant],
            "CreationTime": NOW,
        },
    )
    arn = f"{ACCOUNT}:model/run-1"
    stubber.add_response("describe_model", {"ModelName": "run-1", "ModelArn": arn, "CreationTime": NOW})
    stubber.add_response(
        "list_tags", {"Tags": [{"Key": "autopilot-flow:run", "Value": "s3://data-bucket/runs/run-1/"}]}
    )
    return client


@pytest.fixture
def runtime() -> Any:
    return boto3.client("sagemaker-runtime")


def answers(stubber: Stubber, body: bytes) -> None:
    stubber.add_response(
        "invoke_endpoint",
        {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentType": "text/csv"},
        {"EndpointName": "rings", "ContentType": "text/csv", "Accept": "text/csv", "Body": SMOKE},
    )


@pytest.mark.parametrize(
    ("problem_type", "keys", "body"),
    [
        ("Regression", ["prediction"], b"9.5\n-1e-3\n"),
        (
            "BinaryClassification",
            ["predicted_label", "probability", "probabilities", "labels"],
            b"yes,0.7,\"[0.3, 0.7]\",\"['no', 'yes']\"\nno,0.9,\"[0.9, 0.1]\",\"['no', 'yes']\"\n",
        ),
    ],
)
def test_one_readable_record_per_row_passes(
    data_bucket: Any,
    sagemaker: Any,
    runtime: Any,
    stub: Callable[[Any], Stubber],
    problem_type: str,
    keys: list[str],
    body: bytes,
) -> None:
    put(data_bucket, problem_type, keys)
    answers(stub(runtime), body)
    assert smoke_test(sagemaker, runtime, data_bucket, "rings") == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"9.5\n", "1 records for 2 rows"),
        (b"9.5\nnan\n", "answered 'nan' to smoke row 1"),
        (b"9.5\nseven\n", "answered 'seven' to smoke row 1, which is no prediction for Regression"),
    ],
)
def test_an_unreadable_answer_fails(
    data_bucket: Any, sagemaker: Any, runtime: Any, stub: Callable[[Any], Stubber], body: bytes, words: str
) -> None:
    put(data_bucket, "Regression", ["prediction"])
    answers(stub(runtime), body)
    with pytest.raises(PredictionMismatch, match=words):
        smoke_test(sagemaker, runtime, data_bucket, "rings")


def test_a_model_that_breaks_on_the_rows_fails(
    data_bucket: Any, sagemaker: Any, runtime: Any, stub: Callable[[Any], Stubber]
) -> None:
    put(data_bucket, "Regression", ["prediction"])
    stub(runtime).add_client_error("invoke_endpoint", "ModelError", "500 from the container", http_status_code=424)
    with pytest.raises(EndpointFailed, match="/aws/sagemaker/Endpoints/rings"):
        smoke_test(sagemaker, runtime, data_bucket, "rings")


def test_rows_that_are_gone_are_told(data_bucket: Any, sagemaker: Any, runtime: Any) -> None:
    put(data_bucket, "Regression", ["prediction"], smoke=None)
    with pytest.raises(InvalidRequest, match=r"runs/run-1/smoke\.csv is gone"):
        smoke_test(sagemaker, runtime, data_bucket, "rings")
