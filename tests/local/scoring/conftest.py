"""A model that all tests of this folder score by; one worker runs them all (see the scheduler in tests/conftest.py)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.local.conftest import ON_DEMAND, Execute, customers, succeeded, wait, write_csv


@dataclass(frozen=True)
class Learnt:
    """A model that was approved and is not in service, and rows for it in the data bucket."""

    cloud: Cloud
    bucket: str
    run: str
    key: str
    rows: int
    endpoint: str = ON_DEMAND

    def scoring(self, uri: str = "", **endpoint: Any) -> dict[str, Any]:
        """Input of a scoring of those rows, or others."""
        dataset = {"S3Uri": uri or f"s3://{self.bucket}/{self.key}"}
        return {"Endpoint": {"Name": self.endpoint, **endpoint}, "Dataset": dataset}

    def upload(self, path: Path, key: str) -> str:
        self.cloud.client("s3").upload_file(str(path), self.bucket, key)
        return f"s3://{self.bucket}/{key}"

    def ended(self, execution: str) -> dict[str, Any]:
        """The description of an execution, when it has ended."""
        return wait(self.cloud, execution, 240)


@pytest.fixture(scope="session")
def learnt(cloud: Cloud, stack: Stack, execute: Execute, tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    folder, s3 = tmp_path_factory.mktemp("on-demand"), cloud.client("s3")
    bucket, new = stack.outputs["DataBucketName"], customers(120, seed=8)
    s3.upload_file(str(write_csv(folder / "old.csv", customers(900))), bucket, "uploads/on-demand/old.csv")
    s3.upload_file(str(write_csv(folder / "new.csv", new)), bucket, "uploads/on-demand/new.csv")
    dataset = {"S3Uri": f"s3://{bucket}/uploads/on-demand/old.csv", "TargetColumn": "cancels", "IdColumn": "customer"}
    automl, endpoint = {"MaxCandidates": 1, "MaxRuntimeSeconds": 300}, {"Name": ON_DEMAND, "Keep": False}
    ended = execute("AutoMLStateMachine", {"Dataset": dataset, "AutoML": automl, "Endpoint": endpoint}, 1200)
    return Learnt(cloud, bucket, succeeded(ended)["Run"], "uploads/on-demand/new.csv", len(new))
