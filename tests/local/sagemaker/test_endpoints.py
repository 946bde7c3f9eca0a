"""Endpoints: what they answer, how they change, how they fail."""

import ast
import contextlib
import csv
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker, Trained

KEYS = "predicted_label, probability,probabilities,labels"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
INSTANCES = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def make_model(aws: "SageMaker", trained: "Trained", name: str, **environment: str) -> None:
    (container,) = trained.job["BestCandidate"]["InferenceContainers"]
    container = container | {"Environment": container["Environment"] | environment}
    aws.sagemaker.create_model(ModelName=name, Containers=[container], ExecutionRoleArn=aws.role)


def make_config(aws: "SageMaker", name: str, model: str, **hosting: Any) -> None:
    variant = {"VariantName": "AllTraffic", "ModelName": model, **hosting}
    aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def refusal(call: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return dict(caught.value.response)


@pytest.fixture(scope="module")
def endpoint(aws: "SageMaker", trained: "Trained") -> str:
    """Serverless, answering all keys."""
    make_model(aws, trained, "all-keys", SAGEMAKER_INFERENCE_OUTPUT=KEYS)
    make_config(aws, "serverless", "all-keys", ServerlessConfig=SERVERLESS)
    aws.sagemaker.create_endpoint(EndpointName="serverless", EndpointConfigName="serverless")
    assert aws.sagemaker.describe_endpoint(EndpointName="serverless")["EndpointStatus"] == "Creating"
    description = aws.wait_for_endpoint("serverless")
    assert description["EndpointStatus"] == "InService"
    (variant,) = description["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == SERVERLESS
    return "serverless"


@pytest.fixture(scope="module")
def rows(aws: "SageMaker") -> list[list[str]]:
    return [row[:-1] for row in aws.people(300, seed=9)]


def test_csv_answers_have_the_keys_in_order(aws: "SageMaker", endpoint: str, rows: list[list[str]]) -> None:
    text = aws.invoke(endpoint, aws.table(rows, header=None), Accept="text/csv")
    records = list(csv.reader(io.StringIO(text)))
    assert len(records) == len(rows)
    for label, probability, probabilities, labels in records:
        values = dict(zip(ast.literal_eval(labels), ast.literal_eval(probabilities), strict=True))
        assert list(values) == ["no", "yes"]
        assert sum(values.values()) == pytest.approx(1, abs=1e-6)
        assert values[label] == max(values.values()) == float(probability)


def test_predictions_follow_what_was_learned(aws: "SageMaker", endpoint: str) -> None:
    truth = aws.people(400, seed=77)
    text = aws.invoke(endpoint, aws.table([row[:-1] for row in truth], header=None))
    right = [record[0] == row[-1] for record, row in zip(csv.reader(io.StringIO(text)), truth, strict=True)]
    assert sum(right) / len(right) > 0.85


def test_json_answers(aws: "SageMaker", endpoint: str, rows: list[list[str]]) -> None:
    text = aws.invoke(endpoint, aws.table(rows[:2], header=None), Accept="application/json")
    predictions = json.loads(text)["predictions"]
    assert len(predictions) == 2
    assert list(predictions[0]) == ["predicted_label", "probability", "probabilities", "labels"]
    assert predictions[0]["labels"] == "['no', 'yes']"
    assert ast.literal_eval(predictions[0]["probabilities"])


def test_the_container_says_what_is_wrong_with_rows(aws: "SageMaker", endpoint: str) -> None:
    body = b"44,cook\n"
    response = refusal(aws.runtime.invoke_endpoint, EndpointName=endpoint, ContentType="text/csv", Body=body)
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert "a row has 2 columns, the model was trained on 4" in response["OriginalMessage"]
    assert f"/aws/sagemaker/Endpoints/{endpoint}" in response["LogStreamArn"]
    header = b"age,job,score,note\n"
    response = refusal(aws.runtime.invoke_endpoint, EndpointName=endpoint, ContentType="text/csv", Body=header)
    assert "is not a number" in response["OriginalMessage"]


def test_what_the_container_printed_is_in_the_logs(aws: "SageMaker", endpoint: str) -> None:
    end = time.monotonic() + 10
    text = ""
    while "a row has 2 columns" not in text and time.monotonic() < end:
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        with contextlib.suppress(aws.logs.exceptions.ResourceNotFoundException):
            events = aws.logs.filter_log_events(logGroupName=group)["events"]
            text = "\n".join(event["message"] for event in events)
        time.sleep(0.1)
    assert "a row has 2 columns" in text


def test_requests_have_limits(aws: "SageMaker", endpoint: str) -> None:
    body = b"1" * (4 * 1024 * 1024 + 1)
    response = refusal(aws.runtime.invoke_endpoint, EndpointName=endpoint, ContentType="text/csv", Body=body)
    assert response["Error"]["Code"] == "ValidationError"
    assert "less than or equal to 4194304" in response["Error"]["Message"]


def test_features_that_the_endpoint_has_not_are_refused(aws: "SageMaker", endpoint: str) -> None:
    for name in ("TargetModel", "TargetContainerHostname", "EnableExplanations", "InferenceComponentName"):
        response = refusal(aws.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"1", **{name: "other"})
        assert response["Error"]["Code"] == "ValidationError"
        assert name in response["Error"]["Message"]


def test_endpoints_that_do_not_exist(aws: "SageMaker") -> None:
    response = refusal(aws.runtime.invoke_endpoint, EndpointName="nobody", Body=b"1")
    assert response["Error"] == {
        "Code": "ValidationError", "Message": "Endpoint nobody of account 000000000000 not found."
    }  # fmt: skip
    assert refusal(aws.sagemaker.describe_endpoint, EndpointName="nobody")["Error"] == {
        "Code": "ValidationException",
        "Message": 'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/nobody".',
    }


def test_more_invocations_than_max_concurrency_are_throttled(
    aws: "SageMaker", endpoint: str, rows: list[list[str]]
) -> None:
    body = aws.table(rows * 50, header=None)

    def outcome(_: int) -> str:
        try:
            aws.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(outcome, range(8)))
    assert outcomes.count("ok") >= 2
    assert set(outcomes) <= {"ok", "ThrottlingException"}


def test_a_serverless_endpoint_sleeps_and_wakes(aws: "SageMaker", endpoint: str, rows: list[list[str]]) -> None:
    body = aws.table(rows[:1], header=None)
    first = aws.invoke(endpoint, body)
    streams = aws.logs.describe_log_streams(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")["logStreams"]
    time.sleep(aws.idle_seconds + 1)
    assert aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"
    assert aws.invoke(endpoint, body) == first
    end = time.monotonic() + 10
    while time.monotonic() < end:
        now = aws.logs.describe_log_streams(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")["logStreams"]
        if len(now) == len(streams) + 1:
            return
        time.sleep(0.1)
    pytest.fail("no second container was started")


def test_an_update_serves_the_new_model_and_a_bad_one_is_rolled_back(
    aws: "SageMaker", trained: "Trained", rows: list[list[str]]
) -> None:
    body = aws.table(rows[:3], header=None)
    make_model(aws, trained, "labels-only")
    make_model(aws, trained, "json", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/json")
    broken = {"Image": trained.job["BestCandidate"]["InferenceContainers"][0]["Image"]}
    broken["ModelDataUrl"] = f"s3://{aws.bucket}/nothing/model.tar.gz"
    aws.sagemaker.create_model(ModelName="broken", PrimaryContainer=broken, ExecutionRoleArn=aws.role)
    for config, model in (("one", "labels-only"), ("two", "json"), ("three", "broken")):
        make_config(aws, config, model, **INSTANCES)
    make_config(aws, "four", "json", ServerlessConfig=SERVERLESS)
    call = aws.sagemaker
    call.create_endpoint(EndpointName="instances", EndpointConfigName="one")
    busy = refusal(call.delete_endpoint, EndpointName="instances")["Error"]["Message"]
    assert busy.startswith("Cannot update in-progress endpoint")
    assert aws.wait_for_endpoint("instances")["EndpointStatus"] == "InService"
    labels = aws.invoke("instances", body)
    assert set(labels.split()) <= {"yes", "no"}
    assert len(labels.splitlines()) == 3

    call.update_endpoint(EndpointName="instances", EndpointConfigName="two")
    description = call.describe_endpoint(EndpointName="instances")
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("Updating", "one")
    assert aws.invoke("instances", body) == labels, "the old model serves meanwhile"
    description = aws.wait_for_endpoint("instances")
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", "two")
    assert [
        item["predicted_label"] for item in json.loads(aws.invoke("instances", body))["predictions"]
    ] == labels.split()

    call.update_endpoint(EndpointName="instances", EndpointConfigName="three")
    description = aws.wait_for_endpoint("instances")
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", "two")
    assert "Could not load the model data" in description["FailureReason"]
    assert "predictions" in aws.invoke("instances", body)

    assert (
        "serverless"
        in refusal(call.update_endpoint, EndpointName="instances", EndpointConfigName="four")["Error"]["Message"]
    )
    assert (
        "already uses"
        in refusal(call.update_endpoint, EndpointName="instances", EndpointConfigName="two")["Error"]["Message"]
    )
    again = refusal(call.create_endpoint, EndpointName="instances", EndpointConfigName="one")["Error"]["Message"]
    assert again.startswith("Cannot create already existing endpoint")

    call.delete_endpoint(EndpointName="instances")
    end = time.monotonic() + 10
    while any(item["EndpointName"] == "instances" for item in call.list_endpoints()["Endpoints"]):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert (
        refusal(aws.runtime.invoke_endpoint, EndpointName="instances", Body=body)["Error"]["Code"] == "ValidationError"
    )


@pytest.mark.parametrize(
    ("name", "container", "reason"),
    [
        ("image", {"Image": "1.dkr.ecr.us-east-1.amazonaws.com/sklearn:1"}, "cannot run the image"),
        ("keys", {"Environment": {"SAGEMAKER_INFERENCE_OUTPUT": "odds"}}, "odds"),
    ],
)
def test_an_endpoint_that_cannot_start_says_why(
    aws: "SageMaker", trained: "Trained", name: str, container: dict[str, Any], reason: str
) -> None:
    (good,) = trained.job["BestCandidate"]["InferenceContainers"]
    aws.sagemaker.create_model(ModelName=f"bad-{name}", Containers=[good | container], ExecutionRoleArn=aws.role)
    make_config(aws, f"bad-{name}", f"bad-{name}", ServerlessConfig=SERVERLESS)
    aws.sagemaker.create_endpoint(EndpointName=f"bad-{name}", EndpointConfigName=f"bad-{name}")
    description = aws.wait_for_endpoint(f"bad-{name}")
    assert description["EndpointStatus"] == "Failed"
    assert reason in description["FailureReason"]
    aws.sagemaker.delete_endpoint(EndpointName=f"bad-{name}")


def test_regression_is_a_number_per_line(aws: "SageMaker", trained: "Trained") -> None:
    rows = [[row[0], row[1], f"{float(row[0]) * 2 + float(row[2]):.3f}"] for row in aws.people(600, seed=3)]
    aws.upload("numbers/data.csv", aws.table(rows, header=["age", "job", "y"]))
    request = aws.job_request(
        "numbers",
        "numbers/",
        ProblemType="Regression",
        CompletionCriteria={"MaxCandidates": 1, "MaxAutoMLJobRuntimeInSeconds": 40},
    ) | {"AutoMLJobObjective": {"MetricName": "R2"}, "ModelDeployConfig": {"EndpointName": "numbers"}}
    aws.sagemaker.create_auto_ml_job_v2(**request)
    job = aws.follow("numbers")[-1]
    assert job["ModelDeployResult"] == {"EndpointName": "numbers"}
    assert job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Value"] > 0.9
    (container,) = job["BestCandidate"]["InferenceContainers"]
    assert "SAGEMAKER_INFERENCE_OUTPUT" not in container["Environment"]
    numbers = [float(line) for line in aws.invoke("numbers", b"50,cook\n20,clerk\n").splitlines()]
    assert numbers == [pytest.approx(100, abs=15), pytest.approx(40, abs=15)]
    aws.sagemaker.delete_endpoint(EndpointName="numbers")
