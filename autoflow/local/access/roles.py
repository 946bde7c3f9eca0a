"""What a role of the local IAM may do: its policies, inline, attached and as a boundary, as they are right now."""

import functools
from typing import Any

from moto.iam.models import iam_backends

from autoflow.local.access.policies import Rights, statements

_Documents = tuple[tuple[str, str], ...]
"""Names and documents of policies."""


def rights_of(role_arn: str) -> Rights | None:
    """The role's policies; None when IAM has no such role, and so nothing that could restrict it."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    backend = iam_backends[account]["aws"]
    role = next((role for role in list(backend.roles.values()) if role.name == name), None)
    if role is None:
        return None
    attached = tuple((policy.name, _document(policy)) for policy in list(role.managed_policies.values()))
    boundary = None
    if arn := role.permissions_boundary_arn:
        boundary = ((arn, _document(backend.managed_policies[arn])),)
    return _rights((*role.policies.items(), *attached), boundary)


def _document(policy: Any) -> str:
    version = next(one for one in policy.versions if one.version_id == policy.default_version_id)
    return str(version.document)


@functools.lru_cache(maxsize=512)
def _rights(identity: _Documents, boundary: _Documents | None) -> Rights:
    """Parsed once for the same documents: a changed policy is another key."""
    parsed = [statement for name, document in identity for statement in statements(name, document)]
    limits = None
    if boundary is not None:
        limits = tuple(statement for name, document in boundary for statement in statements(name, document))
    return Rights(tuple(parsed), limits)
