"""What exists in SageMaker, per account and region, in memory."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoflow.local.sagemaker.automl_job import AutoMLJob
    from autoflow.local.sagemaker.endpoint import Endpoint
    from autoflow.local.sagemaker.transform_job import TransformJob

Document = dict[str, Any]


@dataclass
class Account:
    """The resources of one account in one region. Hold ``lock`` to read or write them."""

    account_id: str
    region: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    jobs: "dict[str, AutoMLJob]" = field(default_factory=dict)
    """By lower-case name: names of AutoML jobs are unique whatever their case."""
    models: dict[str, Document] = field(default_factory=dict)
    endpoint_configs: dict[str, Document] = field(default_factory=dict)
    endpoints: "dict[str, Endpoint]" = field(default_factory=dict)
    transform_jobs: "dict[str, TransformJob]" = field(default_factory=dict)
    package_groups: dict[str, Document] = field(default_factory=dict)
    """By lower-case name, as in their ARNs."""
    packages: dict[str, Document] = field(default_factory=dict)
    """By ARN, in the order of their creation."""
    last_versions: dict[str, int] = field(default_factory=dict)
    """Highest version that a package of the group has ever had, by the group's lower-case name."""
    package_tokens: dict[str, tuple[str, Document]] = field(default_factory=dict)
    """ClientToken → ARN of the package and the request that made it."""
    tags: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """ARN → tags."""

    def arn(self, kind: str, name: str) -> str:
        """For example ``arn:aws:sagemaker:us-east-1:000000000000:model/name``."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{kind}/{name}"


class State:
    """Every account's resources."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._lock = threading.Lock()

    def account(self, account_id: str, region: str) -> Account:
        """The resources of this account in this region."""
        with self._lock:
            key = (account_id, region)
            if key not in self._accounts:
                self._accounts[key] = Account(account_id, region)
            return self._accounts[key]

    def accounts(self) -> list[Account]:
        """All of them."""
        with self._lock:
            return list(self._accounts.values())


STATE = State()
"""Shared by the ``sagemaker`` and the ``sagemaker-runtime`` provider."""


def now() -> datetime:
    """The present moment with time zone."""
    return datetime.now(UTC)


def tags_of(request: Document) -> dict[str, str]:
    """Tags of a create request by key."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
