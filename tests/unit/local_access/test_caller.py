"""Whose key is it?"""

import pytest
from moto.sts.models import sts_backends

from autoflow.local.access import caller

ROLE = "arn:aws:iam::000000000000:role/stack-GetEndpointFunctionRole-x"


def assume(role: str, session: str) -> str:
    """Access key id of a new session."""
    backend = sts_backends["000000000000"]["aws"]
    return str(backend.assume_role("us-east-1", session, role, "", 3600, "").access_key_id)


def test_a_key_of_a_session_leads_to_its_role_and_to_the_name_that_aws_gives_the_caller() -> None:
    first, second = assume(ROLE, "one"), assume(f"{ROLE}2", "two")
    assert (caller.role_of(first), caller.role_of(second)) == (ROLE, f"{ROLE}2")
    found = caller.find(first)
    assert found
    assert found.session == "arn:aws:sts::000000000000:assumed-role/stack-GetEndpointFunctionRole-x/one"


@pytest.mark.parametrize("key", [None, "", "test", "000000000000", "LSIAQAAAAAAANOBODYS00"])
def test_the_owner_and_the_cloud_itself_have_no_role(key: str | None) -> None:
    assert caller.role_of(key) is None
