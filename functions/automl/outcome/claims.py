"""Who cleans up after an execution: the first that asks. So an event that is delivered twice does nothing twice."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automl.errors import ServiceUnavailable
from automl.storage import split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_AT_IT = frozenset({"RUNNING", "SUCCEEDED"})


def claim(s3: "S3Client", sfn: "SFNClient", uri: str, execution_arn: str) -> str:
    """The execution that cleans up: this one, unless another that was earlier is at it or is done.

    Args:
        s3: client.
        sfn: client.
        uri: of the object that tells who was first.
        execution_arn: of the execution that asks.

    Raises:
        ServiceUnavailable: another one claims it at this moment; ask again.
    """
    bucket, key = split_uri(uri)
    body = json.dumps({"By": execution_arn}).encode()
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")
    except ClientError as error:
        _check_taken(error, uri)
    else:
        return execution_arn
    found = s3.get_object(Bucket=bucket, Key=key)
    first = str(json.loads(found["Body"].read())["By"])
    if first == execution_arn or sfn.describe_execution(executionArn=first)["status"] in _AT_IT:
        return first
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", IfMatch=found["ETag"])
    except ClientError as error:
        _check_taken(error, uri)
        raise ServiceUnavailable(f"{uri} is claimed by somebody else at this moment; ask again") from error
    return execution_arn


def _check_taken(error: ClientError, uri: str) -> None:
    code = error.response["Error"]["Code"]
    if code not in _TAKEN:
        raise error
    if code == "ConditionalRequestConflict":
        raise ServiceUnavailable(f"{uri} is being written at this moment; ask again") from error
