"""Rules of CreateTransformJob that the service model does not express."""

from collections.abc import Iterable
from typing import Any

from autoflow.local.sagemaker.errors import validation
from autoflow.local.sagemaker.state import Document

_MOST_PAYLOAD_MB = 100
DEFAULT_PAYLOAD_MB = 6
DEFAULT_CONCURRENCY = 1
"""Of a container that has no opinion of its own (``/execution-parameters``), and Autopilot's have none."""

_NOT_EMULATED = ("DataCaptureConfig", "ExperimentConfig")
_DATA_PROCESSING: dict[str, tuple[Any, ...]] = {
    "InputFilter": ("$",),
    "OutputFilter": ("$",),
    "JoinSource": ("None",),
}


def check(request: Document) -> None:
    """Refuse a request that breaks a rule.

    Args:
        request: with the defaults that DescribeTransformJob shows.

    Raises:
        CommonServiceException: ValidationException that says which rule and what to do.
    """
    for message in _broken_rules(request):
        raise validation(message)


def _broken_rules(request: Document) -> Iterable[str]:
    payload = request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    concurrency = request.get("MaxConcurrentTransforms", 0)
    if payload > _MOST_PAYLOAD_MB:
        yield f"MaxPayloadInMB must be at most {_MOST_PAYLOAD_MB}, not {payload}."
    if concurrency * payload > _MOST_PAYLOAD_MB:
        yield (
            f"MaxConcurrentTransforms * MaxPayloadInMB must be at most {_MOST_PAYLOAD_MB} MB, "
            f"not {concurrency} * {payload}."
        )
    if payload == 0:
        yield "MaxPayloadInMB 0 (chunked encoding) is not supported by the containers of the local cloud."
    source, split = request["TransformInput"]["DataSource"]["S3DataSource"], request["TransformInput"]["SplitType"]
    if source["S3DataType"] not in {"S3Prefix", "ManifestFile"}:
        yield f"S3DataType {source['S3DataType']} is not supported for transform jobs; use S3Prefix or ManifestFile."
    if split not in {"None", "Line"}:
        yield f"SplitType {split} is not supported in the local cloud, whose containers read CSV; use Line or None."
    if "TransformAmiVersion" in request["TransformResources"]:
        yield "TransformAmiVersion is not supported in the local cloud."
    for key, supported in _DATA_PROCESSING.items():
        if (value := request["DataProcessing"][key]) not in supported:
            yield f"DataProcessing.{key} {value} is not supported in the local cloud; leave it out."


def check_unechoed(request: Document) -> None:
    """Refuse what is offered by AWS only.

    Args:
        request: as it was sent.

    Raises:
        CommonServiceException: ValidationException that names it.
    """
    for key in _NOT_EMULATED:
        if key in request:
            raise validation(f"{key} is not supported in the local cloud.")
