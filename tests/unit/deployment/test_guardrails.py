"""How updates of instances are watched: the shift of requests, the alarms, and the auto scaling beside them."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from automl.deployment import alarms, guardrails, scaling
from automl.deployment.scaling import Scaling
from automl.errors import EndpointBusy, EndpointFailed, QuotaExceeded
from tests.unit.endpoint_answers import Answers, scaling_tag


def test_one_instance_takes_all_requests_at_once_and_is_watched_all_the_same() -> None:
    assert guardrails.deployment_config(1, ("errors", "latency"), 300) == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 300},
            "TerminationWaitInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 4500,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "latency"}]},
    }


@given(instances=st.integers(2, 1000), wait=st.integers(0, 3600))
def test_every_fleet_has_a_canary_that_sagemaker_allows(instances: int, wait: int) -> None:
    policy = guardrails.deployment_config(instances, ("errors",), wait)["BlueGreenUpdatePolicy"]
    canary = policy["TrafficRoutingConfiguration"]["CanarySize"]["Value"]
    assert 1 <= canary <= instances / 2
    assert canary == 1 or canary >= instances * 0.05
    timeout = policy["MaximumExecutionTimeoutInSeconds"]
    assert 3 * wait < timeout <= 28800
    assert guardrails.deadline_seconds(wait) > timeout


def test_alarms_watch_errors_and_latency_of_all_requests(answers: Answers) -> None:
    answers.alarms_put(latency_seconds=3)
    assert alarms.put(answers.services.cloudwatch, "rings", 3) == alarms.names("rings")


@pytest.mark.parametrize(
    ("code", "error"), [("LimitExceeded", QuotaExceeded), ("LimitExceededFault", QuotaExceeded), ("Other", ClientError)]
)
def test_too_many_alarms_are_a_quota(answers: Answers, code: str, error: type[Exception]) -> None:
    answers.cloudwatch.add_client_error("put_metric_alarm", code, "5000 alarms")
    with pytest.raises(error, match="5000 alarms"):
        alarms.put(answers.services.cloudwatch, "rings", 5)


def test_names_of_the_longest_endpoint_fit() -> None:
    assert all(len(name) <= 255 for name in alarms.names("e" * 63))


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceNotFoundException"])
def test_alarms_that_are_not_there_are_no_error(answers: Answers, code: str) -> None:
    answers.cloudwatch.add_client_error("delete_alarms", code)
    alarms.delete(answers.services.cloudwatch, "rings")


def test_alarms_that_may_not_be_deleted_are_told(answers: Answers) -> None:
    answers.cloudwatch.add_client_error("delete_alarms", "AccessDenied", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        alarms.delete(answers.services.cloudwatch, "rings")


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 1_000_000))
def test_a_tag_tells_the_auto_scaling_again(fewest: int, most: int, invocations: int) -> None:
    wanted = Scaling(fewest, most, invocations)
    tag = scaling_tag(wanted.as_tag())
    assert scaling.of_tags({tag["Key"]: tag["Value"]}) == wanted


def test_what_asks_for_no_auto_scaling_has_none() -> None:
    assert scaling.of_hosting({"InstanceType": "ml.m5.large", "InstanceCount": 2}) is None
    assert scaling.of_tags({"autopilot-flow:run": "s3://data-bucket/runs/run-1/"}) is None


def test_instances_follow_the_invocations(answers: Answers) -> None:
    asked = {"InstanceCount": 2, "AutoScaling": {"MaxInstanceCount": 4, "InvocationsPerInstance": 1000}}
    wanted = scaling.of_hosting(asked)
    assert wanted
    answers.scaling_configured(2, 4, 1000)
    scaling.configure(answers.services.autoscaling, "rings", wanted)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ConcurrentUpdateException", EndpointBusy),
        ("LimitExceededException", QuotaExceeded),
        ("ValidationException", EndpointFailed),
        ("AccessDeniedException", ClientError),
    ],
)
@pytest.mark.parametrize("operation", ["register_scalable_target", "put_scaling_policy"])
def test_refused_auto_scaling_is_told_by_name(
    answers: Answers, operation: str, code: str, error: type[Exception]
) -> None:
    if operation == "put_scaling_policy":
        answers.autoscaling.add_response("register_scalable_target", {})
    answers.scaling_refused(operation, code, "not like this")
    with pytest.raises(error, match="not like this"):
        scaling.configure(answers.services.autoscaling, "rings", Scaling(1, 2, 100))


def test_auto_scaling_that_is_not_there_is_gone(answers: Answers) -> None:
    answers.scaling_refused("deregister_scalable_target", "ObjectNotFoundException", "no scalable target")
    scaling.remove(answers.services.autoscaling, "rings")


def test_auto_scaling_that_is_changing_is_not_taken_for_gone(answers: Answers) -> None:
    answers.scaling_refused("deregister_scalable_target", "ConcurrentUpdateException", "pending update")
    with pytest.raises(EndpointBusy, match="pending update"):
        scaling.remove(answers.services.autoscaling, "rings")
