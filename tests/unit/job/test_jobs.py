"""The AutoML job's request and status."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import InvalidRequest
from automl.job import jobs

RUN = {"Name": "abalone-12345678", "Uri": "s3://data-bucket/runs/abalone-12345678/"}
DATA = {"TrainUri": RUN["Uri"] + "data/train/", "ProblemType": "Regression", "ObjectiveMetric": "RMSE"}
REQUEST = {
    "Dataset": {"S3Uri": "s3://source/abalone.csv", "TargetColumn": "Rings"},
    "AutoML": {"Mode": "ENSEMBLING", "MaxCandidates": 5, "MaxRuntimeSeconds": 600},
}
SETTINGS = jobs.JobSettings("arn:aws:iam::123456789012:role/sagemaker", None, (), (), 15)
CREATED = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:automl-job/abalone-12345678"


def description(status: str = "InProgress", secondary: str = "TrainingModels", **more: Any) -> dict[str, Any]:
    job = jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, SETTINGS)
    return {
        "AutoMLJobName": RUN["Name"],
        "AutoMLJobArn": ARN,
        "AutoMLJobInputDataConfig": job["AutoMLJobInputDataConfig"],
        "OutputDataConfig": job["OutputDataConfig"],
        "RoleArn": SETTINGS.sagemaker_role_arn,
        "CreationTime": CREATED,
        "LastModifiedTime": CREATED + timedelta(seconds=60),
        "AutoMLJobStatus": status,
        "AutoMLJobSecondaryStatus": secondary,
        **more,
    }


def test_a_job_names_the_run_that_it_follows() -> None:
    previous = {"Found": True, "Uri": "s3://data-bucket/runs/former/"}
    job = jobs.job_request(RUN, DATA, previous, REQUEST, SETTINGS)
    assert {"Key": "autopilot-flow:previous-run", "Value": "s3://data-bucket/runs/former/"} in job["Tags"]


def refreshed(described: dict[str, Any], after: float, finished: int = 0) -> dict[str, Any]:
    status = jobs.new_status(RUN["Name"], 600, CREATED, 15)
    return jobs.refreshed_status(status, described, finished, CREATED + timedelta(seconds=after), 15)  # type: ignore[arg-type]


def test_mode_problem_type_and_objective_are_always_sent() -> None:
    job = jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, SETTINGS)
    assert job["AutoMLProblemTypeConfig"] == {
        "TabularJobConfig": {
            "TargetAttributeName": "Rings",
            "Mode": "ENSEMBLING",
            "ProblemType": "Regression",
            "CompletionCriteria": {"MaxCandidates": 5, "MaxAutoMLJobRuntimeInSeconds": 600},
        }
    }
    assert job["AutoMLJobObjective"] == {"MetricName": "RMSE"}
    assert job["Tags"] == [{"Key": "autopilot-flow:run", "Value": RUN["Uri"]}]
    assert job["OutputDataConfig"] == {"S3OutputPath": RUN["Uri"] + "autopilot"}
    assert "SecurityConfig" not in job


def test_key_and_network_of_the_stack_are_used() -> None:
    settings = jobs.JobSettings(SETTINGS.sagemaker_role_arn, "arn:aws:kms:key", ("subnet-1",), ("sg-1",), 15)
    job = jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, settings)
    assert job["OutputDataConfig"]["KmsKeyId"] == "arn:aws:kms:key"
    assert job["SecurityConfig"] == {
        "VolumeKmsKeyId": "arn:aws:kms:key",
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    }


def test_subnets_without_security_groups_are_a_broken_stack() -> None:
    with pytest.raises(RuntimeError, match="belong together"):
        jobs.vpc_config(("subnet-1",), ())


@pytest.mark.parametrize(
    "settings", [SETTINGS, jobs.JobSettings(SETTINGS.sagemaker_role_arn, "key", ("s",), ("g",), 1)]
)
def test_sagemaker_accepts_the_request(stub: Callable[[Any], Stubber], settings: jobs.JobSettings) -> None:
    sagemaker = boto3.client("sagemaker")
    job = jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, settings)
    stub(sagemaker).add_response("create_auto_ml_job_v2", {"AutoMLJobArn": ARN}, dict(job))
    jobs.create_job(sagemaker, job)


@pytest.mark.parametrize("code", ["ResourceInUse", "ValidationException"])
def test_creating_the_same_job_again_finds_it(stub: Callable[[Any], Stubber], code: str) -> None:
    sagemaker = boto3.client("sagemaker")
    stubber = stub(sagemaker)
    stubber.add_client_error("create_auto_ml_job_v2", code, "already there, in whatever words")
    stubber.add_response("describe_auto_ml_job_v2", description(), {"AutoMLJobName": RUN["Name"]})
    jobs.create_job(sagemaker, jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, SETTINGS))


def test_a_refused_job_is_an_invalid_request_with_the_reason(stub: Callable[[Any], Stubber]) -> None:
    sagemaker = boto3.client("sagemaker")
    stubber = stub(sagemaker)
    stubber.add_client_error("create_auto_ml_job_v2", "ValidationException", "Target attribute name y does not exist.")
    stubber.add_client_error("describe_auto_ml_job_v2", "ResourceNotFound")
    with pytest.raises(InvalidRequest, match=r"Target attribute name y does not exist\. Correct the request"):
        jobs.create_job(sagemaker, jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, SETTINGS))


def test_a_job_of_that_name_with_another_output_is_not_ours(stub: Callable[[Any], Stubber]) -> None:
    sagemaker = boto3.client("sagemaker")
    stubber = stub(sagemaker)
    stubber.add_client_error("create_auto_ml_job_v2", "ResourceInUse", "name taken")
    foreign = {**description(), "OutputDataConfig": {"S3OutputPath": "s3://elsewhere/x"}}
    stubber.add_response("describe_auto_ml_job_v2", foreign)
    with pytest.raises(InvalidRequest, match="name taken"):
        jobs.create_job(sagemaker, jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, SETTINGS))


def test_a_quota_is_no_refusal_and_is_not_looked_into(stub: Callable[[Any], Stubber]) -> None:
    sagemaker = boto3.client("sagemaker")
    stub(sagemaker).add_client_error("create_auto_ml_job_v2", "ResourceLimitExceeded", "too many jobs")
    with pytest.raises(ClientError, match="too many jobs"):
        jobs.create_job(sagemaker, jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, SETTINGS))


@given(st.integers(1, 2_592_000))
def test_the_deadline_leaves_half_the_runtime_and_half_an_hour(limit: int) -> None:
    status = jobs.new_status("job", limit, CREATED, 15)
    assert status["DeadlineSeconds"] >= limit + 1800
    assert status["DeadlineSeconds"] >= int(1.5 * limit)
    assert status["AbandonSeconds"] == status["DeadlineSeconds"] + 3600


@pytest.mark.parametrize(
    ("status", "secondary", "best", "finished", "has_candidate"),
    [
        ("InProgress", "Starting", False, 0, False),
        ("InProgress", "TrainingModels", False, 2, True),
        ("Stopping", "Stopping", True, 2, True),
        ("Stopped", "Stopped", False, 0, False),
        ("Stopped", "Stopped", True, 0, True),
        ("Completed", "MaxAutoMLJobRuntimeReached", True, 3, True),
        ("Completed", "Completed", False, 3, True),
        ("Failed", "Failed", False, 0, False),
    ],
)
def test_every_status_becomes_a_document(
    status: str, secondary: str, best: bool, finished: int, has_candidate: bool
) -> None:
    more: dict[str, Any] = {"EndTime": CREATED + timedelta(seconds=90)} if status in jobs.TERMINAL else {}
    if best:
        metric = {"MetricName": "RMSE", "Type": "Minimize", "Value": 2.25, "StandardMetricName": "RMSE"}
        more["BestCandidate"] = {"CandidateName": "c", "FinalAutoMLJobObjectiveMetric": metric}
    if status == "Failed":
        more["FailureReason"] = "not enough rows"
    document = refreshed(description(status, secondary, **more), 100, finished)
    assert document["Status"] == status
    assert document["HasCandidate"] is has_candidate
    assert document["Candidates"] == finished
    assert document["ElapsedSeconds"] == 100
    assert document["Polls"] == 1
    assert document["FailureReason"] == ("not enough rows" if status == "Failed" else "")
    assert ("LagSeconds" in document) == (status in jobs.TERMINAL)
    if status in jobs.TERMINAL:
        assert (document["AutoMLSeconds"], document["LagSeconds"]) == (90.0, 10.0)
    assert ("best RMSE 2.25" in document["Progress"]) == best


def test_progress_tells_phase_candidates_and_time() -> None:
    assert (
        refreshed(description(), 75, 1)["Progress"] == "Training models, 1 candidate so far, 0:01:15 of at most 0:10:00"
    )
    assert refreshed(description(secondary="SomethingNew"), 0)["Progress"].startswith("SomethingNew, 0 candidates")


def test_after_a_stop_the_wait_starts_small_again() -> None:
    day = 86_400
    status = jobs.new_status("job", day, CREATED, 15)
    late = CREATED + timedelta(seconds=status["DeadlineSeconds"] + 100)
    running = jobs.refreshed_status(status, description(), 0, late, 15)  # type: ignore[arg-type]
    stopping = jobs.refreshed_status(status, description("Stopping", "Stopping"), 0, late, 15)  # type: ignore[arg-type]
    assert running["WaitSeconds"] == 1200
    assert stopping["WaitSeconds"] == 15


def test_clocks_that_differ_make_no_negative_times() -> None:
    ended = description("Completed", "Completed", EndTime=CREATED + timedelta(seconds=90))
    document = refreshed(ended, 80)
    assert document["LagSeconds"] == 0.0
    assert refreshed(description(), -5)["ElapsedSeconds"] == 0


@pytest.mark.parametrize("code", ["ResourceNotFound", "ValidationException"])
def test_stopping_a_job_that_has_ended_is_no_error(stub: Callable[[Any], Stubber], code: str) -> None:
    sagemaker = boto3.client("sagemaker")
    stubber = stub(sagemaker)
    stubber.add_client_error("stop_auto_ml_job", code)
    stubber.add_response("describe_auto_ml_job_v2", description("Completed", "Completed"))
    jobs.stop_job(sagemaker, RUN["Name"])


def test_a_job_that_will_not_stop_is_an_error(stub: Callable[[Any], Stubber]) -> None:
    sagemaker = boto3.client("sagemaker")
    stubber = stub(sagemaker)
    stubber.add_client_error("stop_auto_ml_job", "ValidationException", "not now")
    stubber.add_response("describe_auto_ml_job_v2", description())
    with pytest.raises(ClientError, match="not now"):
        jobs.stop_job(sagemaker, RUN["Name"])
