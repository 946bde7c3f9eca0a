"""Nested executions and notifications, not mocked: what the machines tell each other and people."""

import json
from typing import Any

import pytest

from tests.statemachine import answers, cases
from tests.statemachine.cases import Case
from tests.statemachine.conftest import Execution, Machines
from tests.statemachine.test_paths import check


@pytest.fixture
def mailbox(machines: Machines) -> str:
    """URL of a queue that hears what people hear."""
    queue = machines.cloud.client("sqs").create_queue(QueueName="mailbox")["QueueUrl"]
    arn = machines.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    endpoint = arn["Attributes"]["QueueArn"]
    machines.cloud.client("sns").subscribe(TopicArn=machines.topic, Protocol="sqs", Endpoint=endpoint)
    return str(queue)


def mail(machines: Machines, queue: str) -> tuple[str, dict[str, Any]]:
    """Subject and message."""
    found = machines.cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert len(found) == 1
    machines.cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=found[0]["ReceiptHandle"])
    body = json.loads(found[0]["Body"])
    return body["Subject"], json.loads(body["Message"])


def execute(machines: Machines, case: Case, deployment: str) -> Execution:
    """The main machine whose nested executions run under these cases of their own."""
    arn = machines.create(
        "automl",
        "automl-nesting",
        DeploymentStateMachineArn=f"{machines.arns['deployment']}#{deployment}",
        ScoringStateMachineArn=f"{machines.arns['scoring']}#TruthIsKnown",
    )
    try:
        return machines.execute(case, arn)
    finally:
        machines.client.delete_state_machine(stateMachineArn=arn)


def nested(machines: Machines, machine: str) -> dict[str, Any]:
    """Description of the last execution of the machine."""
    found = machines.client.list_executions(stateMachineArn=machines.arns[machine])["executions"]
    last = max(found, key=lambda execution: execution["startDate"])
    description: dict[str, Any] = machines.client.describe_execution(executionArn=last["executionArn"])
    return description


@pytest.mark.parametrize("case", cases.NESTED[:1], ids=["success"])
def test_a_run_hands_over_to_its_nested_executions_and_tells_people(
    case: Case, machines: Machines, mailbox: str
) -> None:
    execution = execute(machines, case, "EndpointComesIntoService")

    check(case, execution)
    assert execution.output == answers.RESULT
    state = execution.input_of("Publish Results")
    assert state["Deployment"]["Endpoint"] == answers.ENDPOINT
    assert state["Test"]["Scoring"] == answers.SCORING
    given = json.loads(nested(machines, "scoring")["input"])
    assert given.pop("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID") == execution.arn
    assert given == {
        "Endpoint": {"Name": "digits"},
        "Dataset": answers.DATASET,
        "OutputUri": answers.RUN_URI,
        "Confidence": {"Threshold": 0.9},
    }
    assert state["Test"]["ExecutionArn"] == nested(machines, "scoring")["executionArn"]
    subject, message = mail(machines, mailbox)
    assert subject == "autopilot-flow: run digits-0a1b2c3d completed"
    assert message == {
        "Run": "digits-0a1b2c3d",
        "Outcome": "Completed",
        "Result": f"{answers.RUN_URI}result.json",
        "Execution": execution.arn,
    }


@pytest.mark.parametrize("case", cases.NESTED[1:], ids=["failure"])
def test_a_nested_failure_reaches_clean_up_and_people(case: Case, machines: Machines, mailbox: str) -> None:
    execution = execute(machines, case, "EndpointIsFailed")

    check(case, execution)
    cause = json.loads(execution.input_of("Clean Up")["Error"]["Cause"])
    assert cause["Error"] == "EndpointFailed"
    assert cause["ExecutionArn"] == nested(machines, "deployment")["executionArn"]
    subject, message = mail(machines, mailbox)
    assert subject == "autopilot-flow: a run failed"
    assert message["Outcome"] == "Failed"
    assert (message["Error"], message["Cause"]) == (answers.FAILURE["Error"], answers.FAILURE["Cause"])
