"""A built function under AWS's Lambda Runtime Interface Emulator: what `sam local invoke` runs inside its container."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awslambdaric
import pytest

from autoflow.local.cloud import Cloud, free_port
from tests.packaging.sam_build import NATIVE, ROOT, Build

Emulate = Callable[..., str]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the emulator is a Linux program")
RUNTIME_CLIENT = ("awslambdaric", "runtime_client*.so", "simplejson", "snapshot_restore_py")
EXECUTION = {"Id": "arn:aws:states:x", "Name": "nightly", "StartTime": "2026-11-20T10:00:00Z"}


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A folder with Lambda's Python runtime client and nothing else of our environment."""
    installed = Path(awslambdaric.__file__).parents[1]
    for pattern in RUNTIME_CLIENT:
        for path in installed.glob(pattern):
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture
def emulate(build: Build, runtime: Path) -> Iterator[Emulate]:
    """Starts a function under the emulator, with more variables, and gives the URL where it answers."""
    (emulator,) = (ROOT / ".venv-sam").glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{NATIVE}")
    started: list[subprocess.Popen[bytes]] = []

    def start(function: str, **variables: str) -> str:
        port, api = free_port(), free_port()
        settings = {
            "PYTHONPATH": os.pathsep.join(map(str, [*build.search_path(function), runtime])),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "LAMBDA_TASK_ROOT": str(build.folder / function),
            "POWERTOOLS_TRACE_DISABLED": "true",
        }
        handler = build.functions()[function]["Handler"]
        command = [
            *(emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{api}", sys.executable, "-S", "-m", "awslambdaric", handler),
        ]
        environment = build.environment(function) | settings | variables
        started.append(subprocess.Popen(command, cwd=build.folder / function, env=environment, start_new_session=True))
        return f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def invoke(url: str, event: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(event).encode(), {"Content-Type": "application/json"})
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_a_function_names_its_error(emulate: Emulate) -> None:
    url = emulate("ValidateRequestFunction")
    error = invoke(url, {"Input": {"Datset": {}}, "Execution": EXECUTION})

    assert error["errorType"] == "InvalidRequest"
    assert "Dataset" in error["errorMessage"]


def test_a_function_works_in_the_local_cloud(emulate: Emulate, cloud: Cloud) -> None:
    """As README shows it; the endpoint of the sample event is gone already."""
    event = json.loads((ROOT / "events" / "remove_endpoint.json").read_text())
    answer = invoke(emulate("RemoveEndpointFunction", AWS_ENDPOINT_URL=cloud.url), event)

    assert answer == {**event["Endpoint"], "Status": "Deleted"}
