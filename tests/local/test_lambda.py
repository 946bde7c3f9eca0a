"""What a function can see or cause in the local cloud is what it can see or cause on AWS."""

import io
import json
import os
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from autoflow.local.cloud import Cloud

HANDLER = """
import json, os, sys, time, pathlib
print("module loaded")
state = {"calls": 0}

def handler(event, context):
    state["calls"] += 1
    print("handling", event.get("do"))
    match event.get("do"):
        case "environment": return dict(os.environ)
        case "context": return {"id": context.aws_request_id, "left": context.get_remaining_time_in_millis(),
                                "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
                                "group": context.log_group_name}
        case "raise": raise LookupError("no such thing")
        case "sleep": time.sleep(event["seconds"])
        case "exit": os._exit(event["status"])
        case "leave": sys.exit(3)
        case "allocate": hoard = b"x" * (event["megabytes"] << 20); time.sleep(1)
        case "big": return "x" * (7 << 20)
        case "pid": return os.getpid()
        case "import": return __import__(event["name"]).VALUE
        case "child":
            import subprocess
            return subprocess.Popen(["sleep", "600"]).pid
        case "scratch":
            import tempfile
            return tempfile.gettempdir()
        case "stdin": return sys.stdin.read()
    return {"calls": state["calls"], "event": event}
"""


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return buffer.getvalue()


class Function:
    def __init__(self, cloud: Cloud, name: str) -> None:
        self.client = cloud.client("lambda")
        self.name = name

    def __call__(self, **event: Any) -> Any:
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event))
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.loads(answer["Payload"].read())

    def error(self, **event: Any) -> dict[str, Any]:
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event))
        assert answer["FunctionError"] == "Unhandled"
        document: dict[str, Any] = json.loads(answer["Payload"].read())
        return document

    def settle(self) -> dict[str, Any]:
        """Wait until the function is what was asked for, or is not to be."""
        end = time.monotonic() + 30
        while True:
            settings: dict[str, Any] = self.client.get_function(FunctionName=self.name)["Configuration"]
            if settings["State"] != "Pending" and settings.get("LastUpdateStatus") != "InProgress":
                return settings
            assert time.monotonic() < end, settings
            time.sleep(0.05)


Create = Callable[..., Function]


@pytest.fixture(scope="module")
def create(cloud: Cloud) -> Create:
    client = cloud.client("lambda")
    count = iter(range(100))

    def make(code: str = HANDLER, folder: Path | None = None, **settings: Any) -> Function:
        name = f"function-{next(count)}"
        where = {"S3Bucket": "hot-reload", "S3Key": str(folder)} if folder else {"ZipFile": archive({"app.py": code})}
        client.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.13",
                "Role": "arn:aws:iam::000000000000:role/function",
                "Handler": "app.handler",
                "Code": where,
                "Timeout": 10,
                "MemorySize": 256,
                **settings,
            }
        )
        function = Function(cloud, name)
        assert function.settle()["State"] == "Active"
        return function

    return make


@pytest.fixture(scope="module")
def function(create: Create) -> Function:
    return create(Timeout=2, Environment={"Variables": {"COLOUR": "blue"}})


def test_an_environment_is_reused_and_keeps_its_state(create: Create) -> None:
    function = create()
    first, second = function(), function()
    assert (first["calls"], second["calls"]) == (1, 2)


def test_environment_variables_are_those_of_aws_and_the_functions_own(function: Function, cloud: Cloud) -> None:
    seen = function(do="environment")
    assert seen["COLOUR"] == "blue"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == function.name
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert seen["AWS_ENDPOINT_URL"] == cloud.url
    assert seen["_HANDLER"] == "app.handler"
    assert not [name for name in seen if name.startswith(("LOCALSTACK", "AUTOFLOW", "SERVICES", "GATEWAY"))]


def test_the_context_tells_time_left_and_identity(function: Function) -> None:
    context = function(do="context")
    assert 500 < context["left"] <= 2000
    assert context["arn"].endswith(f":function:{function.name}")
    assert context["memory"] == "256"
    assert context["group"] == f"/aws/lambda/{function.name}"


def test_an_exception_is_a_function_error_with_type_message_and_stack(function: Function) -> None:
    error = function.error(do="raise")
    assert error["errorType"] == "LookupError"
    assert error["errorMessage"] == "no such thing"
    assert any("app.py" in line for line in error["stackTrace"])


def test_a_timeout_is_reported_in_time_and_the_next_call_gets_a_fresh_process(function: Function) -> None:
    before = function(do="pid")
    started = time.monotonic()
    error = function.error(do="sleep", seconds=60)
    assert time.monotonic() - started < 5
    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 2.00 seconds" in error["errorMessage"]
    assert not psutil.pid_exists(before)
    assert function()["calls"] == 1


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"do": "exit", "status": 7}, "Runtime exited with error: exit status 7"),
        ({"do": "exit", "status": 0}, "Runtime exited without providing a reason"),
        ({"do": "leave"}, "Runtime exited with error: exit status 3"),
    ],
)
def test_a_crash_is_an_exit_error(function: Function, event: dict[str, Any], reason: str) -> None:
    error = function.error(**event)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(reason)
    assert function()["calls"] == 1


def test_more_memory_than_configured_ends_the_function(function: Function) -> None:
    error = function.error(do="allocate", megabytes=400)
    assert error["errorType"] == "Runtime.OutOfMemory"
    assert error["errorMessage"].endswith("signal: killed")


def test_a_response_over_six_megabytes_is_refused(function: Function) -> None:
    assert function.error(do="big")["errorType"] == "Function.ResponseSizeTooLarge"


def test_standard_input_is_empty(function: Function) -> None:
    assert function(do="stdin") == ""


@pytest.mark.parametrize(
    ("code", "error_type"),
    [
        ("import not_there", "Runtime.ImportModuleError"),
        ("def handler(:", "Runtime.UserCodeSyntaxError"),
        ("raise KeyError('x')", "KeyError"),
        ("def other(): pass", "Runtime.HandlerNotFound"),
        ("import os; os._exit(5)", "Runtime.ExitError"),
    ],
)
def test_a_function_that_cannot_start_says_why_every_time(create: Create, code: str, error_type: str) -> None:
    function = create(code)
    assert [function.error()["errorType"] for _ in range(2)] == [error_type, error_type]


def test_twenty_at_once_run_in_environments_of_their_own(create: Create) -> None:
    function = create()
    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: function(do="sleep", seconds=1), range(20)))
    assert time.monotonic() - started < 15
    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(lambda _: function(do="scratch"), range(20)))) > 1


def test_what_a_function_started_ends_with_it(create: Create) -> None:
    function = create(Timeout=2)
    child = function(do="child")
    assert psutil.pid_exists(child)
    function.error(do="sleep", seconds=10)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_output_reaches_cloudwatch_logs_in_awss_frame(create: Create, cloud: Cloud) -> None:
    function = create()
    function(do="hello")
    function(do="once more")
    function.error(do="raise")
    logs = cloud.client("logs")
    end = time.monotonic() + 10
    while True:
        text = ""
        if groups := logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function.name}")["logGroups"]:
            events = logs.filter_log_events(logGroupName=groups[0]["logGroupName"])["events"]
            text = "".join(event["message"] for event in events)
        if text.count("REPORT") == 3 or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert "START RequestId: " in text
    assert "module loaded\n" in text
    assert "\nhandling hello\n" in text
    assert "\nhandling once more\n" in text
    assert "\0" not in text
    assert "[ERROR] LookupError: no such thing" in text
    assert text.count("REPORT") == 3
    assert text.count("Init Duration") == 1
    assert "Memory Size: 256 MB" in text


def test_an_error_at_start_is_in_the_log(create: Create, cloud: Cloud) -> None:
    function = create("import not_there")
    function.error()
    logs, text, end = cloud.client("logs"), "", time.monotonic() + 10
    while "not_there" not in text and time.monotonic() < end:
        time.sleep(0.1)
        groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function.name}")["logGroups"]
        for group in groups:
            events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            text = "".join(event["message"] for event in events)
    assert "Runtime.ImportModuleError" in text


def test_layers_are_importable_and_a_later_layer_wins(create: Create, cloud: Cloud) -> None:
    client = cloud.client("lambda")
    layers = [
        client.publish_layer_version(
            LayerName=f"layer-{number}",
            Content={
                "ZipFile": archive({"python/both.py": f"VALUE = {number}", f"python/only_{number}.py": "VALUE = 0"})
            },
            CompatibleRuntimes=["python3.13"],
        )["LayerVersionArn"]
        for number in (1, 2)
    ]
    function = create(Layers=layers)
    assert function(do="import", name="both") == 2
    assert function(do="import", name="only_1") == 0


def test_the_functions_own_copy_of_a_common_package_is_used(create: Create) -> None:
    function = create("import boto3\ndef handler(event, context): return boto3.VALUE")
    assert function.error()["errorType"] == "AttributeError"
    client = function.client
    client.update_function_code(
        FunctionName=function.name,
        ZipFile=archive({"app.py": "import boto3\ndef handler(e, c): return boto3.VALUE", "boto3.py": "VALUE = 'own'"}),
    )
    function.settle()
    assert function() == "own"


def test_changed_source_is_used_by_the_next_call(create: Create, tmp_path: Path) -> None:
    source = tmp_path / "app.py"
    source.write_text("def handler(event, context): return 'old'")
    function = create(folder=tmp_path)
    assert function() == "old"
    source.write_text("def handler(event, context): return 'newer'")
    assert function() == "newer"


def test_another_runtime_is_refused(cloud: Cloud) -> None:
    client = cloud.client("lambda")
    client.create_function(
        FunctionName="node",
        Runtime="nodejs22.x",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="index.handler",
        Code={"ZipFile": archive({"index.js": ""})},
    )
    state = Function(cloud, "node").settle()
    assert state["State"] == "Failed"
    assert "python3.13" in state["StateReason"]


def test_functions_leave_no_files_in_the_users_home(function: Function) -> None:
    seen = function(do="environment")
    assert not seen["HOME"].startswith(os.path.expanduser("~/"))  # noqa: PTH111
