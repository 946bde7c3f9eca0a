"""A local cloud that runs the ASL files as they are, each execution under the mock-config case of its name."""

import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoflow.local import cloud as host
from autoflow.local.cloud import Cloud
from tests.statemachine import answers, definitions
from tests.statemachine.case import Case
from tests.statemachine.cases import PATHS

WAIT_SCALE = 0.001
TIMEOUT_SECONDS = 60.0
BUCKET: str = answers.ROWS["Bucket"]
ROLE = "arn:aws:iam::000000000000:role/machine"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"


@dataclass(frozen=True)
class Execution:
    """An ended execution."""

    arn: str
    description: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def path(self) -> list[str]:
        return [event["stateEnteredEventDetails"]["name"] for event in self._entered()]

    @property
    def output(self) -> Any:
        return json.loads(self.description["output"])

    def input_of(self, state: str) -> Any:
        """State data with which the state was entered, the last time."""
        found = [e["stateEnteredEventDetails"] for e in self._entered()]
        return json.loads([details["input"] for details in found if details["name"] == state][-1])

    def failures(self) -> list[str]:
        """Errors of the attempts that failed."""
        details = [event.get("taskFailedEventDetails") for event in self.events]
        return [detail["error"] for detail in details if detail]

    def _entered(self) -> Iterator[dict[str, Any]]:
        return (event for event in self.events if "stateEnteredEventDetails" in event)


class Machines:
    """The machines in a local cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.client = cloud.client("stepfunctions")
        self.topic = cloud.client("sns").create_topic(Name="people")["TopicArn"]
        self.arns: dict[str, str] = {}
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        cloud.client("s3").put_object(Bucket=BUCKET, Key=answers.ROWS["PartsKey"], Body=b"[0, 1]")
        for machine in ("deployment", "scoring", definitions.PART, "automl", "cleanup"):
            self.arns[machine] = self.create(machine, machine)

    def create(self, machine: str, name: str, **substitutions: str) -> str:
        """The machine under a name, with other substitutions than usual."""
        values = {key: FUNCTION + key for key in definitions.substitutions(machine)}
        values |= {f"{key.title()}StateMachineArn": arn for key, arn in self.arns.items()}
        values |= {"NotificationTopicArn": self.topic, "Partition": "aws", "DataBucketName": BUCKET}
        values |= substitutions
        text = definitions.substituted(machine, values)
        arn: str = self.client.create_state_machine(name=name, definition=text, roleArn=ROLE)["stateMachineArn"]
        return arn

    def execute(self, case: Case, arn: str | None = None) -> Execution:
        """Run the case to its end."""
        machine = arn or self.arns[case.machine]
        request = {"stateMachineArn": f"{machine}#{case.name}", "input": json.dumps(case.input)}
        started = self.client.start_execution(**request)["executionArn"]
        end = time.monotonic() + TIMEOUT_SECONDS
        while (description := self.client.describe_execution(executionArn=started))["status"] == "RUNNING":
            assert time.monotonic() < end, f"{case.name} hangs"
            time.sleep(0.1)
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=started)
        return Execution(started, description, [event for page in pages for event in page["events"]])


def mock_file(cases: Iterable[Case], folder: Path) -> Path:
    """The cases in the format of Step Functions Local."""
    machines: dict[str, Any] = {}
    responses: dict[str, Any] = {}
    for case in cases:
        for name in (case.machine, f"{case.machine}-nesting"):
            test_cases = machines.setdefault(name, {"TestCases": {}})["TestCases"]
            test_cases[case.name] = {state: f"{case.machine} {case.name} {state}" for state in case.mocked()}
        responses |= {f"{case.machine} {case.name} {state}": answers for state, answers in case.mocked().items()}
    path = folder / "mock.json"
    path.write_text(json.dumps({"StateMachines": machines, "MockedResponses": responses}))
    return path


def _selected(session: pytest.Session) -> list[Case]:
    """The cases of the tests that this session runs."""
    functions = (item for item in session.items if isinstance(item, pytest.Function))
    values = (item.callspec.params.get("case") for item in functions if hasattr(item, "callspec"))
    return [value for value in values if isinstance(value, Case)]


@pytest.fixture(scope="session")
def machines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    services = ("stepfunctions", "sns", "sqs", "sts", "iam", "lambda", "s3", "logs", "events")
    mocks = mock_file([*PATHS, *_selected(request.session)], tmp_path_factory.mktemp("sfn"))
    with host.temporary(services=services, mock_config=mocks, wait_scale=WAIT_SCALE) as cloud:
        yield Machines(cloud)


@pytest.fixture(scope="session")
def executions(request: pytest.FixtureRequest, machines: Machines) -> Iterator[dict[str, Future[Execution]]]:
    """All selected cases, running side by side."""
    cases = [case for case in _selected(request.session) if not case.real]
    with ThreadPoolExecutor(4) as pool:
        yield {case.id: pool.submit(machines.execute, case) for case in cases}
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def execution(case: Case, executions: dict[str, Future[Execution]]) -> Execution:
    """The ended execution of the test's case."""
    return executions[case.id].result(timeout=300)
