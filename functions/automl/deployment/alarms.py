"""The alarms that watch an update of an endpoint on instances: when one goes off, SageMaker takes the update back.

They hold for the endpoint, so the next update finds them; they go when the endpoint goes.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automl.deployment.endpoint_services import VARIANT
from automl.errors import QuotaExceeded
from automl.sagemaker_errors import message_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import PutMetricAlarmInputTypeDef

PERIOD_SECONDS = 60
MAX_ERROR_RATE = 0.01
"""Of a minute's requests. A single error among few requests goes off, one among thousands does not."""

_MICROSECONDS = 1_000_000


def names(endpoint_name: str) -> tuple[str, str]:
    """Names of the endpoint's alarms, for errors and for latency; at most 85 of 255 characters."""
    return f"autopilot-flow-{endpoint_name}-5xx", f"autopilot-flow-{endpoint_name}-latency"


def put(cloudwatch: "CloudWatchClient", endpoint_name: str, latency_seconds: int) -> tuple[str, str]:
    """Create the endpoint's alarms, or set those that are there, and return their names.

    Raises:
        QuotaExceeded: there are too many alarms.
    """
    errors, latency = names(endpoint_name)
    failing = f"More than {MAX_ERROR_RATE:.0%} of a minute's requests failed inside the endpoint"
    slow = f"The model took more than {latency_seconds} s for a request, on average over a minute"
    wanted = (
        _alarm(errors, endpoint_name, "Invocation5XXErrors", MAX_ERROR_RATE, failing),
        _alarm(latency, endpoint_name, "ModelLatency", latency_seconds * _MICROSECONDS, slow),
    )
    for alarm in wanted:
        try:
            cloudwatch.put_metric_alarm(**alarm)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"LimitExceeded", "LimitExceededFault"}:
                raise
            raise QuotaExceeded(
                f"Endpoint {endpoint_name!r} got no alarm: {message_of(error)}. Delete alarms or raise the quota"
            ) from error
    return errors, latency


def _alarm(
    name: str, endpoint_name: str, metric: str, threshold: float, description: str
) -> "PutMetricAlarmInputTypeDef":
    return {
        "AlarmName": name,
        "AlarmDescription": f"{description}. Updates of the endpoint are taken back then",
        "Namespace": "AWS/SageMaker",
        "MetricName": metric,
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint_name}, {"Name": "VariantName", "Value": VARIANT}],
        "Statistic": "Average",
        "Period": PERIOD_SECONDS,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": threshold,
        "TreatMissingData": "notBreaching",
    }


def delete(cloudwatch: "CloudWatchClient", endpoint_name: str) -> None:
    """Delete the endpoint's alarms, whichever are there."""
    try:
        cloudwatch.delete_alarms(AlarmNames=list(names(endpoint_name)))
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"ResourceNotFound", "ResourceNotFoundException"}:
            raise
