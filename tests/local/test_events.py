"""Every sample in events/ is executed: the functions' samples tell one run from its request to its clean-up."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import PROJECT, Stack
from tests.local.conftest import Execute, succeeded, write_csv

EVENTS = PROJECT / "events"
BUCKET = "s3://data-bucket/"
"""Stands for the stack's data bucket in the samples."""
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:AutoML:abalone"
"""Stands for an execution of the main machine."""
SCORING = "arn:aws:states:eu-central-1:123456789012:execution:Scoring:new-abalone"
"""Stands for one of the scoring machine; here it is the same, as what counts is that it has a history."""
RUN = "runs/abalone-0a1b2c3d/"
SCORED, TRANSFORMED = "scorings/new-abalone/", "scorings/abalone-weekly-a20e9f88/"
"""Folders of the samples' two scorings: one asks an endpoint, one has a transform job."""
PACKAGES = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/"
"""Stands for those of this cloud's region and account."""
MACHINES = {
    "automl": "AutoMLStateMachine",
    "automl-retraining": "AutoMLStateMachine",
    "automl-champion": "AutoMLStateMachine",
    "deployment": "DeploymentStateMachine",
    "scoring": "ScoringStateMachine",
    "scoring-batch-transform": "ScoringStateMachine",
    "scoring-refilter": "ScoringStateMachine",
    "cleanup": "CleanupStateMachine",
}
STORY = [
    "validate_request",
    "transform_data",
    "find_previous_model",
    "create_automl_job",
    "get_automl_job",
    "select_best_candidate",
    "create_model",
    "find_champion",
    "create_endpoint",
    "get_endpoint",
    "test_endpoint",
    "find_model",
    "prepare_rows",
    "invoke_endpoint",
    "filter_predictions",
    "collect_parts",
    "measure_predictions",
    "summarize_scoring",
    "create_transform_job",
    "get_transform_job",
    "read_transform_output",
    "stop_transform_job",
    "calibrate_model",
    "evaluate_model",
    "remove_staging",
    "register_model",
    "wait_for_approval",
    "answer_approval",
    "retire_model",
    "write_report",
    "publish_results",
    "remove_endpoint",
    "stop_automl_job",
]
AFTERWARDS = ["roll_back_endpoint", "explain_failure", "clean_up", "settle_execution"]
NOT_HERE = ["configure_auto_scaling"]
"""Application Auto Scaling is not part of the local cloud."""


def event(name: str, bucket: str, execution: str = EXECUTION) -> dict[str, Any]:
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    text = text.replace(BUCKET, f"s3://{bucket}/").replace(EXECUTION, execution).replace(SCORING, execution)
    document: dict[str, Any] = json.loads(
        text.replace(PACKAGES, "arn:aws:sagemaker:us-east-1:000000000000:model-package/")
    )
    return document


def shells(count: int, seed: int) -> list[dict[str, Any]]:
    """Something like abalones: the longer the shell, the more rings."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        length = chance.uniform(0.1, 0.8)
        rows.append(
            {
                "Sex": chance.choice("MFI"),
                "Length": round(length, 3),
                "Diameter": round(length * chance.uniform(0.75, 0.8), 3),
                "Height": round(length * chance.uniform(0.25, 0.35), 3),
                "Rings": round(2 + length * 30 * chance.uniform(0.8, 1.2)),
            }
        )
    return rows


def visits(count: int, seed: int) -> list[dict[str, Any]]:
    """Customers who subscribe rather after many visits."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        number, age = chance.randint(0, 40), chance.randint(18, 80)
        sure = number - 20 + chance.gauss(0, 3) > 0
        rows.append({"Visits": number, "Age": age, "Subscribed": "yes" if sure else "no"})
    return rows


@pytest.fixture(scope="module")
def bucket(cloud: Cloud, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The data bucket with what the samples expect in it."""
    folder: Path = tmp_path_factory.mktemp("abalone")
    s3, name = cloud.client("s3"), stack.outputs["DataBucketName"]
    learn = write_csv(folder / "abalone.csv", shells(1500, seed=1))
    new = write_csv(folder / "new.csv", [{k: v for k, v in row.items() if k != "Rings"} for row in shells(50, seed=2)])
    s3.upload_file(str(learn), name, "datasets/abalone.csv")
    s3.upload_file(str(learn), name, "datasets/abalone/2026-11.csv")
    s3.upload_file(str(new), name, "datasets/new-abalone.csv")
    s3.upload_file(str(new), name, "datasets/abalone-all/2026-11.csv")
    customers = write_csv(folder / "customers.csv", visits(1500, seed=3))
    s3.upload_file(str(customers), name, "datasets/customers.csv")
    return name


def test_every_sample_that_can_be_is_executed_here() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {*STORY, *AFTERWARDS, *NOT_HERE, *MACHINES}


@pytest.fixture(scope="module")
def execution(execute: Execute, bucket: str) -> str:
    """ARN of the execution of the main machine's sample."""
    ended = execute("AutoMLStateMachine", event("automl", bucket))
    succeeded(ended)
    return str(ended["executionArn"])


@pytest.fixture(scope="module")
def story(cloud: Cloud, stack: Stack, bucket: str, execution: str) -> dict[str, Any]:
    """What each function returned, in the order of the main machine."""
    returned: dict[str, Any] = {}

    def invoke(name: str) -> Any:
        return invoked(cloud, stack, name, bucket, execution)

    for name in STORY:
        returned[name] = invoke(name)
        if name == "validate_request":
            # The sample's run has a name of its own.
            source = f"{returned[name]['Uri'].removeprefix('s3://')}request.json"
            cloud.client("s3").copy_object(Bucket=bucket, Key=f"{RUN}request.json", CopySource=source)
        if name in ("prepare_rows", "collect_parts"):
            # The samples' run was proved by a scoring like this one, and its transform job is given the same rows.
            for item in cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix=SCORED)["Contents"]:
                body = cloud.client("s3").get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                for folder in (RUN, TRANSFORMED) if name == "prepare_rows" else (RUN,):
                    moved = body.replace(SCORED.encode(), folder.encode())
                    cloud.client("s3").put_object(Bucket=bucket, Key=item["Key"].replace(SCORED, folder), Body=moved)
        waiting_for = {
            "get_automl_job": "Completed",
            "get_endpoint": "InService",
            "get_transform_job": "Completed",
        }.get(name)
        end = time.monotonic() + 180
        while waiting_for and returned[name]["Status"] != waiting_for:
            assert time.monotonic() < end, returned[name]
            time.sleep(1)
            returned[name] = invoke(name)
    return returned


def _functions(cloud: Cloud, stack: Stack) -> list[tuple[str, str]]:
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    return [
        (resource["LogicalResourceId"], resource["PhysicalResourceId"])
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Lambda::Function"
    ]


def test_the_functions_samples_tell_one_run(story: dict[str, Any]) -> None:
    assert story["transform_data"]["ProblemType"] == "Regression"
    assert story["get_automl_job"]["Candidates"] >= 2
    assert story["create_model"]["Name"] == "abalone-0a1b2c3d"
    assert story["test_endpoint"]["Rows"] >= 1
    assert story["find_model"]["Ready"] is True
    assert story["invoke_endpoint"]["Rows"] == story["read_transform_output"]["Rows"] == story["prepare_rows"]["Sent"]
    assert story["collect_parts"]["Rows"] == story["prepare_rows"]["Rows"]
    assert story["find_previous_model"] == {"Found": False}
    assert story["find_champion"]["Exists"] is False
    assert story["measure_predictions"]["All"]["Metrics"]["R2"] > 0.5
    assert story["evaluate_model"]["Accepted"] is True
    assert story["register_model"]["Version"] == 1
    assert story["answer_approval"]["Outcome"] == "no run waits for it"
    assert story["retire_model"] == {"Removed": [], "Left": []}
    assert story["write_report"]["Uri"].endswith("/report.html")
    assert story["publish_results"]["Outcome"] == "Completed"
    assert story["remove_endpoint"]["Status"] == "Deleted"


@pytest.mark.usefixtures("story")
def test_the_other_machines_samples_run(execute: Execute, bucket: str) -> None:
    outputs = {}
    for name in (
        "automl-retraining",
        "automl-champion",
        "deployment",
        "scoring",
        "scoring-batch-transform",
        "scoring-refilter",
    ):
        ended = execute(MACHINES[name], event(name, bucket))
        outputs[name] = succeeded(ended)
    assert outputs["automl-champion"]["Confidence"]["TargetPrecision"] == 0.95
    assert outputs["deployment"]["Outcome"] == "InService"
    assert outputs["scoring"]["Rows"] == outputs["scoring-batch-transform"]["Rows"] == 50
    assert outputs["scoring-refilter"]["Confidence"]["MaxIntervalWidth"] == {"Relative": 0.5}


def test_the_clean_up_samples_leave_alone_what_ended_well(
    cloud: Cloud, stack: Stack, execute: Execute, bucket: str, execution: str
) -> None:
    assert invoked(cloud, stack, "settle_execution", bucket, execution)["Todo"] == "Nothing"
    assert succeeded(execute(MACHINES["cleanup"], event("cleanup", bucket, execution)))["CleanedUp"] == {}


def invoked(cloud: Cloud, stack: Stack, name: str, bucket: str, execution: str = EXECUTION) -> Any:
    """What the function answers to its sample."""
    function = {key.lower(): value for key, value in _functions(cloud, stack)}[name.replace("_", "") + "function"]
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event(name, bucket, execution)))
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, (name, payload)
    return payload


@pytest.mark.usefixtures("story")
def test_the_roll_back_sample_says_why(cloud: Cloud, stack: Stack, bucket: str) -> None:
    answer = invoked(cloud, stack, "roll_back_endpoint", bucket)
    assert answer["Reason"].startswith("Endpoint 'abalone' answered 'nan'")


@pytest.mark.usefixtures("story")
def test_the_clean_up_sample_removes_the_runs_model(cloud: Cloud, stack: Stack, bucket: str, execution: str) -> None:
    assert invoked(cloud, stack, "clean_up", bucket, execution)["Error"]


@pytest.mark.usefixtures("story")
def test_the_explaining_sample_becomes_a_sentence(cloud: Cloud, stack: Stack, bucket: str) -> None:
    answer = invoked(cloud, stack, "explain_failure", bucket)
    assert answer["Error"] == "EndpointFailed"
    assert answer["Cause"].startswith("endpoint abalone did not answer")
