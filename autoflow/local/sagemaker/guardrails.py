"""Deployment guardrails: how an update shifts the invocations, and what takes it back."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from autoflow.local.sagemaker import in_the_name_of
from autoflow.local.sagemaker.errors import validation
from autoflow.local.sagemaker.state import Account, Document

_SMALLEST_STEP, _LARGEST_STEP = 0.1, 0.5


@dataclass(frozen=True)
class Guardrails:
    """A DeploymentConfig in numbers. Without one, all invocations move at once and nothing is watched."""

    shares: tuple[float, ...] = (1.0,)
    """Of the invocations that the new fleet answers, step by step."""
    wait_seconds: float = 0.0
    """Baking period between two steps, during which the alarms are watched."""
    termination_seconds: float = 0.0
    """Baking period after the last step, before the old fleet ends."""
    timeout_seconds: float = math.inf
    alarms: tuple[str, ...] = ()

    @classmethod
    def of(cls, deployment: Document, config: Document) -> "Guardrails":
        """What the DeploymentConfig asks for an update to the endpoint config.

        Raises:
            CommonServiceException: ValidationException.
        """
        for message in _not_offered(deployment, config):
            raise validation(message)
        policy = deployment.get("BlueGreenUpdatePolicy", {})
        routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0})
        guardrails = cls(
            tuple(_shares(routing, config)),
            routing["WaitIntervalInSeconds"],
            policy.get("TerminationWaitInSeconds", 0),
            policy.get("MaximumExecutionTimeoutInSeconds", math.inf),
            tuple(alarm["AlarmName"] for alarm in _alarms(deployment) if "AlarmName" in alarm),
        )
        waits = (len(guardrails.shares) - 1) * guardrails.wait_seconds + guardrails.termination_seconds
        if waits >= guardrails.timeout_seconds:
            raise validation(
                f"MaximumExecutionTimeoutInSeconds must be greater than the {waits:g} seconds that the update waits."
            )
        return guardrails


def _alarms(deployment: Document) -> list[Document]:
    return list(deployment.get("AutoRollbackConfiguration", {}).get("Alarms", []))


def _not_offered(deployment: Document, config: Document) -> Iterable[str]:
    if any("ServerlessConfig" in variant for variant in config["ProductionVariants"]):
        yield "Deployment guardrails (DeploymentConfig) are not supported for serverless endpoints."
    if "RollingUpdatePolicy" in deployment:
        yield "RollingUpdatePolicy is not supported in the local cloud; use BlueGreenUpdatePolicy."


def _shares(routing: Document, config: Document) -> Iterable[float]:
    kind = routing["Type"]
    member = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(kind)
    for other in {"CanarySize", "LinearStepSize"} - {member}:
        if other in routing:
            raise validation(f"{other} must not be specified with traffic routing type {kind}.")
    if member is None:
        return [1.0]
    if member not in routing:
        raise validation(f"{member} must be specified with traffic routing type {kind}.")
    count = min(variant["InitialInstanceCount"] for variant in config["ProductionVariants"])
    size = routing[member]
    step = size["Value"] / (count if size["Type"] == "INSTANCE_COUNT" else 100)
    smallest = _SMALLEST_STEP if kind == "LINEAR" else 0.0
    if not smallest <= step <= _LARGEST_STEP or (kind == "CANARY" and count < 2):
        bound = "between 10% and 50%" if kind == "LINEAR" else "less than or equal to 50%"
        raise validation(f"{member} must be {bound} of the variant's total instance count, which is {count}.")
    if kind == "CANARY":
        return [step, 1.0]
    steps = itertools.takewhile(lambda share: share < 1, (step * number for number in itertools.count(1)))
    return [*(round(share, 6) for share in steps), 1.0]


def require_alarms(account: Account, role: str | None, names: Iterable[str]) -> None:
    """Every alarm must exist.

    Raises:
        CommonServiceException: ValidationException.
    """
    names = tuple(names)
    if missing := set(names) - _states(account, role, names).keys():
        raise validation(f"Could not find the CloudWatch alarms {', '.join(sorted(missing))}.")


def gone_off(account: Account, role: str | None, names: tuple[str, ...]) -> list[str]:
    """The alarms that are in state ALARM."""
    return sorted(name for name, state in _states(account, role, names).items() if state == "ALARM")


def _states(account: Account, role: str | None, names: tuple[str, ...]) -> dict[str, str]:
    if not names:
        return {}
    cloudwatch = in_the_name_of.clients(account, role).cloudwatch
    try:
        answer = cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    except (BotoCoreError, ClientError) as error:
        raise validation(f"Could not describe the CloudWatch alarms {', '.join(names)}: {error}") from error
    alarms = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}
