"""From an endpoint to the model behind it and the run that made it."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from automl.errors import EndpointFailed, InvalidRequest
from automl.run_files import RunFiles
from automl.scoring.served_model import how_to_ask, in_service


@mock_aws
@pytest.mark.parametrize(
    ("variant", "hosting"),
    [
        (
            {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 7}},
            {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 7}},
        ),
        (
            {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2},
            {"InstanceType": "ml.m5.large", "InstanceCount": 2},
        ),
    ],
)
def test_the_model_is_found_from_the_endpoint(variant: dict[str, Any], hosting: dict[str, Any]) -> None:
    sagemaker = boto3.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/sagemaker"
    container: Any = {"Image": "image", "ModelDataUrl": "s3://data-bucket/model"}
    ours: Any = [{"Key": "autopilot-flow:run", "Value": "s3://data-bucket/runs/r/"}]
    for name, tags in (("ours", ours), ("foreign", [])):
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container, Tags=tags)
        variants: Any = [{"VariantName": "all", "ModelName": name, **variant}]
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    model = in_service(sagemaker, "ours")

    assert (model.name, model.run.uri, model.hosting) == ("ours", "s3://data-bucket/runs/r/", hosting)
    with pytest.raises(InvalidRequest, match="has no tag 'autopilot-flow:run'"):
        in_service(sagemaker, "foreign")
    with pytest.raises(InvalidRequest, match="no endpoint 'none'"):
        in_service(sagemaker, "none")
    sagemaker.delete_model(ModelName="ours")
    with pytest.raises(InvalidRequest, match="'ours' behind endpoint 'ours' was deleted"):
        in_service(sagemaker, "ours")


def test_how_to_ask_a_model_is_told_by_its_run(data_bucket: Any) -> None:
    document = {"ProblemType": "Regression", "ResponseKeys": ["prediction"], "Features": ["a", "b"]}
    data_bucket.put_object(Bucket="data-bucket", Key="runs/r/model.json", Body=json.dumps(document))

    assert how_to_ask(data_bucket, "ours", RunFiles("s3://data-bucket/runs/r/")) == document
    with pytest.raises(InvalidRequest, match=r"runs/gone/model.json is gone, .* restore the run's files"):
        how_to_ask(data_bucket, "ours", RunFiles("s3://data-bucket/runs/gone/"))


def test_an_endpoint_that_cannot_answer_is_refused(stub: Any) -> None:
    sagemaker = boto3.client("sagemaker")
    stub(sagemaker).add_response(
        "describe_endpoint",
        {
            "EndpointName": "e",
            "EndpointArn": "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/e",
            "EndpointConfigName": "c",
            "EndpointStatus": "Creating",
            "CreationTime": 0,
            "LastModifiedTime": 0,
        },
    )

    with pytest.raises(EndpointFailed, match="'e' is Creating"):
        in_service(sagemaker, "e")
