"""Executions that are stopped at a chosen moment, gone on with from there, or started with another definition."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.faults import call_cases
from tests.faults.faults import happened, set_faults
from tests.faults.mishaps import Letters, until
from tests.local.conftest import history, wait
from tests.statemachine import definitions

Json = dict[str, Any]
Change = Callable[[Json], None]

HOLD_SECONDS = 6
"""How long each call of a function takes that is to be at work when its execution ends."""
PATIENCE_SECONDS = 600
MACHINES = {"automl": "AutoML", "deployment": "Deployment", "scoring": "Scoring"}
"""ASL file → beginning of its names in the template."""
LEARNING = ("Validate Request", "Transform Data", "Find Previous Model", "Create AutoML Job", "Get AutoML Job")
"""Up to here a run is started from its beginning; behind it from :data:`PROVING` on, with a job that has ended."""
PROVING = "Select Best Candidate"
BATCH = ("Create Transform Job", "Get Transform Job")
UNREACHED = {
    ("automl", "Stop AutoML Job"): "a job past its deadline is in test_jobs",
    ("automl", "Deploy Champion"): "as Deploy to Staging, for another model",
    ("automl", "Score Champion"): "as Score Test Split, with another endpoint",
    ("automl", "Score Former Test Split"): "as Score Test Split, of other rows",
    ("automl", "Notify Success"): "the run is over, and nothing is made any more",
    ("automl", "Notify Failure"): "all is cleaned up before; a topic cannot be asked what it has had",
    ("deployment", "Configure Auto Scaling"): "the local cloud has no auto scaling",
    ("deployment", "Roll Back Endpoint"): "takes back what the clean-up takes back",
    ("deployment", "Explain Failure"): "all is taken back before, and it calls nobody",
    ("scoring", "Explain Failure"): "all is taken back before, and it calls nobody",
    ("scoring", "Calibrate Model"): "as in a run; it writes one file",
    ("scoring", "Stop Transform Job"): "a job that nobody sees is in test_jobs",
    ("scoring", "Measure Predictions"): "reads and writes files of its scoring only",
}
"""Tasks at which no execution is stopped here, and why."""


def stops() -> Iterator[tuple[str, str]]:
    """Machine and Task at which an execution of it is stopped."""
    for machine in MACHINES:
        yield from (
            (machine, state.name) for state in definitions.tasks(machine) if (machine, state.name) not in UNREACHED
        )


@dataclass
class Site:
    """A deployed stack with people who are told what happens."""

    cloud: Cloud
    stack: Stack
    letters: Letters

    @cached_property
    def client(self) -> Any:
        return self.cloud.client("stepfunctions")

    def machine(self, name: str) -> str:
        """ARN of the machine of an ASL file."""
        return self.stack.outputs[f"{MACHINES[name]}StateMachineArn"]

    def start(self, machine: str, request: Json, change: Change | None = None) -> str:
        """ARN of a new execution; with another definition, which the machine has for this moment only."""
        arn, name = self.machine(machine), f"stop-{secrets.token_hex(4)}"
        before = self.client.describe_state_machine(stateMachineArn=arn)["definition"]
        if change:
            changed = json.loads(before)
            change(changed)
            self.client.update_state_machine(stateMachineArn=arn, definition=json.dumps(changed))
        try:
            answer = self.client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(request))
        finally:
            if change:
                self.client.update_state_machine(stateMachineArn=arn, definition=before)
        return str(answer["executionArn"])

    def ended(self, execution: str) -> Json:
        """Description of the execution at its end."""
        return wait(self.cloud, execution, PATIENCE_SECONDS)

    def cleaned(self, execution: str) -> list[Json]:
        """Descriptions of all clean-ups after the execution, when they have ended; there must be one."""

        def ended() -> list[Json]:
            found = list(self._cleanups(execution))
            return found if found and all(one["status"] != "RUNNING" for one in found) else []

        return until(ended, f"the clean-up after {execution}", PATIENCE_SECONDS, 0.5)

    def _cleanups(self, execution: str) -> Iterator[Json]:
        arn = self.stack.outputs["CleanupStateMachineArn"]
        for page in self.client.get_paginator("list_executions").paginate(stateMachineArn=arn):
            for one in page["executions"]:
                described: Json = self.client.describe_execution(executionArn=one["executionArn"])
                if json.loads(described["input"])["ExecutionArn"] == execution:
                    yield described

    def input_of(self, execution: str, state: str) -> Json:
        """State data with which the execution entered the state the last time."""
        entered = [event.get("stateEnteredEventDetails", {}) for event in history(self.cloud, execution)]
        data: Json = json.loads([one["input"] for one in entered if one.get("name") == state][-1])
        return data

    def role(self, logical_id: str) -> str:
        """ARN of the role of a function or state machine."""
        resources = self.cloud.client("cloudformation").describe_stack_resources(StackName=self.stack.name)
        names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources["StackResources"]}
        role = self.cloud.client("iam").get_role(RoleName=names[f"{logical_id}Role"])["Role"]
        return str(role["Arn"])

    def hold(self, machine: str, state: str) -> None:
        """Make what the state begins slow, so that it is still at work when its execution is stopped."""
        body = definitions.state(machine, state).body
        begun = body["Parameters"].get("StateMachineArn", body["Resource"])
        if not begun.startswith("${"):
            return  # it waits for a person
        name = begun.removeprefix("${").removesuffix("Arn}")
        role, slow = self.role(name), {"Kind": "Slow", "Seconds": HOLD_SECONDS}
        invoke = {"Name": "invoke", "Service": "lambda", "Operation": "Invoke", **slow}
        if name.endswith("StateMachine"):
            set_faults(self.cloud, {**invoke, "Role": role})
            return
        calls = [
            {"Name": one.name, "Service": one.service, "Operation": one.operation, "Role": role, **slow}
            for one in call_cases.of_functions()
            if one.caller == name
        ]
        machine_role = self.role(f"{MACHINES[machine]}StateMachine")
        set_faults(self.cloud, {**invoke, "Role": machine_role, "Where": {"FunctionName": f"*{name}-*"}}, *calls)

    def until_at_work(self, execution: str, state: str) -> None:
        """Wait until what the state has begun is really under way: a function that has called AWS, or an execution."""

        def at_work() -> bool:
            described = self.client.describe_execution(executionArn=execution)
            assert described["status"] == "RUNNING", f"over before {state}: {described.get('cause')}"
            seen = False
            for event in reversed(history(self.cloud, execution)):
                entered = event.get("stateEnteredEventDetails", {}).get("name")
                if entered or event["type"].endswith(("Succeeded", "Failed", "Exited")):
                    return seen and entered == state
                seen = seen or event["type"] in {"LambdaFunctionStarted", "TaskSubmitted"}
            return False

        until(at_work, f"{execution} at work in {state}", PATIENCE_SECONDS, 0.02)
        if "Lambda" in str(history(self.cloud, execution)[-1]["type"]):
            end = time.monotonic() + HOLD_SECONDS / 2
            while not any(count for name, count in happened(self.cloud).items() if name != "invoke"):
                if time.monotonic() > end:  # it computes before its first call, or calls nobody
                    return
                time.sleep(0.05)

    def release(self) -> None:
        """No function is slow any more."""
        set_faults(self.cloud)


def starting_at(state: str, **top: Any) -> Change:
    """The definition as it is, but for its first state, and for further fields of its top.

    A redrive keeps the execution's ARN, by which nested executions know their parent. Here the state data have it.
    """

    def change(definition: Json) -> None:
        own = json.loads(json.dumps(definition["States"]).replace('"$$.Execution.Id"', '"$.Execution.Id"'))
        for body in own.values():
            if "Execution" in body.get("ResultSelector", {}):  # takes it from the execution; here it stays what it was
                del body["ResultSelector"]
                body["ResultPath"] = "$.Run"
        definition |= {"StartAt": state, "States": own, **top}

    return change
