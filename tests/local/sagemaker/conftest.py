"""A local cloud of its own with one trained job, shared by all tests of this folder."""

import csv
import io
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from autoflow.local import cloud as host
from autoflow.local.cloud import Cloud

ROLE = "arn:aws:iam::000000000000:role/SageMaker"
BUCKET = "sagemaker-tests"
IDLE_SECONDS = 4
SERVICES = ("cloudwatch", "events", "iam", "kms", "logs", "s3", "sagemaker", "sagemaker-runtime", "sqs", "sts")
HEADER = ["age", "job", "score", "note", "y"]


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    environment = {"AUTOFLOW_SERVERLESS_IDLE_SECONDS": str(IDLE_SECONDS)}
    with host.temporary(services=SERVICES, environment=environment) as started:
        started.client("s3").create_bucket(Bucket=BUCKET)
        yield started


def people(count: int, seed: int = 0) -> list[list[str]]:
    """Rows whose ``y`` follows from age and job, mostly."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        age, job, score = draw.randint(18, 80), draw.choice(["cook", "smith", "clerk"]), draw.gauss(0, 1)
        sure = age > 45 if job != "clerk" else score > 0
        good = sure if draw.random() < 0.93 else not sure
        rows.append(
            [str(age), job, f"{score:.4f}", "" if number % 9 == 0 else f'n "{number % 4}", x', "yes" if good else "no"]
        )
    return rows


def table(rows: list[list[str]], header: list[str] | None = HEADER) -> bytes:
    """CSV with or without header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(([header] if header else []) + rows)
    return text.getvalue().encode()


def job_request(name: str, prefix: str, target: str = "y", **tabular: Any) -> dict[str, Any]:
    """CreateAutoMLJobV2 for the objects below the prefix."""
    return {
        "AutoMLJobName": name,
        "AutoMLJobInputDataConfig": [
            {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}"}}}
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
        "RoleArn": ROLE,
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {"TargetAttributeName": target, "Mode": "ENSEMBLING", **tabular}
        },
    }


@dataclass
class SageMaker:
    """Clients of the cloud."""

    s3: Any
    sagemaker: Any
    runtime: Any
    logs: Any
    bucket = BUCKET
    role = ROLE
    header = HEADER
    idle_seconds = IDLE_SECONDS
    people = staticmethod(people)
    table = staticmethod(table)
    job_request = staticmethod(job_request)

    def upload(self, key: str, data: bytes) -> None:
        """Put an object into the tests' bucket."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)

    def describe(self, name: str) -> dict[str, Any]:
        """DescribeAutoMLJobV2."""
        description: dict[str, Any] = self.sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name)
        return description

    def follow(
        self, name: str, until: Callable[[dict[str, Any]], bool] = lambda job: False, seconds: float = 120
    ) -> list[dict[str, Any]]:
        """Every different description of the job until it is over or ``until`` is true."""
        seen: list[dict[str, Any]] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.describe(name)
            if not seen or job["AutoMLJobSecondaryStatus"] != seen[-1]["AutoMLJobSecondaryStatus"]:
                seen.append(job)
            if job["AutoMLJobStatus"] in {"Completed", "Failed", "Stopped"} or until(job):
                seen[-1] = job
                return seen
            time.sleep(0.05)
        raise AssertionError(f"{name} is {seen[-1]['AutoMLJobStatus']} after {seconds} s")

    def invoke(self, endpoint: str, body: bytes, **arguments: Any) -> str:
        """Text that the endpoint answers."""
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body, **arguments)
        text: str = answer["Body"].read().decode()
        return text

    def wait_for_endpoint(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """The endpoint when it has stopped changing."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            endpoint: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            if endpoint["EndpointStatus"] not in {"Creating", "Updating", "RollingBack"}:
                return endpoint
            time.sleep(0.1)
        raise AssertionError(f"{name} is {endpoint['EndpointStatus']} after {seconds} s")


@pytest.fixture(scope="session")
def aws(cloud: Cloud) -> SageMaker:
    return SageMaker(*(cloud.client(name) for name in ("s3", "sagemaker", "sagemaker-runtime", "logs")))


@dataclass
class Trained:
    """A job that has ended, and what was seen on the way."""

    request: dict[str, Any]
    seen: list[dict[str, Any]]
    candidates_on_the_way: int

    @property
    def job(self) -> dict[str, Any]:
        """Its last description."""
        return self.seen[-1]


@pytest.fixture(scope="session")
def trained(aws: SageMaker) -> Trained:
    rows = people(700)
    aws.upload("train/part-0.csv", table(rows[:400]))
    aws.upload("train/part-1.csv", table(rows[400:]))
    aws.upload("train/empty", b"")
    request = job_request(
        "trained",
        "train/",
        ProblemType="BinaryClassification",
        CompletionCriteria={"MaxCandidates": 4, "MaxAutoMLJobRuntimeInSeconds": 60},
    ) | {
        "AutoMLJobObjective": {"MetricName": "AUC"},
        "Tags": [{"Key": "autopilot-flow:run", "Value": "s3://b/runs/r/"}],
    }
    aws.sagemaker.create_auto_ml_job_v2(**request)
    seen = aws.follow("trained", until=lambda job: "BestCandidate" in job)
    on_the_way = len(aws.sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName="trained")["Candidates"])
    assert seen[-1]["AutoMLJobStatus"] == "InProgress", seen[-1]
    return Trained(request, seen + aws.follow("trained"), on_the_way)


@pytest.fixture
def heard(cloud: Cloud) -> Iterator[Any]:
    """Events of SageMaker on the default bus, as a queue gets them: call with their kind and a number to wait for."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="heard", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": arn}])

    def wait(kind: str, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        end = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < end:
            messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
            told = [json.loads(message["Body"]) for message in messages]
            found += [event for event in told if event["detail-type"] == f"SageMaker {kind} State Change"]
        return found

    yield wait
    events.remove_targets(Rule="heard", Ids=["queue"])
    events.delete_rule(Name="heard")
    sqs.delete_queue(QueueUrl=url)
