"""Endpoints and transform jobs that go wrong during a scoring: every row is decided once, now or after a resume."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.faults.mishaps import Newcomer, Started, is_asked, moved_away, scored, start, until
from tests.faults.orphans import snapshot
from tests.faults.settled import left_over
from tests.ledger import Ledger
from tests.local.conftest import ON_DEMAND, customers, succeeded, write_csv
from tests.local.scoring.conftest import Learnt, learnt

__all__ = ["learnt"]

ROWS = 20_000
"""More than go with the first request to an endpoint; and so many that they take their time."""
BATCH = {"Engine": "BatchTransform"}
KEY = "customer"


@dataclass
class Scene:
    """A scoring, and the process of the model that answers it."""

    cloud: Cloud
    learnt: Learnt
    start: Callable[[], Started]
    """Starts the scoring."""
    server: Newcomer

    @property
    def archive(self) -> str:
        """URI of the model's file."""
        model = self.cloud.client("sagemaker").describe_model(ModelName=self.learnt.run)
        container = model.get("PrimaryContainer") or model["Containers"][0]
        return str(container["ModelDataUrl"])

    def start_and_hold(self) -> Started:
        """Start the scoring, with the process held when it is asked for the first rows."""
        self.server.hold()
        started = self.start()
        until(lambda: is_asked(self.cloud, self.server.pid), "the endpoint is asked")
        return started

    def transform_job(self) -> dict[str, Any]:
        """Description of the newest transform job."""
        client = self.cloud.client("sagemaker")
        name = until(lambda: client.list_transform_jobs()["TransformJobSummaries"], "a transform job")[0]
        job: dict[str, Any] = client.describe_transform_job(TransformJobName=name["TransformJobName"])
        return job


@dataclass(frozen=True)
class Mishap:
    """What happens, and how the scoring must end: with all rows at once, or when it is resumed after a named error."""

    happens: Callable[[Scene], dict[str, Any]]
    """Returns the description of the ended scoring."""
    served: bool = True
    """Whether the endpoint is in service when the scoring begins."""
    batch: bool = False
    error: str = ""
    words: tuple[str, ...] = ()


def killed_while_asked(scene: Scene) -> dict[str, Any]:
    started = scene.start_and_hold()
    scene.server.kill()
    return started.ended()


def killed_for_good(scene: Scene) -> dict[str, Any]:
    with moved_away(scene.cloud, scene.archive):
        started = scene.start_and_hold()
        scene.server.kill()
        return started.ended()


def deleted_while_asked(scene: Scene) -> dict[str, Any]:
    started = scene.start_and_hold()
    client, name = scene.cloud.client("sagemaker"), scene.learnt.endpoint
    config = client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    client.delete_endpoint(EndpointName=name)
    client.delete_endpoint_config(EndpointConfigName=config)
    scene.server.release()
    return started.ended()


def silent(scene: Scene) -> dict[str, Any]:
    """It is held for longer than one answer may take, and is there again after that."""
    started = scene.start_and_hold()
    time.sleep(65)
    scene.server.release()
    return started.ended()


def cannot_be_made(scene: Scene) -> dict[str, Any]:
    with moved_away(scene.cloud, scene.archive):
        return scene.start().ended()


def never_healthy(scene: Scene) -> dict[str, Any]:
    started = scene.start()
    scene.server.hold()
    return started.ended()


def job_stopped(scene: Scene) -> dict[str, Any]:
    started = scene.start()
    scene.server.hold()
    client, name = scene.cloud.client("sagemaker"), scene.transform_job()["TransformJobName"]
    client.stop_transform_job(TransformJobName=name)
    return started.ended()


def job_dies(scene: Scene) -> dict[str, Any]:
    started = scene.start()
    scene.server.arrives()
    until(lambda: is_asked(scene.cloud, scene.server.pid), "the container is asked", pause=0.002)
    scene.server.kill()
    return started.ended()


MISHAPS = {
    "endpoint dies while it is asked": Mishap(killed_while_asked),
    "endpoint dies and cannot start again": Mishap(
        killed_for_good, error="PartsFailed", words=("Could not load the model data", "Resume")
    ),
    "endpoint deleted by somebody else while it is asked": Mishap(
        deleted_while_asked, error="PartsFailed", words=(f"Endpoint {ON_DEMAND} of account", "Resume")
    ),
    "endpoint silent for more than a minute": Mishap(silent),
    "endpoint creation failed": Mishap(
        cannot_be_made, served=False, error="EndpointFailed", words=("Could not load the model data",)
    ),
    "container never healthy": Mishap(
        never_healthy, served=False, error="EndpointFailed", words=("did not pass the ping health check",)
    ),
    "transform job stopped from outside": Mishap(
        job_stopped, served=False, batch=True, error="TransformJobFailed", words=("ended in Stopped", "Resume s3://")
    ),
    "transform job dies": Mishap(
        job_dies, served=False, batch=True, error="TransformJobFailed", words=("ended in Failed", "Resume s3://")
    ),
}


@pytest.fixture(scope="module")
def rows(learnt: Learnt, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URI of the rows to score."""
    path: Path = write_csv(tmp_path_factory.mktemp("scorings") / "rows.csv", customers(ROWS, seed=21))
    return learnt.upload(path, "uploads/faults/rows.csv")


@pytest.fixture
def unserved(cloud: Cloud, learnt: Learnt) -> Iterator[None]:
    """The model is in service nowhere, before and after."""
    client = cloud.client("sagemaker")

    def take_away() -> None:
        with contextlib.suppress(ClientError):
            config = client.describe_endpoint(EndpointName=learnt.endpoint)["EndpointConfigName"]
            client.delete_endpoint(EndpointName=learnt.endpoint)
            client.delete_endpoint_config(EndpointConfigName=config)
        until(lambda: not client.list_endpoints(NameContains=learnt.endpoint)["Endpoints"], "it is gone")

    take_away()
    yield
    take_away()


@pytest.mark.timeout(1800)
@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", MISHAPS)
@pytest.mark.usefixtures("unserved")
def test_a_scoring_that_goes_wrong_decides_every_row_once(
    name: str, cloud: Cloud, stack: Stack, learnt: Learnt, rows: str, ledger: Ledger
) -> None:
    mishap = MISHAPS[name]
    before = snapshot(cloud)
    server = Newcomer(cloud, "serve")
    if mishap.served:
        kept = start(cloud, stack, "ScoringStateMachine", learnt.scoring(Keep=True))
        succeeded(kept.ended())
        server.arrives()
    request = {**learnt.scoring(rows, Keep=mishap.served), **(BATCH if mishap.batch else {})}
    folder = f"s3://{learnt.bucket}/scorings/{name.replace(' ', '-')}/"
    request["OutputUri"] = folder
    scene = Scene(cloud, learnt, lambda: start(cloud, stack, "ScoringStateMachine", request), server)
    try:
        ended = mishap.happens(scene)
    finally:
        if server.pid:
            server.release()
    if mishap.error:
        assert (ended["status"], ended["error"]) == ("FAILED", mishap.error), ended.get("cause")
        assert [words for words in mishap.words if words not in ended["cause"]] == [], ended["cause"]
    left = left_over(cloud, before, keep=[learnt.endpoint])
    whole = ended
    if mishap.error:
        again = {"Resume": folder} if resumable(cloud, learnt, folder) else request
        whole = start(cloud, stack, "ScoringStateMachine", again).ended()
    found = Counter(scored(cloud, succeeded(whole), KEY))
    lost, duplicated = ROWS - len(found), sum(found.values()) - len(found)
    ledger.note(
        "Jobs",
        name,
        "FailedCleanly" if mishap.error else "Recovered",
        orphans=left,
        lost=lost,
        duplicated=duplicated,
    )
    assert (left, lost, duplicated) == ([], 0, 0)
    assert set(found) == {row[KEY] for row in customers(ROWS, seed=21)}


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("unserved")
def test_an_update_that_fails_leaves_the_model_in_service_that_was(
    cloud: Cloud, stack: Stack, learnt: Learnt, ledger: Ledger
) -> None:
    """GIVEN a model whose file is gone WHEN it is to replace another one THEN that one answers on."""
    sagemaker, name, hosting = (
        cloud.client("sagemaker"),
        "without-a-file",
        {"MemorySizeInMB": 4096, "MaxConcurrency": 5},
    )
    succeeded(start(cloud, stack, "ScoringStateMachine", learnt.scoring(Keep=True)).ended())
    config = sagemaker.describe_endpoint(EndpointName=learnt.endpoint)["EndpointConfigName"]
    model = sagemaker.describe_model(ModelName=learnt.run)
    container = model.get("PrimaryContainer") or model["Containers"][0]
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={**container, "ModelDataUrl": f"s3://{learnt.bucket}/runs/gone/model.tar.gz"},
        ExecutionRoleArn=model["ExecutionRoleArn"],
        Tags=sagemaker.list_tags(ResourceArn=model["ModelArn"])["Tags"],
    )
    before = snapshot(cloud)
    try:
        request = {"Model": {"Name": name}, "Endpoint": {"Name": learnt.endpoint, "Serverless": hosting}}
        output = succeeded(start(cloud, stack, "DeploymentStateMachine", request).ended())
        left = left_over(cloud, before, keep=[learnt.endpoint])
    finally:
        sagemaker.delete_model(ModelName=name)
    ledger.note("Jobs", "endpoint update failed", "Recovered", orphans=left)
    assert left == []
    assert output["Outcome"] == "RolledBack"
    assert "Could not load the model data" in output["Reason"]
    endpoint = sagemaker.describe_endpoint(EndpointName=learnt.endpoint)
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", config)


def resumable(cloud: Cloud, learnt: Learnt, folder: str) -> bool:
    """Whether the scoring had come so far that there is something to go on from."""
    prefix = folder.removeprefix(f"s3://{learnt.bucket}/")
    return bool(cloud.client("s3").list_objects_v2(Bucket=learnt.bucket, Prefix=f"{prefix}rows").get("KeyCount"))
