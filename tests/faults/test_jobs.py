"""AutoML jobs that go wrong: the run goes on with what there is, or fails for a named reason, tells it once, and leaves
nothing behind."""

import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import PROJECT, Stack
from tests.faults.conftest import SmallRun
from tests.faults.mishaps import Letters, Newcomer, Started, scored, start, until, workers
from tests.faults.orphans import snapshot
from tests.faults.settled import left_over
from tests.ledger import Ledger
from tests.local.conftest import customers, succeeded, write_csv

Rows = list[dict[str, Any]]
NEW_ROWS = 90
GRACE_SECONDS, STOP_SECONDS = 3, 6
"""Of a job past its limit until it is told to stop, and after that until it is given up; 1800 and 3600 in earnest."""
CREATE = "CreateAutoMLJobFunction"


@pytest.fixture(scope="module")
def letters(cloud: Cloud, stack: Stack) -> Iterator[Letters]:
    box = Letters(cloud, stack.outputs["NotificationTopicArn"])
    yield box
    box.close()


@pytest.fixture(scope="module")
def uploads(cloud: Cloud, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Rows], str]:
    """Upload rows; their URI."""
    folder, bucket = tmp_path_factory.mktemp("jobs"), stack.outputs["DataBucketName"]

    def upload(rows: Rows) -> str:
        key = f"uploads/jobs/{len(rows)}.csv"
        cloud.client("s3").upload_file(str(write_csv(folder / "rows.csv", rows)), bucket, key)
        return f"s3://{bucket}/{key}"

    return upload


@pytest.fixture
def impatient(cloud: Cloud, stack: Stack, tmp_path: Path) -> Iterator[None]:
    """Create AutoML Job gives a job seconds where it gives it an hour and a half: all else is as it is."""
    code = Path(shutil.copytree(PROJECT / "functions", tmp_path / "functions", symlinks=False))
    module = code / "automl" / "job" / "jobs.py"
    text = module.read_text()
    for name, seconds in (("_GRACE_SECONDS", GRACE_SECONDS), ("_STOP_SECONDS", STOP_SECONDS)):
        text, count = re.subn(rf"^{name} = \d+$", f"{name} = {seconds}", text, flags=re.MULTILINE)
        assert count == 1, f"{name} has another name now"
    module.write_text(text)
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack.name)["StackResources"]
    [name] = [one["PhysicalResourceId"] for one in resources if one["LogicalResourceId"] == CREATE]
    functions = cloud.client("lambda")

    def run_from(folder: Path) -> None:
        functions.update_function_code(FunctionName=name, S3Bucket="hot-reload", S3Key=str(folder))
        functions.get_waiter("function_updated_v2").wait(FunctionName=name)

    run_from(code)
    yield
    run_from((PROJECT / "functions").resolve())


@dataclass
class Scene:
    """One run, the worker that trains for it, and what happens to them."""

    cloud: Cloud
    run: Started
    trainer: Newcomer

    def status(self) -> str:
        """Of the AutoML job."""
        return str(self.run.job()["AutoMLJobStatus"])

    def stop_job(self) -> None:
        """As a person does in the console."""
        self.cloud.client("sagemaker").stop_auto_ml_job(AutoMLJobName=self.run.job()["AutoMLJobName"])

    def until_candidate(self) -> None:
        """Wait until one is finished, while others are being trained."""
        until(lambda: "BestCandidate" in self.run.job(), "a candidate")

    def fit(self) -> int:
        """The process that trains the candidates, a child of the worker."""
        return until(
            lambda: min(
                (pid for pid in workers(self.cloud, "train") if psutil.Process(pid).ppid() == self.trainer.pid),
                default=0,
            ),
            "a process that trains",
        )


@dataclass(frozen=True)
class Mishap:
    """What happens to a job, and how its run must end."""

    happens: Callable[[Scene], None]
    automl: dict[str, int] = field(default_factory=dict)
    error: str = ""
    """Empty: the run recovers."""
    words: tuple[str, ...] = ()
    """Of the cause, or of the job's description when the run recovers."""
    impatient: bool = False
    rows: Callable[[], Rows] | None = None
    """To learn from; None: as many as are enough."""
    after: Callable[[Scene], None] = lambda scene: None
    """When the run has ended."""


def nothing(scene: Scene) -> None:
    """The data alone are the trouble."""


def classes_of_two() -> Rows:
    """So many classes that no two rows of one are left to learn from, when some rows are set aside."""
    return [{**row, "cancels": f"group {place // 2}"} for place, row in enumerate(customers(800))]


def many() -> Rows:
    """So many that the job is still at work after its first candidate."""
    return customers(6_000, seed=9)


def trainer_killed(scene: Scene) -> None:
    scene.trainer.hold()
    scene.run.job()
    scene.trainer.kill()


def stopped_without_candidate(scene: Scene) -> None:
    scene.trainer.hold()
    scene.stop_job()
    assert scene.status() == "Stopping"
    scene.trainer.release()


def stopped_with_candidate(scene: Scene) -> None:
    scene.trainer.arrives()
    scene.until_candidate()
    scene.stop_job()


def stuck(scene: Scene) -> None:
    scene.trainer.hold()
    until(lambda: scene.status() == "Stopping", "the job is told to stop")
    scene.trainer.release()


def stuck_for_good(scene: Scene) -> None:
    scene.trainer.hold()
    scene.run.until_entered("AutoML Job Timed Out")


def let_go(scene: Scene) -> None:
    scene.trainer.release()
    until(lambda: scene.status() == "Stopped", "the job has stopped")


def over_before_the_first_candidate(scene: Scene) -> None:
    scene.trainer.hold()
    job = scene.run.job()
    until(lambda: _age(job) > LIMIT, "the limit is over")
    scene.trainer.release()


def over_after_the_first_candidate(scene: Scene) -> None:
    scene.trainer.arrives()
    scene.until_candidate()
    os.kill(scene.fit(), signal.SIGSTOP)


def fit_killed(scene: Scene) -> None:
    scene.trainer.arrives()
    scene.until_candidate()
    os.kill(scene.fit(), signal.SIGKILL)


def artefact_deleted(scene: Scene) -> None:
    scene.until_candidate()
    uri = scene.run.job()["BestCandidate"]["InferenceContainers"][0]["ModelDataUrl"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    scene.cloud.client("s3").delete_object(Bucket=bucket, Key=key)


def staging_deleted(scene: Scene) -> None:
    scene.run.until_entered("Calibration Rows?")
    sagemaker = scene.cloud.client("sagemaker")
    [endpoint] = sagemaker.list_endpoints(NameContains=scene.run.arn.rpartition(":")[2])["Endpoints"]
    sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])


def _age(job: dict[str, Any]) -> float:
    created = job["CreationTime"]
    return float((type(created).now(created.tzinfo) - created).total_seconds())


LIMIT = 15
MANY = {"MaxCandidates": 8, "MaxRuntimeSeconds": 600}
MISHAPS = {
    "data that nothing can be learnt from": Mishap(
        nothing, error="AutoMLJobFailed", words=("there are no classes to learn", "start again"), rows=classes_of_two
    ),
    "training process killed": Mishap(
        trainer_killed, error="AutoMLJobFailed", words=("The training process ended", "correct the data")
    ),
    "stopped from outside before a candidate": Mishap(
        stopped_without_candidate, error="AutoMLJobFailed", words=("was stopped before it had a candidate",)
    ),
    "stopped from outside after a candidate": Mishap(stopped_with_candidate, MANY, rows=many),
    "stuck until it is told to stop": Mishap(
        stuck, {"MaxRuntimeSeconds": 5}, "AutoMLJobFailed", ("was stopped before it had a candidate",), impatient=True
    ),
    "stuck for good": Mishap(
        stuck_for_good,
        {"MaxRuntimeSeconds": 5},
        "AutoMLJobTimedOut",
        ("did not end within",),
        impatient=True,
        after=let_go,
    ),
    "completed without a candidate": Mishap(
        over_before_the_first_candidate,
        {"MaxRuntimeSeconds": LIMIT},
        "NoUsableCandidate",
        ("the job's time was over",),
    ),
    "completed at the time limit with partial failures": Mishap(
        over_after_the_first_candidate,
        {"MaxCandidates": 8, "MaxRuntimeSeconds": 150},
        words=("the job's time was over",),
        rows=many,
    ),
    "completed although the training broke off": Mishap(fit_killed, MANY, words=("ended by signal 9",), rows=many),
    "artefact deleted before the endpoint": Mishap(
        artefact_deleted, error="EndpointFailed", words=("Could not load the model data", "model.tar.gz")
    ),
    "staging endpoint deleted by somebody else": Mishap(
        staging_deleted, error="PartsFailed", words=("-staging of account", "not found")
    ),
}


@pytest.mark.timeout(1800)
@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", MISHAPS)
def test_a_job_that_goes_wrong_ends_in_recovery_or_in_a_named_failure(
    name: str,
    request: pytest.FixtureRequest,
    cloud: Cloud,
    stack: Stack,
    small_run: SmallRun,
    uploads: Callable[[Rows], str],
    letters: Letters,
    ledger: Ledger,
) -> None:
    mishap = MISHAPS[name]
    if mishap.impatient:
        request.getfixturevalue("impatient")
    before = snapshot(cloud)
    asked = small_run()
    asked["AutoML"] |= mishap.automl
    if mishap.rows:
        asked["Dataset"]["S3Uri"] = uploads(mishap.rows())
    if not mishap.error:
        asked["Scoring"] = {"S3Uri": uploads(customers(NEW_ROWS, seed=9))}
    trainer = Newcomer(cloud, "train")
    scene = Scene(cloud, start(cloud, stack, "AutoMLStateMachine", asked), trainer)
    try:
        mishap.happens(scene)
        ended = scene.run.ended()
    finally:
        if trainer.pid:
            trainer.release()
    mishap.after(scene)
    if mishap.error:
        check_failure(mishap, ended, letters)
    lost, duplicated = check_rows(cloud, ended) if not mishap.error else (0, 0)
    left = left_over(cloud, before)
    ledger.note(
        "Jobs", name, "FailedCleanly" if mishap.error else "Recovered", orphans=left, lost=lost, duplicated=duplicated
    )
    assert (left, lost, duplicated) == ([], 0, 0)
    if not mishap.error:
        job = str(scene.run.job().get("PartialFailureReasons"))
        assert [words for words in mishap.words if words not in job] == []
    [letter] = letters.about(ended["executionArn"])
    assert letter["Outcome"] == ("Failed" if mishap.error else "Completed")


def check_failure(mishap: Mishap, ended: dict[str, Any], letters: Letters) -> None:
    assert (ended["status"], ended["error"]) == ("FAILED", mishap.error), ended.get("cause")
    assert [words for words in mishap.words if words not in ended["cause"]] == [], ended["cause"]
    [letter] = letters.about(ended["executionArn"])
    assert (letter["Error"], letter["Cause"]) == (ended["error"], ended["cause"])


def check_rows(cloud: Cloud, ended: dict[str, Any]) -> tuple[int, int]:
    """How many of the rows to score are lost, and how many are there more than once."""
    found = Counter(scored(cloud, succeeded(ended), "customer"))
    wanted = {row["customer"] for row in customers(NEW_ROWS, seed=9)}
    assert set(found) <= wanted
    return len(wanted - set(found)), sum(found.values()) - len(found)
