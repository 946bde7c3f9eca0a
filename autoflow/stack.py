"""The stack that a command works with: in the local cloud or in an AWS account."""

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from autoflow.errors import UsageError


@dataclass(frozen=True)
class Stack:
    """A deployed stack and how to reach it."""

    title: str
    """Names it for people."""
    name: str
    outputs: dict[str, str]
    connect: Callable[[str], Any]
    """Makes a boto3 client of a service."""
    local: bool
    options: str = ""
    """What to write after a command to mean this stack again."""
    _clients: dict[str, Any] = field(default_factory=dict, compare=False)

    def client(self, service: str) -> Any:
        """The boto3 client of a service; made once."""
        if service not in self._clients:
            self._clients[service] = self.connect(service)
        return self._clients[service]

    @property
    def bucket(self) -> str:
        """Name of the data bucket."""
        return self.outputs["DataBucketName"]

    @property
    def machine(self) -> str:
        """ARN of the main state machine."""
        return self.outputs["AutoMLStateMachineArn"]

    @property
    def scoring_machine(self) -> str:
        """ARN of the state machine that scores."""
        return self.outputs["ScoringStateMachineArn"]

    def command(self, *words: str) -> str:
        """What to type for a command of this program that is about this stack."""
        return f"{program()} {shlex.join(words)}{self.options}"

    def resources(self, resource_type: str) -> Iterator[tuple[str, str]]:
        """Logical and physical id of the stack's resources of one type."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        for page in pages:
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceType"] == resource_type:
                    yield resource["LogicalResourceId"], resource["PhysicalResourceId"]


def program() -> str:
    """What to type for this program, in commands that people are to copy."""
    return "autoflow" if shutil.which("autoflow") else sys.argv[0]


def in_aws(name: str) -> Stack:
    """The stack in the account and region of the default AWS session.

    Raises:
        UsageError: no credentials, no region, no such stack, or a stack of something else.
    """
    import boto3

    try:
        session: Any = boto3.Session()
        found = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise UsageError(
                f"there is no stack {name!r} in {session.region_name}; deploy it with `sam deploy`, "
                "or choose another profile or region (AWS_PROFILE, AWS_REGION)"
            ) from error
        raise UsageError(f"cannot look up the stack {name!r}: {error}") from error
    except BotoCoreError as error:
        raise UsageError(f"cannot look up the stack {name!r}: {error} (see `aws configure`)") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if missing := {"AutoMLStateMachineArn", "ScoringStateMachineArn", "DataBucketName"} - outputs.keys():
        raise UsageError(f"the stack {name!r} is not an autopilot-flow stack: no output {', '.join(sorted(missing))}")
    title = f"stack {name} in {session.region_name}"
    return Stack(title, name, outputs, session.client, local=False, options=f" --stack {name}")


def in_local_cloud(port: int, progress: Callable[[str], None]) -> Stack:
    """The stack of the local cloud on the port, which is started when it does not run."""
    from autoflow.local import up

    cloud, stack = up.up(port, progress)
    if stack.outdated:
        progress(
            f"template.yaml or statemachine/ has changed since the cloud on port {port} was started: "
            "`autoflow down` and `autoflow up` use the change (and forget earlier runs)"
        )
    options = "" if port == up.DEFAULT_PORT else f" --port {port}"
    return Stack(f"local cloud on port {port}", stack.name, stack.outputs, cloud.client, local=True, options=options)
