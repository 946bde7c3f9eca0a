"""The status document of a deployment's endpoint; automl/deployment/endpoints.py tells what its keys mean."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from automl.deployment import alarms, guardrails
from automl.deployment.endpoint_configs import Target
from automl.deployment.endpoints import DEADLINE_SECONDS, EndpointSettings
from automl.deployment.rollback import DELETED, RESTORED, RESTORING, RollBack
from automl.polling import wait_seconds

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef


_SETTLING_SECONDS = 10
"""So long after the order DescribeEndpoint may still tell what was before, at most: it is eventually consistent."""


def new_status(
    wanted: Target, config_name: str, previous: str, now: datetime, settings: EndpointSettings
) -> dict[str, Any]:
    """The status document of an endpoint that has just been created or updated."""
    watched = previous and not wanted.serverless
    return {
        "Name": wanted.endpoint_name,
        "ModelName": wanted.model_name,
        "ConfigName": config_name,
        "PreviousConfigName": previous,
        "Action": "Update" if previous else "Create",
        "Created": not previous,
        "Status": "Updating" if previous else "Creating",
        "ConfigInService": previous,
        "FailureReason": "",
        "Restoring": False,
        "FailedConfigName": "",
        **_fresh_wait(
            now,
            settings.minimum_wait_seconds,
            guardrails.deadline_seconds(settings.canary_wait_seconds) if watched else DEADLINE_SECONDS,
        ),
    }


def _fresh_wait(now: datetime, minimum_wait_seconds: int, deadline_seconds: int) -> dict[str, Any]:
    return {
        "Polls": 0,
        "WaitSeconds": wait_seconds(0, minimum_wait_seconds),
        "ElapsedSeconds": 0,
        "Seconds": 0.0,
        "DeadlineSeconds": deadline_seconds,
        "StartedAt": now.isoformat(),
    }


def refreshed_status(
    status: Mapping[str, Any],
    endpoint: "DescribeEndpointOutputTypeDef | None",
    now: datetime,
    minimum_wait_seconds: int,
) -> dict[str, Any]:
    """The status document after looking at the endpoint once more. An endpoint that is gone counts as Failed.

    One that seems to be as it was before the order, at once after that, has not shown the order yet: it is looked at
    again.
    """
    elapsed = max(0.0, (now - datetime.fromisoformat(status["StartedAt"])).total_seconds())
    seen = {
        **status,
        "Polls": status["Polls"] + 1,
        "ElapsedSeconds": int(elapsed),
        "Seconds": round(elapsed, 3),
        "WaitSeconds": wait_seconds(elapsed, minimum_wait_seconds),
    }
    if status["Polls"] == 0 and elapsed < _SETTLING_SECONDS and _is_as_before(status, endpoint):
        return seen
    if endpoint is None:
        reason = "it was deleted while it was being deployed; deploy again"
        return {**seen, "Status": "Failed", "ConfigInService": "", "FailureReason": reason}
    in_service, state = endpoint["EndpointConfigName"], endpoint["EndpointStatus"]
    reason = endpoint.get("FailureReason", "").rstrip(" .")  # sentences go on after it
    back = state == "InService" and in_service == status["PreviousConfigName"]
    if back and not reason and not status["Restoring"]:  # it was not we who ordered that
        watching = " and ".join(alarms.names(status["Name"]))
        reason = f"SageMaker gives no reason, look at the alarms {watching} if it runs on instances"
    return {**seen, "Status": state, "ConfigInService": in_service, "FailureReason": reason}


def _is_as_before(status: Mapping[str, Any], endpoint: "DescribeEndpointOutputTypeDef | None") -> bool:
    """Whether the endpoint is not there, or still in service with the config that is to be replaced."""
    if endpoint is None:
        return True
    replaced = status["ConfigName"] if status["Restoring"] else status["PreviousConfigName"]
    return endpoint["EndpointStatus"] == "InService" and endpoint["EndpointConfigName"] == replaced


def rolled_back_status(
    status: Mapping[str, Any], result: RollBack, now: datetime, minimum_wait_seconds: int
) -> dict[str, Any]:
    """The status document after the deployment was taken back, or after another step of that.

    An updated endpoint is looked at once more before it counts as restored: only the second call, which comes after
    that, ends ``Restoring``.
    """
    if not status["PreviousConfigName"]:
        gone = result.status == DELETED
        return {**status, "Status": result.status, "ConfigInService": "" if gone else status["ConfigInService"]}
    if status["Restoring"] and result.status != RESTORING:
        restored = status["ConfigInService"] == status["PreviousConfigName"]
        now_is = RESTORED if restored else result.status
        return {**status, "Status": now_is, "Restoring": False, "FailedConfigName": ""}
    if status["Restoring"]:
        return {**status, "Status": RESTORING}
    return {
        **status,
        "Status": result.status,
        "Restoring": True,
        "FailedConfigName": status["ConfigName"],
        **_fresh_wait(now, minimum_wait_seconds, DEADLINE_SECONDS),
    }
