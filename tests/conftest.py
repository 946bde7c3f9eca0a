"""What all suites share. Any of them may run in one process, in any order and interleaved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autoflow.local import cloud as host


@pytest.fixture(scope="session", autouse=True)
def autoflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test touches the clouds of the person who runs it. One home for all suites: a cloud is found by it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOFLOW_HOME", str(folder))
        yield folder
        for cloud in host.running():
            host.stop(cloud.port)
