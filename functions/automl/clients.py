"""Clients of AWS services, as every function makes them: from one session, so that what they share is read once."""

from typing import TYPE_CHECKING, Any

from boto3.session import Session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_stepfunctions import SFNClient

CONFIG = Config(connect_timeout=4, read_timeout=25, retries={"mode": "standard", "max_attempts": 5})
"""A call that hangs is made again within the shortest Timeout of a function: a run must not end for one lost packet."""
RUNTIME_CONFIG = CONFIG.merge(
    Config(read_timeout=70, max_pool_connections=200, retries={"mode": "standard", "total_max_attempts": 1})
)
"""For endpoints, which may take 60 s to answer, from many threads with a connection each. Who asks tries again, with
fewer requests at once when the endpoint is busy: attempts in secret would hide that it is."""

_session: Any = Session()


def _client(service: str, config: Config = CONFIG) -> Any:
    return _session.client(service, config=config)


def application_autoscaling() -> "ApplicationAutoScalingClient":
    """A client of Application Auto Scaling."""
    client: ApplicationAutoScalingClient = _client("application-autoscaling")
    return client


def cloudwatch() -> "CloudWatchClient":
    """A client of CloudWatch."""
    client: CloudWatchClient = _client("cloudwatch")
    return client


def lambda_functions() -> "LambdaClient":
    """A client of Lambda."""
    client: LambdaClient = _client("lambda")
    return client


def s3() -> "S3Client":
    """A client of S3."""
    client: S3Client = _client("s3")
    return client


def sagemaker() -> "SageMakerClient":
    """A client of SageMaker."""
    client: SageMakerClient = _client("sagemaker")
    return client


def sagemaker_runtime() -> "SageMakerRuntimeClient":
    """A client of SageMaker's endpoints, for many threads at once."""
    client: SageMakerRuntimeClient = _client("sagemaker-runtime", RUNTIME_CONFIG)
    return client


def step_functions() -> "SFNClient":
    """A client of Step Functions."""
    client: SFNClient = _client("stepfunctions")
    return client
