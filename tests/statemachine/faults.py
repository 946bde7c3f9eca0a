"""What goes wrong with a Task, in Step Functions' own words: which error it sees, with which Cause, or which answer."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from automl import errors
from tests.statemachine import answers
from tests.statemachine.answers import Json, throw
from tests.statemachine.definitions import FILES, State
from tests.unit.test_permissions import handler_of, reached

Kind = Literal[
    "Throttled",
    "ServiceError",
    "Crash",
    "TimeOut",
    "OutOfMemory",
    "NamedError",
    "MalformedAnswer",
    "AccessDenied",
]
LARGE = "x" * 262_144
"""More than state data may hold."""
REQUEST = "0a1b2c3d-0000-4000-8000-000000000000"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:prod-Function"
NESTED = "arn:aws:states:eu-central-1:123456789012:execution:prod-{}:0a1b2c3d"
DENIED = "User: arn:aws:sts::123456789012:assumed-role/prod/machine is not authorized to perform: {} on resource: {}"
_FUNCTION_ARN = re.compile(r"\$\{(\w+)FunctionArn\}")
OWN_ERRORS = {kind.__name__ for kind in errors.AutopilotFlowError.__subclasses__()}


@dataclass(frozen=True)
class Fault:
    """What the first attempts of a Task end with; all later ones answer as usual."""

    kind: Kind
    name: str
    attempts: tuple[Json, ...]
    says: str = ""
    """Words of the fault that people must hear, if it is the end."""


def faults(state: State, usual: Json) -> Iterator[Fault]:
    """All faults of the Task.

    Args:
        state: the Task.
        usual: what it answers when nothing goes wrong.
    """
    resource = state.body["Resource"]
    if function := _FUNCTION_ARN.search(resource + json.dumps(state.body["Parameters"])):
        yield from _of_function(function[1], answered_by_people="waitForTaskToken" in resource)
    elif ":states:startExecution" in resource:
        machine = next(name for name in FILES if name.title() in state.body["Parameters"]["StateMachineArn"])
        yield from _of_execution(machine)
    elif ":sns:" in resource:
        yield from _of_topic()
    else:
        raise NotImplementedError(f"{state.name} is a Task of a kind whose faults are not written down: {resource}")
    for name, answer in _malformed(usual):
        yield Fault("MalformedAnswer", name, (answer,))


def _of_function(function: str, *, answered_by_people: bool) -> Iterator[Fault]:
    full = "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException)"
    yield Fault("Throttled", "Throttled", (throw("Lambda.TooManyRequestsException", full),) * 3)
    yield from _service_errors(
        "Lambda.ServiceException", "Service: AWSLambda; Status Code: 500; Error Code: ServiceException"
    )
    yield _ended("Crash", "Runtime.ExitError", "Runtime exited with error: exit status 1")
    unknown = "The cause could not be determined because Lambda did not return an error type."
    yield Fault("Crash", "CrashUntold", (throw("Lambda.Unknown", unknown),), unknown)
    yield _ended("TimeOut", "Sandbox.Timedout", "Task timed out after 60.00 seconds")
    yield Fault("TimeOut", "StateTimesOut", (throw("States.Timeout", ""),))
    yield _ended("OutOfMemory", "Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
    for name in named_errors(function):
        message = f"{name}: the column \"a\" of s3://data/{{a}}.csv is 'odd'; correct it"
        yield Fault("NamedError", name, (_raised(name, message),), message)
    yield Fault("NamedError", "Bug", (_raised("KeyError", "'Name'"),), "'Name'")
    denied = DENIED.format("lambda:InvokeFunction", FUNCTION)
    yield Fault("AccessDenied", "MachineDenied", (throw("Lambda.AccessDeniedException", denied),), denied)
    denied = f"An error occurred (AccessDeniedException) when calling the DescribeEndpoint operation: {DENIED}"
    yield Fault("AccessDenied", "FunctionDenied", (_raised("ClientError", denied),), denied)
    if answered_by_people:
        yield Fault("NamedError", "PersonFails", (throw("NotToday", "ask me on Monday"),), "ask me on Monday")


def _of_execution(machine: str) -> Iterator[Fault]:
    limit = "Rate exceeded (Service: AWSStepFunctions; Status Code: 400; Error Code: ExecutionLimitExceeded)"
    yield Fault("Throttled", "Throttled", (throw("StepFunctions.ExecutionLimitExceededException", limit),) * 3)
    yield from _service_errors("StepFunctions.AWSStepFunctionsException", "Service: AWSStepFunctions; Status Code: 500")
    yield _within(
        machine, "Crash", "Runtime.ExitError", _document("Runtime.ExitError", "exit status 1"), "exit status 1"
    )
    yield _within(machine, "TimeOut", "Sandbox.Timedout", _document("Sandbox.Timedout", "Task timed out"), "timed out")
    ended = json.dumps({"ExecutionArn": NESTED.format(machine), "Status": "TIMED_OUT"})
    yield Fault("TimeOut", "ExecutionTimesOut", (throw("States.TaskFailed", ended),), "timed out")
    killed = _document("Runtime.OutOfMemory", "signal: killed")
    yield _within(machine, "OutOfMemory", "Runtime.OutOfMemory", killed, "signal: killed")
    message = "Endpoint {digits} ended in Failed: 'no' \"image\"; deploy again"
    yield _within(machine, "NamedError", "EndpointFailed", message, message)
    ended = json.dumps({"ExecutionArn": NESTED.format(machine), "Status": "ABORTED"})
    yield Fault("NamedError", "ExecutionAborted", (throw("States.TaskFailed", ended),), "aborted")
    denied = DENIED.format("states:StartExecution", NESTED.format(machine))
    yield Fault("AccessDenied", "MachineDenied", (throw("StepFunctions.AccessDeniedException", denied),), denied)


def _of_topic() -> Iterator[Fault]:
    """No function is at work: nothing can crash or run out of memory."""
    yield Fault("Throttled", "Throttled", (throw("SNS.ThrottledException", "Rate exceeded"),) * 3)
    yield from _service_errors("SNS.InternalErrorException", "Service: AmazonSNS; Status Code: 500")
    yield Fault("TimeOut", "StateTimesOut", (throw("States.Timeout", ""),))
    yield Fault("NamedError", "TopicGone", (throw("SNS.NotFoundException", "Topic does not exist"),))
    denied = DENIED.format("SNS:Publish", "topic")
    yield Fault("AccessDenied", "MachineDenied", (throw("SNS.AuthorizationErrorException", denied),))


def _service_errors(error: str, cause: str) -> Iterator[Fault]:
    yield Fault("ServiceError", "ServiceError", (throw(error, cause),) * 2)
    yield Fault("ServiceError", "ServiceErrorForGood", (throw(error, cause),) * 7, cause)


def named_errors(function: str) -> list[str]:
    """The project's errors that the function's code leads to. ``function`` is its name in the template."""
    code = reached(handler_of(f"{function}Function"))
    names = {full.rpartition(".")[2] for full in code if full.startswith("automl.errors.")}
    return sorted(names & OWN_ERRORS)


def _document(kind: str, message: str) -> str:
    """What Lambda says of a function that did not come to answer."""
    return json.dumps({"errorType": kind, "errorMessage": f"RequestId: {REQUEST} Error: {message}"})


def _ended(kind: Kind, error: str, message: str) -> Fault:
    return Fault(kind, error.rpartition(".")[2], (throw(error, _document(error, message)),), message)


def _raised(error: str, message: str) -> Json:
    """What the function's runtime makes of an exception."""
    trace = ['  File "/var/task/automl/telemetry.py", line 90, in run\n    result = handler(event, context)\n']
    document = {"errorMessage": message, "errorType": error, "requestId": REQUEST, "stackTrace": trace}
    return throw(error, json.dumps(document))


def _within(machine: str, kind: Kind, error: str, cause: str, says: str) -> Fault:
    """A nested execution that failed."""
    description = {
        "ExecutionArn": NESTED.format(machine),
        "Input": json.dumps({"Model": {"Name": "digits"}}),
        "Status": "FAILED",
        "Error": error,
        "Cause": cause,
    }
    name = f"{error.rpartition('.')[2]}Within"
    return Fault(kind, name, (throw("States.TaskFailed", json.dumps(description)),), says)


def _malformed(usual: Json) -> Iterator[tuple[str, Json]]:
    """Answers of a broken function, of another version's, or of a person."""
    said: dict[str, Any] = usual["Return"]
    if "Payload" in said:  # a function's
        wrong: dict[str, Any] = {"AnswerNull": None, "AnswerText": "done", "AnswerEmpty": {}, "AnswerList": [1]}
        wrong["AnswerTooLarge"] = {**said["Payload"], "Padding": LARGE}
        yield from ((name, answers.result(value)) for name, value in wrong.items())
    elif "Output" in said:  # a nested execution's
        wrong = {"OutputNull": None, "OutputText": "done", "OutputEmpty": {}}
        wrong["OutputTooLarge"] = {**said["Output"], "Padding": LARGE}
        yield from ((name, answers.succeeded(value)) for name, value in wrong.items())
        yield "OutputMissing", {"Return": {"ExecutionArn": "arn:nested"}}
    else:  # a person's, or a topic's
        yield "AnswerText", {"Return": "done"}
        yield "AnswerEmpty", {"Return": {}}
        yield "AnswerTooLarge", {"Return": {**said, "Padding": LARGE}}
