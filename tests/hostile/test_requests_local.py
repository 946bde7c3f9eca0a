"""The worst of the hostile requests as real executions, and through the command line: nothing is left of any."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from autoflow.local import cloud as host
from autoflow.local import deploy
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from automl import failures
from tests.faults.orphans import snapshot
from tests.faults.settled import left_over
from tests.hostile.requests import AUTOML, BUCKET, DEPLOYMENTS, RECIPES, SCORINGS, Hostile
from tests.local.conftest import AUTOFLOW, wait

MACHINES = {"automl": "AutoMLStateMachine", "recipe": "AutoMLStateMachine", "scoring": "ScoringStateMachine"}
ODD_KEY = "incoming/{0.__class__} {}'\\\"$.x%2e%2e/../ü\u202e.csv"
NOTES = "cleanups/"
"""What the clean-up machine notes, so that it tells of each failure once; they expire."""
UPLOAD = Hostile(
    "an upload with a name of braces and quotes",
    "scoring",
    {"Endpoint": {"Name": "nobody"}, "Upload": {"Bucket": BUCKET, "Key": ODD_KEY}},
    "There is no endpoint 'nobody'",
)
# A request in thousands of layers is for the engine to refuse: it does not get as far as to a function.
WORST = {
    "automl": (
        *("a list of many kinds", "a name of 250 KB", "a number of 400 digits", "half a character"),
        *("a name with a line break", "somebody's staging", "text that turns round", "one of Python's formats"),
        *("a JSON path", "a substitution"),
    ),
    "recipe": ("20,000 additions", "2 to the 40th, by BETWEEN", "10,000 parentheses", "texts that grow"),
    "scoring": ("200 KB that nobody reads", "results in another run", "results that go up"),
    "deployment": ("a model with a line break",),
}
CASES = [
    *(case for case in (*AUTOML, *RECIPES, *SCORINGS, *DEPLOYMENTS) if case.name in WORST.get(case.door, ())),
    UPLOAD,
]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with host.temporary() as started:
        yield started


@pytest.fixture(scope="module")
def stack(cloud: Cloud) -> Stack:
    return deploy.deploy(cloud)


@pytest.fixture(scope="module")
def heard(cloud: Cloud, stack: Stack) -> str:
    """URL of a queue with what people are told."""
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    url: str = sqs.create_queue(QueueName="hostile")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=stack.outputs["NotificationTopicArn"], Protocol="sqs", Endpoint=arn)
    return url


def keys(cloud: Cloud, bucket: str) -> set[str]:
    return {item["Key"] for item in cloud.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}


def of_this_stack(case: Hostile, bucket: str) -> str:
    """The execution input as text, with the stack's bucket."""
    text = case.sent if isinstance(case.sent, str) else json.dumps(case.sent)
    return text.replace(f"s3://{BUCKET}/", f"s3://{bucket}/").replace(f'"{BUCKET}"', f'"{bucket}"')


def told(cloud: Cloud, queue: str, execution: str) -> list[dict[str, Any]]:
    """The messages about the execution."""
    found: list[dict[str, Any]] = []
    end = time.monotonic() + 60
    while not found and time.monotonic() < end:
        answer = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            envelope = json.loads(message["Body"])
            if json.loads(envelope["Message"]).get("Execution") == execution:
                found.append(envelope)
    return found


@pytest.mark.parametrize("case", CASES, ids=[f"{case.door}: {case.name}" for case in CASES])
def test_an_execution_ends_with_a_named_error_and_leaves_its_result_alone(
    case: Hostile, cloud: Cloud, stack: Stack, heard: str
) -> None:
    bucket = stack.outputs["DataBucketName"]
    cloud.client("s3").put_object(Bucket=bucket, Key="datasets/rows.csv", Body=b"x,s,y\n1,a,2\n2,b,3\n3,c,4\n")
    before, there = snapshot(cloud), keys(cloud, bucket)
    machine = stack.outputs[f"{MACHINES.get(case.door, 'DeploymentStateMachine')}Arn"]
    try:
        started = cloud.client("stepfunctions").start_execution(
            stateMachineArn=machine, input=of_this_stack(case, bucket)
        )
    except ClientError as refused:
        code = refused.response["Error"]["Code"]
        assert code in {"InvalidExecutionInput", "ValidationException"}
        return
    ended = wait(cloud, started["executionArn"], 300)

    assert ended["status"] == "FAILED"
    failure = failures.unwrap({"Error": ended["error"], "Cause": ended["cause"]})
    assert ended["error"] == case.error, ended["cause"]
    assert case.says.replace(BUCKET, bucket) in failure.cause
    assert ended["cause"] == failure.cause, "a sentence, and no document with a traceback"
    assert left_over(cloud, before) == []
    left = {key for key in keys(cloud, bucket) - there if not key.startswith(NOTES)}
    if case.door not in {"automl", "recipe"}:
        assert left == set()
        return
    request = {"request.json"} if case.door == "recipe" else set()
    assert {key.rpartition("/")[2] for key in left} == {"result.json", *request}
    (message,) = told(cloud, heard, started["executionArn"])
    assert message["Subject"].isascii()
    assert message["Subject"].isprintable()
    assert json.loads(message["Message"])["Cause"] == ended["cause"]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"Endpoint": {"Name": "a-0a1b2c3d-staging"}}, "which they delete; choose a name with another ending"),
        ({"Transform": {"Filter": "x" + " between 0 and 1" * 40}}, "takes millions of steps for each row"),
    ],
)
def test_the_command_line_shows_one_sentence_and_takes_its_upload_back(
    request_: dict[str, Any], says: str, cloud: Cloud, stack: Stack, tmp_path: Path
) -> None:
    bucket = stack.outputs["DataBucketName"]
    before, there = snapshot(cloud), keys(cloud, bucket)
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n2,3\n")
    (tmp_path / "request.json").write_text(json.dumps(request_))
    done = subprocess.run(
        [AUTOFLOW, "run", "rows.csv", "--target", "y", "--input", "request.json", "--json", "--port", str(cloud.port)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2, done.stderr
    document = json.loads(done.stdout)
    assert document["Error"] == "InvalidRequest"
    assert says in document["Cause"]
    assert "Traceback" not in done.stderr
    assert left_over(cloud, before) == []
    left = {key for key in keys(cloud, bucket) - there if not key.startswith(NOTES)}
    assert {key.rpartition("/")[2] for key in left} <= {"result.json", "request.json"}
