"""Clients with which SageMaker does the work of a job or a model: in the name of their execution role, as on AWS."""

import functools
from typing import Any

from localstack.aws.connect import connect_to

from autoflow.local.sagemaker.state import Account, Document


def clients(account: Account, role: str | None) -> Any:
    """Clients by service; with the rights of the account where no role was given."""
    return _clients(account.account_id, account.region, role)


def role_of_model(model: Document) -> str | None:
    """The role that a model's containers work with."""
    role: str | None = model.get("ExecutionRoleArn")
    return role


@functools.lru_cache(maxsize=256)
def _clients(account_id: str, region: str, role: str | None) -> Any:
    if role is None:
        return connect_to(aws_access_key_id=account_id, region_name=region)
    return connect_to.with_assumed_role(role_arn=role, session_name="SageMaker", region_name=region)
