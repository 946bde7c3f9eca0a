"""Clean-up after a failure at any point of a run."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from automl import runs
from automl.chores import Chores
from automl.errors import ServiceUnavailable
from automl.failures import Failure
from automl.outcome import cleanup, results
from tests.unit.endpoint_answers import NOW, Answers, previous_tag
from tests.unit.registry_answers import (
    ACCOUNT,
    STARTED,
    arn,
    described,
    group,
    listed,
    package,
    run_uri,
    tag_of,
)

RUN = {"Name": "run-1", "Uri": run_uri("run-1")}
EXECUTION = {"Id": "arn:execution", "Name": "Run", "StartTime": "2026-11-21T06:00:00Z"}
(OURS,) = tag_of("run-1")
(THEIRS,) = tag_of("other")
STATE: dict[str, Any] = {"Run": {**RUN, "StartedAt": STARTED, "Approval": "Automatic", "Endpoint": {"Name": "rings"}}}
JUDGED = {**STATE, "Evaluation": {"Accepted": True, "Reason": ""}}
REGISTERED = {**JUDGED, "Package": {"Arn": arn(2), "GroupName": "rings", "Version": 2, "ApprovalStatus": "Approved"}}
DEPLOYED = {**REGISTERED, "Deployment": {"Endpoint": {"Name": "rings", "ConfigName": "c"}}}


@pytest.fixture
def answers(stub: Callable[[Any], Stubber]) -> Answers:
    return Answers.make(stub)


def clean_up(answers: Answers, s3: Any, state: dict[str, Any], error: str = "States.Timeout") -> Chores:
    return cleanup.CleanUp(answers.services, s3, RUN).perform(state, error)


def job(answers: Answers, status: str = "Completed") -> Answers:
    answer = {
        "AutoMLJobName": "run-1",
        "AutoMLJobArn": f"{ACCOUNT}:automl-job/run-1",
        "AutoMLJobInputDataConfig": [{"ContentType": "text/csv;header=present"}],
        "OutputDataConfig": {"S3OutputPath": "s3://data-bucket/x"},
        "RoleArn": "arn:aws:iam::123456789012:role/sagemaker",
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        "AutoMLJobStatus": status,
        "AutoMLJobSecondaryStatus": "Starting",
    }
    answers.sagemaker.add_response("describe_auto_ml_job_v2", answer, {"AutoMLJobName": "run-1"})
    return answers


def no_staging(answers: Answers) -> Answers:
    return answers.endpoint(name="run-1-staging").endpoint(name="run-1-champion")


def started(answers: Answers) -> Answers:
    """The job has ended and the staging endpoints are gone."""
    return no_staging(job(answers))


def model(answers: Answers, tag: dict[str, str], *users: str) -> Answers:
    """The run's model, which goes if it is ours and no endpoint config has it."""
    answer = {"ModelName": "run-1", "ModelArn": f"{ACCOUNT}:model/run-1", "CreationTime": NOW}
    answers.sagemaker.add_response("describe_model", answer, {"ModelName": "run-1"})
    answers.sagemaker.add_response("list_tags", {"Tags": [tag]}, {"ResourceArn": f"{ACCOUNT}:model/run-1"})
    if tag == OURS:
        listing = {"NameContains": "run-1-"}
        configs = [
            {"EndpointConfigName": name, "EndpointConfigArn": f"{ACCOUNT}:config/{name}", "CreationTime": NOW}
            for name in users
        ]
        answers.sagemaker.add_response("list_endpoint_configs", {"EndpointConfigs": configs}, listing)
        for config in configs:
            answer = {**config, "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "run-1"}]}
            asked = {"EndpointConfigName": config["EndpointConfigName"]}
            answers.sagemaker.add_response("describe_endpoint_config", answer, asked)
        if not users:
            answers.sagemaker.add_response("delete_model", {}, {"ModelName": "run-1"})
    return answers


def rejected(answers: Answers) -> Answers:
    asked = {
        "ModelPackageArn": arn(2),
        "ModelApprovalStatus": "Rejected",
        "ApprovalDescription": "Its run failed with States.Timeout",
    }
    answers.sagemaker.add_response("update_model_package", {"ModelPackageArn": arn(2)}, asked)
    return answers


def test_a_run_that_failed_before_it_began_leaves_nothing(answers: Answers, data_bucket: Any) -> None:
    answers.refused("describe_auto_ml_job_v2", code="ResourceNotFound")
    no_staging(answers).endpoint(name="run-1").refused("describe_model")
    state = {"Input": {}, "Execution": EXECUTION, "Error": {"Error": "InvalidRequest"}}
    chores = clean_up(answers, data_bucket, state, "InvalidRequest")
    assert (chores.removed, chores.left) == ([], [])


def test_a_run_is_known_by_its_execution_alone() -> None:
    name = runs.run_name(EXECUTION)
    run = cleanup.run_of({"Input": {}, "Execution": EXECUTION}, "data-bucket")
    assert run == {"Name": name, "Uri": f"s3://data-bucket/runs/{name}/"}
    assert cleanup.run_of({"Execution": EXECUTION, **STATE}, "data-bucket") == RUN


@pytest.mark.parametrize("answer", [None, "done", {}, [1], {"Name": "n", "Endpoint": None}])
def test_broken_answers_keep_no_run_from_being_cleaned_up(answers: Answers, data_bucket: Any, answer: Any) -> None:
    """They are in the state data of an execution that they ended."""
    answers.refused("describe_auto_ml_job_v2", code="ResourceNotFound")
    no_staging(answers).endpoint(name="run-1").refused("describe_model")
    parts = ("Run", "Data", "Job", "Candidate", "Evaluation", "Package", "Deployment", "Failure", "Rows", "Serving")
    state = cleanup.sound({"Input": {}, "Execution": EXECUTION, "Deployed": answer, **dict.fromkeys(parts, answer)})
    assert clean_up(answers, data_bucket, state).left == []
    document = results.failed(state, RUN, Failure("States.Runtime", "c"), [], {}, NOW)
    assert document["Error"] == "States.Runtime"
    assert cleanup.run_of(state, "data-bucket")["Name"] == runs.run_name(EXECUTION)


def test_sound_parts_stay(answers: Answers, data_bucket: Any) -> None:
    state = {"Execution": EXECUTION, **DEPLOYED, "Retired": None}
    assert cleanup.sound(state) == state


def test_everything_the_run_made_is_taken_away(answers: Answers, data_bucket: Any) -> None:
    for key in ("runs/run-1/data/train/part-0.csv", "runs/run-1/request.json", "runs/run-10/data/train/part-0.csv"):
        data_bucket.put_object(Bucket="data-bucket", Key=key, Body=b"x")
    job(answers, "InProgress").sagemaker.add_response("stop_auto_ml_job", {}, {"AutoMLJobName": "run-1"})
    answers.endpoint("InService", "s", name="run-1-staging").config("s", OURS)
    answers.endpoint_tags(OURS, name="run-1-staging").deleted("run-1-staging").config_deleted("s")
    answers.endpoint("InService", "t", name="run-1-champion").config("t", THEIRS)
    answers.endpoint_tags(THEIRS, name="run-1-champion").deleted("run-1-champion").config_deleted("t")
    answers.endpoint("InService", "c").config("c", OURS)  # whose it is
    answers.config("c", OURS)  # what it replaced
    answers.config("c", OURS).endpoint("InService", "c").endpoint_tags(OURS).deleted().config_deleted("c")
    model(answers, OURS)
    assert clean_up(answers, data_bucket, STATE, "InvalidDataset").removed == [
        "AutoML job run-1 (stopped)",
        "endpoint run-1-staging",
        "endpoint config s",
        "endpoint run-1-champion",
        "endpoint config t",
        "endpoint rings",
        "endpoint config c",
        "model run-1",
        "1 data files in s3://data-bucket/runs/run-1/data/",
    ]
    keys = [item["Key"] for item in data_bucket.list_objects_v2(Bucket="data-bucket")["Contents"]]
    assert keys == ["runs/run-1/request.json", "runs/run-10/data/train/part-0.csv"]


@pytest.mark.parametrize(("learnt", "kept"), [({"Job": {"Status": "Completed"}}, 1), ({}, 0)])
def test_data_that_a_job_has_learnt_from_stay_whatever_the_error(
    answers: Answers, data_bucket: Any, learnt: dict[str, Any], kept: int
) -> None:
    """A nested scoring may end with the name of an error about data, too."""
    data_bucket.put_object(Bucket="data-bucket", Key="runs/run-1/data/train/part-0.csv", Body=b"x")
    started(answers).endpoint().refused("describe_model")
    clean_up(answers, data_bucket, {"Run": STATE["Run"], **learnt}, "InvalidRequest")
    assert data_bucket.list_objects_v2(Bucket="data-bucket")["KeyCount"] == kept


def test_a_registered_model_that_is_not_in_service_is_rejected(answers: Answers, data_bucket: Any) -> None:
    started(answers).endpoint("InService", "c").config("c", OURS)
    answers.config("c", OURS).config("c", OURS).endpoint("InService", "c").endpoint_tags(OURS)
    answers.deleted().config_deleted("c").endpoint()
    described(answers.sagemaker, package(2, "run-1"))
    model(rejected(answers), OURS)
    assert clean_up(answers, data_bucket, DEPLOYED).removed == [
        "endpoint rings",
        "endpoint config c",
        "model package rings/2 (rejected)",
        "model run-1",
    ]


def test_a_package_that_was_registered_without_the_state_knowing_is_found(answers: Answers, data_bucket: Any) -> None:
    started(answers).endpoint().endpoint()
    group(answers.sagemaker)
    listed(answers.sagemaker, 2, CreationTimeAfter=NOW.replace(hour=5))
    described(answers.sagemaker, package(2, "run-1"))
    described(answers.sagemaker, package(2, "run-1"))
    model(rejected(answers), OURS)
    assert clean_up(answers, data_bucket, JUDGED).removed == ["model package rings/2 (rejected)", "model run-1"]


def test_a_model_stays_until_the_endpoint_is_back_on_its_former_config(answers: Answers, data_bucket: Any) -> None:
    started(answers).endpoint("InService", "c").config("c", OURS, previous_tag("old"))
    answers.config("c", OURS, previous_tag("old")).config("old", THEIRS)
    answers.config("c", OURS, previous_tag("old")).endpoint("InService", "c").config("old", THEIRS).updated("old")
    pending = {"EndpointConfigName": "old"}
    answers.endpoint("Updating", "c", PendingDeploymentSummary=pending).config("old", THEIRS)
    described(answers.sagemaker, package(2, "run-1"))
    chores = clean_up(rejected(answers), data_bucket, DEPLOYED)
    assert chores.removed == ["model package rings/2 (rejected)"]
    assert chores.left == ["endpoint config c and its model: needed until endpoint rings is back as it was"]


def test_a_model_whose_predecessor_was_retired_stays_in_service(answers: Answers, data_bucket: Any) -> None:
    started(answers).endpoint("InService", "c").config("c", OURS, previous_tag("old"))
    answers.config("c", OURS, previous_tag("old")).no_config("old")
    answers.endpoint("InService", "c").config("c", OURS)
    chores = clean_up(model(answers, OURS, "run-1-c"), data_bucket, DEPLOYED)
    assert chores.removed == []
    served = "endpoint rings, which serves this run's model: its former config is retired"
    assert chores.left == chores.lasting == [served, "model run-1: endpoint config run-1-c has it"]


def test_what_others_made_stays(answers: Answers, data_bucket: Any) -> None:
    data_bucket.put_object(Bucket="data-bucket", Key="runs/run-1/data/train/part-0.csv", Body=b"x")
    no_staging(job(answers, "Stopping")).endpoint("InService", "c").config("c", THEIRS)
    model(answers, THEIRS)
    chores = clean_up(answers, data_bucket, STATE, "AutoMLJobFailed")
    assert (chores.removed, chores.left) == ([], [])
    assert data_bucket.list_objects_v2(Bucket="data-bucket")["KeyCount"] == 1


@pytest.mark.parametrize(("approval", "kept"), [("Manual", 0), ("Automatic", 1)])
def test_nobody_is_asked_for_approval_any_more(answers: Answers, data_bucket: Any, approval: str, kept: int) -> None:
    data_bucket.put_object(Bucket="data-bucket", Key="runs/run-1/approval.json", Body=b"{}")
    started(answers).endpoint().refused("describe_model")
    clean_up(answers, data_bucket, {"Run": {**STATE["Run"], "Approval": approval}})
    assert data_bucket.list_objects_v2(Bucket="data-bucket")["KeyCount"] == kept


def test_a_missing_permission_does_not_stop_the_rest_and_is_told(answers: Answers, data_bucket: Any) -> None:
    answers.refused("describe_auto_ml_job_v2", "not authorized.", code="AccessDeniedException")
    no_staging(answers).endpoint()
    chores = clean_up(model(answers, OURS), data_bucket, STATE, "InvalidDataset")
    assert chores.removed == ["model run-1"]
    assert chores.left == chores.lasting == ["AutoML job run-1: not authorized"]


def test_a_staging_endpoint_that_is_changing_is_told_and_keeps_its_model(answers: Answers, data_bucket: Any) -> None:
    job(answers).endpoint("Creating", "s", name="run-1-staging").config("s", OURS)
    answers.endpoint_tags(OURS, name="run-1-staging").refused("delete_endpoint", "Cannot update in-progress endpoint.")
    answers.endpoint(name="run-1-staging", status="Creating", config="s")
    answers.endpoint()
    chores = clean_up(answers, data_bucket, STATE)
    (left,) = chores.left
    assert left.startswith("the staging endpoints: Endpoint 'run-1-staging' cannot be deleted now: Cannot update")
    assert chores.pending


def test_an_unavailable_service_makes_the_state_machine_try_again(answers: Answers, data_bucket: Any) -> None:
    answers.refused("describe_auto_ml_job_v2", "slow down", code="ThrottlingException")
    with pytest.raises(ServiceUnavailable):
        clean_up(answers, data_bucket, STATE, "InvalidDataset")
