"""Every sample in events/ is executed: the functions' samples tell one run from its request to its clean-up."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import PROJECT, Stack
from tests.local.conftest import Execute, write_csv

EVENTS = PROJECT / "events"
BUCKET = "s3://data-bucket/"
"""Stands for the stack's data bucket in the samples."""
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:AutoML:abalone"
"""Stands for an execution of the main machine."""
RUN = "runs/abalone-0a1b2c3d/"
MACHINES = {
    "automl": "AutoMLStateMachine",
    "automl-retraining": "AutoMLStateMachine",
    "deployment": "DeploymentStateMachine",
    "scoring": "ScoringStateMachine",
}
STORY = [
    "validate_request",
    "transform_data",
    "create_automl_job",
    "get_automl_job",
    "select_best_candidate",
    "create_model",
    "create_endpoint",
    "get_endpoint",
    "test_endpoint",
    "prepare_rows",
    "invoke_endpoint",
    "filter_predictions",
    "evaluate_model",
    "summarize_scoring",
    "publish_results",
    "remove_endpoint",
    "stop_automl_job",
]


def event(name: str, bucket: str, execution: str = EXECUTION) -> dict[str, Any]:
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text.replace(BUCKET, f"s3://{bucket}/").replace(EXECUTION, execution))
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
    return name


def test_every_sample_is_executed_here() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {*STORY, *MACHINES, "clean_up"}


@pytest.fixture(scope="module")
def execution(execute: Execute, bucket: str) -> str:
    """ARN of the execution of the main machine's sample."""
    ended = execute("AutoMLStateMachine", event("automl", bucket))
    assert ended["status"] == "SUCCEEDED", ended
    return str(ended["executionArn"])


@pytest.fixture(scope="module")
def story(cloud: Cloud, stack: Stack, bucket: str, execution: str) -> dict[str, Any]:
    """What each function returned, in the order of the main machine."""
    functions = {name.lower(): physical for name, physical in _functions(cloud, stack)}
    returned: dict[str, Any] = {}

    def invoke(name: str) -> Any:
        function = functions[name.replace("_", "") + "function"]
        answer = cloud.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(event(name, bucket, execution))
        )
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, (name, payload)
        return payload

    for name in STORY:
        returned[name] = invoke(name)
        if name == "validate_request":
            # The sample's run has a name of its own.
            source = f"{returned[name]['Uri'].removeprefix('s3://')}request.json"
            cloud.client("s3").copy_object(Bucket=bucket, Key=f"{RUN}request.json", CopySource=source)
        waiting_for = {"get_automl_job": "Completed", "get_endpoint": "InService"}.get(name)
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
    assert story["invoke_endpoint"]
    assert story["evaluate_model"]["All"]["Metrics"]["R2"] > 0.5
    assert story["publish_results"]["Outcome"] == "Completed"
    assert story["remove_endpoint"]["Status"] == "Deleted"


@pytest.mark.usefixtures("story")
def test_the_other_machines_samples_run(execute: Execute, bucket: str) -> None:
    for name in ("automl-retraining", "deployment", "scoring"):
        ended = execute(MACHINES[name], event(name, bucket))
        assert ended["status"] == "SUCCEEDED", (name, ended.get("error"), ended.get("cause"))
    assert json.loads(ended["output"])["Rows"] == 50


@pytest.mark.usefixtures("story")
def test_the_clean_up_sample_removes_the_runs_model(cloud: Cloud, stack: Stack, bucket: str) -> None:
    function = dict(_functions(cloud, stack))["CleanUpFunction"]
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event("clean_up", bucket)))
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read())["Error"]
