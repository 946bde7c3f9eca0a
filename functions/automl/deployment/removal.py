"""Removes an endpoint for good: with its config, its alarms and its auto scaling. Again, or too late, is no error."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.deployment import alarms, endpoint_configs, scaling
from automl.deployment.endpoint_configs import Config
from automl.deployment.endpoint_services import EndpointServices
from automl.deployment.endpoints import pending_config
from automl.errors import EndpointBusy
from automl.tags import RUN_TAG, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef

DELETED = "Deleted"


@dataclass(frozen=True)
class Removal:
    """What became of the endpoint (``Deleted``, or its own status if it stays) and what was deleted."""

    status: str
    removed: tuple[str, ...]


def remove(services: EndpointServices, endpoint_name: str, config_name: str) -> Removal:
    """Delete the endpoint with this config. With another one it is another deployment's, and stays.

    Raises:
        EndpointBusy: it cannot be deleted while it is changing.
    """
    sagemaker = services.sagemaker
    config = endpoint_configs.find(sagemaker, config_name)
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=endpoint_name)
    if endpoint and pending_config(endpoint) != config_name:
        in_service = endpoint["EndpointConfigName"] == config_name
        return Removal(
            endpoint["EndpointStatus"], () if in_service else endpoint_configs.delete(services.sagemaker, config)
        )
    return delete(services, endpoint_name, endpoint, config)


def delete(
    services: EndpointServices,
    endpoint_name: str,
    endpoint: "DescribeEndpointOutputTypeDef | None",
    config: Config | None,
) -> Removal:
    """Delete the endpoint and all that is made for it. One without our tag stays as it is.

    Args:
        services: clients.
        endpoint_name: the endpoint's name.
        endpoint: as DescribeEndpoint tells it, None if it is gone: what belongs to it may still be there.
        config: the config that it has, None if it is gone.

    Raises:
        EndpointBusy: it cannot be deleted while it is changing.
    """
    removed: list[str] = []
    if endpoint and endpoint["EndpointStatus"] != "Deleting":  # else its tags may be gone any moment
        if RUN_TAG not in read_tags(services.sagemaker, endpoint["EndpointArn"]):
            return Removal(endpoint["EndpointStatus"], ())
        if config and config.scaling:
            scaling.remove(services.autoscaling, endpoint_name)
        if _delete_endpoint(services, endpoint_name):
            removed.append(f"endpoint {endpoint_name}")
    if config and not config.serverless:
        alarms.delete(services.cloudwatch, endpoint_name)
    # Last, as it tells a repeated removal what else there is.
    removed.extend(endpoint_configs.delete(services.sagemaker, config))
    return Removal(DELETED, tuple(removed))


def _delete_endpoint(services: EndpointServices, name: str) -> bool:
    sagemaker = services.sagemaker
    try:
        return sagemaker_errors.delete(sagemaker.delete_endpoint, sagemaker.describe_endpoint, EndpointName=name)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        raise EndpointBusy(
            f"Endpoint {name!r} cannot be deleted now: {sagemaker_errors.message_of(error)}; delete it later"
        ) from error
