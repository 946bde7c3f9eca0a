"""Clean-up after a failure at any point of a run."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from automl import cleanup, runs
from automl.errors import ServiceUnavailable

ACCOUNT = "arn:aws:sagemaker:eu-central-1:123456789012"
RUN = {"Name": "run-1", "Uri": "s3://data-bucket/runs/run-1/"}
OURS = {"Key": "autopilot-flow:run", "Value": RUN["Uri"]}
THEIRS = {"Key": "autopilot-flow:run", "Value": "s3://data-bucket/runs/other/"}
EXECUTION = {"Id": "arn:execution", "Name": "Run", "StartTime": "2026-11-21T06:00:00Z"}
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client("sagemaker")


@pytest.fixture
def stubber(sagemaker: Any, stub: Callable[[Any], Stubber]) -> Stubber:
    return stub(sagemaker)


def missing(stubber: Stubber, *operations: str) -> None:
    for operation in operations:
        code = "ResourceNotFound" if "job" in operation else "ValidationException"
        stubber.add_client_error(operation, code, "Could not find it")


def job(stubber: Stubber, status: str) -> None:
    stubber.add_response(
        "describe_auto_ml_job_v2",
        {
            "AutoMLJobName": "run-1",
            "AutoMLJobArn": f"{ACCOUNT}:automl-job/run-1",
            "AutoMLJobInputDataConfig": [{"ContentType": "text/csv;header=present"}],
            "OutputDataConfig": {"S3OutputPath": "s3://data-bucket/x"},
            "RoleArn": "arn:aws:iam::123456789012:role/sagemaker",
            "CreationTime": NOW,
            "LastModifiedTime": NOW,
            "AutoMLJobStatus": status,
            "AutoMLJobSecondaryStatus": "Starting",
        },
        {"AutoMLJobName": "run-1"},
    )


def endpoint(stubber: Stubber, config: str = "c") -> None:
    stubber.add_response(
        "describe_endpoint",
        {
            "EndpointName": "rings",
            "EndpointArn": f"{ACCOUNT}:endpoint/rings",
            "EndpointConfigName": config,
            "EndpointStatus": "InService",
            "CreationTime": NOW,
            "LastModifiedTime": NOW,
        },
        {"EndpointName": "rings"},
    )


def config(stubber: Stubber) -> None:
    stubber.add_response(
        "describe_endpoint_config",
        {
            "EndpointConfigName": "c",
            "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/c",
            "ProductionVariants": [{"VariantName": "AllTraffic"}],
            "CreationTime": NOW,
        },
        {"EndpointConfigName": "c"},
    )


def tags(stubber: Stubber, resource: str, tag: dict[str, str]) -> None:
    stubber.add_response("list_tags", {"Tags": [tag]}, {"ResourceArn": f"{ACCOUNT}:{resource}"})


def model(stubber: Stubber, tag: dict[str, str]) -> None:
    described = {"ModelName": "run-1", "ModelArn": f"{ACCOUNT}:model/run-1", "CreationTime": NOW}
    stubber.add_response("describe_model", described, {"ModelName": "run-1"})
    tags(stubber, "model/run-1", tag)


def endpoint_removed(stubber: Stubber) -> None:
    config(stubber)
    endpoint(stubber)
    tags(stubber, "endpoint-config/c", OURS)
    tags(stubber, "endpoint/rings", OURS)
    stubber.add_response("delete_endpoint", {}, {"EndpointName": "rings"})
    stubber.add_response("delete_endpoint_config", {}, {"EndpointConfigName": "c"})


def test_a_run_that_failed_before_it_began_leaves_nothing(sagemaker: Any, stubber: Stubber, data_bucket: Any) -> None:
    missing(stubber, "describe_auto_ml_job_v2", "describe_endpoint", "describe_model")
    work = cleanup.CleanUp(sagemaker, data_bucket, RUN)
    work.perform({"Input": {}, "Execution": EXECUTION, "Error": {"Error": "InvalidRequest"}}, "InvalidRequest")
    assert (work.removed, work.left) == ([], [])


def test_a_run_is_known_by_its_execution_alone() -> None:
    name = runs.run_name(EXECUTION)
    run = cleanup.run_of({"Input": {}, "Execution": EXECUTION}, "data-bucket")
    assert run == {"Name": name, "Uri": f"s3://data-bucket/runs/{name}/"}
    assert cleanup.run_of({"Execution": EXECUTION, "Run": {**RUN, "Endpoint": {}}}, "data-bucket") == RUN


def test_everything_the_run_made_is_taken_away(sagemaker: Any, stubber: Stubber, data_bucket: Any) -> None:
    for key in ("runs/run-1/data/train/part-0.csv", "runs/run-1/request.json", "runs/run-10/data/train/part-0.csv"):
        data_bucket.put_object(Bucket="data-bucket", Key=key, Body=b"x")
    job(stubber, "InProgress")
    stubber.add_response("stop_auto_ml_job", {}, {"AutoMLJobName": "run-1"})
    endpoint_removed(stubber)
    model(stubber, OURS)
    stubber.add_response("delete_model", {}, {"ModelName": "run-1"})
    work = cleanup.CleanUp(sagemaker, data_bucket, RUN)
    work.perform({"Run": RUN, "Deployment": {"Endpoint": {"Name": "rings", "ConfigName": "c"}}}, "InvalidDataset")
    assert work.removed == [
        "AutoML job run-1 (stopped)",
        "endpoint rings",
        "endpoint config c",
        "model run-1",
        "1 data files in s3://data-bucket/runs/run-1/data/",
    ]
    keys = [item["Key"] for item in data_bucket.list_objects_v2(Bucket="data-bucket")["Contents"]]
    assert keys == ["runs/run-1/request.json", "runs/run-10/data/train/part-0.csv"]


def test_an_aborted_deployment_is_found_by_the_endpoint_it_was_for(
    sagemaker: Any, stubber: Stubber, data_bucket: Any
) -> None:
    job(stubber, "Completed")
    endpoint(stubber)
    config(stubber)
    tags(stubber, "endpoint-config/c", OURS)
    endpoint_removed(stubber)
    missing(stubber, "describe_model")
    work = cleanup.CleanUp(sagemaker, data_bucket, RUN)
    work.perform({"Run": {**RUN, "Endpoint": {"Name": "rings"}}}, "States.Timeout")
    assert work.removed == ["endpoint rings", "endpoint config c"]


def test_a_model_stays_until_the_endpoint_is_back_on_its_former_config(
    sagemaker: Any, stubber: Stubber, data_bucket: Any
) -> None:
    job(stubber, "Completed")
    config(stubber)
    endpoint(stubber)
    former = {"Key": "autopilot-flow:previous-config", "Value": "old"}
    stubber.add_response("list_tags", {"Tags": [OURS, former]}, {"ResourceArn": f"{ACCOUNT}:endpoint-config/c"})
    restored = {"EndpointName": "rings", "EndpointConfigName": "old"}
    stubber.add_response("update_endpoint", {"EndpointArn": f"{ACCOUNT}:endpoint/rings"}, restored)
    work = cleanup.CleanUp(sagemaker, data_bucket, RUN)
    work.perform({"Run": RUN, "Deployment": {"Endpoint": {"Name": "rings", "ConfigName": "c"}}}, "PredictionMismatch")
    assert work.left == ["endpoint config c and its model: needed until endpoint rings is back as it was"]


def test_what_others_made_stays(sagemaker: Any, stubber: Stubber, data_bucket: Any) -> None:
    data_bucket.put_object(Bucket="data-bucket", Key="runs/run-1/data/train/part-0.csv", Body=b"x")
    job(stubber, "Stopping")
    endpoint(stubber)
    config(stubber)
    tags(stubber, "endpoint-config/c", THEIRS)
    model(stubber, THEIRS)
    work = cleanup.CleanUp(sagemaker, data_bucket, RUN)
    work.perform({"Run": {**RUN, "Endpoint": {"Name": "rings"}}}, "AutoMLJobFailed")
    assert (work.removed, work.left) == ([], [])
    assert data_bucket.list_objects_v2(Bucket="data-bucket")["KeyCount"] == 1


def test_a_missing_permission_does_not_stop_the_rest_and_is_told(
    sagemaker: Any, stubber: Stubber, data_bucket: Any
) -> None:
    stubber.add_client_error("describe_auto_ml_job_v2", "AccessDeniedException", "not authorized.")
    missing(stubber, "describe_endpoint")
    work = cleanup.CleanUp(sagemaker, data_bucket, RUN)
    work.perform({"Run": RUN}, "InvalidDataset")
    assert work.left == ["AutoML job run-1: not authorized"]


def test_an_unavailable_service_makes_the_state_machine_try_again(
    sagemaker: Any, stubber: Stubber, data_bucket: Any
) -> None:
    stubber.add_client_error("describe_auto_ml_job_v2", "ThrottlingException", "slow down")
    with pytest.raises(ServiceUnavailable):
        cleanup.CleanUp(sagemaker, data_bucket, RUN).perform({"Run": RUN}, "InvalidDataset")
