"""What a run costs on AWS, reckoned from the histories of its executions and the price table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl.outcome import prices
from automl.outcome.consumption import Consumption, Event, Hosting, removed_endpoints
from automl.outcome.prices import Prices
from automl.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_stepfunctions import SFNClient

STATES_AFTER_SUCCESS = 3
"""Notify Success, Return Result and Run Succeeded, which an execution enters after Publish Results has counted."""
STATES_AFTER_FAILURE = 2
"""Notify Failure and Run Failed, after Clean Up."""
STATES_AFTER_SCORING = 1
"""Scoring Succeeded, after Summarize Scoring."""

_OTHER_SERVICES = "requests to S3, SNS and KMS, logs and metrics in CloudWatch"
_DATA = "data sent to endpoints and back"
_HOUR = 3600.0
_PAGE_EVENTS = 200
"""Most events carry the whole state data, which may be 256 KiB, and Clean Up has 256 MB."""
STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"

Document = dict[str, Any]


def read_history(sfn: "SFNClient", execution_arn: str) -> Iterator[Event]:
    """All events of an execution, however many pages there are."""
    pages = sfn.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn, includeExecutionData=True, PaginationConfig={"PageSize": _PAGE_EVENTS}
    )
    for page in pages:
        yield from page["events"]


def stands_alone(state: Mapping[str, Any]) -> bool:
    """Whether no other execution started this one, which would count it as its own."""
    return STARTED_BY not in state["Input"]


def known_cost(
    sfn: "SFNClient", lambda_client: "LambdaClient", state: Mapping[str, Any], now: datetime, removed: Sequence[str]
) -> Document:
    """The cost of a failed run, or nothing when it cannot be read: the failure matters more.

    Args:
        sfn: client.
        lambda_client: client.
        state: as for :func:`run_cost`.
        now: as for :func:`run_cost`.
        removed: what was taken away just now, which no history tells yet.
    """
    try:
        return run_cost(sfn, lambda_client, state, now, STATES_AFTER_FAILURE, removed)
    except ClientError as error:
        logger.warning("cost unknown", extra={"reason": str(error)})
        return {}


def run_cost(
    sfn: "SFNClient",
    lambda_client: "LambdaClient",
    state: Mapping[str, Any],
    now: datetime,
    states_after: int,
    removed: Iterable[str] = (),
) -> Document:
    """What an execution and all nested in it cost up to now, as ``Cost`` in schemas/result.schema.json.

    Args:
        sfn: client.
        lambda_client: client.
        state: the execution's state data, of which ``Execution.Id`` and ``Job.AutoMLSeconds`` count.
        now: the time up to which functions and endpoints that run are counted.
        states_after: states that the execution is going to enter after this one.
        removed: what was taken away just now, as :class:`automl.chores.Chores` tells it.
    """
    execution_arn = state["Execution"]["Id"]
    used = Consumption(transitions=states_after)
    waiting = [execution_arn]
    while waiting:
        waiting.extend(used.take(read_history(sfn, waiting.pop()), now))
    used.removed += [(name, now) for name in removed_endpoints(removed)]
    gigabyte_seconds = _gigabyte_seconds(lambda_client, used)
    asked = prices.of_region(execution_arn.split(":")[3])
    job = state.get("Job") or {}
    return price(used, gigabyte_seconds, asked, now, job.get("AutoMLSeconds"))


def _gigabyte_seconds(lambda_client: "LambdaClient", used: Consumption) -> dict[str, float]:
    """By architecture. Parts tell theirs without: a stack has one for all functions."""
    sums: dict[str, float] = {}
    for function, seconds in used.seconds.items():
        found = lambda_client.get_function_configuration(FunctionName=function)
        architecture = str(found.get("Architectures", ["x86_64"])[0])
        sums[architecture] = sums.get(architecture, 0.0) + seconds * found["MemorySize"] / 1024
    if used.part_gigabyte_seconds:
        architecture = next(iter(sums), "x86_64")
        sums[architecture] = sums.get(architecture, 0.0) + used.part_gigabyte_seconds
    return sums


def price(
    used: Consumption,
    gigabyte_seconds: Mapping[str, float],
    asked: Prices,
    now: datetime,
    automl_seconds: float | None,
) -> Document:
    """The document of what was used and what it costs. A price that is not known makes its part None, and is named.

    Args:
        used: sums of all executions.
        gigabyte_seconds: of Lambda, by architecture.
        asked: the prices.
        now: the time up to which endpoints that are not removed are counted.
        automl_seconds: how long the AutoML job took, None if there was none.
    """
    endpoints, transforms = _endpoints(used, asked, now), _transforms(used, asked)
    parts: dict[str, float | None] = {
        "StepFunctions": used.transitions * asked.state_transition,
        "Lambda": used.lambda_requests * asked.lambda_request
        + sum(seconds * asked.lambda_gb_second[kind] for kind, seconds in gigabyte_seconds.items()),
        "Endpoint": endpoints.dollars,
        "Transform": transforms.dollars,
    }
    total = sum(part for part in parts.values() if part is not None)
    dollars = {name: None if part is None else round(part, 6) for name, part in parts.items()}
    job = [] if automl_seconds is None else [f"the AutoML job of {automl_seconds:.0f} s: its instances are not told"]
    return {
        "StateTransitions": used.transitions,
        "LambdaGBSeconds": round(sum(gigabyte_seconds.values()), 3),
        "LambdaRequests": used.lambda_requests,
        **_known("EndpointSeconds", sum(used.asked.values())),
        **_known("EndpointInstanceSeconds", endpoints.instance_seconds),
        **_known("TransformInstanceSeconds", transforms.instance_seconds),
        "USD": {**dollars, "Total": round(total, 6)},
        "EndpointUSDPerHour": None if endpoints.hourly is None else round(endpoints.hourly, 6),
        "Prices": asked.title,
        "NotIncluded": [*job, *sorted({*endpoints.unknown, *transforms.unknown}), _DATA, _OTHER_SERVICES],
    }


def _known(name: str, seconds: float) -> dict[str, float]:
    return {name: round(seconds, 3)} if seconds else {}


@dataclass
class _Sum:
    """Seconds of instances, and dollars; these are None as soon as one price is unknown."""

    instance_seconds: float = 0.0
    dollars: float | None = 0.0
    hourly: float | None = 0.0
    unknown: tuple[str, ...] = ()

    def add(self, seconds: float, each: float | None, what: str) -> None:
        if each is None:
            self.unknown += (f"{what}: its price is not in the table",)
        self.dollars = None if each is None or self.dollars is None else self.dollars + seconds * each

    def add_instances(self, seconds: float, each_hour: float | None, what: str) -> None:
        self.instance_seconds += seconds
        self.add(seconds, None if each_hour is None else each_hour / _HOUR, what)

    def keep(self, each_hour: float | None) -> None:
        self.hourly = None if each_hour is None or self.hourly is None else self.hourly + each_hour


def _endpoints(used: Consumption, asked: Prices, now: datetime) -> _Sum:
    """Serverless endpoints cost while they answer; instances from their order to their end, and go on when kept."""
    found = _Sum()
    hosting: dict[str, Hosting | None] = dict(used.found)
    placed = sorted(used.placed, key=lambda one: one.time)
    for number, one in enumerate(placed):
        hosting[one.endpoint] = one.hosting
        if one.hosting is None or one.hosting.memory:
            continue
        ends = [time for name, time in used.removed if name == one.endpoint and time >= one.time]
        ends += [other.time for other in placed[number + 1 :] if other.endpoint == one.endpoint]
        each_hour = asked.endpoint_hour.get(one.hosting.instance_type)
        seconds = (min(ends, default=now) - one.time).total_seconds() * one.hosting.instances
        found.add_instances(seconds, each_hour, f"an endpoint on {one.hosting.instance_type}")
        if not ends:
            found.keep(None if each_hour is None else each_hour * one.hosting.instances)
    for name, seconds in used.asked.items():
        on = hosting.get(name)
        if on is None:
            found.add(seconds, None, f"endpoint {name}, of which nothing tells on what it runs")
        elif on.memory:
            found.add(seconds, asked.serverless_second.get(on.memory), f"a serverless endpoint of {on.memory} MB")
    return found


def _transforms(used: Consumption, asked: Prices) -> _Sum:
    found = _Sum()
    for job in used.transforms.values():
        kind = job["InstanceType"]
        # One that has not ended does not tell when its instances came up.
        seconds = job.get("TransformSeconds", job["ElapsedSeconds"]) * job["InstanceCount"]
        found.add_instances(seconds, asked.transform_hour.get(kind), f"a transform job on {kind}")
    return found
