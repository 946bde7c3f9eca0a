"""Start, find and stop a local cloud: LocalStack in host mode, on loopback, one per port."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import psutil
from botocore.config import Config

from autoflow.local import processes
from autoflow.local.errors import LocalCloudError
from autoflow.local.instance import Instance

HOST = "127.0.0.1"
DEFAULT_PORT = 4566
REGION = "us-east-1"
SERVICES = (
    "cloudformation",
    "cloudwatch",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "sagemaker-runtime",
    "scheduler",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
)

START_TIMEOUT_SECONDS = 90.0
OWNER_VARIABLE = "AUTOFLOW_OWNER"
"""In the cloud's environment: id of the process without which it has no purpose."""
_INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Cloud:
    """A local cloud that answers."""

    port: int
    pid: int
    mark: str
    started: float
    """Unix time."""

    @property
    def url(self) -> str:
        """Endpoint of every service."""
        return f"http://{HOST}:{self.port}"

    @property
    def instance(self) -> Instance:
        """Its files."""
        return Instance(self.port)

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud. It ignores the caller's AWS settings and proxies."""
        core = botocore.session.Session(session_vars=_no_settings())
        session: Any = boto3.Session("test", "test", region_name=REGION, botocore_session=core)
        config = Config(proxies={}, retries={"mode": "standard"}, read_timeout=900)
        return session.client(service, endpoint_url=self.url, config=config)


def healthy(port: int, timeout: float = 5.0) -> bool:
    """Whether a LocalStack answers on the port."""
    try:
        with _DIRECT.open(f"http://{HOST}:{port}/_localstack/health", timeout=timeout) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def find(port: int = DEFAULT_PORT) -> Cloud | None:
    """The cloud that runs on the port, or None. It may be too busy to answer; see :func:`healthy`."""
    record = Instance(port).read("cloud.json")
    if "Pid" not in record:
        return None
    try:
        process = psutil.Process(record["Pid"])
    except psutil.NoSuchProcess:
        return None
    if not processes.carries(process, record["Mark"]):
        return None
    return Cloud(port, process.pid, record["Mark"], process.create_time())


def running() -> list[Cloud]:
    """Every local cloud of this home, by port."""
    folder = Instance(0).folder.parent
    ports = sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit())
    return [cloud for port in ports if (cloud := find(port))]


def start(
    port: int = DEFAULT_PORT,
    *,
    services: Sequence[str] = SERVICES,
    mock_config: Path | None = None,
    wait_scale: float = 1.0,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Cloud:
    """The cloud on this port; started when it does not run. At most one is started, whoever asks at the same time.

    Args:
        port: TCP port on loopback.
        services: AWS services to offer.
        mock_config: Step Functions Local mock file (``SFN_MOCK_CONFIG``).
        wait_scale: factor on the seconds of Wait states and of Retry back-off.
        environment: more variables for the cloud's process.
        progress: is told what happens, in words for people.

    Raises:
        LocalCloudError: the port belongs to another program, or the cloud does not come up.
    """
    instance = Instance(port)
    with instance.locked(lambda: progress(f"Another autoflow is busy with the cloud on port {port}; waiting for it")):
        return start_locked(
            port,
            services=services,
            mock_config=mock_config,
            wait_scale=wait_scale,
            environment=environment,
            progress=progress,
        )


def start_locked(
    port: int,
    *,
    services: Sequence[str] = SERVICES,
    mock_config: Path | None = None,
    wait_scale: float = 1.0,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Cloud:
    """:func:`start` for a caller that holds the port's lock."""
    instance = Instance(port)
    if cloud := find(port):
        if _wait_until_healthy(cloud, 30):
            return cloud
        raise LocalCloudError(
            f"the cloud on port {port} (process {cloud.pid}) does not answer. "
            f"See {instance.log}; `autoflow down --port {port}` ends it"
        )
    stop_locked(port)
    _require_free(port)
    mark = secrets.token_hex(4)
    work = instance.work(mark)
    work.mkdir(parents=True)
    # The mark is on disk before the process exists: whatever happens to us now, it can be found again.
    instance.write("cloud.json", {"Mark": mark})
    variables = _environment(port, work, mark, services, wait_scale, mock_config) | dict(environment or {})
    progress(f"Starting the local cloud on port {port}")
    try:
        with instance.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "localstack.runtime.main"],
                env=variables,
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        cloud = Cloud(port, process.pid, mark, psutil.Process(process.pid).create_time())
        if not _wait_until_healthy(cloud, START_TIMEOUT_SECONDS, process):
            raise LocalCloudError(
                f"the local cloud did not come up on port {port}. The end of {instance.log}:\n{_tail(instance.log)}"
            )
        instance.write("cloud.json", {"Mark": mark, "Pid": process.pid})
    except BaseException:
        processes.end(mark)
        instance.clear()
        raise
    return cloud


def stop(port: int = DEFAULT_PORT) -> bool:
    """End the cloud on the port with everything it started, and remove its files. False when there was none."""
    instance = Instance(port)
    if not instance.folder.exists():
        return False
    with instance.locked():
        return stop_locked(port)


def stop_locked(port: int) -> bool:
    """:func:`stop` for a caller that holds the port's lock."""
    instance = Instance(port)
    mark = instance.read("cloud.json").get("Mark")
    ended = processes.end(mark) if mark else 0
    instance.clear()
    return ended > 0


@contextlib.contextmanager
def temporary(port: int | None = None, **options: Any) -> Iterator[Cloud]:
    """A cloud on a free port that is stopped at the end, also when this process is killed before.

    Args:
        port: TCP port on loopback; a free one when left out.
        options: as for :func:`start`.
    """
    chosen = port or free_port()
    options["environment"] = {**(options.get("environment") or {}), OWNER_VARIABLE: str(os.getpid())}
    try:
        yield start(chosen, **options)
    finally:
        stop(chosen)


def free_port() -> int:
    """A TCP port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As the server itself does: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise LocalCloudError(f"port {port} needs privileges; choose another one with --port") from error
        except (OSError, OverflowError) as error:
            what = "another LocalStack" if healthy(port) else "another program"
            raise LocalCloudError(f"port {port} is taken by {what}; choose another one with --port") from error


def _wait_until_healthy(cloud: Cloud, timeout: float, process: "subprocess.Popen[bytes] | None" = None) -> bool:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            return False
        if healthy(cloud.port):
            return True
        time.sleep(0.05)
    return False


def _tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _no_settings() -> dict[str, tuple[None, None, object, None]]:
    """All of botocore's settings at their defaults, whatever the environment and the user's files say."""
    known = botocore.session.Session.SESSION_VARIABLES
    nothing = {name: (None, None, default, None) for name, (_, _, default, _) in known.items()}
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return nothing | files


def _environment(
    port: int, work: Path, mark: str, services: Sequence[str], wait_scale: float, mock_config: Path | None
) -> dict[str, str]:
    """Variables of LocalStack's process: nothing of the caller's AWS or LocalStack settings reaches it."""
    variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    variables |= {name: value for name, value in os.environ.items() if name.startswith("AUTOFLOW_")}
    variables |= {
        processes.MARK: mark,
        "HOME": str(work),
        "TMPDIR": str(work),
        "XDG_CACHE_HOME": str(work / "cache"),
        "CONFIG_DIR": str(work),
        "FILESYSTEM_ROOT": str(work),
        "OVERRIDE_IN_DOCKER": "0",
        # hypercorn: the default server, twisted, ignores the host and listens on every address.
        "GATEWAY_SERVER": "hypercorn",
        "GATEWAY_LISTEN": f"{HOST}:{port}",
        "DNS_ADDRESS": "0",
        "DISABLE_CORS_HEADERS": "1",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "SERVICES": ",".join(services),
        "STRICT_SERVICE_LOADING": "1",
        "LAMBDA_RUNTIME_EXECUTOR": "subprocess",
        "LAMBDA_KEEPALIVE_MS": "3600000",
        # A busy machine may take long to start a process; the functions' own limits are kept by the executor.
        "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "300",
        "NO_PROXY": "*",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AUTOFLOW_WAIT_SCALE": str(wait_scale),
    }
    if mock_config is not None:
        variables["SFN_MOCK_CONFIG"] = str(mock_config)
    return variables
