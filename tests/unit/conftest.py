"""What every unit test shares: the functions' environment, no way to AWS, and stubs that check requests and answers."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "autopilot-flow",
    "POWERTOOLS_METRICS_NAMESPACE": "AutopilotFlow",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "LOG_LEVEL": "INFO",
    "DATA_BUCKET": "data-bucket",
    "AUTOML_MODE": "ENSEMBLING",
    "AUTOML_MAX_CANDIDATES": "10",
    "AUTOML_MAX_RUNTIME_SECONDS": "3600",
    "DEFAULT_CONFIDENCE": "0.9",
    "ENDPOINT_HOSTING": "Serverless",
    "ENDPOINT_MEMORY_SIZE_IN_MB": "4096",
    "ENDPOINT_MAX_CONCURRENCY": "5",
    "ENDPOINT_INSTANCE_TYPE": "ml.m5.large",
    "ENDPOINT_INSTANCE_COUNT": "1",
    "KEEP_ENDPOINT": "true",
    "APPROVAL": "Automatic",
    "APPROVAL_TIMEOUT_SECONDS": "604800",
    "SUBNET_IDS": "",
    "SECURITY_GROUP_IDS": "",
    "SAGEMAKER_ROLE_ARN": "arn:aws:iam::123456789012:role/sagemaker",
    "KMS_KEY_ARN": "",
    "MINIMUM_WAIT_SECONDS": "15",
    "CANARY_WAIT_SECONDS": "300",
    "LATENCY_ALARM_SECONDS": "5",
}
os.environ.update(ENVIRONMENT)
os.environ.pop("AWS_ENDPOINT_URL", None)

from hypothesis import settings  # noqa: E402

settings.register_profile("unit", deadline=None)  # a busy machine is not a failure
settings.load_profile("unit")

from botocore.stub import Stubber  # noqa: E402 - clients must be made in the environment above
from moto import mock_aws  # noqa: E402


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
            Bucket=ENVIRONMENT["DATA_BUCKET"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield s3
