"""One port, one cloud, and nothing left when it is gone."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from autoflow.local import cloud as host
from autoflow.local import processes
from autoflow.local.cloud import Cloud
from autoflow.local.errors import LocalCloudError
from autoflow.local.instance import Instance

FEW = ["s3", "lambda", "sts", "iam"]


@pytest.fixture
def port() -> Iterator[int]:
    chosen = host.free_port()
    yield chosen
    host.stop(chosen)


def start_a_function(cloud: Cloud) -> None:
    """So that the cloud has processes of its own."""
    from tests.local.test_lambda import Function, archive

    client = cloud.client("lambda")
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="app.handler",
        Code={"ZipFile": archive({"app.py": "def handler(event, context): pass"})},
    )
    Function(cloud, "f").settle()
    client.invoke(FunctionName="f")


def listening(pid: int) -> set[str]:
    """Addresses that the process and its children listen on."""
    ours = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    connections = [connection for process in ours for connection in process.net_connections("inet")]
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def test_a_cloud_listens_on_loopback_only_and_leaves_nothing(port: int) -> None:
    cloud = host.start(port, services=FEW)
    start_a_function(cloud)
    assert listening(cloud.pid) == {"127.0.0.1"}
    assert len(processes.find(cloud.mark)) >= 3
    assert host.find(port) == cloud
    assert host.stop(port)
    assert processes.find(cloud.mark) == []
    assert host.find(port) is None
    assert {path.name for path in cloud.instance.folder.iterdir()} == {"cloud.log", "lock"}
    assert not host.stop(port)


def test_starting_twice_at_once_gives_one_cloud(port: int) -> None:
    with ThreadPoolExecutor(3) as pool:
        started = set(pool.map(lambda _: host.start(port, services=FEW), range(3)))
    assert len(started) == 1
    assert len([process for process in processes.find(started.pop().mark) if process.name().startswith("python")]) == 1


def test_two_clouds_live_side_by_side(port: int) -> None:
    with host.temporary(services=FEW) as other:
        first = host.start(port, services=FEW)
        first.client("s3").create_bucket(Bucket="only-here")
        assert other.client("s3").list_buckets()["Buckets"] == []
        assert {first, other} <= set(host.running())
        host.stop(port)
        assert host.healthy(other.port)


def test_buckets_of_one_name_in_two_clouds_are_two(port: int) -> None:
    large = b"0123456789" * 200_000
    with host.temporary(services=FEW) as other:
        first = host.start(port, services=FEW)
        for cloud in (first, other):
            cloud.client("s3").create_bucket(Bucket="data")
        other.client("s3").delete_bucket(Bucket="data")
        first.client("s3").put_object(Bucket="data", Key="large", Body=large)
        assert first.client("s3").get_object(Bucket="data", Key="large")["Body"].read() == large
        assert (first.instance.work(first.mark) / "s3" / "data").is_dir()


def test_what_kill_9_leaves_behind_ends_and_the_next_start_cleans_up(port: int) -> None:
    cloud = host.start(port, services=FEW)
    start_a_function(cloud)
    work, half_written = cloud.instance.work(cloud.mark), cloud.instance.folder / "stack.json.4711"
    assert work.exists()
    half_written.touch()
    os.kill(cloud.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while processes.find(cloud.mark):
        assert time.monotonic() < end, "a function outlived its cloud"
        time.sleep(0.05)
    assert host.find(port) is None
    again = host.start(port, services=FEW)
    assert again.mark != cloud.mark
    assert not work.exists()
    assert not half_written.exists()


def test_a_recycled_process_id_is_never_killed(port: int) -> None:
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        instance = Instance(port)
        instance.folder.mkdir(parents=True)
        instance.write("cloud.json", {"Mark": "0123abcd", "Pid": innocent.pid})
        assert host.find(port) is None
        assert not host.stop(port)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_port_of_another_program_is_refused(port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(LocalCloudError, match=f"port {port} is taken by another program; .*--port"):
            host.start(port, services=FEW)


def test_a_cloud_that_cannot_start_says_why_and_leaves_nothing(port: int) -> None:
    with pytest.raises(LocalCloudError, match="did not come up") as caught:
        host.start(port, services=FEW, environment={"GATEWAY_SERVER": "no-such-server"})
    assert "no-such-server" in str(caught.value)
    assert not (Instance(port).folder / "cloud.json").exists()
    assert not list(Instance(port).folder.glob("work-*"))


def test_a_home_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AUTOFLOW_HOME", str(tmp_path / "file"))
    with pytest.raises(LocalCloudError, match="AUTOFLOW_HOME"):
        host.start(host.free_port(), services=FEW)


def test_a_user_without_a_home_is_told_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    for name in ("AUTOFLOW_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LocalCloudError, match="Set AUTOFLOW_HOME"):
        host.find(host.free_port())


def test_interrupting_a_start_leaves_nothing(port: int) -> None:
    code = (
        "import sys\nfrom autoflow.local import cloud\n"
        f"print('go', flush=True); cloud.start({port}, services={FEW!r}, progress=lambda text: print(text, flush=True))"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert starter.stdout
    while "Starting" not in starter.stdout.readline():
        assert starter.poll() is None
    time.sleep(0.3)
    mark = Instance(port).read("cloud.json")["Mark"]
    starter.send_signal(signal.SIGINT)
    starter.communicate(timeout=20)
    assert processes.find(mark) == []
    assert host.find(port) is None
    assert not list(Instance(port).folder.glob("work-*"))


def test_the_callers_aws_settings_do_not_matter(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "there-is-no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name in ("CA_BUNDLE", "DEFAULTS_MODE", "MAX_ATTEMPTS", "REQUEST_CHECKSUM_CALCULATION", "RETRY_MODE"):
        monkeypatch.setenv(f"AWS_{name}", "nonsense")
    monkeypatch.setenv("SERVICES", "sqs")
    cloud = host.start(port, services=FEW)
    cloud.client("s3").create_bucket(Bucket="bucket")
    assert [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]] == ["bucket"]


def test_a_slow_reader_gets_all_of_a_large_object_and_disturbs_nobody(port: int) -> None:
    cloud = host.start(port, services=FEW)
    s3, size = cloud.client("s3"), 80 << 20
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="large", Body=bytes(size))
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.connect()
    # A request that comes a moment after its connection is what LocalStack's look for TLS gets wrong.
    time.sleep(0.3)
    connection.request("GET", "/bucket/large")
    body = connection.getresponse()
    read = len(body.read(1 << 20))
    time.sleep(2.5)
    assert host.healthy(port, timeout=2)
    while chunk := body.read(8 << 20):
        read += len(chunk)
    assert read == size
    connection.close()


def test_waits_can_be_scaled(port: int) -> None:
    cloud = host.start(port, services=["stepfunctions", "sts", "iam", "events"], wait_scale=0.01)
    client = cloud.client("stepfunctions")
    machine = client.create_state_machine(
        name="waits",
        roleArn="arn:aws:iam::000000000000:role/machine",
        definition='{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": true}}}',
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    end = threading.Event()
    for _ in range(100):
        if client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED":
            return
        end.wait(0.1)
    pytest.fail("the wait was not scaled")


def test_a_temporary_cloud_ends_with_its_owner_even_when_that_is_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    started = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.communicate()
    started.wait(timeout=60)


OWNER = """
import time
from autoflow.local import cloud
with cloud.temporary(services=["s3"]) as started:
    print(started.pid, flush=True)
    time.sleep(600)
"""
