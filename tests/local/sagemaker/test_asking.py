"""Invoke Endpoint's way of asking, at endpoints of the local SageMaker: throttled, over their limits, with bad rows."""

import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from autoflow.local.cloud import REGION
from automl.clients import RUNTIME_CONFIG
from automl.scoring.answers import AnswerReader
from automl.scoring.batch_size import BatchSize
from automl.scoring.concurrency import Limiter
from automl.scoring.inference import Inquirer, Prediction
from tests.local.sagemaker.test_endpoints import KEYS, make_config, make_model

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker, Trained

READER = AnswerReader([key.strip() for key in KEYS.split(",")], "BinaryClassification")


@pytest.fixture(scope="module")
def endpoint(aws: "SageMaker", trained: "Trained") -> str:
    """Serverless, one request at a time."""
    make_model(aws, trained, "one-at-a-time", SAGEMAKER_INFERENCE_OUTPUT=KEYS)
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    make_config(aws, "one-at-a-time", "one-at-a-time", ServerlessConfig=serverless)
    aws.sagemaker.create_endpoint(EndpointName="one-at-a-time", EndpointConfigName="one-at-a-time")
    assert aws.wait_for_endpoint("one-at-a-time")["EndpointStatus"] == "InService"
    return "one-at-a-time"


def predict(
    aws: "SageMaker", endpoint: str, rows: list[list[str]], at_once: int, max_bytes: int = 4_000_000
) -> tuple[Prediction, list[str | None], Inquirer, Limiter]:
    limiter = Limiter(at_once)
    address = aws.runtime.meta.endpoint_url
    config = RUNTIME_CONFIG.merge(Config(proxies={}))
    session: Any = boto3.Session("test", "test", region_name=REGION)
    runtime = session.client("sagemaker-runtime", endpoint_url=address, config=config)
    inquirer = Inquirer(runtime, endpoint, limiter, lambda wait: time.sleep(wait / 20))
    records = [aws.table([row], header=None).removesuffix(b"\n") for row in rows]
    prediction = Prediction(inquirer.ask, READER, records, BatchSize(max_bytes, len(records), at_once), at_once)
    return prediction, list(prediction.lines()), inquirer, limiter


@pytest.fixture(scope="module")
def rows(aws: "SageMaker") -> list[list[str]]:
    return [row[:-1] for row in aws.people(6_000, seed=3)]


def test_a_share_that_the_endpoint_has_not_is_given_up(aws: "SageMaker", endpoint: str, rows: list[list[str]]) -> None:
    """Four requests at once where one is allowed: all rows are answered, in their order."""
    many = rows * 5  # fewer would not be divided among four requests
    _, alone, *_ = predict(aws, endpoint, many, 1)

    prediction, lines, inquirer, limiter = predict(aws, endpoint, many, 4)

    assert lines == alone
    assert prediction.failed == []
    assert limiter.limit < 4
    assert inquirer.requests > 4


def test_rows_that_the_container_refuses_are_found(aws: "SageMaker", endpoint: str, rows: list[list[str]]) -> None:
    poisoned = {1_234: "old", 4_000: "12 years"}
    table = [[poisoned.get(number, row[0]), *row[1:]] for number, row in enumerate(rows)]

    prediction, lines, *_ = predict(aws, endpoint, table, 1)
    _, alone, *_ = predict(aws, endpoint, rows, 1)

    assert sorted(prediction.failed) == sorted(poisoned)
    assert lines == [None if number in poisoned else line for number, line in enumerate(alone)]


def test_an_answer_over_the_limit_is_asked_for_in_halves(
    aws: "SageMaker", endpoint: str, rows: list[list[str]]
) -> None:
    """60,000 rows fit into one request, but their answers do not into one response."""
    many = rows * 10

    prediction, lines, inquirer, _ = predict(aws, endpoint, many, 1, max_bytes=4_000_000_000)

    assert prediction.failed == []
    assert len(lines) == len(many)
    assert lines[: len(rows)] == lines[-len(rows) :]
    assert inquirer.requests >= 4
