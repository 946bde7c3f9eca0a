"""Deploying: one config per deployment, create or update, watched updates, and carrying on after any interruption."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from automl import runs
from automl.deployment import endpoint_configs, endpoints
from automl.deployment.endpoint_configs import Target
from automl.errors import ChampionChanged, EndpointBusy, EndpointFailed, InvalidRequest
from tests.unit.endpoint_answers import (
    INSTANCES,
    RUN_TAG,
    RUN_URI,
    SCALING,
    SERVERLESS,
    Answers,
    previous_tag,
    scaling_tag,
)

EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:deployment:d"
CONFIG = runs.config_name("model-1", EXECUTION)
SETTINGS = endpoints.EndpointSettings(
    kms_key_arn=None, minimum_wait_seconds=15, canary_wait_seconds=300, latency_alarm_seconds=5
)
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 300,
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 4500,
    },
    "AutoRollbackConfiguration": {
        "Alarms": [{"AlarmName": "autopilot-flow-rings-5xx"}, {"AlarmName": "autopilot-flow-rings-latency"}]
    },
}


def wanted(hosting: dict[str, Any] = SERVERLESS, replaces: str | None = None) -> Target:
    return Target("model-1", RUN_URI, "rings", hosting, replaces)


def deploy(answers: Answers, target: Target, waits: list[float] | None = None) -> tuple[str, str]:
    slept: list[float] = [] if waits is None else waits
    return endpoints.deploy(answers.services, target, EXECUTION, SETTINGS, slept.append)


def test_a_new_endpoint_is_created_with_a_config_of_its_own(answers: Answers) -> None:
    answers.endpoint().config_created(CONFIG).created(CONFIG)
    assert deploy(answers, wanted()) == (CONFIG, "")


def test_instances_capture_and_the_key_of_the_stack() -> None:
    hosting = {**INSTANCES, **SCALING, "DataCapture": {"SamplingPercentage": 20}}
    assert endpoint_configs.config_request(wanted(hosting), CONFIG, "old", 3, "key-arn") == {
        "EndpointConfigName": CONFIG,
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": "model-1",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 3,
                "InitialVariantWeight": 1.0,
            }
        ],
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": 20,
            "DestinationS3Uri": f"{RUN_URI}capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
            "KmsKeyId": "key-arn",
        },
        "Tags": [RUN_TAG, previous_tag("old"), scaling_tag("2-4/1000")],
        "KmsKeyId": "key-arn",
    }


def test_a_config_with_data_capture_is_one_that_sagemaker_understands(answers: Answers) -> None:
    hosting = {**INSTANCES, "DataCapture": {"SamplingPercentage": 100}}
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"{RUN_URI}capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    answers.endpoint().config_created(CONFIG, hosting=INSTANCES, DataCaptureConfig=capture).created(CONFIG)
    assert deploy(answers, wanted(hosting)) == (CONFIG, "")


def test_an_endpoint_of_ours_is_updated_and_its_config_remembers_the_former(answers: Answers) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old", RUN_TAG)
    answers.config_created(CONFIG, previous_tag("old")).updated(CONFIG)
    assert deploy(answers, wanted()) == (CONFIG, "old")


def test_an_update_of_instances_is_watched_and_begins_with_a_canary(answers: Answers) -> None:
    answers.endpoint("InService", "old", instances=2).endpoint_tags(RUN_TAG).config("old", RUN_TAG, hosting=INSTANCES)
    answers.config_created(CONFIG, previous_tag("old"), hosting=INSTANCES)
    answers.alarms_put().updated(CONFIG, DeploymentConfig=CANARY)
    assert deploy(answers, wanted(INSTANCES)) == (CONFIG, "old")


@pytest.mark.parametrize("status", ["Creating", "InService", "Failed"])
def test_a_repeated_creation_carries_on(answers: Answers, status: str) -> None:
    answers.endpoint(status, CONFIG).config(CONFIG, RUN_TAG)
    assert deploy(answers, wanted(replaces="")) == (CONFIG, "")


def test_a_repeated_update_carries_on_and_still_knows_the_former_config(answers: Answers) -> None:
    answers.endpoint("Updating", "old", PendingDeploymentSummary={"EndpointConfigName": CONFIG})
    answers.config(CONFIG, RUN_TAG, previous_tag("old"))
    assert deploy(answers, wanted(replaces="old")) == (CONFIG, "old")


def test_an_update_that_got_through_is_not_made_again(answers: Answers) -> None:
    answers.endpoint("InService", CONFIG).config(CONFIG, RUN_TAG, previous_tag("old"))
    assert deploy(answers, wanted(replaces="old")) == (CONFIG, "old")


def test_an_interruption_between_config_and_endpoint_is_made_good(answers: Answers) -> None:
    answers.endpoint().refused("create_endpoint_config", "Cannot create already existing endpoint configuration")
    answers.config(CONFIG, RUN_TAG).created(CONFIG)
    assert deploy(answers, wanted()) == (CONFIG, "")


def test_a_config_that_remembers_another_former_config_is_made_anew(answers: Answers) -> None:
    answers.endpoint("InService", "newer").endpoint_tags(RUN_TAG).config("newer", RUN_TAG)
    answers.refused("create_endpoint_config", "exists").config(CONFIG, RUN_TAG, previous_tag("old"))
    answers.config_deleted(CONFIG).config_created(CONFIG, previous_tag("newer")).updated(CONFIG)
    assert deploy(answers, wanted()) == (CONFIG, "newer")


@pytest.mark.parametrize(
    ("in_service", "replaces", "words"),
    [
        ("newer", "old", "has config 'newer' now, but model 'model-1' was to replace config 'old'"),
        ("newer", "", "has config 'newer' now, but model 'model-1' was to replace no endpoint"),
        ("", "old", "is not there now, but model 'model-1' was to replace config 'old'"),
    ],
)
def test_a_champion_that_changed_meanwhile_is_not_replaced(
    answers: Answers, in_service: str, replaces: str, words: str
) -> None:
    if in_service:
        answers.endpoint("InService", in_service).endpoint_tags(RUN_TAG)
    else:
        answers.endpoint()
    with pytest.raises(ChampionChanged, match=words):
        deploy(answers, wanted(replaces=replaces))


def test_the_champion_that_was_compared_with_is_replaced(answers: Answers) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old", RUN_TAG)
    answers.config_created(CONFIG, previous_tag("old")).updated(CONFIG)
    assert deploy(answers, wanted(replaces="old")) == (CONFIG, "old")


def test_no_endpoint_stays_no_endpoint_until_the_first_model_comes(answers: Answers) -> None:
    answers.endpoint().config_created(CONFIG).created(CONFIG)
    assert deploy(answers, wanted(replaces="")) == (CONFIG, "")


def test_an_endpoint_that_is_changing_is_waited_for_before_it_is_compared(answers: Answers) -> None:
    """It may yet be taken back to the champion."""
    answers.endpoint("Updating", "newer", PendingDeploymentSummary={"EndpointConfigName": "old"})
    answers.endpoint_tags(RUN_TAG)
    with pytest.raises(EndpointBusy):
        deploy(answers, wanted(replaces="old"))


@pytest.mark.parametrize("status", sorted(endpoints.CHANGING))
def test_an_endpoint_that_is_changing_is_busy(answers: Answers, status: str) -> None:
    answers.endpoint(status, "old")
    if status != "Deleting":  # which may have lost its tags
        answers.endpoint_tags(RUN_TAG)
    with pytest.raises(EndpointBusy, match=f"'rings' is {status}; wait"):
        deploy(answers, wanted())


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_a_broken_endpoint_must_be_deleted_by_its_owner(answers: Answers, status: str) -> None:
    answers.endpoint(status, "old").endpoint_tags(RUN_TAG)
    with pytest.raises(EndpointFailed, match="delete it, then deploy again"):
        deploy(answers, wanted())


def test_an_endpoint_of_someone_else_is_not_touched(answers: Answers) -> None:
    answers.endpoint("InService", "theirs").endpoint_tags()
    with pytest.raises(InvalidRequest, match=r"not made by this project; give another Endpoint\.Name"):
        deploy(answers, wanted())


def test_instances_cannot_become_serverless(answers: Answers) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old", RUN_TAG, hosting=INSTANCES)
    with pytest.raises(InvalidRequest, match="runs on instances, and SageMaker cannot make it serverless"):
        deploy(answers, wanted())


@pytest.mark.parametrize("former_is_there", [True, False])
def test_what_was_serverless_becomes_instances_without_guardrails(answers: Answers, former_is_there: bool) -> None:
    """SageMaker knows no guardrails of a serverless fleet, and nobody knows what a config that is gone was."""
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG)
    if former_is_there:
        answers.config("old", RUN_TAG)
    else:
        answers.no_config("old")
    answers.config_created(CONFIG, previous_tag("old"), hosting=INSTANCES).updated(CONFIG)
    assert deploy(answers, wanted(INSTANCES)) == (CONFIG, "old")


def test_a_fleet_that_has_grown_is_replaced_by_one_as_large_and_keeps_its_auto_scaling(answers: Answers) -> None:
    answers.endpoint("InService", "old", instances=3).endpoint_tags(RUN_TAG)
    answers.config("old", RUN_TAG, scaling_tag("2-4/500"), hosting=INSTANCES)
    grown = {**INSTANCES, "InstanceCount": 3}
    answers.config_created(CONFIG, previous_tag("old"), scaling_tag("2-4/1000"), hosting=grown)
    answers.alarms_put().updated(CONFIG, DeploymentConfig=CANARY)
    assert deploy(answers, wanted({**INSTANCES, **SCALING})) == (CONFIG, "old")


@pytest.mark.parametrize(
    ("asked", "running", "first"),
    [
        ({**INSTANCES, **SCALING}, 0, 2),
        ({**INSTANCES, **SCALING}, 1, 2),
        ({**INSTANCES, **SCALING}, 3, 3),
        ({**INSTANCES, **SCALING}, 9, 4),
        (INSTANCES, 9, 2),
        (SERVERLESS, 9, 1),
    ],
)
def test_the_first_fleet_is_within_the_bounds(asked: dict[str, Any], running: int, first: int) -> None:
    running_now: Any = {"ProductionVariants": [{"VariantName": "AllTraffic", "DesiredInstanceCount": running}]}
    assert endpoint_configs.first_instances(asked, running_now) == first


@pytest.mark.parametrize("hosting", [INSTANCES, {**INSTANCES, **SCALING, "InstanceType": "ml.c5.large"}])
def test_auto_scaling_ends_where_sagemaker_would_refuse_or_nobody_wants_it(
    answers: Answers, hosting: dict[str, Any]
) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG)
    answers.config("old", RUN_TAG, scaling_tag("1-3/500"), hosting=INSTANCES)
    tags = [scaling_tag("2-4/1000")] if "AutoScaling" in hosting else []
    answers.config_created(CONFIG, previous_tag("old"), *tags, hosting=hosting)
    answers.alarms_put().scaling_removed().updated(CONFIG, DeploymentConfig=CANARY)
    assert deploy(answers, wanted(hosting)) == (CONFIG, "old")


def test_auto_scaling_comes_back_when_the_update_is_refused(answers: Answers) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG)
    answers.config("old", RUN_TAG, scaling_tag("1-3/500"), hosting=INSTANCES)
    answers.config_created(CONFIG, previous_tag("old"), hosting=INSTANCES).alarms_put().scaling_removed()
    answers.refused("update_endpoint", "20 instances", "ResourceLimitExceeded").endpoint("InService", "old")
    answers.config_deleted(CONFIG).scaling_configured(1, 3, 500)
    with pytest.raises(ClientError, match="20 instances"):
        deploy(answers, wanted(INSTANCES))


def test_auto_scaling_comes_back_when_the_hosting_is_refused(answers: Answers) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG)
    answers.config("old", RUN_TAG, scaling_tag("1-3/500"), hosting=INSTANCES).alarms_put().scaling_removed()
    answers.refused("create_endpoint_config", "Unknown instance type").no_config(CONFIG)
    answers.scaling_configured(1, 3, 500)
    with pytest.raises(InvalidRequest, match="Unknown instance type"):
        deploy(answers, wanted({**INSTANCES, "InstanceType": "ml.x9.large"}))


def test_an_update_that_cannot_be_watched_leaves_nothing(answers: Answers) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old", RUN_TAG, hosting=INSTANCES)
    answers.cloudwatch.add_client_error("put_metric_alarm", "AccessDenied", "not authorized")
    with pytest.raises(ClientError, match="not authorized"):
        deploy(answers, wanted(INSTANCES))


def test_refused_hosting_is_told_in_the_words_of_sagemaker(answers: Answers) -> None:
    answers.endpoint().refused("create_endpoint_config", "Unknown instance type").no_config(CONFIG)
    with pytest.raises(InvalidRequest, match=r"Unknown instance type\. Correct Endpoint"):
        deploy(answers, wanted())


def test_a_creation_that_was_overtaken_by_our_own_is_fine(answers: Answers) -> None:
    answers.endpoint().config_created(CONFIG).refused("create_endpoint", "exists").endpoint("Creating", CONFIG)
    assert deploy(answers, wanted()) == (CONFIG, "")


def test_a_creation_that_was_overtaken_by_another_is_busy(answers: Answers) -> None:
    answers.endpoint().config_created(CONFIG).refused("create_endpoint", "exists").endpoint("Creating", "another")
    answers.config_deleted(CONFIG)
    with pytest.raises(EndpointBusy):
        deploy(answers, wanted())


def test_a_refused_endpoint_is_told_in_the_words_of_sagemaker(answers: Answers) -> None:
    answers.endpoint().config_created(CONFIG)
    for _ in (*endpoints.SETTLING_WAITS, None):
        answers.refused("create_endpoint", "One of the models is not there").endpoint()
    answers.config_deleted(CONFIG)
    waits: list[float] = []
    with pytest.raises(InvalidRequest, match="One of the models is not there"):
        deploy(answers, wanted(), waits)
    assert waits == list(endpoints.SETTLING_WAITS)


@pytest.mark.parametrize("update", [False, True])
def test_a_config_that_sagemaker_does_not_see_yet_is_tried_again(answers: Answers, update: bool) -> None:
    """ "Retry logic is recommended": CreateEndpoint reads the config from an eventually consistent store."""
    unseen = "Could not find endpoint configuration"
    if update:
        answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old", RUN_TAG)
        answers.config_created(CONFIG, previous_tag("old")).refused("update_endpoint", unseen)
        answers.endpoint("InService", "old").updated(CONFIG)
    else:
        answers.endpoint().config_created(CONFIG).refused("create_endpoint", unseen).endpoint().created(CONFIG)
    waits: list[float] = []
    assert deploy(answers, wanted(), waits) == (CONFIG, "old" if update else "")
    assert waits == [1]


def test_another_deployment_between_look_and_update_is_not_overwritten(answers: Answers) -> None:
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old", RUN_TAG)
    answers.config_created(CONFIG, previous_tag("old")).refused("update_endpoint", "Cannot update in-progress endpoint")
    answers.endpoint("InService", "newer").config_deleted(CONFIG)
    with pytest.raises(EndpointBusy, match="changed by another deployment at this moment"):
        deploy(answers, wanted(replaces="old"))


def test_a_quota_leaves_no_config_behind_while_it_is_waited_for(answers: Answers) -> None:
    answers.endpoint().config_created(CONFIG).refused("create_endpoint", "50 endpoints", "ResourceLimitExceeded")
    answers.endpoint().config_deleted(CONFIG)
    with pytest.raises(ClientError, match="50 endpoints"):
        deploy(answers, wanted())


def test_a_config_that_cannot_be_deleted_hides_no_quota(answers: Answers) -> None:
    """Else the machine would not wait for the quota."""
    answers.endpoint().config_created(CONFIG).refused("create_endpoint", "50 endpoints", "ResourceLimitExceeded")
    answers.endpoint().refused("delete_endpoint_config", "no tag", "AccessDeniedException")
    with pytest.raises(ClientError, match="50 endpoints"):
        deploy(answers, wanted())
