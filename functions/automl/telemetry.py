"""What every handler shares: structured logs that carry the run's name, metrics, tracing, and AWS errors by name."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from automl import sagemaker_errors
from automl.errors import AutopilotFlowError, InvalidRequest, QuotaExceeded, ServiceUnavailable

Event = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Any]

_UNAVAILABLE = {
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}

logger = Logger()
metrics = Metrics()
tracer = Tracer(patch_modules=["botocore"])
"""The only library of those that X-Ray knows that a function calls others with; to try them all takes time."""


def named_error(error: Exception) -> Exception:
    """The project's error for an AWS error that a state machine retries; any other error unchanged."""
    if isinstance(error, (ConnectionError, HTTPClientError, IncompleteReadError)):
        return ServiceUnavailable(str(error))
    if isinstance(error, ClientError):
        code, said = error.response["Error"]["Code"], sagemaker_errors.message_of(error)
        if code in _UNAVAILABLE or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) >= 500:
            return ServiceUnavailable(str(error))
        if code == "ResourceLimitExceeded" and sagemaker_errors.is_beyond_quota(error):
            return InvalidRequest(f"{said}. Ask for less, or have the quota raised before you start again")
        if code in {"ResourceLimitExceeded", "ServiceQuotaExceededException"}:
            return QuotaExceeded(f"{said}. Wait for running work to end or raise the quota in Service Quotas")
    return error


def _run_name(event: Mapping[str, Any]) -> str:
    for source in (event, event.get("State") or {}):
        for key in ("Run", "Rows", "Execution", "Endpoint"):
            name = (source.get(key) or {}).get("Name")
            if name:
                return str(name)
    return ""


def _scoring_name(event: Mapping[str, Any]) -> dict[str, str]:
    """Of several scorings with one model, each must be found in the logs by its own name."""
    rows = event.get("Rows") or (event.get("State") or {}).get("Rows") or {}
    return {"scoring": str(rows["Scoring"])} if "Scoring" in rows else {}


def task(handler: Handler) -> Handler:
    """Decorate the handler of one Task state. Neither the event nor the response is logged or traced."""

    @logger.inject_lambda_context(log_event=False, clear_state=True)
    @tracer.capture_lambda_handler(capture_response=False)
    @metrics.log_metrics
    @functools.wraps(handler)
    def run(event: Event, context: LambdaContext) -> Any:
        logger.append_keys(run=_run_name(event), **_scoring_name(event))
        try:
            result = handler(event, context)
        except Exception as error:
            named = named_error(error)
            metrics.add_metric(name=f"TaskFailed{type(named).__name__}", unit=MetricUnit.Count, value=1)
            if isinstance(named, AutopilotFlowError):
                logger.warning("task failed", extra={"error": type(named).__name__, "reason": str(named)})
            else:
                logger.exception("task failed")
            if named is error:
                raise
            raise named from error
        metrics.add_metric(name="TaskSucceeded", unit=MetricUnit.Count, value=1)
        return result

    decorated: Handler = run
    return decorated
