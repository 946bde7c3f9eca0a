"""What Step Functions hands to a Catch, turned into an error name and a sentence for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automl import errors

MAX_ERROR = 256
MAX_CAUSE = 32_768
MAX_REASON = 4_000
"""Of a cause that a run goes on with: it is in the state data more than once, and those hold 256 KiB."""

_OWN = frozenset(
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.AutopilotFlowError)
)
_PERMISSION = "Give the state machine's role the permission in template.yaml and deploy again"
_OUTAGE = "AWS failed for minutes; see its health dashboard, and start again when it is well"
_LATER = "Start again when less is going on in the account"
_ADVICE = {
    "Aborted": "Start again if that was not intended",
    "States.Timeout": "A state ran longer than its TimeoutSeconds; look at its log and start again",
    "Sandbox.Timedout": "The function ran out of time; give it a longer Timeout or more memory in template.yaml",
    "States.DataLimitExceeded": "A state's data is too large; shorten the request and start again",
    "States.Runtime": "An answer was not what its state reads; deploy the stack as a whole, then start again",
    "States.Permissions": _PERMISSION,
    "Lambda.AccessDeniedException": _PERMISSION,
    "StepFunctions.AccessDeniedException": _PERMISSION,
    "SNS.AuthorizationErrorException": _PERMISSION,
    "Lambda.TooManyRequestsException": "Have the quota of concurrent executions raised, or start when less is going on",
    "StepFunctions.ExecutionLimitExceeded": _LATER,
    "StepFunctions.ExecutionLimitExceededException": _LATER,
    "StepFunctions.AWSStepFunctionsException": _OUTAGE,
    "SNS.AmazonSNSException": _OUTAGE,
    "SNS.InternalErrorException": _OUTAGE,
    "SNS.ThrottledException": _LATER,
    "SNS.NotFoundException": "The stack's topic is gone; deploy the stack again",
    "Lambda.ServiceException": _OUTAGE,
    "Lambda.AWSLambdaException": _OUTAGE,
    "Lambda.SdkClientException": _OUTAGE,
    "Lambda.ClientExecutionTimeoutException": _OUTAGE,
    "Lambda.Unknown": "The function ended without a word; see its log, and give it more memory in template.yaml",
    "Runtime.UnmarshalError": "Simplify the input, whose layers are too many or whose numbers are too long to be read",
    "Runtime.OutOfMemory": "Give the function more memory in template.yaml and start again",
    "Runtime.ExitError": "The function ended unexpectedly, usually out of memory; raise its memory and start again",
    "ClientError": "Correct what AWS complains about, often a permission, and start again",
}
_DEFAULT_ADVICE = "See the execution's history and the function's log, then start again"


@dataclass(frozen=True)
class Failure:
    """An error name, and its cause in plain words that end with what to do."""

    error: str
    cause: str

    @property
    def reason(self) -> str:
        """The cause, short enough to go on with."""
        return _cut(self.cause, MAX_REASON)

    def with_remainder(self, left: Sequence[str]) -> "Failure":
        """The same failure, telling also what a person has to clean up."""
        return self._with("Left behind, to be removed by hand", left)

    def with_unfinished(self, left: Sequence[str]) -> "Failure":
        """The same failure, telling also what the clean-up after the execution tries to remove again."""
        return self._with("Not removed yet, which is tried again until people are told", left)

    def _with(self, preamble: str, left: Sequence[str]) -> "Failure":
        if not left:
            return self
        return _failure(self.error, f"{self.cause.rstrip(' .')}. {preamble}: {'; '.join(left)}")


def unwrap(caught: Mapping[str, Any] | None) -> Failure:
    """The innermost error of what a Catch wrote, through Lambda's JSON and the descriptions of nested executions.

    Args:
        caught: ``{"Error", "Cause"}``; both may be missing, the cause may be any text.
    """
    caught = caught or {}
    error, cause = _unwrap(str(caught.get("Error") or "States.Unknown"), caught.get("Cause"))
    if error not in _OWN:
        advice = _ADVICE.get(error, _DEFAULT_ADVICE)
        if not cause.endswith(advice):  # a nested execution has explained it
            cause = f"{cause.rstrip(' .')}. {advice}" if cause else advice
    return _failure(error, cause)


def _failure(error: str, cause: str) -> Failure:
    return Failure(error[:MAX_ERROR], _cut(cause, MAX_CAUSE))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _unwrap(error: str, cause: Any) -> tuple[str, str]:
    document = _parsed(cause)
    if document is None:
        return error, str(cause or "").strip()
    if "errorMessage" in document or "errorType" in document:  # what a Lambda function raised
        kind = str(document.get("errorType") or error)
        generic = error in {"States.TaskFailed", "States.Unknown", "Lambda.Unknown", "Exception"}
        return (kind if generic else error), str(document.get("errorMessage") or kind).strip()
    inner = {key.lower(): value for key, value in document.items()}
    if "executionarn" in inner:  # a nested execution, described with upper- or lower-case first letters
        if inner.get("error") or inner.get("cause"):
            return _unwrap(str(inner.get("error") or error), inner.get("cause"))
        name = str(inner["executionarn"]).rpartition(":")[2]
        status = str(inner.get("status", "FAILED")).lower().replace("_", " ")
        return error, f"The nested execution {name} {status}"
    if "Error" in document and "Cause" in document:
        return _unwrap(str(document["Error"]), document["Cause"])
    return error, str(cause).strip()


def _parsed(cause: Any) -> dict[str, Any] | None:
    if isinstance(cause, dict):
        return cause
    if not isinstance(cause, str) or not cause.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(cause)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
