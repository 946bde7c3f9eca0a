"""Flows through the whole stack, which together make the functions work; what each leaves is seen from outside."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.faults.mishaps import Letters, scored, start, until
from tests.local.conftest import customers, history, wait, write_csv

TIMEOUT_SECONDS = 1200
ENDS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
APPROVAL_SECONDS = 120
"""An answer that does not arrive is waited for so long, on a machine that is busy."""
INSTANCE = {"InstanceType": "ml.m5.large"}
"""Updates of an endpoint on an instance are watched by alarms."""
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
"""What such an endpoint can never become."""


@dataclass(frozen=True)
class Ended:
    """An execution that has ended, how often people were told of it, and the ids of the rows that it scored."""

    description: Mapping[str, Any]
    told: int
    rows: Counter[str] = field(default_factory=Counter)

    @property
    def outcome(self) -> tuple[str, str]:
        """Its status, and its error or else the outcome that its output names."""
        output = json.loads(self.description.get("output") or "{}")
        return self.description["status"], self.description.get("error") or output.get("Outcome", "")

    @property
    def cause(self) -> str:
        """Why it failed."""
        return str(self.description.get("cause", ""))

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
        """The execution when it has ended, and people are told if it was a run."""
        described = wait(self.cloud, execution, TIMEOUT_SECONDS)
        until(self._tidy, f"{execution} is cleaned up after", TIMEOUT_SECONDS, 0.5)
        output = json.loads(described.get("output") or "{}")
        rows = scored(self.cloud, output, "customer") if "Files" in output else []
        told = len(self.letters.about(execution)) if "AutoMLStateMachine" in execution else 0
        return Ended(described, told, Counter(rows))

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


def broken(bench: Bench, endpoint: str) -> Ended:
    """A deployment to the endpoint that cannot succeed, so that it is taken back."""
    sagemaker, name = bench.cloud.client("sagemaker"), f"broken-{secrets.token_hex(3)}"
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    served = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]
    model = sagemaker.describe_model(ModelName=served)
    tags = sagemaker.list_tags(ResourceArn=model["ModelArn"])["Tags"]
    container = {**model["PrimaryContainer"], "ModelDataUrl": f"s3://{bench.bucket}/uploads/faults/new.csv"}
    sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=model["ExecutionRoleArn"], Tags=tags
    )
    try:
        hosting = {"Name": endpoint, **INSTANCE}
        return bench.ended(bench.start("DeploymentStateMachine", Model={"Name": name}, Endpoint=hosting))
    finally:
        sagemaker.delete_model(ModelName=name)


def challenger(bench: Bench, endpoint: str) -> Ended:
    """A second model for the endpoint, which goes when its rows are scored."""
    return bench.ended(bench.learn(endpoint, Endpoint={"Name": endpoint, **INSTANCE, "Keep": False}))


def batch(bench: Bench, endpoint: str) -> Ended:
    """New rows, predicted by a transform job."""
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
    request = {**bench.new(endpoint), "Engine": "BatchTransform", "TransformResources": resources}
    return bench.ended(bench.start("ScoringStateMachine", **request))


def on_demand(bench: Bench, endpoint: str) -> Ended:
    """New rows, predicted by an endpoint that is made for them: nothing serves the name any more."""
    return bench.ended(bench.start("ScoringStateMachine", **bench.new(endpoint)))


def plain(bench: Bench, endpoint: str) -> Ended:
    """A run as most are, for an endpoint that goes when its rows are scored."""
    name = f"{endpoint}-plain"
    return bench.ended(bench.learn(name, Endpoint={"Name": name, "Keep": False}))


def hopeless(bench: Bench, endpoint: str) -> Ended:
    """A run that fails when its job is done, as no candidate is quick enough."""
    return bench.ended(bench.learn(f"{endpoint}-none", Selection={"MaxInferenceLatencySeconds": 1e-9}))


def unsuitable(bench: Bench, endpoint: str) -> Ended:
    """A run for an endpoint that cannot be hosted as it asks for, which it finds out when its data are there."""
    return bench.ended(bench.learn(endpoint, Endpoint={"Name": endpoint, "Serverless": SERVERLESS}))


def stopped(bench: Bench, endpoint: str) -> Ended:
    """A run that somebody stops in the console while its job is at work."""
    run = start(bench.cloud, bench.stack, "AutoMLStateMachine", {**bench.learnable, "Endpoint": {"Name": endpoint}})
    run.job()
    bench.cloud.client("stepfunctions").stop_execution(executionArn=run.arn)
    return bench.ended(run.arn)


def stopped_late(bench: Bench, endpoint: str) -> Ended:
    """A run that somebody stops when its model is served for the proof, and scores."""
    request = {**bench.learnable, "Endpoint": {"Name": f"{endpoint}-late"}, "Approval": "Manual"}
    run = start(bench.cloud, bench.stack, "AutoMLStateMachine", request)
    run.until_entered("Score Test Split")
    bench.cloud.client("stepfunctions").stop_execution(executionArn=run.arn)
    return bench.ended(run.arn)


FLOWS: dict[str, Flow] = {
    "champion": champion,
    "broken": broken,
    "unsuitable": unsuitable,
    "challenger": challenger,
    "batch": batch,
    "on demand": on_demand,
    "plain": plain,
    "hopeless": hopeless,
    "stopped": stopped,
    "stopped late": stopped_late,
}
"""In this order each finds what it needs: an endpoint with a model, or only the model."""
LONGEST = "champion"
"""The one that makes most of the calls."""
CHEAPEST = (
    "unsuitable",
    "on demand",
    "batch",
    "broken",
    "hopeless",
    "stopped",
    "plain",
    "stopped late",
    "champion",
    "challenger",
)
"""The same, those first that take the least time."""
