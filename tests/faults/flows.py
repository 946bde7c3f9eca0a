"""Flows through the whole stack, which together make the functions work; what each leaves is seen from outside."""

import contextlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.faults.conftest import ROWS
from tests.faults.mishaps import Letters, scored, start, until
from tests.local.conftest import customers, history, wait, write_csv

TIMEOUT_SECONDS = 1200
LETTER_SECONDS = 30
"""A letter that is due is waited for so long."""
ENDS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
APPROVAL_SECONDS = 120
"""An answer that does not arrive is waited for so long, on a machine that is busy."""
INSTANCE = {"InstanceType": "ml.m5.large"}
"""Updates of an endpoint on an instance are watched by alarms."""
TRANSFORM = {"Engine": "BatchTransform", "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}}
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
"""What an endpoint on an instance can never become."""


@dataclass(frozen=True)
class Ended:
    """An execution that has ended, what people were told of it, and the ids of the rows that it scored."""

    description: Mapping[str, Any]
    letters: Sequence[Mapping[str, Any]]
    rows: Counter[str] = field(default_factory=Counter)

    @property
    def outcome(self) -> tuple[str, str]:
        """Its status, and its error or else the outcome that its output names."""
        return self.description["status"], self.description.get("error") or self.output.get("Outcome", "")

    @property
    def output(self) -> dict[str, Any]:
        """What it returned, ``{}`` if it did not come to its end."""
        document: dict[str, Any] = json.loads(self.description.get("output") or "{}")
        return document

    @property
    def cause(self) -> str:
        """Why it failed."""
        return str(self.description.get("cause", ""))

    @property
    def due(self) -> int:
        """How often people are to be told of it: once of a run, and of anything else that did not succeed."""
        run = "AutoMLStateMachine" in self.description["stateMachineArn"]
        return int(run or self.outcome[0] != "SUCCEEDED")

    @property
    def told(self) -> int:
        """How often people were told of it."""
        return len(self.letters)

    @property
    def said(self) -> str:
        """All that it and the letters say about why it failed, and about what it had to leave."""
        causes = (str(letter.get("Cause", "")) for letter in self.letters)
        return "\n".join([self.cause, *causes, *self.output.get("Left", [])])

    @property
    def named(self) -> tuple[str, str]:
        """Error and cause where it failed: in a function, or in a machine that this one had started."""
        return _innermost(self.outcome[1], self.cause)


def _innermost(error: str, cause: str) -> tuple[str, str]:
    try:
        told = json.loads(cause)
    except ValueError:
        return error, cause
    if "errorMessage" in told:
        return told.get("errorType", error), told["errorMessage"]
    return _innermost(told["Error"], told["Cause"]) if "Cause" in told else (error, cause)


@dataclass
class Bench:
    """A deployed stack as somebody outside works with it."""

    cloud: Cloud
    stack: Stack
    learnable: dict[str, Any]
    folder: Path

    def __post_init__(self) -> None:
        self.letters = Letters(self.cloud, self.stack.outputs["NotificationTopicArn"])
        self.bucket = self.stack.outputs["DataBucketName"]
        path = write_csv(self.folder / "new.csv", customers(60, seed=9))
        self.cloud.client("s3").upload_file(str(path), self.bucket, "uploads/faults/new.csv")
        self.new_rows = f"s3://{self.bucket}/uploads/faults/new.csv"
        pl.DataFrame(customers(ROWS), infer_schema_length=None, strict=False).write_parquet(self.folder / "all.parquet")
        self.cloud.client("s3").upload_file(str(self.folder / "all.parquet"), self.bucket, "uploads/faults/all.parquet")
        self.parquet = f"s3://{self.bucket}/uploads/faults/all.parquet"
        resources = self.cloud.client("cloudformation").describe_stack_resources(StackName=self.stack.name)
        self.names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources["StackResources"]}

    def role(self, caller: str) -> str:
        """ARN of the role of a function or state machine, by its logical id."""
        role = self.cloud.client("iam").get_role(RoleName=self.names[f"{caller}Role"])["Role"]
        return str(role["Arn"])

    def start(self, machine: str, **request: Any) -> str:
        """ARN of an execution of the machine with this logical id."""
        return start(self.cloud, self.stack, machine, request).arn

    def learn(self, endpoint: str, **overrides: Any) -> str:
        """ARN of a run for the endpoint."""
        return self.start("AutoMLStateMachine", **{**self.learnable, "Endpoint": {"Name": endpoint}, **overrides})

    def new(self, endpoint: str) -> dict[str, Any]:
        """Input of a scoring of rows that nobody has seen."""
        return {"Endpoint": {"Name": endpoint}, "Dataset": {"S3Uri": self.new_rows}}

    def ended(self, execution: str) -> Ended:
        """The execution when it has ended, all is cleaned up after it, and people are told, if ever."""
        described = wait(self.cloud, execution, TIMEOUT_SECONDS)
        ended = Ended(described, self._letters_about(execution))
        if "Files" in ended.output:
            ended = replace(ended, rows=Counter(scored(self.cloud, ended.output, "customer")))
        patience = time.monotonic() + LETTER_SECONDS
        while ended.told < ended.due and time.monotonic() < patience:
            ended = replace(ended, letters=self._letters_about(execution))
        return ended

    def _letters_about(self, execution: str) -> list[dict[str, Any]]:
        """What people were told of it when nothing cleans up any more; that may not have begun yet."""
        until(self._tidy, f"{execution} is cleaned up after", TIMEOUT_SECONDS, 0.5)
        return self.letters.so_far(execution)

    def _tidy(self) -> bool:
        """Whether whatever cleans up after executions has done so."""
        machine = self.stack.outputs["CleanupStateMachineArn"]
        client = self.cloud.client("stepfunctions")
        return not client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]


Flow = Callable[[Bench, str], Ended]


def champion(bench: Bench, endpoint: str) -> Ended:
    """A first model for the endpoint, approved by a person."""
    # It knows less than the next one, which is to be better.
    hosting, known = {"Name": endpoint, **INSTANCE}, {"Drop": ["complaints"]}
    approval = {"Approval": "Manual", "ApprovalTimeoutSeconds": APPROVAL_SECONDS}
    execution = bench.learn(endpoint, Endpoint=hosting, Transform=known, **approval)
    sagemaker = bench.cloud.client("sagemaker")

    def asked() -> bool:
        """Whether the run waits for an answer: one that comes sooner is not passed on, but found."""
        events = history(bench.cloud, execution)
        waiting = any(
            event["type"] == "TaskSubmitted" and "waitForTaskToken" in event["taskSubmittedEventDetails"]["resource"]
            for event in events
        )
        return waiting or events[-1]["type"] in ENDS

    def decided() -> bool:
        if not asked():
            return False
        groups = sagemaker.list_model_package_groups(NameContains=endpoint)["ModelPackageGroupSummaryList"]
        for group in (one["ModelPackageGroupName"] for one in groups):
            for one in sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]:
                if one["ModelApprovalStatus"] == "PendingManualApproval":
                    arn = one["ModelPackageArn"]
                    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        return True

    until(decided, f"{execution} asks for approval", TIMEOUT_SECONDS, 1)
    return bench.ended(execution)


@contextlib.contextmanager
def _broken_model(bench: Bench, endpoint: str) -> Iterator[str]:
    """Name of a model like that of the endpoint, whose file is none."""
    sagemaker, name = bench.cloud.client("sagemaker"), f"broken-{secrets.token_hex(3)}"
    model = sagemaker.describe_model(ModelName=_served(bench, endpoint))
    tags = sagemaker.list_tags(ResourceArn=model["ModelArn"])["Tags"]
    container = {**model["PrimaryContainer"], "ModelDataUrl": f"s3://{bench.bucket}/uploads/faults/new.csv"}
    sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=model["ExecutionRoleArn"], Tags=tags
    )
    try:
        yield name
    finally:
        sagemaker.delete_model(ModelName=name)


def _served(bench: Bench, endpoint: str) -> str:
    """Name of the endpoint's model."""
    sagemaker = bench.cloud.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    return str(sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"])


def broken(bench: Bench, endpoint: str) -> Ended:
    """A deployment to the endpoint that cannot succeed, so that it is taken back."""
    with _broken_model(bench, endpoint) as name:
        hosting = {"Name": endpoint, **INSTANCE}
        return bench.ended(bench.start("DeploymentStateMachine", Model={"Name": name}, Endpoint=hosting))


def stillborn(bench: Bench, endpoint: str) -> Ended:
    """A deployment to a new endpoint that cannot succeed, so that nothing is to stay of it."""
    with _broken_model(bench, endpoint) as name:
        hosting = {"Name": f"{endpoint}-none", "Serverless": SERVERLESS}
        return bench.ended(bench.start("DeploymentStateMachine", Model={"Name": name}, Endpoint=hosting))


def stopped_update(bench: Bench, endpoint: str) -> Ended:
    """A deployment that somebody stops while the endpoint changes."""
    sagemaker, hosting = bench.cloud.client("sagemaker"), {"Name": endpoint, **INSTANCE}
    execution = bench.start("DeploymentStateMachine", Model={"Name": _served(bench, endpoint)}, Endpoint=hosting)
    client = bench.cloud.client("stepfunctions")

    def changing() -> bool:
        running = client.describe_execution(executionArn=execution)["status"] == "RUNNING"
        return not running or sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating"

    until(changing, f"{endpoint} changes", TIMEOUT_SECONDS)
    client.stop_execution(executionArn=execution)
    return bench.ended(execution)


def challenger(bench: Bench, endpoint: str) -> Ended:
    """A second model for the endpoint, which goes when its rows are scored."""
    return bench.ended(bench.learn(endpoint, Endpoint={"Name": endpoint, **INSTANCE, "Keep": False}))


def batch(bench: Bench, endpoint: str) -> Ended:
    """New rows, predicted by a transform job."""
    return bench.ended(bench.start("ScoringStateMachine", **bench.new(endpoint), **TRANSFORM))


def stopped_batch(bench: Bench, endpoint: str) -> Ended:
    """A scoring that somebody stops while its transform job is at work."""
    return _stopped_in(bench, "Wait for Transform Job", "ScoringStateMachine", {**bench.new(endpoint), **TRANSFORM})


def on_demand(bench: Bench, endpoint: str) -> Ended:
    """New rows, predicted by an endpoint that is made for them: nothing serves the name any more. More is promised."""
    promise = {"Confidence": {"TargetPrecision": 0.8}}
    return bench.ended(bench.start("ScoringStateMachine", **bench.new(endpoint), **promise))


def nobody(bench: Bench, endpoint: str) -> Ended:
    """New rows for an endpoint that nobody knows."""
    return bench.ended(bench.start("ScoringStateMachine", **bench.new(f"{endpoint}-nobody")))


def plain(bench: Bench, endpoint: str) -> Ended:
    """A run as most are, for an endpoint that goes when its rows are scored."""
    name = f"{endpoint}-plain"
    return bench.ended(bench.learn(name, Endpoint={"Name": name, "Keep": False}))


def hopeless(bench: Bench, endpoint: str) -> Ended:
    """A run that learns from Parquet and fails when its job is done, as no candidate is quick enough."""
    dataset = {**bench.learnable["Dataset"], "S3Uri": bench.parquet}
    return bench.ended(bench.learn(f"{endpoint}-none", Dataset=dataset, Selection={"MaxInferenceLatencySeconds": 1e-9}))


def unsuitable(bench: Bench, endpoint: str) -> Ended:
    """A run for an endpoint that cannot be hosted as it asks for, which it finds out when its data are there."""
    return bench.ended(bench.learn(endpoint, Endpoint={"Name": endpoint, "Serverless": SERVERLESS}))


def stopped(bench: Bench, endpoint: str) -> Ended:
    """A run that somebody stops in the console while its job is at work."""
    request = {**bench.learnable, "Endpoint": {"Name": f"{endpoint}-stopped"}}
    run = start(bench.cloud, bench.stack, "AutoMLStateMachine", request)
    run.job()
    bench.cloud.client("stepfunctions").stop_execution(executionArn=run.arn)
    return bench.ended(run.arn)


def stopped_late(bench: Bench, endpoint: str) -> Ended:
    """A run that somebody stops when its model is served for the proof, and scores."""
    request = {**bench.learnable, "Endpoint": {"Name": f"{endpoint}-late"}}
    return _stopped_in(bench, "Score Test Split", "AutoMLStateMachine", request)


def stopped_waiting(bench: Bench, endpoint: str) -> Ended:
    """A run that somebody stops while it waits for approval."""
    request = {**bench.learnable, "Endpoint": {"Name": f"{endpoint}-waiting"}, "Approval": "Manual"}
    return _stopped_in(bench, "Wait for Approval", "AutoMLStateMachine", request)


def _stopped_in(bench: Bench, state: str, machine: str, request: dict[str, Any]) -> Ended:
    """Started, and stopped in the state, unless a fault ends it before."""
    execution, client = start(bench.cloud, bench.stack, machine, request), bench.cloud.client("stepfunctions")

    def there() -> bool:
        running = client.describe_execution(executionArn=execution.arn)["status"] == "RUNNING"
        return not running or execution.entered(state)

    until(there, f"{execution.arn} in {state!r}", TIMEOUT_SECONDS)
    client.stop_execution(executionArn=execution.arn)
    return bench.ended(execution.arn)


def unanswered(bench: Bench, endpoint: str) -> Ended:
    """A run whose model nobody approves in time."""
    name, waits = f"{endpoint}-unanswered", {"Approval": "Manual", "ApprovalTimeoutSeconds": 2}
    return bench.ended(bench.learn(name, Endpoint={"Name": name, "Keep": False}, **waits))


FLOWS: dict[str, Flow] = {
    "champion": champion,
    "broken": broken,
    "stillborn": stillborn,
    "unsuitable": unsuitable,
    "stopped update": stopped_update,
    "challenger": challenger,
    "batch": batch,
    "stopped batch": stopped_batch,
    "on demand": on_demand,
    "nobody": nobody,
    "plain": plain,
    "unanswered": unanswered,
    "hopeless": hopeless,
    "stopped": stopped,
    "stopped late": stopped_late,
    "stopped waiting": stopped_waiting,
}
"""In this order each finds what it needs: an endpoint with a model, or only the model."""
IN_SERVICE = frozenset({"broken", "stillborn", "unsuitable", "stopped update", "challenger", "batch", "stopped batch"})
"""Those that begin with an endpoint in service."""
LONGEST = "champion"
"""The one that makes most of the calls."""
CHEAPEST = (
    *("nobody", "unsuitable", "stillborn", "on demand", "batch", "stopped batch", "broken", "stopped update"),
    *("hopeless", "stopped", "plain", "stopped late", "unanswered", "stopped waiting", "champion", "challenger"),
)
"""All, those first that take the least time."""
