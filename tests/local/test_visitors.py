"""Who reaches a local cloud: programs of this machine, over loopback; no other machine, no web page, no other user."""

import http.client
import json
import socket
import stat
import threading
from collections.abc import Iterator

import psutil
import pytest

from autoflow.local import cloud as host
from autoflow.local import processes
from autoflow.local.cloud import Cloud
from autoflow.local.runtime_api import Event, RuntimeApi
from tests.local.test_cloud import start_a_function

SERVICES = ["iam", "kms", "lambda", "s3", "sns", "sqs", "sts"]


@pytest.fixture(scope="module")
def small_cloud() -> Iterator[Cloud]:
    """A cloud with a bucket, a topic and a function's process."""
    with host.temporary(services=SERVICES) as started:
        started.client("s3").create_bucket(Bucket="data")
        started.client("s3").put_object(Bucket="data", Key="salaries.csv", Body=b"secret")
        started.client("sns").create_topic(Name="news")
        start_a_function(started)
        yield started


def listeners(mark: str) -> list[tuple[str, int]]:
    """Address and port of everything that the cloud's processes listen on."""
    found = [connection for process in processes.find(mark) for connection in process.net_connections("inet")]
    return [(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN]


def other_addresses() -> list[str]:
    """This machine's addresses but the one that clouds listen on; 127.0.0.2 is there wherever there is a loopback."""
    addresses = [one.address for each in psutil.net_if_addrs().values() for one in each if one.family == socket.AF_INET]
    return ["127.0.0.2", *sorted(set(addresses) - {host.HOST})]


def ask(port: int, method: str, path: str, body: bytes = b"", /, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """One request with exactly these headers, as a browser would send it."""
    connection = http.client.HTTPConnection(host.HOST, port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        given = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body))}
        for name, value in (given | {name.replace("_", "-"): value for name, value in headers.items()}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def test_every_listener_is_reached_by_loopback_alone(small_cloud: Cloud) -> None:
    found = listeners(small_cloud.mark)
    assert len(found) >= 2, "the gateway, and what the function asks for its events"
    assert {address for address, _ in found} == {host.HOST}
    for address in other_addresses():
        for _, port in found:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, port), timeout=5)


def test_a_program_is_answered(small_cloud: Cloud) -> None:
    assert ask(small_cloud.port, "GET", "/data/salaries.csv")[:2] == (200, b"secret")


EVIL_PAGES: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "fetches a file": ("GET", "/data/salaries.csv", b"", {"Origin": "https://evil.example"}),
    "shows a file as a picture": ("GET", "/data/salaries.csv", b"", {"Sec_Fetch_Site": "cross-site"}),
    "is rebound to loopback": ("GET", "/data/salaries.csv", b"", {"Host": "evil.example:4566"}),
    "is a sandboxed frame": ("POST", "/data", b"", {"Origin": "null"}),
    "is LocalStack's web application": (
        *("POST", "/", b"Action=CreateTopic&Name=theirs"),
        {"Origin": "https://app.localstack.cloud", "Content_Type": "application/x-www-form-urlencoded"},
    ),
    "sends a form": (
        *("POST", "/", b"Action=CreateTopic&Name=theirs&Version=2010-03-31"),
        {"Origin": "https://evil.example", "Content_Type": "application/x-www-form-urlencoded"},
    ),
    "loads a picture that makes a topic": (
        *("GET", "/?Action=CreateTopic&Name=theirs&Version=2010-03-31", b""),
        {"Sec_Fetch_Site": "cross-site"},
    ),
    "asks whether it may": (
        *("OPTIONS", "/data/salaries.csv", b""),
        {"Origin": "https://evil.example", "Access_Control_Request_Method": "PUT"},
    ),
    "lies in a bucket of this cloud": ("PUT", "/data/theirs", b"x", {"Sec_Fetch_Site": "same-origin"}),
    "writes an object": ("PUT", "/data/theirs", b"x", {"Origin": "https://evil.example"}),
    "asks LocalStack itself": ("GET", "/_localstack/health", b"", {"Sec_Fetch_Site": "cross-site"}),
    "ends the cloud": ("POST", "/_localstack/health", b'{"action": "kill"}', {"Origin": "https://evil.example"}),
}


@pytest.mark.parametrize("page", EVIL_PAGES)
def test_a_web_page_gets_and_changes_nothing(small_cloud: Cloud, page: str) -> None:
    method, path, body, headers = EVIL_PAGES[page]
    status, answer, answered = ask(small_cloud.port, method, path, body, **headers)
    assert status == 403
    assert b"secret" not in answer
    assert not [name for name in answered if name.lower().startswith("access-control-")]
    topics = small_cloud.client("sns").list_topics()["Topics"]
    objects = small_cloud.client("s3").list_objects_v2(Bucket="data")["Contents"]
    assert [topic["TopicArn"].rpartition(":")[2] for topic in topics] == ["news"]
    assert [one["Key"] for one in objects] == ["salaries.csv"]


def test_a_web_page_takes_no_event_from_a_function() -> None:
    api = RuntimeApi()
    try:
        port = int(api.address.rpartition(":")[2])
        api.send(Event("1", b'{"for": "the function"}', "arn", "trace", 0.0))
        for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Host": f"evil.example:{port}"}):
            status, answer, _ = ask(port, "GET", "/2018-06-01/runtime/invocation/next", **headers)
            assert (status, b"function" in answer) == (403, False)
        ask(port, "POST", "/2018-06-01/runtime/init/error", b"{}", Origin="https://evil.example")
        assert api.init_error is None
        status, answer, _ = ask(port, "GET", "/2018-06-01/runtime/invocation/next")
        assert (status, json.loads(answer)) == (200, {"for": "the function"})
    finally:
        api.close()


def test_other_users_of_the_machine_read_no_file_of_the_cloud(small_cloud: Cloud) -> None:
    """Nobody but its owner enters the folder, so the modes of what lies in it are of no account."""
    folder = small_cloud.instance.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for process in processes.find(small_cloud.mark):
        for file in process.open_files():
            if file.mode in {"w", "a", "r+", "a+"} and not file.path.startswith("/dev/"):
                assert file.path.startswith(str(folder)), file.path


def test_a_folder_that_others_could_read_is_closed(small_cloud: Cloud) -> None:
    small_cloud.instance.folder.chmod(0o755)
    with small_cloud.instance.locked():
        assert stat.S_IMODE(small_cloud.instance.folder.stat().st_mode) == 0o700


def test_the_runtime_api_serves_several_at_once() -> None:
    """A page that holds a connection open holds nobody up."""
    api = RuntimeApi()
    try:
        port = int(api.address.rpartition(":")[2])
        with socket.create_connection((host.HOST, port)):
            api.send(Event("1", b"{}", "arn", "trace", 0.0))
            done = threading.Thread(target=ask, args=(port, "GET", "/2018-06-01/runtime/invocation/next"), daemon=True)
            done.start()
            done.join(10)
            assert not done.is_alive()
    finally:
        api.close()
