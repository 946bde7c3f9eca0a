"""Commands about a run that another command started: find it, answer it, read its report."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from rich.console import Console

from autoflow import approval, filtering, lookup, report, summary
from autoflow.errors import CommandError, RunError, UsageError
from autoflow.stack import Stack
from tests.unit.cli.conftest import BUCKET

ARN = "arn:aws:states:eu-west-1:123456789012"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
EXECUTION = "churn-left-1a2b3c"
RUN = f"{EXECUTION}-5da273ff"
LONG = "0F8B9C1E-5566-7788-99AA-BBCCDDEEFF00"
"""A name that the console makes up."""


def put(stack: Stack, key: str, body: str = "{}") -> None:
    stack.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())


@pytest.fixture
def runs(stack: Stack) -> None:
    """Runs in the data bucket."""
    for run in (RUN, "churn-left-ffffff-01234567", "0f8b9c1e-5566-7788-99aa-89abcdef"):
        put(stack, f"runs/{run}/request.json", '{"Endpoint": {"Name": "churn"}}')


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("name", [RUN, EXECUTION, "churn-left-1"])
def test_a_run_is_found_by_its_name_its_executions_or_a_beginning(stack: Stack, name: str) -> None:
    assert lookup.run_named(stack, name) == RUN


@pytest.mark.usefixtures("runs")
def test_a_run_that_the_console_started_is_found(stack: Stack) -> None:
    assert lookup.run_named(stack, LONG) == "0f8b9c1e-5566-7788-99aa-89abcdef"


@pytest.mark.usefixtures("runs")
def test_a_name_that_may_be_several_or_none_is_refused(stack: Stack) -> None:
    with pytest.raises(UsageError, match=f"'churn' may be {RUN}, churn-left-ffffff-01234567; write more"):
        lookup.run_named(stack, "churn")
    for name in ("nobody", "", "/"):
        with pytest.raises(UsageError, match=rf"test knows no run '{name}'|may be"):
            lookup.run_named(stack, name)


def test_a_name_that_begins_another_is_found_by_itself(stack: Stack) -> None:
    for run in (RUN, f"{RUN}-more"):
        put(stack, f"runs/{run}/request.json")
    assert lookup.run_named(stack, RUN) == RUN


def test_a_scoring_is_not_taken_for_a_run(stack: Stack) -> None:
    put(stack, "scorings/new-1a2b3c-5da273ff/rows.json")
    with pytest.raises(UsageError, match=r"new-1a2b3c-5da273ff is a scoring, .*follow new-1a2b3c-5da273ff"):
        lookup.run_named(stack, "new-1a2b3c")


def test_what_was_filtered_of_a_scoring_does_not_take_its_name(stack: Stack) -> None:
    for scoring in ("new-1a2b3c-5da273ff", "new-1a2b3c-5da273ff-fil-33c68cdb"):
        put(stack, f"scorings/{scoring}/rows.json")
    assert lookup.predictions_named(stack, "new-1a2b3c").endswith("/scorings/new-1a2b3c-5da273ff/")


@pytest.fixture
def executions(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Start an execution of a machine by name; the ARNs of the machines are the stack's."""
    client = stack.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    role = f"{ARN}:role/x".replace("states:eu-west-1", "iam:")
    for name in ("AutoML", "Scoring"):
        machine = client.create_state_machine(name=name, definition=definition, roleArn=role)
        monkeypatch.setitem(stack.outputs, f"{name}StateMachineArn", machine["stateMachineArn"])

    def start(name: str, machine: str = "AutoML") -> str:
        arn = stack.outputs[f"{machine}StateMachineArn"]
        return str(client.start_execution(stateMachineArn=arn, name=name)["executionArn"])

    return start


@pytest.mark.parametrize("name", [RUN, EXECUTION, "churn-left-1"])
def test_an_execution_is_found_by_its_name_its_runs_or_a_beginning(
    stack: Stack, executions: Callable[..., str], name: str
) -> None:
    arn = executions(EXECUTION)
    executions("churn-left-ffffff")
    assert lookup.execution_named(stack, name).arn == arn
    with pytest.raises(UsageError, match=r"'churn' may be churn-left-.*, churn-left-.*; write more"):
        lookup.execution_named(stack, "churn")
    with pytest.raises(UsageError, match="knows no run 'nobody'"):
        lookup.execution_named(stack, "nobody")


def test_no_name_is_not_the_beginning_of_whatever_runs(stack: Stack, executions: Callable[..., str]) -> None:
    executions("churn-left-1a2b3c")
    with pytest.raises(UsageError, match="knows no run ''"):
        lookup.execution_named(stack, "")


def test_an_execution_that_the_console_started_is_found_by_its_run(
    stack: Stack, executions: Callable[..., str]
) -> None:
    arn = executions(LONG)
    assert lookup.execution_named(stack, "0f8b9c1e-5566-7788-99aa-89abcdef").arn == arn


class Registry:
    """The model packages of the group ``churn``."""

    def __init__(self, stack: Stack) -> None:
        self.client = stack.client("sagemaker")
        self.client.create_model_package_group(ModelPackageGroupName="churn")

    def register(self, run: str, status: str = "PendingManualApproval") -> str:
        container = {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
        made = self.client.create_model_package(
            ModelPackageGroupName="churn",
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            CustomerMetadataProperties={"Run": run},
        )
        return str(made["ModelPackageArn"])

    def describe(self, arn: str) -> dict[str, Any]:
        described: dict[str, Any] = self.client.describe_model_package(ModelPackageName=arn)
        return described


@pytest.fixture
def registry(stack: Stack, runs: None, executions: Callable[..., str]) -> Registry:
    executions(EXECUTION)
    return Registry(stack)


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_the_package_of_the_run_and_no_other_is_decided(stack: Stack, registry: Registry, status: str) -> None:
    before, mine, after = (registry.register(run) for run in ("other", RUN, "another"))
    told = approval.answer(stack, EXECUTION, status, "looks right")
    assert f"{status} churn/2, the model of {RUN}" in told
    assert f"follow {EXECUTION} --stack prod" in told
    assert registry.describe(mine)["ModelApprovalStatus"] == status
    assert registry.describe(mine)["ApprovalDescription"] == "looks right"
    for other in (before, after):
        assert registry.describe(other)["ModelApprovalStatus"] == "PendingManualApproval"


@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_nobody_decides_twice(stack: Stack, registry: Registry, status: str) -> None:
    registry.register(RUN, status)
    with pytest.raises(CommandError, match=f"{RUN} is already {status}"):
        approval.answer(stack, RUN, "Approved", "")


def test_a_run_without_a_package_has_nothing_to_decide_on_yet(stack: Stack, registry: Registry) -> None:
    registry.register("other")
    with pytest.raises(CommandError, match=rf"{RUN} has no model to decide on yet; \S+ follow {EXECUTION}"):
        approval.answer(stack, RUN, "Approved", "")


@pytest.mark.usefixtures("runs")
def test_a_group_that_nobody_has_made_yet_is_no_error_of_its_own(stack: Stack, executions: Callable[..., str]) -> None:
    executions(EXECUTION)
    with pytest.raises(CommandError, match=f"{RUN} has no model to decide on yet"):
        approval.answer(stack, RUN, "Approved", "")


def end(stack: Stack, monkeypatch: pytest.MonkeyPatch, **description: Any) -> None:
    monkeypatch.setattr("autoflow.execution.Execution.describe", lambda _: description)


def test_a_run_that_the_gate_rejected_says_why(
    stack: Stack, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = json.dumps({"Outcome": "Rejected", "Reason": "RMSE 4 is above 3"})
    end(stack, monkeypatch, status="SUCCEEDED", output=result)
    with pytest.raises(CommandError, match="ended, Rejected before anybody was asked: RMSE 4 is above 3"):
        approval.answer(stack, RUN, "Approved", "")
    end(stack, monkeypatch, status="FAILED")
    with pytest.raises(CommandError, match=r"has ended \(FAILED\) without a model"):
        approval.answer(stack, RUN, "Approved", "")


def test_a_run_that_has_ended_waits_no_longer(
    stack: Stack, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = registry.register(RUN)
    end(stack, monkeypatch, status="ABORTED")
    with pytest.raises(CommandError, match=r"ended \(ABORTED\); nobody waits"):
        approval.answer(stack, RUN, "Approved", "")
    assert registry.describe(arn)["ModelApprovalStatus"] == "PendingManualApproval"


def test_what_may_not_be_looked_up_is_said(stack: Stack, registry: Registry, stub: Callable[[Any], Stubber]) -> None:
    stub(stack.client("sagemaker")).add_client_error("list_model_packages", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        approval.answer(stack, RUN, "Approved", "")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOFLOW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.usefixtures("runs")
def test_a_report_has_a_stable_place(stack: Stack, home: Path, tmp_path: Path) -> None:
    put(stack, f"runs/{RUN}/report.html", "<html>")
    assert report.fetch(stack, EXECUTION) == home / "reports" / f"{RUN}.html"
    assert report.fetch(stack, EXECUTION, tmp_path / "new") == tmp_path / "new" / "report.html"
    assert {path.read_text() for path in tmp_path.rglob("*.html")} == {"<html>"}
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="choose another --output"):
        report.fetch(stack, EXECUTION, tmp_path / "file")


@pytest.mark.usefixtures("runs", "home")
@pytest.mark.parametrize(
    ("status", "why"),
    [("RUNNING", rf"not ended; \S+ follow {EXECUTION}"), ("SUCCEEDED", "could not be written"), ("FAILED", "ended in")],
)
def test_a_report_that_is_not_there_says_why(
    stack: Stack, executions: Callable[..., str], monkeypatch: pytest.MonkeyPatch, status: str, why: str
) -> None:
    executions(EXECUTION)
    end(stack, monkeypatch, status=status)
    with pytest.raises(CommandError, match=f"{RUN} has no report: .*{why}"):
        report.fetch(stack, RUN)


@pytest.mark.parametrize(
    ("screen", "terminal", "opened"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_report_is_opened_for_a_person_with_a_screen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, screen: bool, terminal: bool, opened: bool
) -> None:
    shown: list[str] = []

    def browser(uri: str) -> bool:
        shown.append(uri)
        return True

    monkeypatch.setattr("webbrowser.open", browser)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0" if screen else "")
    assert report.open_in_browser(tmp_path / "a report.html") is opened
    assert shown == [f"file://{tmp_path}/a%20report.html"] * opened


SCORING = {
    "Rows": 3,
    "Accepted": 2,
    "Review": 1,
    "Confidence": {"Threshold": 0.8},
    "Files": {"Accepted": f"s3://{BUCKET}/scorings/x/accepted/", "Review": f"s3://{BUCKET}/scorings/x/review/"},
}


@pytest.fixture
def scoring_machine(stack: Stack, stub: Callable[[Any], Stubber]) -> Callable[..., None]:
    """Expect one execution of the scoring machine, which ends so."""
    stack.outputs["ScoringStateMachineArn"] = f"{ARN}:stateMachine:Scoring"
    stubber = stub(stack.client("stepfunctions"))
    arn = f"{ARN}:execution:Scoring:x"
    request = {"Predictions": f"s3://{BUCKET}/runs/{RUN}/", "Confidence": {"Threshold": 0.8}}

    def expect(**end: Any) -> None:
        asked = {"stateMachineArn": f"{ARN}:stateMachine:Scoring", "name": ANY, "input": json.dumps(request)}
        stubber.add_response("start_execution", {"executionArn": arn, "startDate": NOW}, asked)
        description = {"executionArn": arn, "stateMachineArn": f"{ARN}:stateMachine:Scoring", "startDate": NOW}
        stubber.add_response("describe_execution", {**description, **end})
        stubber.add_response("get_execution_history", {"events": []})

    return expect


@pytest.mark.usefixtures("runs")
def test_predictions_that_are_there_are_filtered_anew(
    stack: Stack, scoring_machine: Callable[..., None], tmp_path: Path
) -> None:
    for name in ("accepted", "review"):
        put(stack, f"scorings/x/{name}/part-00000.csv", f"{name}\n")
    for folder in (None, tmp_path / "new"):
        scoring_machine(status="SUCCEEDED", output=json.dumps(SCORING))
        made = filtering.apply(stack, EXECUTION, {"Threshold": 0.8}, Console(file=io.StringIO()), folder)
        assert made == SCORING
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"accepted.csv", "review.csv", "scoring.json"}
    shown = io.StringIO()
    summary.show_scoring(Console(file=shown, width=80), SCORING, None)
    assert "2 of 3 rows (67%)" in shown.getvalue()
    assert "confidence below 0.8" in shown.getvalue()
    assert "s3://data-bucket/scorings/x/review/" in shown.getvalue()


@pytest.mark.usefixtures("runs")
def test_predictions_that_cannot_be_filtered_so_are_bad_input(
    stack: Stack, scoring_machine: Callable[..., None]
) -> None:
    cause = json.dumps({"errorMessage": "a regression has no probabilities", "errorType": "InvalidRequest"})
    scoring_machine(status="FAILED", error="InvalidRequest", cause=cause)
    with pytest.raises(RunError, match=r"^a regression has no probabilities$") as refused:
        filtering.apply(stack, RUN, {"Threshold": 0.8}, Console(file=io.StringIO()))
    assert refused.value.exit_status == 2
