"""Each handler of a deployment and of what is removed after it, with its sample event and AWS's answers scripted."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import configure_auto_scaling
import create_endpoint
import get_endpoint
import pytest
import remove_endpoint
import remove_staging
import roll_back_endpoint
import test_endpoint as smoke_handler
from botocore.response import StreamingBody
from botocore.stub import Stubber

from automl import runs
from automl.errors import ChampionChanged, EndpointFailed, InvalidRequest
from tests.unit.endpoint_answers import ACCOUNT, INSTANCES, NOW, Answers, previous_tag, scaling_tag

EVENTS = Path(__file__).parents[3] / "events"
RUN = "abalone-0a1b2c3d"
OURS = {"Key": "autopilot-flow:run", "Value": f"s3://data-bucket/runs/{RUN}/"}
FORMER = "abalone-9f8e7d6c-1b2c3d4e"


def event(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def answers_of(module: Any, stub: Callable[[Any], Stubber]) -> Answers:
    """What AWS answers to the clients of a handler."""
    return Answers(module.SERVICES, stub(module.SAGEMAKER), stub(module.CLOUDWATCH), stub(module.AUTO_SCALING))


def model() -> dict[str, Any]:
    container = {"Image": "image:1", "ModelDataUrl": "s3://data-bucket/model.tar.gz"}
    named = {"ModelName": RUN, "ModelArn": f"{ACCOUNT}:model/{RUN}"}
    return {**named, "PrimaryContainer": container, "CreationTime": NOW}


def test_create_endpoint_starts_the_endpoint(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    sent = event("create_endpoint")
    name = runs.config_name(RUN, sent["Execution"]["Id"])
    answers = answers_of(create_endpoint, stub)
    answers.sagemaker.add_response("describe_model", model(), {"ModelName": RUN})
    answers.sagemaker.add_response("list_tags", {"Tags": [OURS]})
    answers.endpoint(name=RUN)
    answers.sagemaker.add_response("create_endpoint_config", {"EndpointConfigArn": f"{ACCOUNT}:endpoint-config/{name}"})
    answers.sagemaker.add_response(
        "create_endpoint",
        {"EndpointArn": f"{ACCOUNT}:endpoint/{RUN}"},
        {"EndpointName": RUN, "EndpointConfigName": name, "Tags": [OURS]},
    )
    status = create_endpoint.handler(sent, lambda_context)
    expected = (RUN, name, "Create", "Creating", False)
    assert tuple(status[key] for key in ("Name", "ConfigName", "Action", "Status", "Restoring")) == expected


def test_create_endpoint_names_a_changed_champion(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    sent = event("create_endpoint")
    sent["Input"]["Replaces"] = FORMER
    answers = answers_of(create_endpoint, stub)
    answers.sagemaker.add_response("describe_model", model(), {"ModelName": RUN})
    answers.sagemaker.add_response("list_tags", {"Tags": [OURS]})
    answers.endpoint(name=RUN)
    with pytest.raises(ChampionChanged, match=f"was to replace config '{FORMER}'"):
        create_endpoint.handler(sent, lambda_context)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Model": {"name": RUN}}, r"'Model\.name' in the deployment's input .*Did you mean 'Model\.Name'"),
        ({"Replaces": "not a config"}, "Replaces"),
        (
            {"Endpoint": {**INSTANCES, "AutoScaling": {"MaxInstanceCount": 0, "InvocationsPerInstance": 1}}},
            "MaxInstance",
        ),
        ({"Endpoint": {**INSTANCES, "DataCapture": {"SamplingPercentage": 101}}}, "SamplingPercentage"),
    ],
)
def test_create_endpoint_refuses_an_input_that_breaks_its_schema(
    lambda_context: Any, change: dict[str, Any], words: str
) -> None:
    sent = event("create_endpoint")
    with pytest.raises(InvalidRequest, match=words):
        create_endpoint.handler({**sent, "Input": {**sent["Input"], **change}}, lambda_context)


@pytest.mark.parametrize("status", ["Creating", "InService", "Failed"])
def test_get_endpoint_tells_the_status(lambda_context: Any, stub: Callable[[Any], Stubber], status: str) -> None:
    described = {
        "EndpointName": RUN,
        "EndpointArn": f"{ACCOUNT}:endpoint/{RUN}",
        "EndpointConfigName": "config",
        "EndpointStatus": status,
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
    }
    stub(get_endpoint.SAGEMAKER).add_response("describe_endpoint", described, {"EndpointName": RUN})
    document = get_endpoint.handler(event("get_endpoint"), lambda_context)
    assert (document["Status"], document["ConfigInService"], document["Polls"]) == (status, "config", 1)


def test_test_endpoint_sends_the_smoke_rows(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    document = {"ProblemType": "Regression", "ResponseKeys": ["prediction"], "Features": ["a", "b"]}
    data_bucket.put_object(Bucket="data-bucket", Key=f"runs/{RUN}/model.json", Body=json.dumps(document))
    data_bucket.put_object(Bucket="data-bucket", Key=f"runs/{RUN}/smoke.csv", Body=b"1,2\n3,4\n")
    sagemaker = stub(smoke_handler.SAGEMAKER)
    answers = Answers(create_endpoint.SERVICES, sagemaker, sagemaker, sagemaker)
    answers.endpoint("InService", "config", name=RUN).config_alone("config")
    sagemaker.add_response("describe_model", model())
    sagemaker.add_response("list_tags", {"Tags": [OURS]})
    answer = StreamingBody(io.BytesIO(b"9.5\n10.1\n"), 9)
    stub(smoke_handler.RUNTIME).add_response("invoke_endpoint", {"Body": answer, "ContentType": "text/csv"})
    assert smoke_handler.handler(event("test_endpoint"), lambda_context) == {"Rows": 2}


def test_configure_auto_scaling_reads_what_was_asked_for(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    sent = event("configure_auto_scaling")
    sagemaker, scaling = stub(configure_auto_scaling.SAGEMAKER), stub(configure_auto_scaling.AUTO_SCALING)
    answers = Answers(create_endpoint.SERVICES, sagemaker, scaling, scaling)
    answers.config(sent["Endpoint"]["ConfigName"], OURS, scaling_tag("2-4/1000"), hosting=INSTANCES)
    bounds = {"MinCapacity": 2, "MaxCapacity": 4}
    target = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": "endpoint/abalone/variant/AllTraffic",
    }
    scaling.add_response("register_scalable_target", {}, {**target, **bounds})
    scaling.add_response("put_scaling_policy", {"PolicyARN": "arn"})
    answer = configure_auto_scaling.handler(sent, lambda_context)
    assert answer == {"MinInstanceCount": 2, "MaxInstanceCount": 4}


def test_configure_auto_scaling_needs_the_config(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    stub(configure_auto_scaling.SAGEMAKER).add_client_error("describe_endpoint_config", "ValidationException")
    with pytest.raises(EndpointFailed, match="tells of no auto scaling; deploy again"):
        configure_auto_scaling.handler(event("configure_auto_scaling"), lambda_context)


def test_roll_back_endpoint_orders_the_former_config_and_then_tidies_up(
    lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    sent = event("roll_back_endpoint")
    ours = sent["Endpoint"]["ConfigName"]
    answers = answers_of(roll_back_endpoint, stub)
    answers.config(ours, OURS, previous_tag(FORMER), hosting=INSTANCES).endpoint("InService", ours, name="abalone")
    answers.config(FORMER, OURS, hosting=INSTANCES)
    answers.sagemaker.add_response(
        "update_endpoint",
        {"EndpointArn": f"{ACCOUNT}:endpoint/abalone"},
        {"EndpointName": "abalone", "EndpointConfigName": FORMER},
    )
    first = roll_back_endpoint.handler(sent, lambda_context)
    assert (first["Status"], first["Restoring"], first["FailedConfigName"]) == ("Restoring", True, ours)
    assert first["Reason"].startswith("Endpoint 'abalone' answered 'nan' to smoke row 1")

    answers.config(ours, OURS, previous_tag(FORMER), hosting=INSTANCES).endpoint("InService", FORMER, name="abalone")
    answers.config(FORMER, OURS, hosting=INSTANCES).config_deleted(ours)
    second = roll_back_endpoint.handler({**sent, "Endpoint": first}, lambda_context)
    assert (second["Status"], second["Restoring"], second["FailedConfigName"]) == ("Restored", False, "")
    assert second["Reason"] == first["Reason"]


def test_remove_endpoint_answers_with_the_endpoint_as_it_is_now(
    lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    sent = event("remove_endpoint")
    name, config = sent["Endpoint"]["Name"], sent["Endpoint"]["ConfigName"]
    answers = answers_of(remove_endpoint, stub)
    answers.config(config, OURS).endpoint("InService", config, name=name).endpoint_tags(OURS, name=name)
    answers.deleted(name).config_deleted(config)
    assert remove_endpoint.handler(sent, lambda_context) == {**sent["Endpoint"], "Status": "Deleted"}


def test_remove_staging_tells_what_it_removed(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    answers = answers_of(remove_staging, stub)
    answers.endpoint("InService", "config", name=f"{RUN}-staging").config("config", OURS)
    answers.endpoint_tags(OURS, name=f"{RUN}-staging").deleted(f"{RUN}-staging").config_deleted("config")
    answers.endpoint(name=f"{RUN}-champion")
    removed = remove_staging.handler(event("remove_staging"), lambda_context)
    assert removed == {"Removed": [f"endpoint {RUN}-staging", "endpoint config config"]}
