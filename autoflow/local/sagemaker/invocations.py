"""InvokeEndpoint."""

from collections.abc import Mapping
from typing import Any

from autoflow.local.sagemaker.container import ContainerError, TooManyInvocations
from autoflow.local.sagemaker.endpoint import ANSWERING
from autoflow.local.sagemaker.errors import ModelError, runtime_validation, throttled
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
    name = request["EndpointName"]
    body = request.get("Body") or b""
    payload = body if isinstance(body, bytes) else body.read()
    with account.lock:
        endpoint = account.endpoints.get(name)
        if endpoint is None:
            raise runtime_validation(f"Endpoint {name} of account {account.account_id} not found.")
        fleet = endpoint.fleet
        if endpoint.status not in ANSWERING or fleet is None:
            raise runtime_validation(
                f"Endpoint {name} of account {account.account_id} is not in service: {endpoint.status}."
            )
    if given := [key for key in _NOT_EMULATED if request.get(key)]:
        raise runtime_validation(f"{', '.join(given)}: endpoint {name} has no such feature in the local cloud.")
    variant = request.get("TargetVariant") or fleet.choose()
    if variant not in fleet.containers:
        raise runtime_validation(f"Variant {variant} of endpoint {name} not found.")
    limit = SERVERLESS_BYTES if fleet.serverless else INSTANCE_BYTES
    if len(payload) > limit:
        raise runtime_validation(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limit}"
        )
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
        raise throttled(f"Endpoint {name} has reached its MaxConcurrency; try again later.") from None
    except ContainerError as error:
        raise _model_error(account, name, error) from error
    return {"Body": answer, "ContentType": content_type, "InvokedProductionVariant": variant}


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
