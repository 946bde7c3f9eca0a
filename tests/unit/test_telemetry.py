"""Which errors of AWS become which of ours: what is worth waiting for, and what is not."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from automl.clients import CONFIG, RUNTIME_CONFIG
from automl.errors import InvalidRequest, QuotaExceeded, ServiceUnavailable
from automl.telemetry import named_error
from tests.template import TEMPLATE

LIMIT = (
    "The account-level service limit '{}' is {}, with current utilization of {} and a request delta of {}. "
    "Please use AWS Service Quotas to request an increase for this quota."
)
TOO_MUCH_MEMORY = LIMIT.format("Memory size in MB per serverless endpoint", "3072 MBs", "0 MBs", "4,096 MBs")
NO_INSTANCES = LIMIT.format("ml.m5.xlarge for endpoint usage", "0 Instances", "0 Instances", "1 Instances")
ALL_IN_USE = LIMIT.format("ml.m5.xlarge for endpoint usage", "2 Instances", "2 Instances", "1 Instances")
TOTAL = LIMIT.format("Total concurrency across all serverless endpoints", "10", "5", "10")


def aws_error(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


@pytest.mark.parametrize("message", [TOO_MUCH_MEMORY, NO_INSTANCES])
def test_a_quota_smaller_than_the_request_is_not_waited_for(message: str) -> None:
    named = named_error(aws_error("ResourceLimitExceeded", message))
    assert isinstance(named, InvalidRequest)
    assert str(named) == f"{message} Ask for less, or have the quota raised before you start again"


@pytest.mark.parametrize("message", [ALL_IN_USE, TOTAL, "too many concurrent jobs", ""])
def test_a_quota_in_use_is_waited_for(message: str) -> None:
    assert isinstance(named_error(aws_error("ResourceLimitExceeded", message)), QuotaExceeded)


@pytest.mark.parametrize(
    "error",
    [
        aws_error("ThrottlingException"),
        aws_error("SlowDown", status=503),
        aws_error("InternalError", "We encountered an internal error. Please try again.", 500),
        aws_error("503", "Service Unavailable", 503),
        EndpointConnectionError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert isinstance(named_error(error), ServiceUnavailable)


@pytest.mark.parametrize(
    "error", [aws_error("AccessDenied", status=403), aws_error("ValidationException"), ValueError("ours")], ids=str
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert named_error(error) is error


def test_a_call_that_hangs_is_made_again_in_time() -> None:
    once = CONFIG.connect_timeout + CONFIG.read_timeout  # type: ignore[attr-defined]
    assert 2 * once < TEMPLATE["Globals"]["Function"]["Timeout"]
    assert RUNTIME_CONFIG.read_timeout > 60, "an endpoint may take 60 s to answer"  # type: ignore[attr-defined]
