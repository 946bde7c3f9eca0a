"""What all suites share. Any of them may run in one process, in any order and interleaved."""

import os
from collections.abc import Iterator
from pathlib import Path

import moto.core  # noqa: F401  It can only answer for sessions made after this import, wherever a suite makes its first.
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from autoflow.local import cloud as host
from tests import sampling
from tests.ledger import Ledger

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "autopilot-flow",
    "POWERTOOLS_METRICS_NAMESPACE": "AutopilotFlow",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "LOG_LEVEL": "INFO",
    "DATA_BUCKET": "data-bucket",
    "AUTOML_MODE": "ENSEMBLING",
    "AUTOML_MAX_CANDIDATES": "10",
    "AUTOML_MAX_RUNTIME_SECONDS": "3600",
    "DEFAULT_CONFIDENCE": "0.9",
    "ENDPOINT_HOSTING": "Serverless",
    "ENDPOINT_MEMORY_SIZE_IN_MB": "4096",
    "ENDPOINT_MAX_CONCURRENCY": "5",
    "ENDPOINT_INSTANCE_TYPE": "ml.m5.large",
    "ENDPOINT_INSTANCE_COUNT": "1",
    "KEEP_ENDPOINT": "true",
    "APPROVAL": "Automatic",
    "APPROVAL_TIMEOUT_SECONDS": "604800",
    "SUBNET_IDS": "",
    "SECURITY_GROUP_IDS": "",
    "SAGEMAKER_ROLE_ARN": "arn:aws:iam::123456789012:role/sagemaker",
    "KMS_KEY_ARN": "",
    "MINIMUM_WAIT_SECONDS": "15",
    "CANARY_WAIT_SECONDS": "300",
    "LATENCY_ALARM_SECONDS": "5",
}
"""What a function finds around it, before any test imports one; and no account of the person who runs the tests."""
os.environ.update(ENVIRONMENT)
os.environ.pop("AWS_ENDPOINT_URL", None)


FOLDERS = ("unit", "hostile", "statemachine", "packaging", "report", "access", "local", "faults")
"""In this order: what is found soonest comes first."""
TOGETHER = ("tests/statemachine/", "tests/packaging/", "tests/local/scoring/")
"""Folders whose tests share what takes long to make."""


class FilesAndFolders(LoadFileScheduling):  # type: ignore[misc]
    """One worker runs a whole file, and one runs all files of a folder that is in TOGETHER."""

    def _split_scope(self, nodeid: str) -> str:
        return next(filter(nodeid.startswith, TOGETHER), None) or str(super()._split_scope(nodeid))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        sampling.OPTION, action="store_true", help="run every case of the tests that are marked as sampled"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", sampling.MARKER)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesAndFolders:
    return FilesAndFolders(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption(sampling.OPTION) and (left := sampling.left_out(items)):
        config.hook.pytest_deselected(items=sorted(left, key=lambda item: item.nodeid))
        items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: FOLDERS.index(item.path.relative_to(Path(__file__).parent).parts[0]))


@pytest.fixture(scope="session", autouse=True)
def autoflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test touches the clouds of the person who runs it. One home for all suites: a cloud is found by it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOFLOW_HOME", str(folder))
        yield folder
        for cloud in host.running():
            host.stop(cloud.port)


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """Where a fault test notes what it observed."""
    return Ledger()
