"""What every unit test shares: no way to AWS, and stubs that check requests and answers."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import settings
from moto import mock_aws

settings.register_profile("unit", deadline=None)  # a busy machine is not a failure
settings.load_profile("unit")


@dataclass
class LambdaContext:
    """What Lambda tells a function about its invocation."""

    function_name: str = "function"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def lambda_context() -> LambdaContext:
    return LambdaContext()


@pytest.fixture
def stub() -> Iterator[Callable[[Any], Stubber]]:
    """Make a Stubber for a client; all its answers must have been asked for when the test ends."""
    stubbers: list[Stubber] = []

    def make(client: Any) -> Stubber:
        stubber = Stubber(client)
        stubber.activate()
        stubbers.append(stubber)
        return stubber

    yield make
    for stubber in stubbers:
        stubber.deactivate()
    for stubber in stubbers:
        stubber.assert_no_pending_responses()


@pytest.fixture
def data_bucket() -> Iterator[Any]:
    """An S3 client (in memory) with the data bucket."""
    import boto3

    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(
            Bucket=os.environ["DATA_BUCKET"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield s3
