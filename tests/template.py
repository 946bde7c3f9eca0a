"""The project's template, and how its statements are found."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[1]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FUNCTIONS = [name for name, body in RESOURCES.items() if body["Type"] == "AWS::Serverless::Function"]
MACHINES = [name for name, body in RESOURCES.items() if body["Type"] == "AWS::Serverless::StateMachine"]
AUTHORIZATION = json.loads((resources.files("cfnlint") / "data/AdditionalSpecs/Policies.json").read_text("utf-8"))
"""AWS's service authorization reference, as cfn-lint ships it: each service's actions and the resources they know."""
UNLISTED = {"states:SendTaskSuccess": "arn:aws:states:.*:.*:stateMachine:.*"}
"""What AWS checks although its reference names no resource: messages of a denied SendTaskSuccess name the machine."""


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in the value, however deep."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from dictionaries(item)


def allowed(name: str) -> list[dict[str, Any]]:
    """The Allow statements of the resource."""
    return [found for found in dictionaries(RESOURCES[name]) if found.get("Effect") == "Allow" and "Action" in found]


def allowed_to(function: str) -> list[dict[str, Any]]:
    """All that a function's role may do, whichever policy allows it."""
    attached = [
        name for name, body in RESOURCES.items() if {"Ref": f"{function}Role"} in body["Properties"].get("Roles", [])
    ]
    return [statement for owner in (function, *shared(function), *attached) for statement in allowed(owner)]


def shared(function: str) -> list[str]:
    """Names of the managed policies that a function asks for, those that depend on a condition left out."""
    return [policy["Ref"] for policy in RESOURCES[function]["Properties"].get("Policies", []) if "Ref" in policy]
