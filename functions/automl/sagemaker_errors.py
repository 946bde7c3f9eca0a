"""SageMaker's two ways to say "exists already" and "does not exist": a modeled error, or a ValidationException.

The wording of the latter is not documented, so nobody matches on it: the caller looks whether the thing is there.
"""

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

_MISSING = frozenset({"ResourceNotFound", "ResourceNotFoundException", "ValidationException"})
_REFUSED = frozenset({"ResourceInUse", "ResourceInUseException", "ConflictException", "ValidationException"})

_QUOTA = re.compile(r"service limit '[^']*' is (\d+(?:\.\d+)?) .*request delta of (\d+(?:\.\d+)?) ", re.DOTALL)


def is_beyond_quota(error: ClientError) -> bool:
    """Whether the request alone is larger than its quota, so that no waiting helps.

    SageMaker's wording is known from reports only; where it is another, waiting is assumed to help.
    """
    found = _QUOTA.search(message_of(error).replace(",", ""))
    return found is not None and float(found[2]) > float(found[1])


def is_refusal(error: ClientError) -> bool:
    """Whether SageMaker rejected the request itself, be it that the thing exists or that a value is wrong."""
    return error.response["Error"]["Code"] in _REFUSED


def message_of(error: ClientError) -> str:
    """What AWS said, without botocore's preamble."""
    return error.response["Error"].get("Message", str(error)).rstrip(" .")


def find[T](describe: Callable[..., T], **name: str) -> T | None:
    """What the describe call answers, or None when there is nothing of that name."""
    try:
        return describe(**name)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return None
        raise


def delete(remove: Callable[..., Any], describe: Callable[..., Any], **name: str) -> bool:
    """Delete the thing; False when it was not there.

    Raises:
        ClientError: it is still there and SageMaker will not delete it now.
    """
    try:
        remove(**name)
    except ClientError as error:
        # What is gone has no tag, and the functions may delete only what has the project's.
        gone = error.response["Error"]["Code"] in {*_MISSING, "AccessDeniedException"}
        if gone and find(describe, **name) is None:
            return False
        raise
    return True
