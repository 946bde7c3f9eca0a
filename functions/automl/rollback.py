"""Takes a deployment back: the endpoint it created goes, the endpoint it updated gets its former config again."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.endpoints import CHANGING, pending_config
from automl.errors import EndpointBusy, EndpointFailed
from automl.tags import PREVIOUS_CONFIG_TAG, RUN_TAG, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef


@dataclass(frozen=True)
class Removal:
    """What became of the endpoint (``Deleted``, ``Restored`` or its own status) and what was deleted."""

    status: str
    removed: tuple[str, ...]


def remove(sagemaker: "SageMakerClient", endpoint_name: str, config_name: str) -> Removal:
    """Take back the deployment that made this config. Doing it again, or too late, is no error.

    A restored endpoint needs minutes to get back; until then our config must exist, so it is left to it.

    Raises:
        EndpointBusy: the endpoint is changing and takes no order now.
        EndpointFailed: its former config cannot be put back.
    """
    config = sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=config_name)
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=endpoint_name)
    tags = read_tags(sagemaker, config["EndpointConfigArn"]) if config else {}
    previous = tags.get(PREVIOUS_CONFIG_TAG)
    if endpoint and endpoint["EndpointConfigName"] == config_name != pending_config(endpoint):
        # Without the config that it has now, an update to another one fails.
        raise EndpointBusy(
            f"Endpoint {endpoint_name!r} is {endpoint['EndpointStatus']} to another config; "
            f"its config {config_name!r} can be deleted when that has ended"
        )
    if config is None or endpoint is None or pending_config(endpoint) != config_name:
        return Removal(_fate(endpoint and endpoint["EndpointStatus"], previous), _remove_config(sagemaker, config))
    if previous:
        if endpoint["EndpointStatus"] in CHANGING:
            raise EndpointBusy(
                f"Endpoint {endpoint_name!r} is {endpoint['EndpointStatus']}; "
                f"its config {previous!r} can be put back when that has ended"
            )
        _restore(sagemaker, endpoint_name, previous)
        return Removal("Restored", ())
    if RUN_TAG not in read_tags(sagemaker, endpoint["EndpointArn"]):
        return Removal(endpoint["EndpointStatus"], ())
    removed: list[str] = []
    if _delete_endpoint(sagemaker, endpoint_name):
        removed.append(f"endpoint {endpoint_name}")
    return Removal("Deleted", (*removed, *_remove_config(sagemaker, config)))


def _fate(status: str | None, previous: str | None) -> str:
    if status is None:
        return "Deleted"
    return "Restored" if previous else status


def _remove_config(
    sagemaker: "SageMakerClient", config: "DescribeEndpointConfigOutputTypeDef | None"
) -> tuple[str, ...]:
    if config is None:
        return ()
    name = config["EndpointConfigName"]
    sagemaker_errors.delete(
        sagemaker.delete_endpoint_config, sagemaker.describe_endpoint_config, EndpointConfigName=name
    )
    return (f"endpoint config {name}",)


def _delete_endpoint(sagemaker: "SageMakerClient", name: str) -> bool:
    try:
        return sagemaker_errors.delete(sagemaker.delete_endpoint, sagemaker.describe_endpoint, EndpointName=name)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        raise EndpointBusy(
            f"Endpoint {name!r} cannot be deleted now: {sagemaker_errors.message_of(error)}; delete it later"
        ) from error


def _restore(sagemaker: "SageMakerClient", name: str, previous: str) -> None:
    try:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=previous)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        raise EndpointFailed(
            f"Endpoint {name!r} could not get its config {previous!r} back: {sagemaker_errors.message_of(error)}; "
            "deploy a working model to it"
        ) from error
