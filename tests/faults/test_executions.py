"""Executions that end where no Catch sees it, come twice, or are gone on with: nothing stays, people hear of it once.

LocalStack has no RedriveExecution. What stands for it is the same definition from the failed state on, with the state
data that the state was entered with: that is what a redrive goes on with, names and all.
"""

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.faults.conftest import SmallRun
from tests.faults.executions import BATCH, LEARNING, PROVING, UNREACHED, Site, starting_at, stops
from tests.faults.flows import SERVERLESS
from tests.faults.mishaps import Letters, scored
from tests.faults.orphans import Holdings, snapshot
from tests.faults.settled import left_over
from tests.ledger import Group, Ledger
from tests.local.conftest import customers, succeeded, write_csv
from tests.statemachine import definitions

GROUP: Group = "Executions"
LIMIT_BYTES = 262_144
"""Of state data."""
NAMELESS = {"States.Runtime", "States.TaskFailed", "States.DataLimitExceeded", "Exception", ""}


@pytest.fixture(scope="module")
def site(cloud: Cloud, stack: Stack) -> Iterator[Site]:
    made = Site(cloud, stack, Letters(cloud, stack.outputs["NotificationTopicArn"]))
    yield made
    made.release()
    made.letters.close()


@pytest.fixture(scope="module")
def new_rows(site: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """URI of rows that no run has seen."""
    path = write_csv(tmp_path_factory.mktemp("new") / "new.csv", customers(60, seed=9))
    bucket = site.stack.outputs["DataBucketName"]
    site.cloud.client("s3").upload_file(str(path), bucket, "uploads/faults/stop.csv")
    return f"s3://{bucket}/uploads/faults/stop.csv"


def run_through(site: Site, request: dict[str, Any]) -> str:
    """ARN of a run that has come to a good end."""
    execution = site.start("automl", request)
    assert succeeded(site.ended(execution))["Outcome"] == "Completed"
    return execution


@pytest.fixture(scope="module")
def learnt(site: Site, small_run: SmallRun, new_rows: str) -> str:
    """A run whose job has ended, so that others can go on from there."""
    return run_through(site, small_run(Scoring={"S3Uri": new_rows}))


@pytest.fixture(scope="module")
def served(site: Site, small_run: SmallRun) -> str:
    """Name of an endpoint that there is not: its model is registered."""
    name = f"stop-{secrets.token_hex(3)}"
    run_through(site, small_run(Endpoint={"Name": name, "Keep": False}))
    return name


def model_of(site: Site, endpoint: str) -> str:
    client = site.cloud.client("sagemaker")
    (package,) = client.list_model_packages(ModelPackageGroupName=endpoint)["ModelPackageSummaryList"]
    described = client.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    return str(described["CustomerMetadataProperties"]["ModelName"])


def begin(request: pytest.FixtureRequest, site: Site, machine: str, state: str) -> str:
    """ARN of an execution that is going to come to the state."""
    if machine == "automl" and state in LEARNING:
        return site.start("automl", request.getfixturevalue("small_run")())
    if state == "Wait for Approval":  # a package of the other run has been decided on
        return site.start("automl", request.getfixturevalue("small_run")(Approval="Manual"))
    if machine == "automl":
        first, data = PROVING, site.input_of(request.getfixturevalue("learnt"), PROVING)
        if state == "Clean Up":
            first, data["Error"] = state, {"Error": "EndpointFailed", "Cause": "Something made the run fail"}
        return site.start("automl", data, starting_at(first))
    served = request.getfixturevalue("served")
    if machine == "deployment":
        endpoint = {"Name": f"stop-{secrets.token_hex(4)}", "Serverless": SERVERLESS}
        return site.start("deployment", {"Model": {"Name": model_of(site, served)}, "Endpoint": endpoint})
    scoring: dict[str, Any] = {"Endpoint": {"Name": served}, "Dataset": {"S3Uri": request.getfixturevalue("new_rows")}}
    if state in BATCH:
        instances = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
        scoring |= {"Engine": "BatchTransform", "TransformResources": instances}
    return site.start("scoring", scoring)


def check_cleaned_up(
    site: Site, ledger: Ledger, case: str, execution: str, before: Holdings, error: str
) -> list[dict[str, Any]]:
    """The stack cleaned up after the execution, told people once with this error, and left nothing."""
    cleanups = site.cleaned(execution)
    left = left_over(site.cloud, before)
    ledger.note(GROUP, case, "FailedCleanly", orphans=left)
    assert {one["status"] for one in cleanups} == {"SUCCEEDED"}, cleanups
    letters = site.letters.about(execution)
    assert [letter["Error"] for letter in letters] == [error]
    assert letters[0]["Cause"]
    assert left == []
    return cleanups


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("machine", "state"), [pytest.param(*one, id=f"{one[0]}: {one[1]}") for one in stops()])
def test_what_is_stopped_is_cleaned_up_told_once_and_can_be_gone_on_with(
    request: pytest.FixtureRequest, site: Site, ledger: Ledger, machine: str, state: str
) -> None:
    for fixture in ("served", "new_rows") if machine != "automl" else ("small_run", "learnt"):
        if state not in LEARNING:
            request.getfixturevalue(fixture)  # before the snapshot
    before = snapshot(site.cloud)
    site.hold(machine, state)
    execution = begin(request, site, machine, state)
    site.until_at_work(execution, state)
    site.client.stop_execution(executionArn=execution)
    site.release()
    assert site.client.describe_execution(executionArn=execution)["status"] == "ABORTED"
    check_cleaned_up(site, ledger, f"stopped in {machine}: {state}", execution, before, "Aborted")

    data = site.input_of(execution, state)
    run = data["Execution"]["Id"]
    before_that = len(site.letters.about(run)) if machine == "automl" else 0
    redriven = site.start(machine, data, starting_at(state))
    ended = site.ended(redriven)
    keep = []
    if ended["status"] == "FAILED":
        site.cleaned(redriven)
        assert ended["error"] not in NAMELESS, ended["cause"]
        assert len(site.letters.about(run if machine == "automl" else redriven)) == before_that + 1
    else:
        assert ended["status"] == "SUCCEEDED"
        if machine == "deployment":
            keep = [json.loads(ended["output"])["Endpoint"]["Name"]]
    left = left_over(site.cloud, before, keep)
    recovered = ended["status"] == "SUCCEEDED"
    ledger.note(GROUP, f"redriven from {machine}: {state}", "Recovered" if recovered else "FailedCleanly", orphans=left)
    assert left == []


def test_an_execution_is_stopped_at_every_task_or_there_is_a_reason() -> None:
    tasks = {(name, state.name) for name in ("automl", "deployment", "scoring") for state in definitions.tasks(name)}
    assert set(UNREACHED) <= tasks
    assert set(stops()) | set(UNREACHED) == tasks


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("first", "seconds"), [("Create Model", 4), (PROVING, 6), (PROVING, 12), (PROVING, 20)])
def test_a_run_that_takes_too_long_is_cleaned_up_and_told(
    site: Site, learnt: str, ledger: Ledger, first: str, seconds: int
) -> None:
    before = snapshot(site.cloud)
    site.hold("automl", "Create Model")
    execution = site.start("automl", site.input_of(learnt, first), starting_at(first, TimeoutSeconds=seconds))
    ended = site.ended(execution)
    site.release()
    assert ended["status"] == "TIMED_OUT", "it was faster than its TimeoutSeconds"
    check_cleaned_up(site, ledger, f"timed out after {seconds} s", execution, before, "States.Timeout")


def test_what_a_machine_cannot_read_ends_it_and_is_cleaned_up_and_told(site: Site, learnt: str, ledger: Ledger) -> None:
    def change(definition: dict[str, Any]) -> None:
        starting_at(PROVING)(definition)
        definition["States"]["Deploy to Staging"]["ResultSelector"]["Endpoint.$"] = "$.Output.NoSuchThing"

    before = snapshot(site.cloud)
    execution = site.start("automl", site.input_of(learnt, PROVING), change)
    ended = site.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime"), ended
    check_cleaned_up(site, ledger, "States.Runtime", execution, before, "States.Runtime")


def test_too_much_state_data_ends_a_run_and_is_cleaned_up_and_told(site: Site, learnt: str, ledger: Ledger) -> None:
    before = snapshot(site.cloud)
    data = site.input_of(learnt, "Create Model")
    size = len(json.dumps({**data, "Padding": ""}, separators=(",", ":")))
    data["Padding"] = "x" * (LIMIT_BYTES - size - 20)
    execution = site.start("automl", data, starting_at("Create Model"))
    ended = site.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded"), ended
    check_cleaned_up(site, ledger, "States.DataLimitExceeded", execution, before, "States.DataLimitExceeded")


def test_an_end_that_is_told_twice_is_cleaned_up_and_passed_on_once(
    site: Site, small_run: SmallRun, ledger: Ledger
) -> None:
    before = snapshot(site.cloud)
    site.hold("automl", "Create AutoML Job")
    execution = site.start("automl", small_run())
    site.until_at_work(execution, "Create AutoML Job")
    site.client.stop_execution(executionArn=execution)
    site.release()
    told = json.dumps({"ExecutionArn": execution})
    machine = site.stack.outputs["CleanupStateMachineArn"]
    for _ in range(2):
        site.client.start_execution(stateMachineArn=machine, input=told)
    cleanups = check_cleaned_up(site, ledger, "the same end told three times", execution, before, "Aborted")
    outputs = [json.loads(one["output"]) for one in cleanups]
    assert len(outputs) == 3
    assert len({one["By"] for one in outputs}) == 1
    assert sorted(bool(one["CleanedUp"]) for one in outputs) == [False, False, True]


def test_an_upload_that_is_told_twice_is_scored_whole_each_time(
    site: Site, served: str, new_rows: str, ledger: Ledger
) -> None:
    before = snapshot(site.cloud)
    bucket, _, key = new_rows.removeprefix("s3://").partition("/")
    upload = {"Endpoint": {"Name": served}, "Upload": {"Bucket": bucket, "Key": key}}
    executions = [site.start("scoring", upload) for _ in range(2)]
    results = [succeeded(site.ended(one)) for one in executions]
    assert len({result["Files"]["Accepted"] for result in results}) == 2
    check_rows(site, ledger, "the same upload told twice", [new_rows, new_rows], results, left_over(site.cloud, before))


def test_two_runs_at_once_for_one_endpoint_end_well(site: Site, small_run: SmallRun, ledger: Ledger) -> None:
    before, name = snapshot(site.cloud), f"stop-{secrets.token_hex(3)}"
    request = small_run(Endpoint={"Name": name})
    executions = [site.start("automl", request) for _ in range(2)]
    ended = [site.ended(one) for one in executions]
    results = [json.loads(one["output"]) for one in ended if one["status"] == "SUCCEEDED"]
    failed = [one for one in ended if one["status"] != "SUCCEEDED"]
    assert all(one["status"] == "FAILED" and one["error"] not in NAMELESS for one in failed), failed
    for one in failed:
        site.cleaned(one["executionArn"])
    left = left_over(site.cloud, before, [name])
    assert "Completed" in {result["Outcome"] for result in results}
    assert all(len(site.letters.about(one)) == 1 for one in executions)
    rows = [Counter(scored(site.cloud, result, "customer")) for result in results]
    lost = sum((rows[0] - one).total() for one in rows)
    duplicated = sum((one - rows[0]).total() for one in rows) + sum(count - 1 for count in rows[0].values())
    ledger.note(GROUP, "two runs at once for one endpoint", "Recovered", orphans=left, lost=lost, duplicated=duplicated)
    assert (lost, duplicated, left) == (0, 0, [])


def check_rows(
    site: Site, ledger: Ledger, case: str, data: list[str], results: list[dict[str, Any]], left: list[str]
) -> None:
    """Each result has every row of its dataset once."""
    lost = duplicated = 0
    for result in results:
        rows = Counter(scored(site.cloud, result, "customer"))
        lost += result["Rows"] - len(rows)
        duplicated += rows.total() - len(rows)
    ledger.note(GROUP, case, "Recovered", orphans=left, lost=lost, duplicated=duplicated)
    assert (lost, duplicated, left) == (0, 0, [])
