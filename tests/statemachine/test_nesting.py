"""Nested executions and notifications, not mocked: what the machines tell each other and people."""

import json
from typing import Any

import pytest

from tests.statemachine import answers, automl_cases
from tests.statemachine.case import Case
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


def nested(machines: Machines, machine: str, parent: Execution) -> list[dict[str, Any]]:
    """The executions of the machine that this one has started, first to last: their ARNs, and their inputs."""
    found = machines.client.list_executions(stateMachineArn=machines.arns[machine])["executions"]
    described = [machines.client.describe_execution(executionArn=one["executionArn"]) for one in found]
    key = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
    return [
        {"Arn": one["executionArn"], "Input": {name: value for name, value in given.items() if name != key}}
        for one in sorted(described, key=lambda one: one["startDate"])
        if (given := json.loads(one["input"])).get(key) == parent.arn
    ]


@pytest.mark.parametrize("case", automl_cases.NESTED[:1], ids=["success"])
def test_a_run_hands_over_to_its_nested_executions_and_tells_people(
    case: Case, machines: Machines, mailbox: str
) -> None:
    execution = execute(machines, case, "EndpointComesIntoService")

    check(case, execution)
    assert execution.output == answers.RESULT
    state = execution.input_of("Publish Results")
    assert state["Deployment"]["Endpoint"] == answers.ENDPOINT
    assert state["Test"]["Scoring"] == answers.SCORING
    staging, production = nested(machines, "deployment", execution)
    model, former = {"Name": "digits-0a1b2c3d"}, answers.CHAMPION["ConfigName"]
    assert staging["Input"] == {"Model": model, "Endpoint": answers.STAGING}
    assert production["Input"] == {"Model": model, "Endpoint": {"Name": "digits", "Keep": True}, "Replaces": former}
    calibration, test, champion = nested(machines, "scoring", execution)
    # Which endpoint the staging deployment made, its mocked Tasks decide.
    own = {"Endpoint": {"Name": answers.ENDPOINT["Name"]}}
    assert calibration["Input"] == {**own, **answers.CALIBRATION, "Confidence": {}}
    assert test["Input"] == {**own, "Dataset": answers.DATASET, "OutputUri": answers.RUN_URI}
    assert champion["Input"] == {
        "Endpoint": {"Name": answers.CHAMPION["EndpointName"]},
        "Dataset": answers.DATASET,
        "OutputUri": answers.CHAMPION["OutputUri"],
        "Confidence": {},
    }
    assert state["Test"]["ExecutionArn"] == test["Arn"]
    subject, message = mail(machines, mailbox)
    assert subject == "autopilot-flow: run digits-0a1b2c3d ended: Completed"
    assert message == {
        "Run": "digits-0a1b2c3d",
        "Outcome": "Completed",
        "Reason": "",
        "Result": f"{answers.RUN_URI}result.json",
        "Execution": execution.arn,
    }


@pytest.mark.parametrize("case", automl_cases.NESTED[1:], ids=["failure"])
def test_a_nested_failure_reaches_clean_up_and_people(case: Case, machines: Machines, mailbox: str) -> None:
    execution = execute(machines, case, "EndpointIsFailed")

    check(case, execution)
    cause = json.loads(execution.input_of("Clean Up")["Error"]["Cause"])
    assert (cause["Error"], cause["Cause"]) == (answers.EXPLAINED["Error"], answers.EXPLAINED["Cause"])
    (deployment,) = nested(machines, "deployment", execution)
    assert cause["ExecutionArn"] == deployment["Arn"]
    subject, message = mail(machines, mailbox)
    assert subject == "autopilot-flow: a run failed"
    assert message["Outcome"] == "Failed"
    assert (message["Error"], message["Cause"]) == (answers.FAILURE["Error"], answers.FAILURE["Cause"])
