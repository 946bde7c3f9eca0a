"""In whose name a request is signed.

Everything in this cloud that works in a role's name assumes it and signs with the keys that it gets: Lambda for a
function's environment and for its log, Step Functions for each task, EventBridge for a target with a role, SageMaker
for its jobs and models. Their calls take the same way through the gateway as those from outside.
"""

from dataclasses import dataclass
from typing import Any

from localstack.aws.api import RequestContext
from localstack.utils.aws.request_context import extract_access_key_id_from_auth_header
from moto.sts.models import sts_backends

_TEMPORARY = ("LSIA", "ASIA")
"""What access keys of sessions begin with: LocalStack's own, and AWS's where parity of keys is asked for."""


@dataclass(frozen=True)
class Caller:
    """A session of a role."""

    role: str
    """The role's ARN."""
    session: str
    """``arn:…:sts::<account>:assumed-role/<role>/<session>``, as AWS names the caller."""


_known: dict[str, Caller] = {}


def find(access_key_id: str | None) -> Caller | None:
    """The session that the key was given to; None for the owner and for the cloud's own calls."""
    if not access_key_id or not access_key_id.startswith(_TEMPORARY):
        return None
    if access_key_id not in _known:
        for regions in list(sts_backends.values()):
            for backend in list(regions.values()):
                # From the end: a key that is not known yet was given out just now.
                for assumed in reversed(backend.assumed_roles):
                    if assumed.access_key_id == access_key_id:
                        return _known.setdefault(access_key_id, Caller(assumed.role_arn, assumed.arn))
        return None
    return _known[access_key_id]


def role_of(access_key_id: str | None) -> str | None:
    """ARN of the role in whose name a request is signed; None for the owner ("test") and for the cloud's own calls."""
    caller = find(access_key_id)
    return caller.role if caller else None


def of_request(context: RequestContext) -> Caller | None:
    """Who made a request that the gateway handles."""
    request = context.request
    headers: Any = request.headers  # found in any case of letters, which a dict would not
    in_url = request.args.get("X-Amz-Credential", "").partition("/")[0]
    return find(in_url or extract_access_key_id_from_auth_header(headers))
