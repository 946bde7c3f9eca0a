"""What a client sees of each kind of fault, and what the service sees."""

import io
import json
import time
import urllib.error
import zipfile
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from autoflow.local import cloud as host
from autoflow.local.cloud import REGION, Cloud
from autoflow.local.deploy import Stack
from tests.faults.faults import control, happened, set_faults

ROLE = "arn:aws:iam::000000000000:role/Nobody"
CODE = """
import boto3

def handler(event, context):
    boto3.client("s3").put_object(Bucket=event["Bucket"], Key=f"twice/{context.aws_request_id}", Body=b"")
    return context.aws_request_id
"""


def once(cloud: Cloud, service: str) -> Any:
    """A client that sends each request once."""
    config = Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=60)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name=REGION, endpoint_url=cloud.url, config=config, **keys)  # type: ignore[call-overload]


def create_group(client: Any, name: str) -> None:
    client.create_model_package_group(ModelPackageGroupName=name)


def groups(cloud: Cloud, name: str) -> list[str]:
    listed = cloud.client("sagemaker").list_model_package_groups(NameContains=name)
    return [one["ModelPackageGroupName"] for one in listed["ModelPackageGroupSummaryList"]]


def a_fault(kind: str, service: str = "sagemaker", operation: str = "CreateModelPackageGroup") -> dict[str, Any]:
    return {"Name": kind, "Service": service, "Operation": operation, "Kind": kind, "Seconds": 1}


@pytest.mark.parametrize(
    ("kind", "service", "operation", "code", "status"),
    [
        ("Throttled", "sagemaker", "ListModels", "ThrottlingException", 400),
        ("Throttled", "s3", "ListBuckets", "SlowDown", 503),
        ("Throttled", "lambda", "ListFunctions", "TooManyRequestsException", 429),
        ("Throttled", "stepfunctions", "ListStateMachines", "ThrottlingException", 400),
        ("Throttled", "cloudwatch", "DescribeAlarms", "Throttling", 400),
        ("Throttled", "sns", "ListTopics", "Throttled", 429),
        ("Refused", "sagemaker", "ListModels", "AccessDeniedException", 400),
        ("Refused", "s3", "ListBuckets", "AccessDenied", 403),
        ("Refused", "lambda", "ListFunctions", "AccessDeniedException", 403),
        ("Refused", "stepfunctions", "ListStateMachines", "AccessDeniedException", 400),
        ("Refused", "cloudwatch", "DescribeAlarms", "AccessDenied", 403),
        ("Refused", "sns", "ListTopics", "AuthorizationError", 403),
    ],
)
def test_each_service_says_no_in_its_own_words(
    cloud: Cloud, kind: str, service: str, operation: str, code: str, status: int
) -> None:
    set_faults(cloud, a_fault(kind, service, operation))
    client = once(cloud, service)
    (method,) = (name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
    with pytest.raises(ClientError) as raised:
        getattr(client, method)()
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert getattr(client, method)()
    assert happened(cloud) == {kind: 1}


def test_a_connection_is_reset_before_anything_is_done(cloud: Cloud) -> None:
    set_faults(cloud, a_fault("Reset"))
    with pytest.raises(HTTPClientError):
        create_group(once(cloud, "sagemaker"), "never-made")
    assert happened(cloud) == {"Reset": 1}
    assert groups(cloud, "never-made") == []


def test_an_answer_is_lost_after_everything_was_done(cloud: Cloud) -> None:
    set_faults(cloud, a_fault("Lost"))
    with pytest.raises(HTTPClientError):
        create_group(once(cloud, "sagemaker"), "made-silently")
    assert groups(cloud, "made-silently") == ["made-silently"]
    assert happened(cloud) == {"Lost": 1}


def test_an_object_is_stored_though_its_answer_is_lost_and_read_when_it_is_asked_for_again(
    cloud: Cloud, stack: Stack
) -> None:
    bucket = stack.outputs["DataBucketName"]
    set_faults(cloud, a_fault("Lost", "s3", "PutObject"), a_fault("Reset", "s3", "GetObject"))
    with pytest.raises(HTTPClientError):
        once(cloud, "s3").put_object(Bucket=bucket, Key="lost", Body=b"found")
    assert cloud.client("s3").get_object(Bucket=bucket, Key="lost")["Body"].read() == b"found"
    assert happened(cloud) == {"Lost": 1, "Reset": 1}


def test_an_answer_takes_its_time(cloud: Cloud) -> None:
    set_faults(cloud, a_fault("Slow"))
    began = time.monotonic()
    create_group(once(cloud, "sagemaker"), "slowly-made")
    assert time.monotonic() - began >= 1


def test_a_function_runs_twice_for_one_invocation(cloud: Cloud, stack: Stack) -> None:
    functions, s3, bucket = cloud.client("lambda"), cloud.client("s3"), stack.outputs["DataBucketName"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", CODE)
    made = {"Runtime": "python3.13", "Role": ROLE, "Handler": "app.handler", "Code": {"ZipFile": archive.getvalue()}}
    functions.create_function(FunctionName="runs-twice", Timeout=60, **made)
    functions.get_waiter("function_active_v2").wait(FunctionName="runs-twice")
    set_faults(cloud, a_fault("Twice", "lambda", "Invoke"))
    answer = functions.invoke(FunctionName="runs-twice", Payload=json.dumps({"Bucket": bucket}).encode())
    last = json.loads(answer["Payload"].read())
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="twice/")["Contents"]
    assert len(listed) == 2
    assert f"twice/{last}" in {one["Key"] for one in listed}


def test_a_fault_that_there_is_not_is_refused_in_words(cloud: Cloud) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        control(cloud, "POST", [{**a_fault("Reset"), "Operation": "CreateModle"}])
    assert raised.value.code == 400
    assert "sagemaker has no 'CreateModle'" in json.load(raised.value)["Error"]


def test_a_cloud_like_any_other_has_no_such_door() -> None:
    with host.temporary(services=("s3", "sagemaker", "sts")) as other:
        with pytest.raises((urllib.error.HTTPError, ValueError)):
            control(other, "POST", [a_fault("Reset")])
        create_group(once(other, "sagemaker"), "undisturbed")
        assert groups(other, "undisturbed")
