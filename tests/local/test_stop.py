"""A run that is interrupted, stopped or left by its terminal leaves nothing behind that costs anything."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoflow.execution import executions_of
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.local.conftest import AUTOFLOW, Cli, customers, read_until, write_csv
from tests.local.terminal import Terminal
from tests.local.workers import engine_workers


@pytest.fixture
def long_run(cloud: Cloud, stack: Stack, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run that would take minutes."""
    write_csv(tmp_path / "customers.csv", customers(6000))
    command = "run customers.csv --target cancels --max-runtime 600 --max-candidates 50"
    process = subprocess.Popen(
        [AUTOFLOW, *command.split(), "--port", str(cloud.port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGINT, "Create AutoML Job"), (signal.SIGTERM, "Get AutoML Job: Training models")]
)
def test_ctrl_c_stops_the_run_and_what_it_started(
    long_run: "subprocess.Popen[str]", cloud: Cloud, stack: Stack, number: signal.Signals, moment: str
) -> None:
    name = read_until(long_run, "Run ").split("Run ")[1].split()[0]
    read_until(long_run, f"] {moment}")
    os.kill(long_run.pid, number)
    _, err = long_run.communicate(timeout=240)
    assert long_run.returncode == 130, err
    assert "Removed: " in err
    check_stopped(cloud, stack, name)


def test_a_run_that_was_left_to_itself_can_be_stopped(cloud: Cloud, stack: Stack, cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "customers.csv", customers(6000))
    limits = ("--max-runtime", "600", "--max-candidates", "50")
    begun = cli("run", "customers.csv", "--target", "cancels", *limits, "--detach")
    name = begun.out.strip()
    assert begun.status == 0
    assert f"follow {name}" in begun.err
    sagemaker, end = cloud.client("sagemaker"), time.monotonic() + 60
    while not sagemaker.list_auto_ml_jobs(NameContains=name)["AutoMLJobSummaries"]:
        assert time.monotonic() < end
        time.sleep(0.5)
    stopped = cli("stop", name)
    assert stopped.status == 0, stopped.err
    assert "Removed: " in stopped.err
    check_stopped(cloud, stack, name)
    assert cli("stop", name).status == 0


def check_stopped(cloud: Cloud, stack: Stack, name: str) -> None:
    execution = f"{executions_of(stack.outputs['AutoMLStateMachineArn'])}:{name}"
    description = cloud.client("stepfunctions").describe_execution(executionArn=execution)
    assert description["status"] == "ABORTED", description
    sagemaker = cloud.client("sagemaker")
    jobs = sagemaker.list_auto_ml_jobs(NameContains=name)["AutoMLJobSummaries"]
    assert jobs
    end = time.monotonic() + 30
    while any(job["AutoMLJobStatus"] not in {"Stopped", "Completed", "Failed"} for job in jobs):
        assert time.monotonic() < end, jobs
        time.sleep(0.5)
        jobs = sagemaker.list_auto_ml_jobs(NameContains=name)["AutoMLJobSummaries"]
    assert [each for each in sagemaker.list_endpoints()["Endpoints"] if name in each["EndpointName"]] == []
    assert not [line for line in engine_workers(cloud.mark) if "engine.train" in line]


def test_closing_the_terminal_stops_the_run_though_nobody_can_be_told(
    cloud: Cloud, stack: Stack, tmp_path: Path
) -> None:
    write_csv(tmp_path / "customers.csv", customers(6000))
    command = f"run customers.csv --target cancels --max-runtime 600 --max-candidates 50 --port {cloud.port}"
    with Terminal(tmp_path, *command.split()) as terminal:
        terminal.until("Training")
        assert terminal.hang_up() == 130
    name = re.search(r"Run (\S+) in the", terminal.shown)
    assert name, terminal.shown
    check_stopped(cloud, stack, name[1])
