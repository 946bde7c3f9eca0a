"""The stack's roles as deployed, and what was recorded of them while all other tests ran."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoflow.local import cloud as host
from autoflow.local import deploy
from autoflow.local.access.gate import RECORDS_VARIABLE
from autoflow.local.access.policies import Rights, statements
from tests.access.policies_in_use import Names, Seen, generic_rights, read


@dataclass(frozen=True)
class Deployed:
    """The stack's roles by logical id, with generic names in their policies."""

    names: Names
    rights: dict[str, Rights]


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployed]:
    """What IAM and CloudFormation of a local cloud tell of the stack."""
    with host.temporary(environment={RECORDS_VARIABLE: ""}) as cloud:
        stack = deploy.deploy(cloud)
        pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
        resources = [one for page in pages for one in page["StackResourceSummaries"]]
        names = Names(frozenset(one["LogicalResourceId"] for one in resources))
        iam = cloud.client("iam")
        roles = [one for one in resources if one["ResourceType"] == "AWS::IAM::Role"]
        yield Deployed(
            names,
            {one["LogicalResourceId"]: generic_rights(rights(iam, one["PhysicalResourceId"]), names) for one in roles},
        )


def rights(iam: Any, role: str) -> Rights:
    """All policies of a role."""
    own = [
        (name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    attached = [
        (one["PolicyName"], document(iam, one["PolicyArn"]))
        for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    ]
    boundary = iam.get_role(RoleName=role)["Role"].get("PermissionsBoundary")
    arn = boundary and boundary["PermissionsBoundaryArn"]
    return Rights(
        tuple(statement for name, text in (*own, *attached) for statement in statements(name, text)),
        statements(arn, document(iam, arn)) if arn else None,
    )


def document(iam: Any, arn: str) -> Any:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


@pytest.fixture(scope="session")
def records() -> Path:
    """Where all local clouds of the suites that ran before wrote what roles asked for."""
    folder = Path(os.environ.get(RECORDS_VARIABLE) or "build/access")
    if not any(folder.glob("*.jsonl")):
        pytest.fail(f"nothing is recorded in {folder}: run `make test`, which records the calls of all other suites")
    return folder


@pytest.fixture(scope="session")
def seen(records: Path, deployed: Deployed) -> list[Seen]:
    """What the stack's roles asked for."""
    return read(records, deployed.names)
