"""A cloud with its stack: started by whoever needs it, never half, and gone when it is told to."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoflow.local import cloud as host
from autoflow.local import deploy, processes
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import PROJECT, Stack
from autoflow.local.errors import LocalCloudError
from autoflow.local.instance import Instance
from tests.local.conftest import AUTOFLOW, customers, read_until, write_csv
from tests.local.workers import engine_workers


@pytest.fixture
def port() -> Iterator[int]:
    chosen = host.free_port()
    yield chosen
    host.stop(chosen)


def begin(*arguments: str | int, folder: Path | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [AUTOFLOW, *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until_gone(mark: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while left := processes.find(mark):
        assert time.monotonic() < end, left
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_start_leaves_nothing_or_is_begun_anew(port: int, number: signal.Signals) -> None:
    starting = begin("up", "--port", port)
    read_until(starting, "Deploying")
    time.sleep(1)
    mark = Instance(port).read("cloud.json")["Mark"]
    os.kill(starting.pid, number)
    starting.communicate(timeout=30)
    if number != signal.SIGKILL:
        assert starting.returncode == 130
        assert processes.find(mark) == []
        assert host.find(port) is None
    again = subprocess.run([AUTOFLOW, "up", "--port", str(port)], capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert Instance(port).read("cloud.json")["Mark"] != mark
    assert processes.find(mark) == []
    assert "is down" in subprocess.check_output([AUTOFLOW, "down", "--port", str(port)], text=True)
    assert "No local cloud" in subprocess.check_output([AUTOFLOW, "down", "--port", str(port)], text=True)


def test_a_cloud_that_dies_takes_its_workers_along_and_the_run_says_so(port: int, tmp_path: Path) -> None:
    write_csv(tmp_path / "customers.csv", customers(6000))
    running = begin(
        "run", "customers.csv", "--target", "cancels", "--max-runtime", 600, "--port", port, folder=tmp_path
    )
    read_until(running, "Training models")
    cloud = host.find(port)
    assert cloud
    assert engine_workers(cloud.mark)
    os.kill(cloud.pid, signal.SIGKILL)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "lost sight of the execution customers-" in err
    assert "Traceback" not in err
    wait_until_gone(cloud.mark, 15)


def test_a_changed_template_or_machine_makes_a_stack_outdated(cloud: Cloud, stack: Stack, tmp_path: Path) -> None:
    shutil.copy(PROJECT / "template.yaml", tmp_path)
    shutil.copytree(PROJECT / "statemachine", tmp_path / "statemachine")
    assert deploy.deployed(cloud) == stack
    same = deploy.deployed(cloud, tmp_path)
    assert same
    assert not same.outdated
    machine = tmp_path / "statemachine" / "automl.asl.json"
    machine.write_text(machine.read_text() + "\n")
    changed = deploy.deployed(cloud, tmp_path)
    assert changed
    assert changed.outdated


def test_a_template_that_cannot_be_deployed_says_which_resource(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(
        "Resources:\n  Bad:\n    Type: AWS::S3::Bucket\n    Properties: {BucketName: UPPER_case}\n"
    )
    with host.temporary() as other, pytest.raises(LocalCloudError, match=r"Bad: .*[Bb]ucket"):
        deploy.deploy(other, project=tmp_path, parameters={})
    with pytest.raises(LocalCloudError, match=r"template.yaml is missing"):
        deploy.local_template(tmp_path / "nowhere")
