"""One local cloud with the project's stack for the whole session; and data to learn from."""

import csv
import json
import math
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoflow.local import cloud as host
from autoflow.local import deploy
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack

AUTOFLOW = Path(sys.executable).with_name("autoflow")
ON_DEMAND = "on-demand"
"""The endpoint that there is not: its model is registered, and served while somebody scores."""


@pytest.fixture(scope="session", autouse=True)
def heed_ctrl_c() -> Iterator[None]:
    """A shell starts background jobs, continuous integration perhaps, deaf to Ctrl-C, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with host.temporary() as started:
        yield started


@pytest.fixture(scope="session")
def stack(cloud: Cloud) -> Stack:
    # Few candidates for the sample that leaves their number to the stack.
    parameters = {"AutoMLMaxCandidates": "2", "IncomingEndpointName": ON_DEMAND}
    return deploy.deploy(cloud, parameters={**deploy.PARAMETERS, **parameters})


Execute = Callable[..., dict[str, Any]]


def wait(cloud: Cloud, execution: str, timeout: float) -> dict[str, Any]:
    """The description of an execution that has ended."""
    client, end = cloud.client("stepfunctions"), time.monotonic() + timeout
    while True:
        description: dict[str, Any] = client.describe_execution(executionArn=execution)
        if description["status"] != "RUNNING":
            return description
        assert time.monotonic() < end, "the execution hangs"
        time.sleep(0.2)


def succeeded(ended: dict[str, Any]) -> dict[str, Any]:
    """Output of an execution that must have come to a good end."""
    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    output: dict[str, Any] = json.loads(ended["output"])
    return output


def history(cloud: Cloud, execution: str) -> list[dict[str, Any]]:
    """All events of an execution, the first one first."""
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def entered(cloud: Cloud, ended: dict[str, Any]) -> set[str]:
    """Names of the states that the execution entered."""
    details = (event.get("stateEnteredEventDetails") for event in history(cloud, ended["executionArn"]))
    return {each["name"] for each in details if each}


@pytest.fixture(scope="session")
def execute(cloud: Cloud, stack: Stack) -> Execute:
    """Run a state machine, named by its output key without ``Arn``, to its end and return its description."""
    client = cloud.client("stepfunctions")

    def run(machine: str, request: Mapping[str, Any], timeout: float = 240) -> dict[str, Any]:
        arn = client.start_execution(stateMachineArn=stack.outputs[f"{machine}Arn"], input=json.dumps(request))
        return wait(cloud, arn["executionArn"], timeout)

    return run


@dataclass(frozen=True)
class Ended:
    """A command that ended: exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its standard output, which must be one JSON document and nothing else."""
        document: dict[str, Any] = json.loads(self.out)
        return document


Cli = Callable[..., Ended]


@pytest.fixture
def cli(cloud: Cloud, stack: Stack, tmp_path: Path) -> Cli:
    """Run ``autoflow`` in an empty folder against the session's cloud."""

    def run(*arguments: str | Path, timeout: float = 300) -> Ended:
        done = subprocess.run(
            [AUTOFLOW, *map(str, arguments), "--port", str(cloud.port)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    """What a command has said on standard error up to the line with the text."""
    assert process.stderr
    read = ""
    for line in process.stderr:
        read += line
        if text in line:
            return read
    pytest.fail(f"never said {text!r}: {read}")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def customers(count: int = 1200, seed: int = 7) -> list[dict[str, Any]]:
    """Who cancels? Mostly the ones with a short contract and many complaints; some noise."""
    chance = random.Random(seed)
    rows = []
    for index in range(count):
        months, complaints = chance.randint(1, 60), chance.choice([0, 0, 0, 1, 2, 5])
        plan = chance.choice(["basic", "family, large", 'the "best"'])
        score = 1.5 - months / 12 + complaints + (0.7 if plan == "basic" else 0) + chance.gauss(0, 0.6)
        rows.append(
            {
                "customer": f"c-{index:05}",
                "months": months,
                "plan": plan,
                "complaints": complaints if chance.random() > 0.03 else "",
                "cancels": "yes" if score > 0 else "no",
            }
        )
    return rows


def houses(count: int = 1200, seed: int = 7) -> list[dict[str, Any]]:
    """What does it cost? Area and distance tell nearly everything."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        area, distance = chance.uniform(30, 200), chance.uniform(0, 40)
        price = 3000 * area * math.exp(-distance / 30) * chance.uniform(0.95, 1.05)
        rows.append({"area": round(area, 1), "km to centre": round(distance, 2), "price": round(price, 2)})
    return rows
