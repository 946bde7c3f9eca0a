"""One endpoint: which config it serves, and the containers that do it."""

import math
import os
import random
import threading
from dataclasses import dataclass, field
from datetime import datetime

from autoflow.local.sagemaker.container import Container, ContainerFailure, ServerlessContainer
from autoflow.local.sagemaker.models import find_endpoint_config, find_model
from autoflow.local.sagemaker.state import Account, Document, now

IDLE_VARIABLE = "AUTOFLOW_SERVERLESS_IDLE_SECONDS"
_IDLE_SECONDS = "300"

ANSWERING = {"InService", "Updating", "SystemUpdating", "RollingBack"}
"""Statuses in which an endpoint answers invocations."""


@dataclass
class Fleet:
    """The containers of one endpoint config, one for each production variant."""

    config: Document
    containers: dict[str, Container] = field(default_factory=dict)

    @classmethod
    def of(cls, account: Account, endpoint: str, config: Document) -> "Fleet":
        """Containers of the endpoint for the config, not started.

        Raises:
            ContainerFailure: a model cannot run here.
        """
        fleet = cls(config)
        for variant in config["ProductionVariants"]:
            model = find_model(account, variant["ModelName"])
            place = (account, endpoint, variant["VariantName"], model)
            container = Container(*place)
            if serverless := variant.get("ServerlessConfig"):
                always_on = "ProvisionedConcurrency" in serverless
                idle = math.inf if always_on else float(os.environ.get(IDLE_VARIABLE, _IDLE_SECONDS))
                container = ServerlessContainer(*place, serverless["MaxConcurrency"], idle)
            fleet.containers[variant["VariantName"]] = container
        return fleet

    @property
    def serverless(self) -> bool:
        """Whether it is a serverless config."""
        return any("ServerlessConfig" in variant for variant in self.config["ProductionVariants"])

    def start(self) -> None:
        """Start all containers and wait for them.

        Raises:
            ContainerFailure: one does not come up; the others are stopped.
        """
        try:
            for container in self.containers.values():
                container.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all containers."""
        for container in self.containers.values():
            container.stop()

    def choose(self) -> str:
        """A variant's name, drawn by the variants' weights."""
        variants = self.config["ProductionVariants"]
        weights = [variant["InitialVariantWeight"] for variant in variants]
        if not any(weights):
            weights = [1.0] * len(variants)
        return str(random.choices([variant["VariantName"] for variant in variants], weights)[0])

    def describe(self) -> list[Document]:
        """ProductionVariantSummary documents."""
        summaries = []
        for variant in self.config["ProductionVariants"]:
            container = self.containers[variant["VariantName"]]
            weight = variant["InitialVariantWeight"]
            summary = {
                "VariantName": variant["VariantName"],
                "DeployedImages": [{"SpecifiedImage": container.image, "ResolvedImage": container.image}],
                "CurrentWeight": weight,
                "DesiredWeight": weight,
            }
            if "ServerlessConfig" in variant:
                summary["CurrentServerlessConfig"] = variant["ServerlessConfig"]
            else:
                count = variant["InitialInstanceCount"]
                summary |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
            summaries.append(summary)
        return summaries


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
    """What answers invocations."""
    deleted: bool = False

    def __post_init__(self) -> None:
        self.modified = self.created

    def deploy(self, config_name: str) -> None:
        """Bring the config into service, in a thread of its own. What serves now goes on until then.

        A first deployment that fails leaves the endpoint Failed; a later one leaves the old config in service.
        """
        threading.Thread(target=self._deploy, args=(config_name,), name=f"endpoint-{self.name}", daemon=True).start()

    def _deploy(self, config_name: str) -> None:
        fleet, failure = None, ""
        try:
            with self.account.lock:
                fleet = Fleet.of(self.account, self.name, find_endpoint_config(self.account, config_name))
            fleet.start()
        except ContainerFailure as error:
            failure = str(error)
        except Exception as error:
            failure = f"Internal error: {error}"
        with self.account.lock:
            old, self.modified = self.fleet, now()
            if self.deleted:
                old = fleet
            elif failure:
                self.status = "InService" if old else "Failed"
                self.failure, old = failure[:1024], None
            else:
                self.fleet, self.config_name, self.status, self.failure = fleet, config_name, "InService", ""
        if old is not None:
            old.stop()

    def describe(self) -> Document:
        """Response of DescribeEndpoint."""
        document: Document = self.summary() | {"EndpointConfigName": self.config_name}
        if self.fleet:
            document["ProductionVariants"] = self.fleet.describe()
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
