"""The containers behind an endpoint config."""

import math
import os
import random
import threading
from dataclasses import dataclass, field

from autoflow.local.sagemaker.capture import Capture
from autoflow.local.sagemaker.container import Container, ServerlessContainer
from autoflow.local.sagemaker.in_the_name_of import role_of_model
from autoflow.local.sagemaker.models import find_model
from autoflow.local.sagemaker.state import Account, Document

IDLE_VARIABLE = "AUTOFLOW_SERVERLESS_IDLE_SECONDS"
_IDLE_SECONDS = "300"
_DRAIN_SECONDS = 70.0
"""Longer than any invocation may take."""


@dataclass
class Fleet:
    """The containers of one endpoint config, one for each production variant."""

    config: Document
    role: str | None
    """In whose name data are captured and alarms are looked at."""
    containers: dict[str, Container] = field(default_factory=dict)
    capture: Capture | None = None
    _quiet: threading.Condition = field(default_factory=threading.Condition)
    _invocations: int = 0

    @classmethod
    def of(cls, account: Account, endpoint: str, config: Document) -> "Fleet":
        """Containers of the endpoint for the config, not started.

        Raises:
            ContainerFailure: a model cannot run here.
        """
        role = role_of_model(find_model(account, config["ProductionVariants"][0]["ModelName"]))
        fleet = cls(config, role, capture=Capture.of(account, endpoint, config, role))
        for variant in config["ProductionVariants"]:
            model = find_model(account, variant["ModelName"])
            log = (f"/aws/sagemaker/Endpoints/{endpoint}", variant["VariantName"])
            container = Container(account, log, model)
            if serverless := variant.get("ServerlessConfig"):
                always_on = "ProvisionedConcurrency" in serverless
                idle = math.inf if always_on else float(os.environ.get(IDLE_VARIABLE, _IDLE_SECONDS))
                container = ServerlessContainer(account, log, model, serverless["MaxConcurrency"], idle)
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

    def check(self) -> None:
        """Ask every container of an endpoint with instances for its health.

        Raises:
            ContainerFailure: one does not answer.
        """
        for container in self.containers.values():
            container.ping()

    def enter(self) -> None:
        """An invocation is on its way to a container of this fleet."""
        with self._quiet:
            self._invocations += 1

    def leave(self) -> None:
        """It has been answered."""
        with self._quiet:
            self._invocations -= 1
            self._quiet.notify_all()

    def retire(self) -> None:
        """Let the invocations at work be answered, then stop all containers. Nothing new must arrive."""
        with self._quiet:
            self._quiet.wait_for(lambda: not self._invocations, _DRAIN_SECONDS)
        self.stop()

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

    def describe(self, status: Document | None = None) -> list[Document]:
        """ProductionVariantSummary documents.

        Args:
            status: a ProductionVariantStatus that holds for all variants, if any.
        """
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
            if status:
                summary["VariantStatus"] = [status]
            summaries.append(summary)
        return summaries
