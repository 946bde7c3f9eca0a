"""Mishaps by real means: processes that are held or killed, and executions that are watched until the right moment."""

import contextlib
import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil

from autoflow.local import processes
from autoflow.local.cloud import Cloud
from autoflow.local.deploy import Stack
from tests.local.conftest import history, wait

PATIENCE_SECONDS = 600


def until[T](look: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS, pause: float = 0.05) -> T:
    """What the look finds, when it finds something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(pause)
    return found


def workers(cloud: Cloud, engine: str) -> set[int]:
    """Processes that run ``autoflow.local.engine.<engine>``: ``train`` or ``serve``; what they forked counts, too."""
    found = set()
    for process in processes.find(cloud.mark):
        with contextlib.suppress(psutil.Error):
            if f"autoflow.local.engine.{engine}" in process.cmdline():
                found.add(process.pid)
    return found


class Newcomer:
    """The next worker that is started; it can be held as soon as it is there, before it has done anything."""

    def __init__(self, cloud: Cloud, engine: str) -> None:
        self._cloud, self._engine = cloud, engine
        self._before = workers(cloud, engine)
        self.pid = 0

    def arrives(self) -> None:
        """Wait for it."""
        self.pid = until(
            lambda: min(workers(self._cloud, self._engine) - self._before, default=0), f"a new {self._engine} worker"
        )

    def hold(self) -> None:
        """Wait for it and stop it with everything it started: nothing of it runs."""
        self.arrives()
        os.killpg(self.pid, signal.SIGSTOP)

    def release(self) -> None:
        """Let it go on, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it with everything it started."""
        os.killpg(self.pid, signal.SIGKILL)


def is_asked(cloud: Cloud, worker: int) -> bool:
    """Whether the cloud has a connection to the worker: a request is on its way, also to a worker that is held."""
    ports = {one.laddr.port for one in psutil.Process(worker).net_connections("tcp") if one.status == "LISTEN"}
    ours = psutil.Process(cloud.pid).net_connections("tcp")
    return any(one.raddr and one.raddr.port in ports and one.status == "ESTABLISHED" for one in ours)


@dataclass(frozen=True)
class Started:
    """An execution that was started and is watched."""

    cloud: Cloud
    arn: str

    def entered(self, state: str) -> bool:
        """Whether it has been in the state."""
        details = (event.get("stateEnteredEventDetails") for event in history(self.cloud, self.arn))
        return any(each and each["name"] == state for each in details)

    def until_entered(self, state: str) -> None:
        """Wait until it comes to the state."""
        until(lambda: self.entered(state), f"{self.arn} in {state!r}")

    def job(self) -> dict[str, Any]:
        """Description of its AutoML job, waited for; a run's job is named like the run."""
        client = self.cloud.client("sagemaker")
        name = self.arn.rpartition(":")[2]

        def named() -> str:
            found = client.list_auto_ml_jobs(NameContains=name)["AutoMLJobSummaries"]
            return str(found[0]["AutoMLJobName"]) if found else ""

        description: dict[str, Any] = client.describe_auto_ml_job_v2(AutoMLJobName=until(named, f"a job of {name}"))
        return description

    def ended(self, seconds: float = 1200) -> dict[str, Any]:
        """Its description at its end."""
        return wait(self.cloud, self.arn, seconds)


def start(cloud: Cloud, stack: Stack, machine: str, request: dict[str, Any]) -> Started:
    """Start a machine, named by its output key without ``Arn``; the execution's name is in its run's."""
    client, name = cloud.client("stepfunctions"), f"mishap-{secrets.token_hex(4)}"
    arn = stack.outputs[f"{machine}Arn"]
    answer = client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(request))
    return Started(cloud, answer["executionArn"])


class Letters:
    """What the topic tells people, as a queue that subscribes to it gets it."""

    def __init__(self, cloud: Cloud, topic: str) -> None:
        self._sqs = cloud.client("sqs")
        self._url = self._sqs.create_queue(QueueName="letters")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        arn = cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])
        self._sns, self._subscription = cloud.client("sns"), arn["SubscriptionArn"]
        self._read: list[dict[str, Any]] = []

    def about(self, execution: str) -> list[dict[str, Any]]:
        """All letters so far about the execution with this ARN; there must be one at least."""
        until(lambda: self._of(execution) or (self._take() and self._of(execution)), f"a letter about {execution}", 30)
        return self.so_far(execution)

    def so_far(self, execution: str) -> list[dict[str, Any]]:
        """All letters about the execution with this ARN that there are, if any."""
        while self._take(wait_seconds=2):  # a second one would follow at once
            pass
        return self._of(execution)

    def close(self) -> None:
        """Unsubscribe."""
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._url)

    def _of(self, execution: str) -> list[dict[str, Any]]:
        return [letter for letter in self._read if letter.get("Execution") == execution]

    def _take(self, wait_seconds: int = 1) -> int:
        answer = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=wait_seconds, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        for message in messages:
            self._read.append(json.loads(json.loads(message["Body"])["Message"]))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)


def scored(cloud: Cloud, result: dict[str, Any], key: str) -> list[str]:
    """The keys of all rows that a scoring decided, accepted or not, as often as they are in its files."""
    s3, found = cloud.client("s3"), []
    for kind in ("Accepted", "Review"):
        bucket, _, prefix = result["Files"][kind].removeprefix("s3://").partition("/")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                text = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
                header, *rows = text.splitlines()
                place = header.split(",").index(key)
                found += [row.split(",")[place] for row in rows]
    return found


@contextlib.contextmanager
def moved_away(cloud: Cloud, uri: str) -> Iterator[None]:
    """Somebody deletes an object; after the block it is there again."""
    s3 = cloud.client("s3")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    try:
        yield
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=body)
