"""One endpoint: which config it serves, which one is on its way, and who answers an invocation."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from autoflow.local.sagemaker.errors import runtime_validation
from autoflow.local.sagemaker.fleet import Fleet
from autoflow.local.sagemaker.state import Account, Document, now

_ANSWERING = {"InService", "Updating", "SystemUpdating", "RollingBack"}
"""Statuses in which an endpoint answers invocations."""


@dataclass
class Pending:
    """A deployment that has begun."""

    config_name: str
    fleet: Fleet | None = None
    """There is one as soon as its containers answer /ping."""
    share: float = 0.0
    """Of the invocations that its fleet answers."""
    status: str = "Creating"
    """A ProductionVariantStatus."""
    since: datetime = field(default_factory=now)
    """Of the status."""

    def __post_init__(self) -> None:
        self.started = self.since

    def enter(self, status: str, share: float) -> None:
        """The next stage."""
        self.status, self.share, self.since = status, share, now()

    def describe(self) -> Document:
        """A PendingDeploymentSummary."""
        summary: Document = {"EndpointConfigName": self.config_name, "StartTime": self.started}
        if self.fleet:
            summary["ProductionVariants"] = self.fleet.describe({"Status": self.status, "StartTime": self.since})
        return summary


@dataclass
class Endpoint:
    """State of an endpoint. The account's lock guards it."""

    account: Account
    name: str
    arn: str
    config_name: str
    created: datetime = field(default_factory=now)
    status: str = "Creating"
    failure: str = ""
    fleet: Fleet | None = None
    """What is in service."""
    pending: Pending | None = None
    deployment_config: Document | None = None
    """Of the latest deployment that had one."""

    def __post_init__(self) -> None:
        self.modified = self.created

    @contextlib.contextmanager
    def invocation(self, variant: str | None) -> Iterator[tuple[Fleet, str]]:
        """Fleet and variant that answer one invocation. The fleet stays until the block is left.

        Args:
            variant: the one that the caller wants.

        Raises:
            CommonServiceException: nothing answers now, or there is no such variant.
        """
        with self.account.lock:
            fleet = self.fleet
            if self.status not in _ANSWERING or fleet is None:
                raise runtime_validation(
                    f"Endpoint {self.name} of account {self.account.account_id} is not in service: {self.status}."
                )
            if self.pending and self.pending.fleet and random.random() < self.pending.share:
                fleet = self.pending.fleet
            chosen = variant or fleet.choose()
            if chosen not in fleet.containers:
                raise runtime_validation(f"Variant {chosen} of endpoint {self.name} not found.")
            fleet.enter()
        try:
            yield fleet, chosen
        finally:
            fleet.leave()

    def describe(self) -> Document:
        """Response of DescribeEndpoint."""
        document: Document = self.summary() | {"EndpointConfigName": self.config_name}
        if self.fleet:
            document["ProductionVariants"] = self.fleet.describe()
        if self.fleet and self.fleet.capture:
            document["DataCaptureConfig"] = self.fleet.capture.describe()
        if self.pending and self.fleet:
            document["PendingDeploymentSummary"] = self.pending.describe()
        if self.deployment_config:
            document["LastDeploymentConfig"] = self.deployment_config
        if self.failure:
            document["FailureReason"] = self.failure
        return document

    def summary(self) -> Document:
        """An EndpointSummary of ListEndpoints."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointStatus": self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
