"""A stack in an account that moto makes up."""

import signal
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from autoflow.stack import Stack

BUCKET = "data-bucket"


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def heard() -> Iterator[None]:
    """A background job, continuous integration perhaps, may have been made deaf to some of them."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    # The build of moto that comes with LocalStack leaves out what LocalStack has itself.
    with mock_aws(config={"core": {"service_whitelist": None}}):
        session: Any = boto3.Session()
        session.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        outputs = {"DataBucketName": BUCKET, "AutoMLStateMachineArn": "arn", "ScoringStateMachineArn": "scoring-arn"}
        yield Stack("test", "test", outputs, session.client, local=False, options=" --stack prod")


def keys(stack: Stack) -> list[str]:
    return [item["Key"] for item in stack.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]
