"""Guarded updates: invocations move step by step, alarms take them back, and no client notices."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from autoflow.local import processes
from autoflow.local.cloud import Cloud

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker, Trained

ROW = b"44,cook,0.1,x\n"
ONE_COLUMN, TWO_COLUMNS = "predicted_label", "predicted_label,probability"


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return str(caught.value.response["Error"]["Message"])


def canary(wait: int, share: int = 50, *alarms: str) -> dict[str, Any]:
    """A DeploymentConfig."""
    routing = {
        "Type": "CANARY",
        "WaitIntervalInSeconds": wait,
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": share},
    }
    document: dict[str, Any] = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    if alarms:
        document["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return document


@pytest.fixture(scope="module")
def configs(aws: "SageMaker", trained: "Trained") -> None:
    """Configs ``columns-1`` and ``columns-2``: the number of columns of an answer tells whose it is."""
    (container,) = trained.job["BestCandidate"]["InferenceContainers"]
    for name, keys in (("columns-1", ONE_COLUMN), ("columns-2", TWO_COLUMNS), ("columns-broken", "odds")):
        environment = container["Environment"] | {"SAGEMAKER_INFERENCE_OUTPUT": keys}
        aws.sagemaker.create_model(
            ModelName=name, Containers=[container | {"Environment": environment}], ExecutionRoleArn=aws.role
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 4,
        }
        aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


@pytest.fixture
def endpoint(aws: "SageMaker", configs: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """An endpoint of the test's own with ``columns-1`` in service."""
    name = request.node.name.replace("_", "-")[:50].strip("-")
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="columns-1")
    assert aws.wait_for_endpoint(name)["EndpointStatus"] == "InService"
    yield name
    aws.sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture
def alarm(cloud: Cloud, endpoint: str) -> Iterator[str]:
    """An alarm on the endpoint's server errors."""
    cloudwatch, name = cloud.client("cloudwatch"), f"autopilot-flow-{endpoint}-5xx"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}],
        Statistic="Average",
        Period=10,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0.01,
        TreatMissingData="notBreaching",
    )
    yield name
    cloudwatch.delete_alarms(AlarmNames=[name])


@contextmanager
def clients(aws: "SageMaker", endpoint: str, body: bytes = ROW, count: int = 2) -> Iterator[list[str]]:
    """Clients that call all the time; in the end, what each call brought."""
    outcomes: list[str] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            try:
                lines = aws.invoke(endpoint, body).splitlines()
                outcomes.append(f"{lines[0].count(',') + 1} columns")
            except Exception as error:
                outcomes.append(repr(error))

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        over.set()
        for thread in threads:
            thread.join()


def wait_until(aws: "SageMaker", endpoint: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        description: dict[str, Any] = aws.sagemaker.describe_endpoint(EndpointName=endpoint)
        if reached(description):
            return description
        time.sleep(0.02)
    pytest.fail(f"never came to that: {description}")


def some_more(outcomes: list[str], after: int) -> list[str]:
    """What comes after those that may have been under way, as soon as there are a few."""
    end = time.monotonic() + 60
    while len(outcomes) < after + 8:
        assert time.monotonic() < end, "nobody is answered any more"
        time.sleep(0.05)
    return outcomes[after + 4 :]


def stage(description: dict[str, Any]) -> str:
    """VariantStatus of the new variants."""
    variants = description.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    return str(variants[0]["VariantStatus"][0]["Status"]) if variants else ""


def test_a_canary_gets_its_share_then_all_and_no_call_fails(aws: "SageMaker", endpoint: str) -> None:
    with clients(aws, endpoint) as outcomes:
        aws.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName="columns-2", DeploymentConfig=canary(3, 25)
        )
        baking = wait_until(aws, endpoint, lambda item: stage(item) == "Baking")
        assert (baking["EndpointStatus"], baking["EndpointConfigName"]) == ("Updating", "columns-1")
        assert baking["PendingDeploymentSummary"]["EndpointConfigName"] == "columns-2"
        before = len(outcomes)
        time.sleep(2)
        split = Counter(outcomes[before:])
        done = aws.wait_for_endpoint(endpoint)
        after = len(outcomes)
        end = set(some_more(outcomes, after))
    assert (done["EndpointStatus"], done["EndpointConfigName"]) == ("InService", "columns-2")
    assert done["LastDeploymentConfig"] == canary(3, 25)
    assert "PendingDeploymentSummary" not in done
    assert set(outcomes) == {"1 columns", "2 columns"}, "every call is answered"
    assert 0.05 < split["2 columns"] / split.total() < 0.5
    assert end == {"2 columns"}


def test_linear_steps_and_the_wait_before_the_old_fleet_ends(aws: "SageMaker", endpoint: str) -> None:
    routing = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 1,
        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
    }
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 3}
    started = time.monotonic()
    aws.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName="columns-2",
        DeploymentConfig={"BlueGreenUpdatePolicy": policy},
    )
    while {aws.invoke(endpoint, ROW).count(",") for _ in range(20)} != {1}:
        assert time.monotonic() - started < 30
    description = aws.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("Updating", "columns-1")
    assert stage(description) == "Baking"
    assert aws.wait_for_endpoint(endpoint)["EndpointConfigName"] == "columns-2"
    assert time.monotonic() - started >= 3 + 3


def test_an_alarm_takes_back_an_update_that_has_moved_all_invocations(
    aws: "SageMaker", cloud: Cloud, endpoint: str, alarm: str
) -> None:
    policy = {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 60,
    }
    rollback = {"Alarms": [{"AlarmName": alarm}]}
    with clients(aws, endpoint) as outcomes:
        aws.sagemaker.update_endpoint(
            EndpointName=endpoint,
            EndpointConfigName="columns-2",
            DeploymentConfig={"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": rollback},
        )
        wait_until(aws, endpoint, lambda _: outcomes[-20:] == ["2 columns"] * 20)
        cloud.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
        wait_until(aws, endpoint, lambda item: item["EndpointStatus"] == "InService" and outcomes[-1] == "1 columns")
    done = aws.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert done["EndpointConfigName"] == "columns-1"
    assert set(outcomes) == {"1 columns", "2 columns"}


def test_an_alarm_takes_the_update_back_and_no_call_fails(
    aws: "SageMaker", cloud: Cloud, endpoint: str, alarm: str
) -> None:
    with clients(aws, endpoint) as outcomes:
        aws.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName="columns-2", DeploymentConfig=canary(60, 50, alarm)
        )
        wait_until(aws, endpoint, lambda item: stage(item) == "Baking")
        time.sleep(0.5)
        cloud.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a test")
        done = aws.wait_for_endpoint(endpoint)
        after = len(outcomes)
        end = set(some_more(outcomes, after))
    assert (done["EndpointStatus"], done["EndpointConfigName"]) == ("InService", "columns-1")
    assert alarm in done["FailureReason"]
    assert set(outcomes) == {"1 columns", "2 columns"}
    assert end == {"1 columns"}


def test_errors_of_the_endpoint_set_the_alarm_off(aws: "SageMaker", cloud: Cloud, endpoint: str, alarm: str) -> None:
    """Nobody sets the alarm's state here: a container dies at work, and CloudWatch gets the endpoint's metrics."""
    (old,) = servers(cloud)
    aws.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName="columns-2", DeploymentConfig=canary(60, 50, alarm)
    )
    wait_until(aws, endpoint, lambda item: stage(item) == "Baking")
    with clients(aws, endpoint, body=ROW * 20_000) as outcomes:
        time.sleep(1)
        old.kill()
        wait_until(aws, endpoint, lambda _: any("ModelError" in outcome for outcome in outcomes))
    done = aws.wait_for_endpoint(endpoint)
    assert done["EndpointConfigName"] == "columns-1"
    assert alarm in done["FailureReason"]
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "AllTraffic"}]
    listed = cloud.client("cloudwatch").list_metrics(Namespace="AWS/SageMaker", Dimensions=dimensions)["Metrics"]
    assert {metric["MetricName"] for metric in listed} == {
        "Invocations",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "ModelLatency",
        "OverheadLatency",
    }
    fleet = [*dimensions, {"Name": "EndpointConfigName", "Value": "columns-1"}]
    assert cloud.client("cloudwatch").list_metrics(Namespace="AWS/SageMaker", Dimensions=fleet)["Metrics"]


def test_a_container_that_dies_while_it_bakes_takes_the_update_back(
    aws: "SageMaker", cloud: Cloud, endpoint: str
) -> None:
    before = {process.pid for process in servers(cloud)}
    aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="columns-2", DeploymentConfig=canary(60))
    wait_until(aws, endpoint, lambda item: stage(item) == "Baking")
    (new,) = [process for process in servers(cloud) if process.pid not in before]
    new.kill()
    done = aws.wait_for_endpoint(endpoint)
    assert (done["EndpointStatus"], done["EndpointConfigName"]) == ("InService", "columns-1")
    assert "health check" in done["FailureReason"]


def servers(cloud: Cloud) -> list[psutil.Process]:
    """Processes of the containers that serve."""
    return [process for process in processes.find(cloud.mark) if "autoflow.local.engine.serve" in process.cmdline()]


def test_a_container_that_does_not_start_disturbs_nobody(aws: "SageMaker", endpoint: str) -> None:
    with clients(aws, endpoint) as outcomes:
        aws.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName="columns-broken", DeploymentConfig=canary(1)
        )
        done = aws.wait_for_endpoint(endpoint)
    assert (done["EndpointStatus"], done["EndpointConfigName"]) == ("InService", "columns-1")
    assert "odds" in done["FailureReason"]
    assert set(outcomes) == {"1 columns"}


def test_calls_at_work_are_answered_by_the_fleet_that_leaves(aws: "SageMaker", endpoint: str) -> None:
    with clients(aws, endpoint, body=ROW * 20_000, count=3) as outcomes:
        time.sleep(0.5)
        aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="columns-2")
        assert aws.wait_for_endpoint(endpoint)["EndpointConfigName"] == "columns-2"
        wait_until(aws, endpoint, lambda _: outcomes[-1:] == ["2 columns"])
    assert set(outcomes) == {"1 columns", "2 columns"}


def test_what_no_update_may_ask_for(aws: "SageMaker", endpoint: str) -> None:
    def message(**request: Any) -> str:
        body = {"EndpointName": endpoint, "EndpointConfigName": "columns-2"} | request
        return refusal(aws.sagemaker.update_endpoint, **body)

    def routing(**change: Any) -> str:
        policy = {"TrafficRoutingConfiguration": {"WaitIntervalInSeconds": 0} | change}
        return message(DeploymentConfig={"BlueGreenUpdatePolicy": policy})

    assert "alarms nobody" in message(DeploymentConfig=canary(0, 50, "nobody"))
    size = {"Type": "CAPACITY_PERCENT", "Value": 51}
    assert "CanarySize must be less than or equal to 50%" in routing(Type="CANARY", CanarySize=size)
    assert "CanarySize must be specified" in routing(Type="CANARY")
    assert "LinearStepSize must be between 10% and 50%" in routing(
        Type="LINEAR", LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": 5}
    )
    assert "CanarySize must not be specified" in routing(Type="ALL_AT_ONCE", CanarySize=size)
    policy = canary(300)["BlueGreenUpdatePolicy"] | {"TerminationWaitInSeconds": 400}
    policy |= {"MaximumExecutionTimeoutInSeconds": 600}
    assert "must be greater than the 700 seconds" in message(DeploymentConfig={"BlueGreenUpdatePolicy": policy})
    rolling = {"MaximumBatchSize": size, "WaitIntervalInSeconds": 0}
    assert "RollingUpdatePolicy is not supported" in message(DeploymentConfig={"RollingUpdatePolicy": rolling})
    assert aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"


def test_a_serverless_endpoint_has_no_guardrails(aws: "SageMaker", configs: None) -> None:
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    for name in ("serverless-1", "serverless-2"):
        variant = {"VariantName": "AllTraffic", "ModelName": "columns-1", "ServerlessConfig": serverless}
        aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    aws.sagemaker.create_endpoint(EndpointName="unguarded", EndpointConfigName="serverless-1")
    aws.wait_for_endpoint("unguarded")
    for config in ("serverless-2", "columns-2"):
        message = refusal(
            aws.sagemaker.update_endpoint,
            EndpointName="unguarded",
            EndpointConfigName=config,
            DeploymentConfig=canary(0),
        )
        assert "not supported for serverless endpoints" in message
    aws.sagemaker.update_endpoint(EndpointName="unguarded", EndpointConfigName="serverless-2")
    assert aws.wait_for_endpoint("unguarded")["EndpointConfigName"] == "serverless-2"
    aws.sagemaker.delete_endpoint(EndpointName="unguarded")


def test_variants_may_keep_their_properties(aws: "SageMaker", endpoint: str) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "columns-2",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 0.5,
    }
    aws.sagemaker.create_endpoint_config(EndpointConfigName="columns-2-one", ProductionVariants=[variant])
    aws.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName="columns-2-one",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    (kept,) = aws.wait_for_endpoint(endpoint)["ProductionVariants"]
    assert (kept["CurrentInstanceCount"], kept["CurrentWeight"]) == (4, 0.5)
