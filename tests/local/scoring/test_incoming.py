"""A file that is uploaded to incoming/ is scored by the stack's endpoint for uploads, whatever it is called."""

import json
import time

import pytest

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.local.conftest import succeeded
from tests.local.scoring.conftest import Learnt


def uploaded(cloud: Cloud, stack: Stack) -> dict[str, list[str]]:
    """Key of an uploaded file → the executions that an upload of it has started."""
    client, machine = cloud.client("stepfunctions"), stack.outputs["ScoringStateMachineArn"]
    found: dict[str, list[str]] = {}
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for execution in page["executions"]:
            request = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
            if "Upload" in request:
                found.setdefault(request["Upload"]["Key"], []).append(execution["executionArn"])
    return found


def the_execution_of(cloud: Cloud, stack: Stack, key: str) -> str:
    end = time.monotonic() + 60
    while not (found := uploaded(cloud, stack).get(key)):
        assert time.monotonic() < end, f"the upload of {key!r} started nothing"
        time.sleep(0.5)
    (execution,) = found
    return execution


@pytest.mark.parametrize("key", ["incoming/rows.csv", 'incoming/2026/Zürich + the "new" {ones}, 100 %.csv'])
def test_an_upload_is_scored(cloud: Cloud, stack: Stack, learnt: Learnt, key: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=learnt.bucket, Key=f"{key.rpartition('/')[0]}/", Body=b"")  # a folder, as the console makes it
    s3.put_object(Bucket=learnt.bucket, Key="uploads/elsewhere.csv", Body=b"a\n1\n")

    s3.copy_object(Bucket=learnt.bucket, Key=key, CopySource={"Bucket": learnt.bucket, "Key": learnt.key})

    ended = learnt.ended(the_execution_of(cloud, stack, key))
    assert succeeded(ended)["Rows"] == learnt.rows
    assert not [other for other in uploaded(cloud, stack) if not other.endswith(".csv") or "elsewhere" in other]


def test_a_file_that_is_no_dataset_fails_and_says_so(cloud: Cloud, stack: Stack, learnt: Learnt) -> None:
    cloud.client("s3").put_object(Bucket=learnt.bucket, Key="incoming/readme.csv", Body=b"hello\nworld\n")

    ended = learnt.ended(the_execution_of(cloud, stack, "incoming/readme.csv"))

    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidDataset")
    assert "incoming/readme.csv" in ended["cause"]
