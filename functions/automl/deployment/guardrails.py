"""How an endpoint on instances is updated: a new fleet beside the old one, a canary first, back at an alarm."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DeploymentConfigUnionTypeDef, TrafficRoutingConfigTypeDef

_CANARY_SHARE = 0.1
_WORK_SECONDS = 3600
"""For all of an update but its waits: instances start, images are pulled, models are loaded."""
_MOST_WAITS = 3
"""With the canary, with all requests, and before the old fleet ends."""
_ROLLBACK_SECONDS = 1800


def deployment_config(instances: int, alarm_names: Sequence[str], wait_seconds: int) -> "DeploymentConfigUnionTypeDef":
    """The DeploymentConfig of an update.

    A tenth of the new instances, at least one, takes its share of the requests first. A canary may be at most half of
    the fleet, so a single instance takes all requests at once; either way the old fleet stays until the alarms have
    watched the whole new one. AWS leaves open which of the two waits is that last baking period, so both are set.

    Args:
        instances: of the new fleet.
        alarm_names: the alarms that end the update.
        wait_seconds: how long they watch the canary, and then the whole fleet.
    """
    routing: TrafficRoutingConfigTypeDef = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": wait_seconds}
    if instances > 1:
        canary = max(1, int(instances * _CANARY_SHARE))
        routing = {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": canary},
            "WaitIntervalInSeconds": wait_seconds,
        }
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": wait_seconds,
            "MaximumExecutionTimeoutInSeconds": _execution_seconds(wait_seconds),
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarm_names]},
    }


def deadline_seconds(wait_seconds: int) -> int:
    """When to give up waiting: SageMaker must have had the time to end the update and to take it back itself."""
    return _execution_seconds(wait_seconds) + _ROLLBACK_SECONDS


def _execution_seconds(wait_seconds: int) -> int:
    return _WORK_SECONDS + _MOST_WAITS * wait_seconds
