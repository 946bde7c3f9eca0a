"""The AWS services that an endpoint lives on, and the one variant that each of our endpoints has."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient

VARIANT = "AllTraffic"
"""A blue/green update needs the same variant name in both configs, and alarms and auto scaling are made for it."""


@dataclass(frozen=True)
class EndpointServices:
    """Clients: the endpoint itself, its alarms, and the auto scaling of its instances."""

    sagemaker: "SageMakerClient"
    cloudwatch: "CloudWatchClient"
    autoscaling: "ApplicationAutoScalingClient"
