"""What S3 says in ways of its own."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from automl.errors import ServiceUnavailable
from automl.storage import delete_prefix, read_bytes, text_lines
from automl.telemetry import named_error


def test_everything_under_the_prefix_goes(data_bucket: Any) -> None:
    for key in ("runs/r/data/a", "runs/r/data/b/c", "runs/r/other"):
        data_bucket.put_object(Bucket="data-bucket", Key=key, Body=b"1")
    assert delete_prefix(data_bucket, "s3://data-bucket/runs/r/data/") == 2
    assert delete_prefix(data_bucket, "s3://data-bucket/runs/r/data/") == 0
    assert [item["Key"] for item in data_bucket.list_objects_v2(Bucket="data-bucket")["Contents"]] == ["runs/r/other"]


@pytest.mark.parametrize("read", [read_bytes, lambda s3, uri: next(text_lines(s3, uri))])
def test_an_object_that_is_gone_is_named(data_bucket: Any, read: Callable[[Any, str], Any]) -> None:
    uri = "s3://data-bucket/scorings/s/rows/keys/part-1.csv"
    with pytest.raises(ClientError, match=rf"NoSuchKey.*{uri} does not exist"):
        read(data_bucket, uri)


@pytest.mark.parametrize(("code", "passes"), [("InternalError", True), ("SlowDown", True), ("AccessDenied", False)])
def test_an_object_that_stays_is_an_error(stub: Callable[[Any], Stubber], code: str, passes: bool) -> None:
    """DeleteObjects answers 200 even when it deleted nothing."""
    s3 = boto3.client("s3")
    stubber = stub(s3)
    stubber.add_response("list_objects_v2", {"Contents": [{"Key": "runs/r/data/a", "Size": 1}]})
    refused = {"Key": "runs/r/data/a", "Code": code, "Message": "No"}
    stubber.add_response("delete_objects", {"Errors": [refused]})
    with pytest.raises(ClientError, match="No: runs/r/data/a") as raised:
        delete_prefix(s3, "s3://data-bucket/runs/r/data/")
    assert isinstance(named_error(raised.value), ServiceUnavailable) == passes
