"""What a run costs, from histories like those Step Functions gives, to the last digit."""

import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from jsonschema import Draft202012Validator

from automl import schema
from automl.outcome import cost, prices
from automl.outcome.consumption import Consumption

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NOW = START + timedelta(hours=2)
ROOT = Path(__file__).parents[3]
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
MAIN = "arn:aws:states:us-east-1:123456789012:execution:automl:run"
NESTED = "arn:aws:states:us-east-1:123456789012:execution:deployment:d"
PRICES = prices.of_region("us-east-1")
SERVERLESS = {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}}
TWO_INSTANCES = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
NOTHING_USED = {"StepFunctions": 0.0, "Lambda": 0.0, "Endpoint": 0.0, "Transform": 0.0, "Total": 0.0}


class History:
    """Builds an execution's history event by event."""

    def __init__(self, **request: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.add("ExecutionStarted", executionStartedEventDetails={"input": json.dumps(request)})

    def add(self, kind: str, seconds: float = 0, previous: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        time = START + timedelta(seconds=seconds)
        link = number - 1 if previous is None else previous
        self.events.append({"id": number, "previousEventId": link, "type": kind, "timestamp": time, **details})
        return number

    def entered(self, name: str, seconds: float = 0) -> int:
        return self.add("TaskStateEntered", seconds, stateEnteredEventDetails={"name": name})

    def scheduled(self, name: str, seconds: float, previous: int | None = None) -> int:
        details = {"resource": FUNCTION + name}
        return self.add("LambdaFunctionScheduled", seconds, previous, lambdaFunctionScheduledEventDetails=details)

    def task(self, state: str, start: float, end: float, answer: Any = None) -> None:
        """A Task state from being entered to being left."""
        self.entered(state, start)
        self.scheduled("a", start)
        self.add("LambdaFunctionStarted", start)
        details = {"output": json.dumps(answer or {})}
        self.add("LambdaFunctionSucceeded", end, lambdaFunctionSucceededEventDetails=details)
        self.add("TaskStateExited", end, stateExitedEventDetails={"name": state})


def used_by(*histories: History, now: datetime = NOW) -> Consumption:
    used = Consumption()
    for history in histories:
        used.take(history.events, now)
    return used


def priced(*histories: History, automl_seconds: float | None = None) -> dict[str, Any]:
    return cost.price(used_by(*histories), {}, PRICES, NOW, automl_seconds)


def test_states_and_retries_are_transitions_and_every_invocation_is_a_request() -> None:
    history = History()
    history.add("PassStateEntered")
    history.add("PassStateExited")
    history.entered("A")
    history.scheduled("a", 0)
    history.add("LambdaFunctionStarted", 1)
    history.add("LambdaFunctionFailed", 2)
    history.scheduled("a", 4)
    history.add("LambdaFunctionStarted", 5)
    history.add("LambdaFunctionSucceeded", 7.5)
    history.add("TaskStateExited")
    history.add("ChoiceStateEntered")
    history.add("SucceedStateEntered")
    used = used_by(history)
    assert (used.transitions, used.lambda_requests) == (5, 2)
    assert used.seconds == {FUNCTION + "a": 3.5}


def test_functions_that_run_at_once_are_told_apart() -> None:
    history = History()
    one = history.scheduled("a", 0, previous=0)
    two = history.scheduled("b", 0, previous=0)
    one = history.add("LambdaFunctionStarted", 1, previous=one)
    two = history.add("LambdaFunctionStarted", 1, previous=two)
    history.add("LambdaFunctionSucceeded", 2, previous=two)
    history.add("LambdaFunctionTimedOut", 11, previous=one)
    assert used_by(history).seconds == {FUNCTION + "a": 10.0, FUNCTION + "b": 1.0}


def test_a_function_that_still_runs_is_counted_until_now_as_is_the_one_that_counts() -> None:
    history = History()
    history.entered("A")
    history.scheduled("a", 0)
    history.add("LambdaFunctionStarted", 1)
    assert used_by(history, now=START + timedelta(seconds=4)).seconds == {FUNCTION + "a": 3.0}


def test_a_function_whose_execution_was_aborted_is_counted_until_then() -> None:
    history = History()
    history.entered("A")
    history.scheduled("a", 0)
    history.add("LambdaFunctionStarted", 1)
    history.add("ExecutionAborted", 6, previous=0)
    assert used_by(history).seconds == {FUNCTION + "a": 5.0}


def test_a_function_that_hands_a_token_on_is_counted_until_it_did_and_not_while_people_think() -> None:
    history = History()
    history.entered("Wait for Approval")
    parameters = json.dumps({"FunctionName": FUNCTION + "w", "Payload": {}})
    resource = {"resourceType": "lambda", "resource": "invoke.waitForTaskToken"}
    history.add("TaskScheduled", 0, taskScheduledEventDetails={**resource, "parameters": parameters})
    history.add("TaskStarted", 1)
    history.add("TaskSubmitted", 3, taskSubmittedEventDetails={**resource, "output": json.dumps({"StatusCode": 200})})
    history.add("TaskSucceeded", 5000)
    used = used_by(history)
    assert (used.lambda_requests, used.seconds) == (1, {FUNCTION + "w": 2.0})


def test_nothing_is_kept_of_a_history_as_long_as_they_get() -> None:
    poll = History()
    poll.task("Get AutoML Job", 0, 0.5, {"Status": "InProgress", "Padding": "x" * 10_000})
    poll.add("WaitStateEntered", 1, stateEnteredEventDetails={"name": "Wait for AutoML Job"})
    poll.add("WaitStateExited", 2)
    loop = poll.events[1:]

    def polls(number: int) -> Iterator[dict[str, Any]]:
        for round_trip in range(number):
            for event in loop:
                offset = round_trip * len(loop)
                yield {**event, "id": event["id"] + offset, "previousEventId": event["previousEventId"] + offset}

    used = Consumption()
    tracemalloc.start()
    used.take(polls(3500), NOW)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (used.transitions, used.lambda_requests, used.seconds) == (7000, 3500, {FUNCTION + "a": 1750.0})
    assert most < 50_000  # bytes, of 24,500 events


def test_a_serverless_endpoint_costs_for_the_seconds_of_its_requests_only() -> None:
    deployment = History(Model={"Name": "m"}, Endpoint={"Name": "e", **SERVERLESS})
    deployment.task("Create Endpoint", 0, 1, {"Name": "e"})
    deployment.task("Test Endpoint", 100, 102)
    scoring = History()
    scoring.task("Find Model", 200, 201, {"EndpointName": "e", "Ready": True, "Endpoint": {"Name": "e"}})
    usage = {"StateTransitions": 30, "LambdaGBSeconds": 20.5, "LambdaRequests": 20, "InvocationSeconds": 98.0}
    scoring.task("Collect Parts", 300, 301, {"Usage": usage})
    document = priced(scoring, deployment)
    assert document["EndpointSeconds"] == 100.0
    assert document["USD"]["Endpoint"] == 0.008  # 100 s x 0.00008
    assert document["EndpointUSDPerHour"] == 0.0


def test_the_parts_of_a_distributed_map_are_added_as_they_tell_themselves() -> None:
    scoring = History()
    usage = {"StateTransitions": 30, "LambdaGBSeconds": 20.5, "LambdaRequests": 20, "InvocationSeconds": 0.0}
    scoring.task("Collect Parts", 0, 1, {"Usage": usage})
    used = used_by(scoring)
    assert (used.transitions, used.lambda_requests, used.part_gigabyte_seconds) == (31, 21, 20.5)


def test_instances_cost_from_their_order_to_their_removal() -> None:
    staging = History(Endpoint={"Name": "run-staging", **TWO_INSTANCES})
    staging.task("Create Endpoint", 0, 0, {"Name": "run-staging"})
    main = History()
    removed = ["endpoint config c", "endpoint run-staging", "model m"]
    main.task("Remove Staging", 1700, 1800, {"Removed": removed})
    document = priced(main, staging)
    assert document["EndpointInstanceSeconds"] == 3600.0  # two instances, half an hour
    assert document["USD"]["Endpoint"] == 0.115
    assert document["EndpointUSDPerHour"] == 0.0


def test_instances_that_are_kept_cost_up_to_now_and_go_on() -> None:
    deployment = History(Endpoint={"Name": "e", **TWO_INSTANCES})
    deployment.task("Create Endpoint", 3600, 3600, {"Name": "e"})
    deployment.task("Test Endpoint", 3700, 3710)
    document = priced(deployment)
    assert document["EndpointInstanceSeconds"] == 2 * 3600.0
    assert (document["USD"]["Endpoint"], document["EndpointUSDPerHour"]) == (0.23, 0.23)


@pytest.mark.parametrize(
    ("state", "status", "over"),
    [
        ("Remove Endpoint", "Deleted", True),
        ("Roll Back Endpoint", "Restored", True),
        ("Roll Back Endpoint", "Restoring", False),
        ("Remove Endpoint", "InService", False),
    ],
)
def test_instances_end_when_the_endpoint_is_gone_or_has_its_former_model_back(
    state: str, status: str, over: bool
) -> None:
    history = History(Endpoint={"Name": "e", "InstanceType": "ml.m5.xlarge"})
    history.task("Create Endpoint", 0, 0, {"Name": "e"})
    history.task(state, 3600, 3600, {"Name": "e", "Status": status})
    document = priced(history)
    assert (document["EndpointInstanceSeconds"], document["EndpointUSDPerHour"]) == (
        (3600.0, 0.0) if over else (7200.0, 0.23)
    )


def test_an_endpoint_that_was_there_before_does_not_cost_the_run_that_asks_it() -> None:
    scoring = History()
    scoring.task("Find Model", 0, 1, {"EndpointName": "e", "Endpoint": {"Name": "e", **TWO_INSTANCES}})
    scoring.task("Collect Parts", 2, 3, {"Usage": {"InvocationSeconds": 50.0}})
    document = priced(scoring)
    assert (document["USD"]["Endpoint"], document["EndpointUSDPerHour"]) == (0.0, 0.0)
    assert document["EndpointSeconds"] == 50.0
    assert "EndpointInstanceSeconds" not in document


def test_transform_jobs_cost_for_the_seconds_that_all_their_instances_were_up() -> None:
    history = History()
    job = {"Name": "t", "InstanceType": "ml.m5.xlarge", "InstanceCount": 3}
    history.task("Create Transform Job", 0, 1, {**job, "ElapsedSeconds": 0})
    history.task("Get Transform Job", 10, 11, {**job, "ElapsedSeconds": 10})
    history.task("Get Transform Job", 1500, 1501, {**job, "ElapsedSeconds": 1500, "TransformSeconds": 1200.0})
    document = priced(history)
    assert (document["TransformInstanceSeconds"], document["USD"]["Transform"]) == (3600.0, 0.23)


def test_a_transform_job_that_nobody_waited_for_costs_at_most_what_has_passed() -> None:
    history = History()
    job = {"Name": "t", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "ElapsedSeconds": 3600}
    history.task("Stop Transform Job", 0, 1, job)
    assert priced(history)["USD"]["Transform"] == 0.23


def test_parts_that_were_transformed_before_need_no_job_and_cost_nothing() -> None:
    history = History()
    history.task("Create Transform Job", 0, 1, {"Name": "", "Status": "Completed", "InstanceCount": 0})
    document = priced(history)
    assert document["USD"]["Transform"] == 0.0
    assert "TransformInstanceSeconds" not in document


def test_an_unknown_price_is_said_and_not_guessed() -> None:
    deployment = History(Endpoint={"Name": "e", "InstanceType": "ml.p9.large"})
    deployment.task("Create Endpoint", 0, 0, {"Name": "e"})
    job = {"Name": "t", "InstanceType": "ml.q1", "InstanceCount": 1, "ElapsedSeconds": 5}
    deployment.task("Get Transform Job", 1, 2, job)
    document = priced(deployment)
    assert (document["USD"]["Endpoint"], document["USD"]["Transform"]) == (None, None)
    assert document["EndpointUSDPerHour"] is None
    assert document["USD"]["Total"] == document["USD"]["StepFunctions"] + document["USD"]["Lambda"] > 0
    assert "an endpoint on ml.p9.large: its price is not in the table" in document["NotIncluded"]
    assert "a transform job on ml.q1: its price is not in the table" in document["NotIncluded"]


def test_a_small_run_is_reckoned_by_hand() -> None:
    used = Consumption(transitions=200, lambda_requests=100)
    document = cost.price(used, {"arm64": 60.0, "x86_64": 30.0}, PRICES, NOW, 48.2)
    assert document == {
        "StateTransitions": 200,
        "LambdaGBSeconds": 90.0,
        "LambdaRequests": 100,
        # 200 x 0.000025; 100 x 0.0000002 + 60 x 0.0000133334 + 30 x 0.0000166667 = 0.00002 + 0.000800004 + 0.000500001
        "USD": {**NOTHING_USED, "StepFunctions": 0.005, "Lambda": 0.00132, "Total": 0.00632},
        "EndpointUSDPerHour": 0.0,
        "Prices": "us-east-1, 2026-11-21",
        "NotIncluded": [
            "the AutoML job of 48 s: its instances are not told",
            "data sent to endpoints and back",
            "requests to S3, SNS and KMS, logs and metrics in CloudWatch",
        ],
    }


def submitted(resource: str, output: Any) -> dict[str, Any]:
    return {"resourceType": resource, "resource": "startExecution.sync:2", "output": json.dumps(output)}


def test_nested_executions_and_functions_of_all_are_summed(stub: Callable[[Any], Stubber]) -> None:
    sfn, functions = boto3.client("stepfunctions"), boto3.client("lambda")
    main, nested = History(), History()
    main.entered("Deploy Model")
    details = {"resourceType": "states", "resource": "startExecution.sync:2", "region": "r", "parameters": "{}"}
    main.add("TaskScheduled", taskScheduledEventDetails=details)
    main.add("TaskSubmitted", taskSubmittedEventDetails=submitted("states", {"ExecutionArn": NESTED}))
    main.entered("Notify Success")
    main.add("TaskScheduled", taskScheduledEventDetails={**details, "resourceType": "sns"})
    main.add("TaskSubmitted", taskSubmittedEventDetails=submitted("sns", {"MessageId": "1"}))
    nested.task("A", 0, 4)
    history = stub(sfn)
    asked = {"executionArn": MAIN, "includeExecutionData": True, "maxResults": 200}
    history.add_response("get_execution_history", {"events": main.events[:2], "nextToken": "more"}, asked)
    history.add_response("get_execution_history", {"events": main.events[2:]}, {**asked, "nextToken": "more"})
    history.add_response("get_execution_history", {"events": nested.events}, {**asked, "executionArn": NESTED})
    configuration = {"MemorySize": 256, "Architectures": ["arm64"]}
    stub(functions).add_response("get_function_configuration", configuration, {"FunctionName": FUNCTION + "a"})
    document = cost.run_cost(sfn, functions, {"Execution": {"Id": MAIN}}, NOW, states_after=2)
    assert (document["StateTransitions"], document["LambdaGBSeconds"], document["LambdaRequests"]) == (3 + 2, 1.0, 1)
    assert document["USD"]["Lambda"] == 0.000014  # 0.0000002 + 0.0000133334


def test_a_failed_run_is_told_what_was_removed_just_now(stub: Callable[[Any], Stubber]) -> None:
    sfn = boto3.client("stepfunctions")
    main, nested = History(), History(Endpoint={"Name": "e", **TWO_INSTANCES})
    main.entered("Deploy Model")
    main.add("TaskSubmitted", taskSubmittedEventDetails=submitted("states", {"ExecutionArn": NESTED}))
    nested.entered("Create Endpoint")
    details = {"output": json.dumps({"Name": "e"})}
    nested.add("LambdaFunctionSucceeded", lambdaFunctionSucceededEventDetails=details)
    histories = stub(sfn)
    for history in (main, nested):
        histories.add_response("get_execution_history", {"events": history.events})
    state = {"Execution": {"Id": MAIN}}
    document = cost.known_cost(sfn, boto3.client("lambda"), state, NOW, ["endpoint e", "endpoint config c"])
    assert (document["EndpointInstanceSeconds"], document["EndpointUSDPerHour"]) == (2 * 7200.0, 0.0)


def test_a_failed_run_does_not_fail_over_its_cost(stub: Callable[[Any], Stubber]) -> None:
    sfn = boto3.client("stepfunctions")
    stub(sfn).add_client_error("get_execution_history", "AccessDeniedException", "not authorized")
    assert cost.known_cost(sfn, boto3.client("lambda"), {"Execution": {"Id": MAIN}}, NOW, []) == {}


def test_the_price_table_keeps_to_its_schema() -> None:
    schema.check(prices.table(), "prices", "the price table")
    assert prices.of_region("us-east-1").title == f"us-east-1, {prices.table()['Date']}"


def test_a_region_that_the_table_does_not_have_is_reckoned_with_us_east_1_and_says_so() -> None:
    elsewhere = prices.of_region("eu-central-1")
    assert elsewhere.title == f"us-east-1, {prices.table()['Date']} (the table has none of eu-central-1)"
    assert elsewhere.state_transition == PRICES.state_transition


def test_a_run_and_a_scoring_tell_their_cost_in_the_same_words() -> None:
    assert schema.load("result")["properties"]["Cost"] == schema.load("scoring")["properties"]["Cost"]
    document = priced(History(), automl_seconds=1.0)
    assert list(Draft202012Validator(schema.load("result")["properties"]["Cost"]).iter_errors(document)) == []


@pytest.mark.parametrize(
    ("machine", "state", "after"),
    [
        ("automl", "Publish Results", cost.STATES_AFTER_SUCCESS),
        ("automl", "Clean Up", cost.STATES_AFTER_FAILURE),
        ("scoring", "Summarize Scoring", cost.STATES_AFTER_SCORING),
    ],
)
def test_the_states_that_come_after_counting_are_counted_beforehand(machine: str, state: str, after: int) -> None:
    states: Mapping[str, Any] = json.loads((ROOT / "statemachine" / f"{machine}.asl.json").read_text())["States"]
    entered = 0
    while "Next" in states[state]:
        state = states[state]["Next"]
        entered += 1
    assert entered == after
    assert states[state]["Type"] in {"Succeed", "Fail"}
