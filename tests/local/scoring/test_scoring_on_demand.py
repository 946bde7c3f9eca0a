"""A model that is registered, but not in service: each scoring makes the endpoint that it needs, and takes it away."""

import json
from pathlib import Path

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.local.conftest import Execute, customers, entered, succeeded, write_csv
from tests.local.scoring.conftest import Learnt


def hosting(cloud: Cloud, learnt: Learnt) -> dict[str, list[str]]:
    """What there is to serve the run's model: it stays, endpoints and their configs come and go."""
    sagemaker = cloud.client("sagemaker")
    configs = sagemaker.list_endpoint_configs(NameContains=learnt.run)["EndpointConfigs"]
    return {
        "models": [one["ModelName"] for one in sagemaker.list_models(NameContains=learnt.run)["Models"]],
        "configs": [one["EndpointConfigName"] for one in configs],
        "endpoints": [
            one["EndpointName"]
            for one in sagemaker.list_endpoints()["Endpoints"]
            if sagemaker.describe_endpoint(EndpointName=one["EndpointName"])["EndpointConfigName"]
            in {config["EndpointConfigName"] for config in configs}
        ],
    }


def test_the_endpoint_lives_as_long_as_the_scoring(cloud: Cloud, execute: Execute, learnt: Learnt) -> None:
    """Even the SageMaker model is gone: the package knows how to make it again."""
    cloud.client("sagemaker").delete_model(ModelName=learnt.run)

    ended = execute("ScoringStateMachine", learnt.scoring())

    assert succeeded(ended)["Rows"] == learnt.rows
    assert {"Deploy Endpoint", "Remove Endpoint"} <= entered(cloud, ended)
    assert hosting(cloud, learnt) == {"models": [learnt.run], "configs": [], "endpoints": []}


def test_a_part_that_is_not_finished_is_scored_later_by_an_endpoint_of_its_own(
    cloud: Cloud, execute: Execute, learnt: Learnt
) -> None:
    first = succeeded(execute("ScoringStateMachine", learnt.scoring()))
    folder = first["Files"]["Accepted"].removesuffix("accepted/")
    finished = f"{folder}parts/part-00000.json".removeprefix(f"s3://{learnt.bucket}/")
    cloud.client("s3").delete_object(Bucket=learnt.bucket, Key=finished)

    ended = execute("ScoringStateMachine", {"Resume": folder})

    again = succeeded(ended)
    assert (again["Rows"], again["Accepted"], again["Files"]) == (first["Rows"], first["Accepted"], first["Files"])
    assert {"Deploy Endpoint", "Remove Endpoint"} <= entered(cloud, ended)
    assert hosting(cloud, learnt) == {"models": [learnt.run], "configs": [], "endpoints": []}


def test_two_scorings_at_once_do_not_take_the_endpoint_from_each_other(
    cloud: Cloud, stack: Stack, learnt: Learnt, execute: Execute
) -> None:
    client = cloud.client("stepfunctions")
    machine, document = stack.outputs["ScoringStateMachineArn"], json.dumps(learnt.scoring())
    started = client.start_execution(stateMachineArn=machine, input=document)["executionArn"]

    first = succeeded(execute("ScoringStateMachine", learnt.scoring()))
    second = succeeded(learnt.ended(started))

    assert first["Rows"] == second["Rows"] == learnt.rows
    assert first["Files"]["Accepted"] != second["Files"]["Accepted"]
    assert hosting(cloud, learnt) == {"models": [learnt.run], "configs": [], "endpoints": []}


def test_an_endpoint_that_is_to_stay_serves_the_next_scoring(cloud: Cloud, execute: Execute, learnt: Learnt) -> None:
    sagemaker = cloud.client("sagemaker")

    made = execute("ScoringStateMachine", learnt.scoring(Keep=True))
    try:
        assert succeeded(made)["Rows"] == learnt.rows
        assert hosting(cloud, learnt)["endpoints"] == [learnt.endpoint]
        again = execute("ScoringStateMachine", learnt.scoring())
        assert succeeded(again)["Rows"] == learnt.rows
        assert not {"Deploy Endpoint", "Remove Endpoint"} & entered(cloud, again)
        assert hosting(cloud, learnt)["endpoints"] == [learnt.endpoint], "who did not make it, does not remove it"
    finally:
        for config in hosting(cloud, learnt)["configs"]:
            sagemaker.delete_endpoint(EndpointName=learnt.endpoint)
            sagemaker.delete_endpoint_config(EndpointConfigName=config)


@pytest.mark.parametrize(
    ("drop", "error", "cause"), [("plan", "InvalidDataset", "plan"), ("", "InvalidRequest", "Serverless and Instance")]
)
def test_a_scoring_that_cannot_be_done_makes_no_endpoint(
    cloud: Cloud, execute: Execute, learnt: Learnt, tmp_path: Path, drop: str, error: str, cause: str
) -> None:
    rows = [{key: value for key, value in row.items() if key != drop} for row in customers(20, seed=9)]
    uri = learnt.upload(write_csv(tmp_path / "rows.csv", rows), f"uploads/without-{drop or 'nothing'}.csv")
    both = {"Serverless": {"MemorySizeInMB": 3072, "MaxConcurrency": 2}, "InstanceType": "ml.m5.large"}

    ended = execute("ScoringStateMachine", learnt.scoring(uri, **({} if drop else both)))

    assert (ended["status"], ended["error"]) == ("FAILED", error)
    assert cause in ended["cause"]
    assert "Deploy Endpoint" not in entered(cloud, ended)
    assert hosting(cloud, learnt)["endpoints"] == []


def test_a_name_without_a_model_says_what_to_do(execute: Execute, learnt: Learnt) -> None:
    request = {**learnt.scoring(), "Endpoint": {"Name": "nobody"}}

    ended = execute("ScoringStateMachine", request)

    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidRequest")
    assert "There is no endpoint 'nobody'" in ended["cause"]
    assert "train with Endpoint.Name 'nobody'" in ended["cause"]
