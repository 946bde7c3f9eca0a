"""One stack with a key and a network, one run with a waiting approval, one transform job, and datasets with flaws.

Everything that is made has the key and the network, and what rows hold is nowhere but where rows belong.
"""

import fnmatch
import json
import random
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autoflow.local import cloud as host
from autoflow.local import deploy, processes
from autoflow.local.cloud import REGION, Cloud
from autoflow.local.deploy import PROJECT, Stack
from tests.local import canaries
from tests.local.conftest import AUTOFLOW, wait, write_csv
from tests.local.test_visitors import listeners, other_addresses
from tests.unit.test_encryption import KEY, properties

pytestmark = pytest.mark.timeout(1800)
ACCOUNT = "000000000000"
NETWORK = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
PARAMETERS = {
    "EndpointHosting": "Instance",
    "SubnetIds": ",".join(NETWORK["Subnets"]),
    "SecurityGroupIds": ",".join(NETWORK["SecurityGroupIds"]),
}
ROWS = 700
FLAWED: dict[str, tuple[str, dict[str, Any]]] = {
    "a row with a cell too many": ('7,red,1,yes,"CANARY-7,more",no\n', {}),
    "a quote in a cell": ('7,"CANARY-7" red,1,yes\n', {}),
    "a date that is none": ("7,CANARY-7,1,yes\n", {"Derive": {"day": "CAST(plan AS DATE)"}}),
}
"""What is wrong → a row, and what the request asks for."""
WHERE_ROWS_BELONG = (
    "uploads/*",
    "runs/*/data/*",
    "runs/*/smoke.csv",
    "runs/*/rows/*",
    "runs/*/predictions/*",
    "runs/*/accepted/*",
    "runs/*/review/*",
    "runs/*/autopilot/*",
    "runs/*/capture/*",
    "scorings/*/rows/*",
    "scorings/*/transform/*",
    "scorings/*/predictions/*",
    "scorings/*/accepted/*",
    "scorings/*/review/*",
)
"""Objects that may hold cells; docs/security.md lists them for people."""
WHERE_VALUES_BELONG = ("runs/*/profile.json", "runs/*/report.html")
"""Objects that say which values a column has: all of at most twenty, else the extremes; never those of the IdColumn."""
SECRETS = re.compile(
    rb"X-Amz-Signature|X-Amz-Security-Token|(?<![A-Z0-9])[AL][SK]IA[A-Z0-9]{16}(?![A-Z0-9])|SecretAccessKey"
)
"""Presigned addresses and credentials, however they look."""


def key_policy(stack: str) -> str:
    """The policy that docs/security.md tells people to give to their key."""
    text = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(\{.*?\n\})\n```", text, re.S)
    text = block.replace("111122223333", ACCOUNT).replace("eu-central-1", REGION).replace("autopilot-flow", stack)
    return json.dumps(json.loads(text))


def customers(count: int, seed: int) -> list[dict[str, Any]]:
    """Rows of which every cell but the target can be told again: names, texts and numbers that are nowhere else."""
    chance = random.Random(seed)
    rows = []
    for index in range(count):
        months, complaints = chance.randint(1, 60), chance.choice([0, 0, 1, 3])
        score = 1.5 - months / 12 + complaints + chance.gauss(0, 0.6)
        rows.append(
            {
                "customer": f"CANARY-ID-{seed}-{index}",
                "months": f"{months}.{730_915_000 + index}",
                "plan": chance.choice(["CANARY-PLAN-A", "CANARY-PLAN-B"]),
                "complaints": complaints,
                "cancels": "yes" if score > 0 else "no",
            }
        )
    return rows


CANARY = re.compile(rb"CANARY-|7309[0-9]{5}")
IDENTITY = re.compile(rb"CANARY-ID")


@dataclass
class Secured:
    """A cloud in which everything has happened."""

    cloud: Cloud
    stack: Stack
    key: str
    news: str
    run: str = ""
    token: str = ""
    printed: dict[str, str] = field(default_factory=dict)
    failed: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        return self.stack.outputs["DataBucketName"]

    def cli(self, folder: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [AUTOFLOW, *map(str, arguments), "--port", str(self.cloud.port)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def made() -> Iterator[Secured]:
    with host.temporary(wait_scale=0.2) as cloud:
        policy = key_policy(deploy.STACK_NAME)
        key = cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
        stack = deploy.deploy(cloud, parameters={**deploy.PARAMETERS, **PARAMETERS, "KmsKeyArn": key})
        # This cloud's CloudFormation makes no bucket encryption, so the template's is put there by hand.
        (rule,) = properties(key=True)["DataBucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == KEY
        default = rule["ServerSideEncryptionByDefault"] | {"KMSMasterKeyID": key}
        cloud.client("s3").put_bucket_encryption(
            Bucket=stack.outputs["DataBucketName"],
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
        )
        sqs = cloud.client("sqs")
        news = sqs.create_queue(QueueName="news")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=news, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        cloud.client("sns").subscribe(TopicArn=stack.outputs["NotificationTopicArn"], Protocol="sqs", Endpoint=arn)
        yield Secured(cloud, stack, key, news)


def until(condition: Callable[[], Any], what: str, seconds: float = 900) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def secured(made: Secured, tmp_path_factory: pytest.TempPathFactory) -> Secured:
    """After a run that waited for a person, a transform job, and a run for each flaw."""
    folder = tmp_path_factory.mktemp("secured")
    start_flawed(made, folder)
    learn(made, folder)
    rows = [{name: row[name] for name in row if name != "cancels"} for row in customers(90, seed=2)]
    new = write_csv(folder / "new.csv", rows)
    by = ("--endpoint", "secured", "--id-column", "customer")
    scoring = made.cli(folder, "score", new, *by, "--engine", "batch-transform")
    made.printed["score"] = scoring.communicate(timeout=900)[0]
    assert scoring.returncode == 0, made.printed["score"]
    bad = write_csv(folder / "bad.csv", [*rows[:5], {**rows[5], "months": "CANARY-7"}])
    refused = made.cli(folder, "score", bad, *by)
    made.printed["refused"] = refused.communicate(timeout=900)[0]
    for command in (("logs", made.run), ("status",)):
        made.printed[command[0]] = made.cli(folder, *command).communicate(timeout=900)[0]
    for name, description in made.failed.items():
        made.failed[name] = wait(made.cloud, description["executionArn"], 900)
    return made


def start_flawed(made: Secured, folder: Path) -> None:
    """Start a run with each flaw."""
    client, s3 = made.cloud.client("stepfunctions"), made.cloud.client("s3")
    for number, (name, (row, asked)) in enumerate(FLAWED.items()):
        lines = ["months,plan,CANARY,cancels\n", *(f"{n},red,1,{'yes' if n % 2 else 'no'}\n" for n in range(ROWS)), row]
        key = f"uploads/flawed/{number}.csv"
        s3.put_object(Bucket=made.bucket, Key=key, Body="".join(lines).encode(errors="surrogateescape"))
        request: dict[str, Any] = {"Dataset": {"S3Uri": f"s3://{made.bucket}/{key}", "TargetColumn": "cancels"}}
        if asked:
            request["Transform"] = asked
        started = client.start_execution(
            stateMachineArn=made.stack.outputs["AutoMLStateMachineArn"], input=json.dumps(request)
        )
        made.failed[name] = {"executionArn": started["executionArn"]}


def learn(made: Secured, folder: Path) -> None:
    """Run, wait for the approval, note its task token, approve, and wait for the end."""
    s3 = made.cloud.client("s3")
    data = write_csv(folder / "customers.csv", customers(ROWS, seed=1))
    request = folder / "request.json"
    endpoint = {"Name": "secured", "InstanceType": "ml.m5.large", "DataCapture": {"SamplingPercentage": 100}}
    request.write_text(json.dumps({"Endpoint": endpoint, "Approval": "Manual"}))
    asked = ("--target", "cancels", "--id-column", "customer", "--max-candidates", "1", "--max-runtime", "60")
    running = made.cli(folder, "run", data, *asked, "--input", request)

    def waiting() -> str:
        assert running.poll() is None, running.communicate()[0]
        listed = s3.list_objects_v2(Bucket=made.bucket, Prefix="runs/").get("Contents", [])
        return next((one["Key"] for one in listed if one["Key"].endswith("/approval.json")), "")

    key = until(waiting, "nobody was asked")
    made.run = key.split("/")[1]
    made.token = json.loads(s3.get_object(Bucket=made.bucket, Key=key)["Body"].read())["TaskToken"]
    approving = made.cli(folder, "approve", made.run)
    made.printed["approve"] = approving.communicate(timeout=900)[0]
    made.printed["run"] = running.communicate(timeout=900)[0]
    assert running.returncode == 0, made.printed["run"]


def test_the_job_has_the_key_and_the_network(secured: Secured) -> None:
    sagemaker = secured.cloud.client("sagemaker")
    (summary,) = sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]
    job = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=summary["AutoMLJobName"])
    assert job["OutputDataConfig"]["KmsKeyId"] == secured.key
    assert job["SecurityConfig"] == {
        "VolumeKmsKeyId": secured.key,
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": NETWORK,
    }


def test_every_model_has_the_network(secured: Secured) -> None:
    sagemaker = secured.cloud.client("sagemaker")
    models = sagemaker.list_models()["Models"]
    assert models
    for one in models:
        assert sagemaker.describe_model(ModelName=one["ModelName"])["VpcConfig"] == NETWORK


def test_every_endpoint_and_its_captured_requests_have_the_key(secured: Secured) -> None:
    sagemaker = secured.cloud.client("sagemaker")
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    described = [sagemaker.describe_endpoint_config(EndpointConfigName=one["EndpointConfigName"]) for one in configs]
    assert described
    assert {one["KmsKeyId"] for one in described} == {secured.key}
    assert {one["DataCaptureConfig"]["KmsKeyId"] for one in described if "DataCaptureConfig" in one} == {secured.key}


def test_the_transform_job_has_the_key(secured: Secured) -> None:
    sagemaker = secured.cloud.client("sagemaker")
    (summary,) = sagemaker.list_transform_jobs()["TransformJobSummaries"]
    job = sagemaker.describe_transform_job(TransformJobName=summary["TransformJobName"])
    assert job["TransformOutput"]["KmsKeyId"] == secured.key
    assert job["TransformResources"]["VolumeKmsKeyId"] == secured.key


def test_every_object_is_encrypted_with_the_key(secured: Secured) -> None:
    s3 = secured.cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=secured.bucket)
    heads = {
        one["Key"]: s3.head_object(Bucket=secured.bucket, Key=one["Key"]) for page in pages for one in page["Contents"]
    }
    assert any("/capture/" in key for key in heads)
    assert any("/transform/" in key for key in heads)
    assert any(key.endswith("model.tar.gz") for key in heads)
    assert {key for key, head in heads.items() if head.get("SSEKMSKeyId") != secured.key} == set()


def test_topic_and_queues_have_the_key(secured: Secured) -> None:
    """Keys of log groups are not made by this cloud's CloudFormation; tests/unit/test_encryption.py looks at those."""
    cloud, topic = secured.cloud, secured.stack.outputs["NotificationTopicArn"]
    assert cloud.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == secured.key
    sqs = cloud.client("sqs")
    queues = [url for url in sqs.list_queues()["QueueUrls"] if url != secured.news]
    assert len(queues) >= 2
    for url in queues:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert attributes["KmsMasterKeyId"] == secured.key


def test_the_keys_policy_is_about_what_the_stack_makes(secured: Secured) -> None:
    """Names in its conditions fit the log groups and queues that are there; LocalStack itself does not look."""
    statements = json.loads(
        secured.cloud.client("kms").get_key_policy(KeyId=secured.key, PolicyName="default")["Policy"]
    )["Statement"]
    conditions = json.dumps([one.get("Condition", {}) for one in statements])
    groups = [
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group['logGroupName']}"
        for page in secured.cloud.client("logs").get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
        if group["logGroupName"].startswith(("/aws/lambda/", "/aws/vendedlogs/"))
    ]
    queues = [
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"
        for url in secured.cloud.client("sqs").list_queues()["QueueUrls"]
        if url != secured.news
    ]
    patterns = re.findall(r'"(arn:aws:(?:logs|sqs):[^"]*)"', conditions)
    assert len(patterns) == 3
    for arn in [*groups, *queues]:
        assert any(fnmatch.fnmatchcase(arn, pattern) for pattern in patterns), arn


def test_every_listener_of_a_working_cloud_is_on_loopback(secured: Secured) -> None:
    """The gateway, what functions ask for their events, and the endpoint's container."""
    workers = [one for one in processes.find(secured.cloud.mark) if "autoflow.local.engine.serve" in one.cmdline()]
    assert workers, "the endpoint of the run is in service"
    found = listeners(secured.cloud.mark)
    assert len(found) >= 3
    assert {address for address, _ in found} == {host.HOST}
    for address in other_addresses():
        for _, port in found:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, port), timeout=5)


@pytest.mark.parametrize("name", FLAWED)
def test_a_flawed_dataset_is_refused_without_quoting_a_cell(secured: Secured, name: str) -> None:
    ended = secured.failed[name]
    assert ended["status"] == "FAILED"
    assert ended["error"] == "InvalidDataset"
    assert not CANARY.search(ended["cause"].encode())


def told(secured: Secured) -> Iterator[tuple[str, str]]:
    """All that is said outside of the data bucket: where, and what."""
    for group, line in canaries.log_lines(secured.cloud):
        yield f"log group {group}", line
    for arn, text in canaries.histories(secured.cloud):
        yield f"execution {arn}", text.replace(secured.token, "") if secured.token else text
    yield "metrics and alarms", canaries.metrics(secured.cloud)
    yield "SageMaker", canaries.sagemaker_documents(secured.cloud)
    for command, text in secured.printed.items():
        yield f"autoflow {command}", text
    yield "the cloud's log", secured.cloud.instance.log.read_text(errors="replace")
    for message in canaries.messages(secured.cloud, secured.news):
        yield "a notification", message


def test_no_cell_and_no_secret_is_told_anywhere(secured: Secured) -> None:
    """The task token is in the history of the execution that waits, as in AWS; nobody answers with it who may not."""
    places, leaks = set(), []
    for where, text in told(secured):
        places.add(where.split()[0])
        for found in [*CANARY.finditer(text.encode()), *SECRETS.finditer(text.encode())]:
            leaks.append((where, text[max(0, found.start() - 150) : found.end() + 60]))
        if secured.token and secured.token in text:
            leaks.append((where, "the task token"))
    assert places >= {"log", "execution", "metrics", "SageMaker", "autoflow", "the", "a"}
    assert leaks == []


def test_cells_are_in_objects_that_are_meant_to_hold_rows_only(secured: Secured) -> None:
    holding, checked = set(), 0
    for key, body in canaries.objects(secured.cloud, secured.bucket):
        checked += 1
        told = IDENTITY if any(fnmatch.fnmatchcase(key, one) for one in WHERE_VALUES_BELONG) else CANARY
        if told.search(body) and not any(fnmatch.fnmatchcase(key, one) for one in WHERE_ROWS_BELONG):
            holding.add(key)
    assert checked > 40
    assert holding == set()


def test_no_object_holds_a_secret_but_the_token_of_whoever_waits(secured: Secured) -> None:
    holding = {
        key
        for key, body in canaries.objects(secured.cloud, secured.bucket)
        if SECRETS.search(body) or secured.token.encode() in body
    }
    assert {key.rpartition("/")[2] for key in holding} == {"approval.json"}
    current = secured.cloud.client("s3").list_objects_v2(Bucket=secured.bucket, Prefix="runs/")["Contents"]
    assert not [one["Key"] for one in current if one["Key"].endswith("/approval.json")], "it was answered, and is gone"
