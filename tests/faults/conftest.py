"""A local cloud in which faults can be set, the project's stack in it, and the smallest honest run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autoflow.local import cloud as host
from autoflow.local import deploy
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.local.conftest import customers, execute, heed_ctrl_c, write_csv

__all__ = ["cloud", "execute", "heed_ctrl_c", "small_run", "stack"]

SmallRun = Callable[..., dict[str, Any]]
ROWS = 700
"""An AutoML job needs 500 to learn from, of which a fifth is set apart."""
WAIT_SCALE = 0.05
"""Waits and back-offs of seconds, as there are many; a deployed stack has them in full."""
FAULTS = {"AUTOFLOW_FAULTS": "1"}
"""What opens the door through which faults are set; no other local cloud has it."""


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with host.temporary(wait_scale=WAIT_SCALE, environment=FAULTS) as started:
        yield started


@pytest.fixture(scope="session")
def stack(cloud: Cloud) -> Stack:
    return deploy.deploy(cloud, parameters={**deploy.PARAMETERS, "AutoMLMaxCandidates": "1"})


@pytest.fixture(scope="session")
def small_run(cloud: Cloud, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """Input of the main machine for a few rows and one candidate; keywords take the place of its top-level keys.

    Each request is for an endpoint of its own, which is gone when the run has ended, unless ``Endpoint`` is given.
    """
    bucket, key = stack.outputs["DataBucketName"], "uploads/faults/customers.csv"
    path: Path = write_csv(tmp_path_factory.mktemp("faults") / "customers.csv", customers(ROWS))
    cloud.client("s3").upload_file(str(path), bucket, key)

    def request(**overrides: Any) -> dict[str, Any]:
        return {
            "Dataset": {"S3Uri": f"s3://{bucket}/{key}", "TargetColumn": "cancels", "IdColumn": "customer"},
            "AutoML": {"MaxCandidates": 1, "MaxRuntimeSeconds": 300},
            "Endpoint": {"Keep": False},
            **overrides,
        }

    return request
