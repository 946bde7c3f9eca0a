"""Bring an endpoint config into service: new containers first, then the invocations, then the end of the old ones."""

import logging
import threading
import time

from autoflow.local.sagemaker import guardrails
from autoflow.local.sagemaker.container import ContainerFailure
from autoflow.local.sagemaker.endpoint import Endpoint, Pending
from autoflow.local.sagemaker.fleet import Fleet
from autoflow.local.sagemaker.guardrails import Guardrails
from autoflow.local.sagemaker.state import Document, now

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
"""Between two looks at the alarms and at the health of the new containers."""


class RolledBack(Exception):
    """The new fleet must not stay; the message is for FailureReason."""


def begin(endpoint: Endpoint, config: Document, rails: Guardrails) -> None:
    """Deploy the config in a thread of its own. What serves now goes on until its successor answers.

    A first deployment that fails leaves the endpoint Failed; a later one leaves the old config in service. Hold the
    account's lock.
    """
    endpoint.pending = Pending(config["EndpointConfigName"])
    thread = threading.Thread(target=_run, args=(endpoint, endpoint.pending, config, rails), daemon=True)
    thread.name = f"endpoint-{endpoint.name}"
    thread.start()


def _run(endpoint: Endpoint, pending: Pending, config: Document, rails: Guardrails) -> None:
    deadline = time.monotonic() + rails.timeout_seconds
    fleet = None
    try:
        fleet = _start(endpoint, pending, config)
        if endpoint.fleet is not None:
            _shift(endpoint, pending, rails, deadline)
    except (ContainerFailure, RolledBack) as error:
        _give_up(endpoint, pending, fleet, str(error))
    except Exception as error:
        _log.exception("deployment of %s failed", endpoint.name)
        _give_up(endpoint, pending, fleet, f"Internal error: {error}")
    else:
        _finish(endpoint, pending, fleet)


def _start(endpoint: Endpoint, pending: Pending, config: Document) -> Fleet:
    with endpoint.account.lock:
        fleet = Fleet.of(endpoint.account, endpoint.name, config)
    fleet.start()
    with endpoint.account.lock:
        pending.fleet = fleet
    return fleet


def _shift(endpoint: Endpoint, pending: Pending, rails: Guardrails, deadline: float) -> None:
    last = rails.shares[-1]
    for share in rails.shares:
        with endpoint.account.lock:
            pending.enter("ActivatingTraffic", share)
        _watch(endpoint, pending, rails, deadline)
        _bake(endpoint, pending, rails, deadline, rails.termination_seconds if share == last else rails.wait_seconds)


def _bake(endpoint: Endpoint, pending: Pending, rails: Guardrails, deadline: float, seconds: float) -> None:
    if not seconds:
        return
    with endpoint.account.lock:
        pending.enter("Baking", pending.share)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(_LOOK_SECONDS, left))
        _watch(endpoint, pending, rails, deadline)
        if pending.fleet:
            pending.fleet.check()


def _watch(endpoint: Endpoint, pending: Pending, rails: Guardrails, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise RolledBack("The deployment took longer than MaximumExecutionTimeoutInSeconds and was rolled back.")
    role = pending.fleet.role if pending.fleet else None
    if alarms := guardrails.gone_off(endpoint.account, role, rails.alarms):
        raise RolledBack(f"The deployment was rolled back: CloudWatch alarms in state ALARM: {', '.join(alarms)}.")


def _finish(endpoint: Endpoint, pending: Pending, fleet: Fleet) -> None:
    with endpoint.account.lock:
        old, endpoint.fleet, endpoint.config_name = endpoint.fleet, fleet, pending.config_name
        endpoint.pending = None
        endpoint.status, endpoint.failure, endpoint.modified = "InService", "", now()
    if old is not None:
        old.retire()


def _give_up(endpoint: Endpoint, pending: Pending, fleet: Fleet | None, reason: str) -> None:
    with endpoint.account.lock:
        first = endpoint.fleet is None
        pending.share, endpoint.modified = 0.0, now()
        if not first:
            endpoint.status = "RollingBack"
    if fleet is not None:
        fleet.retire()
    with endpoint.account.lock:
        endpoint.pending, endpoint.modified = None, now()
        endpoint.status, endpoint.failure = "Failed" if first else "InService", reason[:1024]
