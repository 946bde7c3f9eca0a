"""InvokeEndpoint."""

import time
from collections.abc import Mapping
from typing import Any

from localstack.aws.api import ServiceException

from autoflow.local.sagemaker import metrics
from autoflow.local.sagemaker.container import ContainerError, TooManyInvocations
from autoflow.local.sagemaker.endpoint import Endpoint
from autoflow.local.sagemaker.errors import ModelError, runtime_validation, throttled
from autoflow.local.sagemaker.fleet import Fleet
from autoflow.local.sagemaker.state import Account

SERVERLESS_BYTES = 4 * 1024 * 1024
"""Largest request and largest response of a serverless endpoint."""
INSTANCE_BYTES = 6 * 1024 * 1024
"""Largest request of an instance-based endpoint (the service model's limit)."""

_NOT_EMULATED = ("TargetModel", "TargetContainerHostname", "EnableExplanations", "InferenceComponentName", "SessionId")


def invoke(account: Account, request: Mapping[str, Any]) -> dict[str, Any]:
    """InvokeEndpoint.

    Raises:
        ServiceException: ValidationError, ThrottlingException or ModelError.
    """
    began = time.monotonic()
    name = request["EndpointName"]
    body = request.get("Body") or b""
    payload = body if isinstance(body, bytes) else body.read()
    with account.lock:
        endpoint = account.endpoints.get(name)
    if endpoint is None:
        raise runtime_validation(f"Endpoint {name} of account {account.account_id} not found.")
    if given := [key for key in _NOT_EMULATED if request.get(key)]:
        raise runtime_validation(f"{', '.join(given)}: endpoint {name} has no such feature in the local cloud.")
    with endpoint.invocation(request.get("TargetVariant")) as (fleet, variant):
        limit = SERVERLESS_BYTES if fleet.serverless else INSTANCE_BYTES
        if len(payload) > limit:
            raise runtime_validation(
                "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {limit}"
            )
        asked = time.monotonic()
        status = 200
        try:
            answer, content_type = _ask(endpoint, fleet, variant, payload, request)
        except ServiceException as error:
            status = error.OriginalStatusCode if isinstance(error, ModelError) else error.status_code
            raise
        finally:
            place = name, variant, fleet.config["EndpointConfigName"]
            metrics.invoked(account, place, status, time.monotonic() - asked, asked - began)
        if fleet.capture:
            asked_with = payload, request.get("ContentType") or ""
            fleet.capture.take(variant, asked_with, (answer, content_type), request.get("InferenceId"))
    return {"Body": answer, "ContentType": content_type, "InvokedProductionVariant": variant}


def _ask(
    endpoint: Endpoint, fleet: Fleet, variant: str, payload: bytes, request: Mapping[str, Any]
) -> tuple[bytes, str]:
    try:
        answer, content_type = fleet.containers[variant].invoke(
            payload, request.get("ContentType") or "", request.get("Accept") or ""
        )
        if fleet.serverless and len(answer) > SERVERLESS_BYTES:
            raise ContainerError(
                500,
                f"the response has {len(answer)} bytes, serverless endpoints allow {SERVERLESS_BYTES}; send fewer rows",
            )
    except TooManyInvocations:
        raise throttled(f"Endpoint {endpoint.name} has reached its MaxConcurrency; try again later.") from None
    except ContainerError as error:
        raise _model_error(endpoint.account, endpoint.name, error) from error
    return answer, content_type


def _model_error(account: Account, name: str, error: ContainerError) -> ModelError:
    group = f"/aws/sagemaker/Endpoints/{name}"
    arn = f"arn:aws:logs:{account.region}:{account.account_id}:log-group:{group}"
    if not error.status:
        return ModelError(f"{error}. See {group} in the logs of account {account.account_id}.", 0, str(error), arn)
    kind = "client" if 400 <= error.status < 500 else "server"
    message = (
        f'Received {kind} error ({error.status}) from primary with message "{error}". '
        f"See {group} in the logs of account {account.account_id} for more information."
    )
    return ModelError(message, error.status, str(error), arn)
