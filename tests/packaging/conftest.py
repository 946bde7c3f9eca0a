"""What `sam build` makes of the template, with the tools a deployer has: the SAM CLI, and Python 3.13 with pip."""

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoflow.local import cloud as host
from autoflow.local.cloud import Cloud
from tests.packaging.sam_build import NATIVE, ROOT, SAM, Build

OTHER = {"x86_64": "arm64", "arm64": "x86_64"}[NATIVE]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a deployer's shell: python3.13 and pip come first on the PATH, nothing of ours leaks in."""
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, with_pip=True, symlinks=True)
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SAM_", "PYTHON", "VIRTUAL_"))
    }
    return kept | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),  # the SAM CLI leaves folders there
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture(scope="session")
def sam(tools: dict[str, str]) -> Callable[..., str]:
    """Runs the SAM CLI in the repository and returns what it printed."""

    def run(*arguments: str, **variables: str) -> str:
        done = subprocess.run(
            [SAM, *arguments],
            cwd=ROOT,
            env=tools | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    return run


def _build(sam: Callable[..., str], folder: Path, architecture: str) -> Build:
    assert sys.version_info[:2] == (3, 13)
    sam("build", "--build-dir", str(folder), "--parameter-overrides", f"Architecture={architecture}")
    return Build(folder, architecture)


@pytest.fixture(scope="session")
def build(sam: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """For this machine's processor."""
    return _build(sam, tmp_path_factory.mktemp("build") / NATIVE, NATIVE)


@pytest.fixture(scope="session")
def other_build(sam: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """For the processor that this machine does not have."""
    return _build(sam, tmp_path_factory.mktemp("build") / OTHER, OTHER)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with host.temporary() as started:
        yield started
