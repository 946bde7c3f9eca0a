"""The project's own template in a local cloud's CloudFormation.

The template that AWS gets, with two differences: functions run straight from their source folder (a saved change is
used by the next invocation), and layers are left out, as this Python has the same locked packages.
"""

import copy
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from autoflow.local.cloud import REGION, Cloud
from autoflow.local.errors import LocalCloudError

PROJECT = Path(__file__).resolve().parents[2]
STACK_NAME = "autoflow"
PARAMETERS = {"MinimumWaitSeconds": "1", "CanaryWaitSeconds": "2"}

_ARTIFACTS = "autoflow-artifacts"
_TEMPLATE = "template.json"
_TIMEOUT_SECONDS = 600.0
"""A busy machine takes minutes; only a stack that hangs takes longer."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack: its name, its outputs, and whether the project has changed since."""

    name: str
    outputs: dict[str, str]
    outdated: bool = False


def deploy(
    cloud: Cloud,
    *,
    project: Path = PROJECT,
    name: str = STACK_NAME,
    parameters: Mapping[str, str] = PARAMETERS,
) -> Stack:
    """Create the stack from ``project``'s template.yaml and wait until it is there.

    Raises:
        LocalCloudError: the project has no template, or CloudFormation refuses it.
    """
    template = local_template(project)
    s3, cloudformation = cloud.client("s3"), cloud.client("cloudformation")
    s3.create_bucket(Bucket=_ARTIFACTS)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::StateMachine" and "DefinitionUri" in resource["Properties"]:
            path = project / resource["Properties"]["DefinitionUri"]
            s3.upload_file(str(path), _ARTIFACTS, path.name)
            resource["Properties"]["DefinitionUri"] = {"Bucket": _ARTIFACTS, "Key": path.name}
    # By URL, as `sam deploy` does: a template in the request itself may have 51,200 bytes.
    s3.put_object(Bucket=_ARTIFACTS, Key=_TEMPLATE, Body=json.dumps(template, default=str).encode())
    try:
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"https://{_ARTIFACTS}.s3.{REGION}.amazonaws.com/{_TEMPLATE}",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        raise LocalCloudError(f"CloudFormation refused {project / 'template.yaml'}: {error}") from error
    outputs = _wait(cloudformation, name, cloud)
    cloud.instance.write("stack.json", {"Name": name, "Fingerprint": fingerprint(project), "Outputs": outputs})
    return Stack(name, outputs)


def deployed(cloud: Cloud, project: Path = PROJECT) -> Stack | None:
    """The stack that :func:`deploy` made in this cloud, or None."""
    record = cloud.instance.read("stack.json")
    if not record:
        return None
    return Stack(record["Name"], record["Outputs"], outdated=record["Fingerprint"] != fingerprint(project))


def fingerprint(project: Path = PROJECT) -> str:
    """Hash of everything that a running stack doesn't pick up by itself: the template and the state machines."""
    digest = hashlib.sha256()
    for path in (project / "template.yaml", *sorted((project / "statemachine").glob("*.asl.json"))):
        if path.exists():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def local_template(project: Path = PROJECT) -> dict[str, Any]:
    """The template with source folders for code and without layers.

    Raises:
        LocalCloudError: there is no template.
    """
    path = project / "template.yaml"
    try:
        template: dict[str, Any] = copy.deepcopy(yaml_parse(path.read_text()))
    except FileNotFoundError as error:
        raise LocalCloudError(f"{path} is missing; install autoflow from a checkout of the project") from error
    resources = template["Resources"]
    shared = template.get("Globals", {}).get("Function", {})
    shared.pop("Layers", None)
    code = shared.pop("CodeUri", None)
    for logical_id in [
        key for key, resource in resources.items() if resource["Type"] == "AWS::Serverless::LayerVersion"
    ]:
        del resources[logical_id]
    for resource in resources.values():
        resource.pop("Metadata", None)
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            properties.pop("Layers", None)
            folder = (project / properties.get("CodeUri", code)).resolve()
            properties["CodeUri"] = {"Bucket": "hot-reload", "Key": str(folder)}
    return template


def _wait(cloudformation: Any, name: str, cloud: Cloud) -> dict[str, str]:
    end = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        failed = not stack["StackStatus"].endswith("_IN_PROGRESS")
        if failed or time.monotonic() > end:
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'failed')}"
                for event in reversed(events)
                if event["ResourceStatus"].endswith("_FAILED")
            ] or [stack.get("StackStatusReason", stack["StackStatus"])]
            raise LocalCloudError(f"the stack {name!r} was not created. {'; '.join(reasons)}. See {cloud.instance.log}")
        time.sleep(0.1)
