"""What a deployment is asked for: a model of ours, the endpoint's name and a hosting that can be had."""

from typing import Any

import pytest

from automl.deployment import endpoints
from automl.deployment.endpoint_configs import Target
from automl.errors import EndpointFailed, InvalidRequest
from tests.unit.endpoint_answers import ACCOUNT, INSTANCES, NOW, RUN_TAG, RUN_URI, SCALING, SERVERLESS, Answers


def model(containers: int) -> dict[str, Any]:
    one = {"Image": "image", "ModelDataUrl": "s3://data-bucket/model.tar.gz"}
    described = {"ModelName": "model-1", "ModelArn": f"{ACCOUNT}:model/model-1", "CreationTime": NOW}
    return {**described, **({"PrimaryContainer": one} if containers == 1 else {"Containers": [one] * containers})}


def target(answers: Answers, hosting: dict[str, Any], containers: int = 1, **more: Any) -> Target:
    answers.sagemaker.add_response("describe_model", model(containers), {"ModelName": "model-1"})
    answers.sagemaker.add_response("list_tags", {"Tags": [RUN_TAG]}, {"ResourceArn": f"{ACCOUNT}:model/model-1"})
    request = {"Model": {"Name": "model-1"}, "Endpoint": hosting, **more}
    return endpoints.target(answers.services.sagemaker, request)


@pytest.mark.parametrize(
    ("hosting", "name"), [(SERVERLESS, "model-1"), ({**INSTANCES, "Name": "rings", "Keep": True}, "rings")]
)
def test_the_endpoint_is_named_after_the_model_unless_asked(
    answers: Answers, hosting: dict[str, Any], name: str
) -> None:
    found = target(answers, hosting)
    assert (found.endpoint_name, found.run_uri, found.serverless) == (name, RUN_URI, "Serverless" in hosting)
    assert found.replaces is None


def test_no_endpoint_to_replace_is_not_whatever_there_is(answers: Answers) -> None:
    assert target(answers, SERVERLESS, Replaces="").replaces == ""


@pytest.mark.parametrize(
    ("hosting", "containers", "words"),
    [
        (SERVERLESS, 3, r"3 containers.*give Endpoint\.InstanceType instead"),
        ({}, 1, "either Serverless or InstanceType"),
        ({**SERVERLESS, **INSTANCES}, 1, "either Serverless or InstanceType"),
        ({**SERVERLESS, **SCALING}, 1, r"Endpoint\.AutoScaling cannot be used with Endpoint\.Serverless"),
        (
            {**SERVERLESS, "DataCapture": {"SamplingPercentage": 1}},
            1,
            r"Endpoint\.DataCapture cannot be used with Endpoint\.Serverless; leave DataCapture out",
        ),
        (
            {**INSTANCES, **SCALING, "InstanceCount": 5},
            1,
            r"MaxInstanceCount is 4, less than Endpoint\.InstanceCount 5",
        ),
    ],
)
def test_hosting_that_cannot_be(answers: Answers, hosting: dict[str, Any], containers: int, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        target(answers, hosting, containers)


def test_a_model_that_is_not_there_or_not_ours_cannot_be_deployed(answers: Answers) -> None:
    request = {"Model": {"Name": "model-1"}, "Endpoint": SERVERLESS}
    answers.refused("describe_model", "Could not find model")
    with pytest.raises(InvalidRequest, match="no model 'model-1'"):
        endpoints.target(answers.services.sagemaker, request)
    answers.sagemaker.add_response("describe_model", model(1))
    answers.sagemaker.add_response("list_tags", {"Tags": []})
    with pytest.raises(InvalidRequest, match="has no tag 'autopilot-flow:run'"):
        endpoints.target(answers.services.sagemaker, request)


def check(answers: Answers, hosting: dict[str, Any]) -> None:
    """What Find Previous Model sees before anything is trained."""
    endpoints.check_changeable(answers.services.sagemaker, "rings", hosting)


def test_an_endpoint_that_cannot_have_another_model_is_refused_before_anything_is_trained(answers: Answers) -> None:
    answers.endpoint("InService", "theirs").endpoint_tags()
    with pytest.raises(InvalidRequest, match=r"not made by this project; give another Endpoint\.Name"):
        check(answers, SERVERLESS)
    answers.endpoint("Failed", "old").endpoint_tags(RUN_TAG)
    with pytest.raises(EndpointFailed, match="delete it, then deploy again"):
        check(answers, SERVERLESS)
    answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old", hosting=INSTANCES)
    with pytest.raises(InvalidRequest, match="SageMaker cannot make it serverless"):
        check(answers, SERVERLESS)


def test_an_endpoint_that_may_be_ready_when_the_model_is_does_not_stop_a_run(answers: Answers) -> None:
    check(answers.endpoint(), SERVERLESS)
    check(answers.endpoint("Deleting", "old"), SERVERLESS)
    check(answers.endpoint("Updating", "old").endpoint_tags(RUN_TAG), SERVERLESS)
    check(answers.endpoint("InService", "old").endpoint_tags(RUN_TAG).config("old"), SERVERLESS)
