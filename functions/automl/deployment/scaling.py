"""Auto scaling of an endpoint's instances by their load. A tag on its config says what auto scaling it is to have.

So whoever brings an endpoint to a config, also back to a former one, can give it the auto scaling that belongs to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import sagemaker_errors
from automl.deployment.endpoint_services import VARIANT
from automl.errors import EndpointBusy, EndpointFailed, QuotaExceeded
from automl.tags import AUTO_SCALING_TAG

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_application_autoscaling.literals import ScalableDimensionType, ServiceNamespaceType

POLICY_NAME = "autopilot-flow-invocations"
_NAMESPACE: "ServiceNamespaceType" = "sagemaker"
_DIMENSION: "ScalableDimensionType" = "sagemaker:variant:DesiredInstanceCount"


@dataclass(frozen=True)
class Scaling:
    """How many instances there may be, and how many invocations a minute each is to answer."""

    min_instances: int
    max_instances: int
    invocations_per_instance: int

    def as_tag(self) -> str:
        """The tag's value, as ``1-4/1000``: instances, and each one's invocations a minute."""
        return f"{self.min_instances}-{self.max_instances}/{self.invocations_per_instance}"


def of_hosting(hosting: Mapping[str, Any]) -> Scaling | None:
    """The auto scaling that a deployment asks for, if any."""
    asked = hosting.get("AutoScaling")
    if asked is None:
        return None
    fewest, most = int(hosting.get("InstanceCount", 1)), int(asked["MaxInstanceCount"])
    return Scaling(fewest, most, int(asked["InvocationsPerInstance"]))


def of_tags(tags: Mapping[str, str]) -> Scaling | None:
    """The auto scaling that an endpoint config's tags tell of, if any."""
    value = tags.get(AUTO_SCALING_TAG)
    if not value:
        return None
    bounds, _, invocations = value.partition("/")
    fewest, _, most = bounds.partition("-")
    return Scaling(int(fewest), int(most), int(invocations))


def configure(autoscaling: "ApplicationAutoScalingClient", endpoint_name: str, wanted: Scaling) -> None:
    """Let the endpoint's instances scale, or change how they do.

    Raises:
        EndpointBusy: another change of its auto scaling is under way.
        EndpointFailed: Application Auto Scaling refuses it.
        QuotaExceeded: there are too many scalable targets or policies.
    """
    resource = _resource(endpoint_name)
    try:
        autoscaling.register_scalable_target(
            ServiceNamespace=_NAMESPACE,
            ScalableDimension=_DIMENSION,
            ResourceId=resource,
            MinCapacity=wanted.min_instances,
            MaxCapacity=wanted.max_instances,
        )
        autoscaling.put_scaling_policy(
            ServiceNamespace=_NAMESPACE,
            ScalableDimension=_DIMENSION,
            ResourceId=resource,
            PolicyName=POLICY_NAME,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": wanted.invocations_per_instance,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            },
        )
    except ClientError as error:
        raise _named(endpoint_name, error) from error


def remove(autoscaling: "ApplicationAutoScalingClient", endpoint_name: str) -> None:
    """Take the endpoint's auto scaling away with its policies, if it has any.

    Raises:
        EndpointBusy: another change of its auto scaling is under way.
    """
    try:
        autoscaling.deregister_scalable_target(
            ServiceNamespace=_NAMESPACE, ScalableDimension=_DIMENSION, ResourceId=_resource(endpoint_name)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ObjectNotFoundException":
            raise _named(endpoint_name, error) from error


def _resource(endpoint_name: str) -> str:
    return f"endpoint/{endpoint_name}/variant/{VARIANT}"


def _named(endpoint_name: str, error: ClientError) -> Exception:
    said = sagemaker_errors.message_of(error)
    match error.response["Error"]["Code"]:
        case "ConcurrentUpdateException":
            return EndpointBusy(f"The auto scaling of endpoint {endpoint_name!r} is being changed: {said}; try again")
        case "LimitExceededException":
            return QuotaExceeded(f"Endpoint {endpoint_name!r} got no auto scaling: {said}. Raise the quota")
        case "ValidationException":
            return EndpointFailed(
                f"Endpoint {endpoint_name!r} got no auto scaling: {said}. "
                "Correct Endpoint.AutoScaling, or leave it out, and deploy again"
            )
    return error
