"""A model earns its place: first champion, rejected and better challengers, approval, and a rollback nobody notices."""

import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from autoflow.execution import executions_of
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import PROJECT, Stack
from tests.local.conftest import AUTOFLOW, Cli, Execute, customers, entered, read_until, succeeded, write_csv

ENDPOINT = "loyalty"
QUICK = {"MaxCandidates": 2, "MaxRuntimeSeconds": 300}
ROWS = b'3,basic,5\n55,"family, large",0\n20,basic,1\n'
"""months, plan, complaints: the features in training order."""


@dataclass
class Account:
    """The local account as a user of its APIs sees it."""

    cloud: Cloud
    stack: Stack
    execute: Execute

    @property
    def bucket(self) -> str:
        return self.stack.outputs["DataBucketName"]

    def upload(self, name: str, rows: list[dict[str, Any]], folder: Path) -> str:
        path = write_csv(folder / name, rows)
        self.cloud.client("s3").upload_file(str(path), self.bucket, f"uploads/champion/{name}")
        return f"s3://{self.bucket}/uploads/champion/{name}"

    def learn(self, uri: str, **request: Any) -> dict[str, Any]:
        """The result of a run for the endpoint, which must succeed."""
        dataset = {"S3Uri": uri, "TargetColumn": "cancels", "IdColumn": "customer"}
        whole = {"Dataset": dataset, "AutoML": QUICK, "Endpoint": {"Name": ENDPOINT}, **request}
        ended = self.execute("AutoMLStateMachine", whole)
        result = succeeded(ended)
        validate(result, json.loads((PROJECT / "schemas" / "result.schema.json").read_text()))
        return result

    def document(self, uri: str) -> dict[str, Any]:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: dict[str, Any] = json.loads(self.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        return body

    def answers(self, endpoint: str = ENDPOINT, rows: bytes = ROWS) -> bytes:
        runtime = self.cloud.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=rows)
        body: bytes = answer["Body"].read()
        return body

    def config(self, endpoint: str = ENDPOINT) -> str:
        return str(self.cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointConfigName"])

    def packages(self, group: str = ENDPOINT) -> list[str]:
        """Approval status of every version, oldest first."""
        listed = self.cloud.client("sagemaker").list_model_packages(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Ascending"
        )
        return [package["ModelApprovalStatus"] for package in listed["ModelPackageSummaryList"]]

    def things(self, run: str) -> set[str]:
        """Names of the models, endpoint configs and endpoints that carry the run's name."""
        sagemaker = self.cloud.client("sagemaker")
        models = sagemaker.list_models(NameContains=run)["Models"]
        configs = sagemaker.list_endpoint_configs(NameContains=run)["EndpointConfigs"]
        endpoints = sagemaker.list_endpoints(NameContains=run)["Endpoints"]
        return {
            *(f"model {item['ModelName']}" for item in models),
            *(f"config {item['EndpointConfigName']}" for item in configs),
            *(f"endpoint {item['EndpointName']}" for item in endpoints if item["EndpointStatus"] != "Deleting"),
        }


@pytest.fixture(scope="module")
def account(cloud: Cloud, stack: Stack, execute: Execute) -> Account:
    return Account(cloud, stack, execute)


@dataclass
class Lineage:
    """Three runs for one endpoint, one after the other, and what a client saw of it after each."""

    results: list[dict[str, Any]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)
    packages: list[list[str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def lineage(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Lineage:
    folder = tmp_path_factory.mktemp("champion")
    good = customers(2000)
    # A broken delivery: every label belongs to another row, in the challenger's own test split as well.
    labels = [row["cancels"] for row in good]
    random.Random(3).shuffle(labels)
    broken = [{**row, "cancels": label} for row, label in zip(good, labels, strict=True)]
    good_uri, broken_uri = account.upload("good.csv", good, folder), account.upload("broken.csv", broken, folder)
    history = Lineage()
    for uri, request in (
        (good_uri, {"Transform": {"Derive": {"long": "months > 30"}, "Drop": ["complaints"]}}),
        (broken_uri, {}),
        (good_uri, {"Confidence": {"TargetPrecision": 0.9}}),
    ):
        history.results.append(account.learn(uri, **request))
        rows = b"3,basic,false\n55,basic,true\n" if len(history.results) < 3 else ROWS
        history.answers.append(account.answers(rows=rows))
        history.configs.append(account.config())
        history.packages.append(account.packages())
    return history


def test_the_first_run_becomes_champion(lineage: Lineage, account: Account) -> None:
    first = lineage.results[0]
    assert first["Outcome"] == "Completed"
    assert first["Package"]["ApprovalStatus"] == "Approved"
    assert lineage.packages[0] == ["Approved"]
    assert not first.get("Champion", {}).get("Exists")
    evaluation = account.document(first["Files"]["Evaluation"])
    validate(evaluation, json.loads((PROJECT / "schemas" / "evaluation.schema.json").read_text()))
    for metric in evaluation["Metrics"].values():
        assert metric["Lower"] <= metric["Value"] <= metric["Upper"]
        assert metric["Rows"] == first["Quality"]["Rows"]
    calibration = account.document(first["Files"]["Calibration"])
    validate(calibration, json.loads((PROJECT / "schemas" / "calibration.schema.json").read_text()))
    assert calibration["Rows"] == first["Rows"]["Calibration"]


def test_a_challenger_of_worse_data_is_rejected_and_the_champion_untouched(lineage: Lineage, account: Account) -> None:
    second = lineage.results[1]
    assert second["Outcome"] == "Rejected"
    assert second["Reason"]
    assert second["Champion"]["Run"] == lineage.results[0]["Run"]
    assert lineage.answers[1] == lineage.answers[0]
    assert lineage.configs[1] == lineage.configs[0]
    assert lineage.packages[1] == ["Approved"]
    assert account.things(second["Run"]) == set()


def test_a_better_challenger_replaces_the_champion(lineage: Lineage, account: Account) -> None:
    first, _, third = lineage.results
    assert third["Outcome"] == "Completed"
    assert third["Champion"]["Run"] == first["Run"]
    assert third["Champion"]["Difference"] > 0
    assert third["Champion"]["Lower"] <= third["Champion"]["Difference"] <= third["Champion"]["Upper"]
    assert lineage.packages[2] == ["Approved", "Approved"]
    assert lineage.configs[2] != lineage.configs[0]
    assert account.things(first["Run"]) == set()
    assert account.things(third["Run"]) == {f"model {third['Run']}", f"config {account.config()}"}


def test_the_previous_model_is_handed_to_the_next_run(lineage: Lineage, account: Account) -> None:
    first, _, third = lineage.results
    previous = account.document(f"{third['Uri']}previous.json")
    assert previous["Run"] == first["Run"]
    assert previous["Metrics"]["AUC"] == pytest.approx(first["Quality"]["Metrics"]["AUC"], rel=1e-4)
    assert previous["ModelDataUrls"]
    assert previous["Parameters"]["AutoML"]["MaxCandidates"] == QUICK["MaxCandidates"]


def test_a_new_threshold_needs_no_inference(lineage: Lineage, account: Account) -> None:
    third = lineage.results[2]
    request = {"Predictions": third["Uri"], "Confidence": {"TargetPrecision": 0.95, "Certainty": 0.8}}
    ended = account.execute("ScoringStateMachine", request)
    scoring = succeeded(ended)
    assert scoring["Accepted"] + scoring["Review"] == third["Scoring"]["Rows"]
    assert scoring["Confidence"]["TargetPrecision"] == 0.95
    states = entered(account.cloud, ended)
    assert "Score Parts" in states
    assert "Find Model" not in states
    assert scoring["Throughput"]["Invocations"] == 0


def test_an_endpoint_that_cannot_be_scaled_is_not_left_behind(lineage: Lineage, account: Account) -> None:
    name = lineage.results[2]["Run"]
    before = account.things(name)
    scaling = {"MaxInstanceCount": 3, "InvocationsPerInstance": 100}
    hosting = {"Name": "unscaled", "InstanceType": "ml.m5.large", "AutoScaling": scaling}
    ended = account.execute("DeploymentStateMachine", {"Model": {"Name": name}, "Endpoint": hosting})
    assert (ended["status"], ended["error"]) == ("FAILED", "EndpointFailed")
    assert "local cloud has no Application Auto Scaling" in ended["cause"]
    assert account.cloud.client("sagemaker").list_endpoints(NameContains="unscaled")["Endpoints"] == []
    assert account.things(name) == before


@contextmanager
def asking(cloud: Cloud, folder: Path, endpoint: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A run that waits for approval, and the command that started it and asks for it."""
    write_csv(folder / "customers.csv", customers(900))
    command = (
        f"run customers.csv --target cancels --id-column customer --endpoint-name {endpoint} --approval manual "
        f"--no-champion --max-candidates 1 --max-runtime 30 --port {cloud.port}"
    )
    process = subprocess.Popen(
        [AUTOFLOW, *command.split()], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        name = read_until(process, "Run ").split("Run ")[1].split()[0]
        told = read_until(process, "autoflow approve")
        assert f"approve {name}" in told
        yield name, process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def waiting(cloud: Cloud, folder: Path, endpoint: str) -> Iterator[str]:
    """A run that waits for approval; the command that started it is killed meanwhile, without a chance to say so."""
    with asking(cloud, folder, endpoint) as (name, process):
        process.send_signal(signal.SIGKILL)
    yield name


def test_approval_waits_survives_the_commands_end_and_deploys(account: Account, cli: Cli, tmp_path: Path) -> None:
    with waiting(account.cloud, tmp_path, "approved") as name:
        assert account.packages("approved") == ["PendingManualApproval"]
        kinds = {thing.split()[0] for thing in account.things(name)}
        assert kinds == {"model"}, "no endpoint costs anything while a person thinks"
        assert cli("approve", name, "--comment", "looks right").status == 0
        ended = cli("follow", name, "--json")
    assert (ended.status, ended.document["Outcome"]) == (0, "Completed"), ended.err
    assert account.packages("approved") == ["Approved"]
    assert account.answers("approved")
    again = cli("approve", name)
    assert again.status != 0
    assert name in again.err


def test_a_rejected_model_is_not_deployed(account: Account, cli: Cli, tmp_path: Path) -> None:
    with waiting(account.cloud, tmp_path, "refused") as name:
        assert cli("reject", name, "--comment", "the customers of May are missing").status == 0
        ended = cli("follow", name, "--json")
    assert (ended.status, ended.document["Outcome"]) == (0, "Rejected"), ended.err
    assert "the customers of May are missing" in ended.document["Reason"]
    assert account.packages("refused") == ["Rejected"]
    assert account.things(name) == set()


def test_ctrl_c_ends_the_wait_for_an_answer(account: Account, tmp_path: Path) -> None:
    with asking(account.cloud, tmp_path, "given-up") as (name, process):
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        took = time.monotonic() - pressed
    assert process.returncode == 130, err
    assert "nothing of the run is left running" in err
    # Its own timeout is a week; an engine that waits on would end the command with a complaint after a while.
    assert took < 30
    execution = f"{executions_of(account.stack.outputs['AutoMLStateMachineArn'])}:{name}"
    described = account.cloud.client("stepfunctions").describe_execution(executionArn=execution)
    assert described["status"] == "ABORTED"
    assert account.packages("given-up") == ["Rejected"]
    assert account.things(name) == set()


class Client:
    """Somebody who calls the endpoint all the time."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.answers: list[bytes] = []
        self.failures: list[Exception] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._call)

    def _call(self) -> None:
        while not self._done.is_set():
            try:
                self.answers.append(self.account.answers())
            except Exception as error:
                self.failures.append(error)
            time.sleep(0.05)

    def __enter__(self) -> "Client":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def test_a_broken_challenger_rolls_back_and_no_client_notices(
    lineage: Lineage, account: Account, cli: Cli, tmp_path: Path
) -> None:
    before = account.answers()
    with Client(account) as client, waiting(account.cloud, tmp_path, ENDPOINT) as name:
        # Between proof and production the model's file is damaged: its container cannot start.
        sagemaker = account.cloud.client("sagemaker")
        [model] = sagemaker.list_models(NameContains=name)["Models"]
        container = sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
        bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
        account.cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"no archive")
        assert cli("approve", name).status == 0
        ended = cli("follow", name, "--json")
    assert (ended.status, ended.document["Outcome"]) == (0, "RolledBack"), ended.err
    assert ended.document["Reason"]
    assert client.failures == []
    assert set(client.answers) == {before}
    assert len(client.answers) > 20
    assert account.config() == lineage.configs[2]
    assert account.packages()[-1] == "Rejected"
    assert account.things(name) == set()
