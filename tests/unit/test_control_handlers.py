"""Each control handler with its sample event: S3 in memory, SageMaker's answers scripted."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import clean_up
import create_automl_job
import create_model
import get_automl_job
import publish_results
import pytest
import select_best_candidate
import stop_automl_job
import validate_request
from botocore.stub import ANY, Stubber
from jsonschema import Draft202012Validator

from automl import runs, schema
from automl.errors import InvalidRequest, QuotaExceeded, ServiceUnavailable

EVENTS = Path(__file__).parents[2] / "events"
ACCOUNT = "arn:aws:sagemaker:eu-central-1:123456789012"
RUN = "abalone-0a1b2c3d"
URI = f"s3://data-bucket/runs/{RUN}/"
TAGS = {"Tags": [{"Key": "autopilot-flow:run", "Value": URI}]}
REQUEST = {
    "Dataset": {"S3Uri": "s3://data-bucket/datasets/abalone.csv", "TargetColumn": "Rings"},
    "AutoML": {"Mode": "ENSEMBLING", "MaxCandidates": 5, "MaxRuntimeSeconds": 600},
    "Selection": {},
}
CONTAINER = {"Image": "image:1", "ModelDataUrl": "s3://data-bucket/model.tar.gz", "Environment": {"MODEL_NAME": "m"}}


def event(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def put(s3: Any, name: str, document: Any) -> None:
    s3.put_object(Bucket="data-bucket", Key=f"runs/{RUN}/{name}", Body=json.dumps(document))


def get(s3: Any, name: str) -> Any:
    return json.loads(s3.get_object(Bucket="data-bucket", Key=f"runs/{RUN}/{name}")["Body"].read())


def job(status: str = "InProgress", secondary: str = "TrainingModels", **more: Any) -> dict[str, Any]:
    created = datetime.now(UTC) - timedelta(seconds=100)
    return {
        "AutoMLJobName": RUN,
        "AutoMLJobArn": f"{ACCOUNT}:automl-job/{RUN}",
        "AutoMLJobInputDataConfig": [{"ContentType": "text/csv;header=present"}],
        "OutputDataConfig": {"S3OutputPath": f"{URI}autopilot"},
        "RoleArn": "arn:aws:iam::123456789012:role/sagemaker",
        "CreationTime": created,
        "LastModifiedTime": created,
        "AutoMLJobStatus": status,
        "AutoMLJobSecondaryStatus": secondary,
        **more,
    }


def candidate(name: str, value: float) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "CandidateName": name,
        "ObjectiveStatus": "Succeeded",
        "CandidateSteps": [],
        "CandidateStatus": "Completed",
        "CreationTime": now,
        "EndTime": now,
        "LastModifiedTime": now,
        "InferenceContainers": [CONTAINER],
        "FinalAutoMLJobObjectiveMetric": {"MetricName": "RMSE", "Type": "Minimize", "Value": value},
    }


def missing(stubber: Stubber, *operations: str) -> None:
    for operation in operations:
        code = "ResourceNotFound" if "job" in operation else "ValidationException"
        stubber.add_client_error(operation, code, "Could not find it")


def test_validate_request_names_the_run_and_writes_the_request(data_bucket: Any, lambda_context: Any) -> None:
    sent = event("validate_request")
    run = validate_request.handler(sent, lambda_context)
    name = runs.run_name(sent["Execution"])
    hosting = {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}}
    assert run == {
        "Name": name,
        "Uri": f"s3://data-bucket/runs/{name}/",
        "StartedAt": sent["Execution"]["StartTime"],
        "Endpoint": {"Name": name, "Keep": False, **hosting},
        "Staging": {"Name": f"{name}-staging", **hosting},
        "Approval": "Automatic",
        "ApprovalTimeoutSeconds": 604800,
    }
    written = json.loads(data_bucket.get_object(Bucket="data-bucket", Key=f"runs/{name}/request.json")["Body"].read())
    Draft202012Validator(schema.load("request")).validate(written)
    assert written["AutoML"] == {"Mode": "ENSEMBLING", "MaxCandidates": 5, "MaxRuntimeSeconds": 600}


def test_validate_request_raises_the_error_that_the_state_machine_knows(lambda_context: Any) -> None:
    with pytest.raises(InvalidRequest, match="Did you mean 'Dataset'"):
        validate_request.handler({**event("validate_request"), "Input": {"dataset": {}}}, lambda_context)


def test_create_automl_job_starts_the_job(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    put(data_bucket, "request.json", REQUEST)
    answer = {"AutoMLJobArn": f"{ACCOUNT}:automl-job/{RUN}"}
    stub(create_automl_job.SAGEMAKER).add_response("create_auto_ml_job_v2", answer)
    status = create_automl_job.handler(event("create_automl_job"), lambda_context)
    assert (status["Name"], status["Status"], status["Polls"]) == (RUN, "InProgress", 0)
    assert (status["DeadlineSeconds"], status["AbandonSeconds"], status["WaitSeconds"]) == (2400, 6000, 15)


def test_create_automl_job_waits_for_a_quota(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    put(data_bucket, "request.json", REQUEST)
    stub(create_automl_job.SAGEMAKER).add_client_error(
        "create_auto_ml_job_v2", "ResourceLimitExceeded", "too many concurrent jobs"
    )
    with pytest.raises(QuotaExceeded, match="too many concurrent jobs"):
        create_automl_job.handler(event("create_automl_job"), lambda_context)


def test_get_automl_job_refreshes_the_status(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    stubber = stub(get_automl_job.SAGEMAKER)
    stubber.add_response("describe_auto_ml_job_v2", job(), {"AutoMLJobName": RUN})
    stubber.add_response("list_candidates_for_auto_ml_job", {"Candidates": [candidate("a", 2.0)]})
    sent = event("get_automl_job")
    status = get_automl_job.handler(sent, lambda_context)
    assert (status["Polls"], status["Candidates"], status["HasCandidate"]) == (sent["Job"]["Polls"] + 1, 1, True)
    assert 100 <= status["ElapsedSeconds"] < 110


def test_get_automl_job_names_an_unavailable_service(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    stub(get_automl_job.SAGEMAKER).add_client_error("describe_auto_ml_job_v2", "ThrottlingException", "slow down")
    with pytest.raises(ServiceUnavailable):
        get_automl_job.handler(event("get_automl_job"), lambda_context)


def test_stop_automl_job_looks_again_soon(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    stub(stop_automl_job.SAGEMAKER).add_response("stop_auto_ml_job", {}, {"AutoMLJobName": RUN})
    status = stop_automl_job.handler(event("stop_automl_job"), lambda_context)
    assert (status["WaitSeconds"], status["Progress"]) == (15, "Stopping")
    assert status["DeadlineSeconds"] == 2400


def test_select_best_candidate_writes_leaderboard_and_candidate(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    put(data_bucket, "request.json", REQUEST)
    stubber = stub(select_best_candidate.SAGEMAKER)
    stubber.add_response("describe_auto_ml_job_v2", job("Completed", "Completed"))
    found = {"Candidates": [candidate("a", 2.5), candidate("b", 2.1), candidate("c", 2.9)]}
    stubber.add_response("list_candidates_for_auto_ml_job", found)
    best = select_best_candidate.handler(event("select_best_candidate"), lambda_context)
    assert best == {
        "Name": "b",
        "Metric": "RMSE",
        "Value": 2.1,
        "Direction": "Minimize",
        "Containers": 1,
        "Considered": 3,
        "Usable": 3,
    }
    assert [row["Name"] for row in get(data_bucket, "leaderboard.json")["Candidates"]] == ["b", "a", "c"]
    assert get(data_bucket, "candidate.json")["InferenceContainers"] == [CONTAINER]


def test_create_model_keeps_the_containers_and_writes_how_to_talk_to_it(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    put(data_bucket, "request.json", REQUEST)
    put(data_bucket, "recipe.json", {"Features": ["Length", "Volume"]})
    put(data_bucket, "candidate.json", {"CandidateName": "b", "InferenceContainers": [CONTAINER]})
    stub(create_model.SAGEMAKER).add_response(
        "create_model",
        {"ModelArn": f"{ACCOUNT}:model/{RUN}"},
        {"ModelName": RUN, "ExecutionRoleArn": ANY, "PrimaryContainer": CONTAINER, **TAGS},
    )
    assert create_model.handler(event("create_model"), lambda_context) == {"Name": RUN, "Containers": 1}
    document = get(data_bucket, "model.json")
    Draft202012Validator(schema.load("model")).validate(document)
    assert (document["ResponseKeys"], document["Features"]) == (["prediction"], ["Length", "Volume"])


def test_publish_results_writes_what_it_returns(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    now = datetime.now(UTC)
    history = {"events": [{"id": 1, "type": "PassStateEntered", "timestamp": now}]}
    stub(publish_results.STEP_FUNCTIONS).add_response("get_execution_history", history)
    result = publish_results.handler(event("publish_results"), lambda_context)
    Draft202012Validator(schema.load("result")).validate(result)
    assert get(data_bucket, "result.json") == result
    assert result["Outcome"] == "Completed"
    assert (result["Cost"]["StateTransitions"], result["Cost"]["USD"]["Total"]) == (4, 0.0001)


def test_clean_up_tells_why_and_writes_the_result(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    stubber = stub(clean_up.SERVICES.sagemaker)
    stubber.add_response("describe_auto_ml_job_v2", job("Stopped", "Stopped"))
    missing(stubber, "describe_endpoint", "describe_endpoint", "describe_endpoint", "describe_model")
    stub(clean_up.STEP_FUNCTIONS).add_client_error("get_execution_history", "AccessDeniedException", "not authorized")
    failure = clean_up.handler(event("clean_up"), lambda_context)
    assert failure["Error"] == "AutoMLJobFailed"
    assert failure["Cause"].endswith("Start again and let it run longer.")
    result = get(data_bucket, "result.json")
    Draft202012Validator(schema.load("result")).validate(result)
    assert (result["Outcome"], result["Error"], result["Cause"]) == ("Failed", failure["Error"], failure["Cause"])


def test_clean_up_works_when_validation_failed(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    endpoints = ["describe_endpoint"] * 3  # on staging, the champion's, in production
    missing(stub(clean_up.SERVICES.sagemaker), "describe_auto_ml_job_v2", *endpoints, "describe_model")
    stub(clean_up.STEP_FUNCTIONS).add_response("get_execution_history", {"events": []})
    sent = event("clean_up")["State"]
    cause = json.dumps({"errorMessage": "'x' is not a known key. Did you mean 'y'?", "errorType": "InvalidRequest"})
    error = {"Error": "InvalidRequest", "Cause": cause}
    state = {"Input": sent["Input"], "Execution": sent["Execution"], "Error": error}
    failure = clean_up.handler({"State": state}, lambda_context)
    assert failure == {
        "Error": "InvalidRequest",
        "Cause": "'x' is not a known key. Did you mean 'y'?",
        "Removed": [],
        "Left": [],
        "Lasting": [],
    }
    key = f"runs/{runs.run_name(sent['Execution'])}/result.json"
    assert data_bucket.head_object(Bucket="data-bucket", Key=key)["ContentType"] == "application/json"
