"""Clean-up after an execution that could not do it itself, of which only its history is left."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from automl import runs
from automl.outcome.ending import Ending
from tests.unit.endpoint_answers import ACCOUNT, NOW, RUN_TAG, Answers

EXECUTION = {
    "Id": "arn:aws:states:eu-central-1:123456789012:execution:Scoring:new",
    "Name": "new",
    "StartTime": "2026-11-21T06:00:00.000Z",
}
JOB = runs.run_name(EXECUTION)
TAKEN_BACK = [{"EndpointName": "rings", "ConfigName": "c"}]
DEPLOYED = {"Name": "rings", "ConfigName": "c", "Status": "InService"}


@pytest.fixture
def answers(stub: Callable[[Any], Stubber]) -> Answers:
    return Answers.make(stub)


@pytest.fixture
def after(answers: Answers, stub: Callable[[Any], Stubber], data_bucket: Any) -> Callable[..., dict[str, Any]]:
    """Clean up after an execution with this newest state data."""
    sfn: Any = boto3.client("stepfunctions")
    told = stub(sfn)
    ending = Ending(answers.services, data_bucket, sfn, boto3.client("lambda"), "data-bucket")

    def clean_up(kind: str, deployments: Any = (), before: tuple[str, ...] = (), **state: Any) -> dict[str, Any]:
        data = json.dumps({"Execution": EXECUTION, **state}, separators=(",", ":"))
        entered = {"type": "PassStateEntered", "stateEnteredEventDetails": {"name": "Any", "input": data}}
        told.add_response("get_execution_history", {"events": [{"id": 1, "timestamp": NOW, **entered}]})
        said = {"Error": "Aborted", "Cause": "stopped.", "Execution": EXECUTION}
        return ending.after({"Kind": kind, "Deployments": list(deployments), **said}, list(before))

    return clean_up


def test_an_endpoint_that_is_being_created_is_tried_again(answers: Answers, after: Callable[..., Any]) -> None:
    answers.config("c", RUN_TAG).endpoint("Creating", "c").endpoint_tags(RUN_TAG)
    answers.refused("delete_endpoint", "Cannot update in-progress endpoint").endpoint("Creating", "c")
    done = after("deployment", TAKEN_BACK)
    assert done["Removed"] == []
    assert "rings: Endpoint 'rings' cannot be deleted now" in done["Left"][0]


def test_a_config_without_its_endpoint_goes_too(answers: Answers, after: Callable[..., Any]) -> None:
    answers.config("c", RUN_TAG).endpoint().config_deleted("c")
    done = after("deployment", TAKEN_BACK, before=("endpoint other",))
    assert (done["Removed"], done["Left"]) == (["endpoint other", "endpoint config c"], [])


@pytest.mark.parametrize(("keep", "removed"), [(False, ["endpoint rings", "endpoint config c"]), (True, [])])
def test_an_endpoint_that_a_scoring_has_to_itself_goes_with_it(
    answers: Answers, after: Callable[..., Any], keep: bool, removed: list[str]
) -> None:
    if not keep:
        answers.config("c", RUN_TAG).endpoint("InService", "c").endpoint_tags(RUN_TAG).deleted().config_deleted("c")
    done = after("scoring", Serving={"Keep": keep}, Deployed={"Endpoint": DEPLOYED})
    assert (done["Removed"], done["Left"]) == (removed, [])


def test_a_scoring_that_found_another_endpoint_leaves_it(after: Callable[..., Any]) -> None:
    done = after("scoring", Serving={"Keep": False}, Deployed={"Endpoint": {"Name": "rings"}})
    assert done["Removed"] == done["Left"] == []


@pytest.mark.parametrize(("status", "removed"), [("InProgress", [f"transform job {JOB} (stopped)"]), ("Completed", [])])
def test_a_transform_job_of_a_scoring_is_stopped(
    answers: Answers, after: Callable[..., Any], status: str, removed: list[str]
) -> None:
    described = {
        "TransformJobName": JOB,
        "TransformJobArn": f"{ACCOUNT}:transform-job/{JOB}",
        "TransformJobStatus": status,
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/x/"}}},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "CreationTime": NOW,
    }
    answers.sagemaker.add_response("describe_transform_job", described, {"TransformJobName": JOB})
    if status == "InProgress":
        answers.sagemaker.add_response("stop_transform_job", {}, {"TransformJobName": JOB})
    assert after("scoring", Rows={"Engine": "BatchTransform"})["Removed"] == removed
