"""Takes a deployment back: the endpoint it created goes, the endpoint it updated gets its former config again.

Getting it back takes SageMaker minutes, so it is done in two calls: the first orders it, and one that finds the former
config in service deletes the failed one and gives the endpoint the auto scaling that it had.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.deployment import endpoint_configs, removal, scaling
from automl.deployment.endpoint_configs import Config
from automl.deployment.endpoint_services import EndpointServices
from automl.deployment.endpoints import CHANGING, pending_config
from automl.errors import EndpointBusy, EndpointFailed

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef, UpdateEndpointInputTypeDef

DELETED = removal.DELETED
RESTORING = "Restoring"
RESTORED = "Restored"


@dataclass(frozen=True)
class RollBack:
    """What became of the endpoint and what was deleted.

    ``status``: ``Deleted``; ``Restoring``, on its way to its former config; ``Restored``, that is in service; or the
    status of an endpoint that went on to another deployment's config.
    """

    status: str
    removed: tuple[str, ...]


def roll_back(services: EndpointServices, endpoint_name: str, config_name: str) -> RollBack:
    """Take back the deployment that made this config. Doing it again, or too late, is no error.

    Raises:
        EndpointBusy: the endpoint is changing and takes no order now.
        EndpointFailed: its former config cannot be put back.
    """
    sagemaker = services.sagemaker
    config = endpoint_configs.find(sagemaker, config_name)
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=endpoint_name)
    previous = config.previous if config else ""
    if endpoint is None:
        return _deleted(services, endpoint_name, None, config)
    if pending_config(endpoint) == config_name and config:
        if not previous:
            return _deleted(services, endpoint_name, endpoint, config)
        if endpoint["EndpointStatus"] in CHANGING:
            raise EndpointBusy(
                f"Endpoint {endpoint_name!r} is {endpoint['EndpointStatus']}; "
                f"its config {previous!r} can be put back when that has ended"
            )
        _restore(services, endpoint, config)
        return RollBack(RESTORING, ())
    if endpoint["EndpointConfigName"] == config_name != pending_config(endpoint):
        if pending_config(endpoint) == previous:
            return RollBack(RESTORING, ())
        # Without the config that it has now, an update to another one fails.
        raise EndpointBusy(
            f"Endpoint {endpoint_name!r} is {endpoint['EndpointStatus']} to another config; "
            f"its config {config_name!r} can be deleted when that has ended"
        )
    back = bool(previous) and endpoint["EndpointConfigName"] == pending_config(endpoint) == previous
    if config and back:
        _scale_as_before(services, endpoint_name, config)
    removed = endpoint_configs.delete(sagemaker, config)
    return RollBack(RESTORED if back else endpoint["EndpointStatus"], removed)


def _deleted(
    services: EndpointServices,
    endpoint_name: str,
    endpoint: "DescribeEndpointOutputTypeDef | None",
    config: Config | None,
) -> RollBack:
    done = removal.delete(services, endpoint_name, endpoint, config)
    return RollBack(done.status, done.removed)


def _restore(services: EndpointServices, endpoint: "DescribeEndpointOutputTypeDef", config: Config) -> None:
    name, previous = endpoint["EndpointName"], config.previous
    former = endpoint_configs.find(services.sagemaker, previous)
    if config.scaling:  # with it, SageMaker refuses another instance type
        scaling.remove(services.autoscaling, name)
    order: UpdateEndpointInputTypeDef = {"EndpointName": name, "EndpointConfigName": previous}
    if former and not former.serverless and endpoint_configs.running_instances(endpoint) > former.instance_count:
        order["RetainAllVariantProperties"] = True  # the fleet has grown, and so has its load
    try:
        services.sagemaker.update_endpoint(**order)
    except ClientError as error:
        if not sagemaker_errors.is_refusal(error):
            raise
        raise EndpointFailed(
            f"Endpoint {name!r} could not get its config {previous!r} back: {sagemaker_errors.message_of(error)}; "
            "deploy a working model to it"
        ) from error


def _scale_as_before(services: EndpointServices, endpoint_name: str, config: Config) -> None:
    former = endpoint_configs.find(services.sagemaker, config.previous)
    if former and former.scaling:
        scaling.configure(services.autoscaling, endpoint_name, former.scaling)
    elif config.scaling:
        scaling.remove(services.autoscaling, endpoint_name)
