"""Deploying: one config per deployment, create or update, and carrying on after any interruption."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from automl import endpoints, runs
from automl.errors import EndpointBusy, EndpointFailed, InvalidRequest

ACCOUNT = "arn:aws:sagemaker:eu-central-1:123456789012"
RUN_URI = "s3://data-bucket/runs/run-1/"
RUN_TAG = {"Key": "autopilot-flow:run", "Value": RUN_URI}
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:deployment:d"
CONFIG = runs.config_name("model-1", EXECUTION)
SERVERLESS = {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}}
INSTANCES = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def wanted(hosting: dict[str, Any] = SERVERLESS) -> endpoints.Target:
    return endpoints.Target("model-1", RUN_URI, "rings", hosting)


def endpoint(status: str, config: str, **more: Any) -> dict[str, Any]:
    return {
        "EndpointName": "rings",
        "EndpointArn": f"{ACCOUNT}:endpoint/rings",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        **more,
    }


def config(name: str, serverless: bool = True) -> dict[str, Any]:
    request = endpoints.config_request(wanted(SERVERLESS if serverless else INSTANCES), name, "", None)
    return {
        "EndpointConfigName": name,
        "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/{name}",
        "ProductionVariants": request["ProductionVariants"],
        "CreationTime": NOW,
    }


class Answers:
    """Scripts SageMaker's answers in the order in which they are asked for."""

    def __init__(self, stubber: Stubber) -> None:
        self.stubber = stubber

    def endpoint(self, status: str = "", config_name: str = "", **more: Any) -> "Answers":
        asked = {"EndpointName": "rings"}
        if status:
            self.stubber.add_response("describe_endpoint", endpoint(status, config_name, **more), asked)
        else:
            self.stubber.add_client_error(
                "describe_endpoint", "ValidationException", "Could not find endpoint", expected_params=asked
            )
        return self

    def config(self, name: str, serverless: bool = True) -> "Answers":
        self.stubber.add_response("describe_endpoint_config", config(name, serverless), {"EndpointConfigName": name})
        return self

    def no_config(self, name: str) -> "Answers":
        asked = {"EndpointConfigName": name}
        self.stubber.add_client_error("describe_endpoint_config", "ValidationException", expected_params=asked)
        return self

    def tags(self, resource: str, *tags: dict[str, str]) -> "Answers":
        self.stubber.add_response("list_tags", {"Tags": list(tags)}, {"ResourceArn": f"{ACCOUNT}:{resource}"})
        return self

    def config_created(self, previous: str = "", hosting: dict[str, Any] = SERVERLESS) -> "Answers":
        request = endpoints.config_request(wanted(hosting), CONFIG, previous, None)
        answer = {"EndpointConfigArn": f"{ACCOUNT}:endpoint-config/{CONFIG}"}
        self.stubber.add_response("create_endpoint_config", answer, dict(request))
        return self

    def created(self) -> "Answers":
        asked = {"EndpointName": "rings", "EndpointConfigName": CONFIG, "Tags": [RUN_TAG]}
        self.stubber.add_response("create_endpoint", {"EndpointArn": f"{ACCOUNT}:endpoint/rings"}, asked)
        return self

    def updated(self, config_name: str = CONFIG) -> "Answers":
        asked = {"EndpointName": "rings", "EndpointConfigName": config_name}
        self.stubber.add_response("update_endpoint", {"EndpointArn": f"{ACCOUNT}:endpoint/rings"}, asked)
        return self

    def config_deleted(self) -> "Answers":
        self.stubber.add_response("delete_endpoint_config", {}, {"EndpointConfigName": CONFIG})
        return self

    def refused(self, operation: str, message: str, code: str = "ValidationException") -> "Answers":
        self.stubber.add_client_error(operation, code, message)
        return self


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client("sagemaker")


@pytest.fixture
def answers(sagemaker: Any, stub: Callable[[Any], Stubber]) -> Answers:
    return Answers(stub(sagemaker))


def previous_tag(name: str) -> dict[str, str]:
    return {"Key": "autopilot-flow:previous-config", "Value": name}


def test_a_new_endpoint_is_created_with_a_config_of_its_own(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint().config_created().created()
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None) == (CONFIG, "")


def test_instances_and_the_key_of_the_stack(sagemaker: Any) -> None:
    request = endpoints.config_request(wanted(INSTANCES), CONFIG, "", "key-arn")
    assert request["KmsKeyId"] == "key-arn"
    assert request["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "ModelName": "model-1",
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "InitialVariantWeight": 1.0,
        }
    ]


def test_an_endpoint_of_ours_is_updated_and_its_config_remembers_the_former(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint("InService", "old").tags("endpoint/rings", RUN_TAG).config("old")
    answers.config_created(previous="old").updated()
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None) == (CONFIG, "old")


@pytest.mark.parametrize("status", ["Creating", "InService", "Failed"])
def test_a_repeated_creation_carries_on(sagemaker: Any, answers: Answers, status: str) -> None:
    answers.endpoint(status, CONFIG).config(CONFIG).tags(f"endpoint-config/{CONFIG}", RUN_TAG)
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None) == (CONFIG, "")


def test_a_repeated_update_carries_on_and_still_knows_the_former_config(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint("Updating", "old", PendingDeploymentSummary={"EndpointConfigName": CONFIG})
    answers.config(CONFIG).tags(f"endpoint-config/{CONFIG}", RUN_TAG, previous_tag("old"))
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None) == (CONFIG, "old")


def test_an_interruption_between_config_and_endpoint_is_made_good(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint().refused("create_endpoint_config", "Cannot create already existing endpoint configuration")
    answers.config(CONFIG).config(CONFIG).tags(f"endpoint-config/{CONFIG}", RUN_TAG).created()
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None) == (CONFIG, "")


def test_a_config_that_remembers_another_former_config_is_made_anew(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint("InService", "newer").tags("endpoint/rings", RUN_TAG).config("newer")
    answers.refused("create_endpoint_config", "exists").config(CONFIG).config(CONFIG)
    answers.tags(f"endpoint-config/{CONFIG}", RUN_TAG, previous_tag("old"))
    answers.config_deleted().config_created(previous="newer").updated()
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None) == (CONFIG, "newer")


@pytest.mark.parametrize("status", sorted(endpoints.CHANGING))
def test_an_endpoint_that_is_changing_is_busy(sagemaker: Any, answers: Answers, status: str) -> None:
    answers.endpoint(status, "old").tags("endpoint/rings", RUN_TAG)
    with pytest.raises(EndpointBusy, match=f"'rings' is {status}; wait"):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None)


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_a_broken_endpoint_must_be_deleted_by_its_owner(sagemaker: Any, answers: Answers, status: str) -> None:
    answers.endpoint(status, "old").tags("endpoint/rings", RUN_TAG)
    with pytest.raises(EndpointFailed, match="delete it, then deploy again"):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None)


def test_an_endpoint_of_someone_else_is_not_touched(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint("InService", "theirs").tags("endpoint/rings")
    with pytest.raises(InvalidRequest, match=r"not made by this project; give another Endpoint\.Name"):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None)


def test_instances_cannot_become_serverless(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint("InService", "old").tags("endpoint/rings", RUN_TAG).config("old", serverless=False)
    with pytest.raises(InvalidRequest, match="runs on instances, and SageMaker cannot make it serverless"):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None)


def test_serverless_can_become_instances(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint("InService", "old").tags("endpoint/rings", RUN_TAG).config("old")
    answers.config_created("old", INSTANCES).updated()
    assert endpoints.deploy(sagemaker, wanted(INSTANCES), EXECUTION, None) == (CONFIG, "old")


def test_refused_hosting_is_told_in_the_words_of_sagemaker(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint().refused("create_endpoint_config", "Unknown instance type").no_config(CONFIG)
    with pytest.raises(InvalidRequest, match=r"Unknown instance type\. Correct Endpoint"):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None)


def test_a_creation_that_was_overtaken_by_our_own_is_fine(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint().config_created().refused("create_endpoint", "exists").endpoint("Creating", CONFIG)
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None) == (CONFIG, "")


def test_a_creation_that_was_overtaken_by_another_is_busy(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint().config_created().refused("create_endpoint", "exists").endpoint("Creating", "another")
    answers.config_deleted()
    with pytest.raises(EndpointBusy):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None)


def test_a_refused_endpoint_is_told_in_the_words_of_sagemaker(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint().config_created()
    for _ in (*endpoints.SETTLING_WAITS, None):
        answers.refused("create_endpoint", "One of the models is not there").endpoint()
    answers.config_deleted()
    waits: list[float] = []
    with pytest.raises(InvalidRequest, match="One of the models is not there"):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None, waits.append)
    assert waits == list(endpoints.SETTLING_WAITS)


@pytest.mark.parametrize("update", [False, True])
def test_a_config_that_sagemaker_does_not_see_yet_is_tried_again(
    sagemaker: Any, answers: Answers, update: bool
) -> None:
    """ "Retry logic is recommended": CreateEndpoint reads the config from an eventually consistent store."""
    unseen = "Could not find endpoint configuration"
    if update:
        answers.endpoint("InService", "old").tags("endpoint/rings", RUN_TAG).config("old").config_created("old")
        answers.refused("update_endpoint", unseen).endpoint("InService", "old").updated()
    else:
        answers.endpoint().config_created().refused("create_endpoint", unseen).endpoint().created()
    waits: list[float] = []
    expected = (CONFIG, "old" if update else "")
    assert endpoints.deploy(sagemaker, wanted(), EXECUTION, None, waits.append) == expected
    assert waits == [1]


def test_a_quota_leaves_no_config_behind_while_it_is_waited_for(sagemaker: Any, answers: Answers) -> None:
    answers.endpoint().config_created().refused("create_endpoint", "50 endpoints", "ResourceLimitExceeded")
    answers.endpoint().config_deleted()
    with pytest.raises(ClientError, match="50 endpoints"):
        endpoints.deploy(sagemaker, wanted(), EXECUTION, None)


def model(containers: int) -> dict[str, Any]:
    one = {"Image": "image", "ModelDataUrl": "s3://data-bucket/model.tar.gz"}
    described = {"ModelName": "model-1", "ModelArn": f"{ACCOUNT}:model/model-1", "CreationTime": NOW}
    return {**described, **({"PrimaryContainer": one} if containers == 1 else {"Containers": [one] * containers})}


@pytest.mark.parametrize(
    ("hosting", "name"), [(SERVERLESS, "model-1"), ({**INSTANCES, "Name": "rings", "Keep": True}, "rings")]
)
def test_the_endpoint_is_named_after_the_model_unless_asked(
    sagemaker: Any, answers: Answers, hosting: dict[str, Any], name: str
) -> None:
    answers.stubber.add_response("describe_model", model(1), {"ModelName": "model-1"})
    answers.tags("model/model-1", RUN_TAG)
    found = endpoints.target(sagemaker, {"Model": {"Name": "model-1"}, "Endpoint": hosting})
    assert (found.endpoint_name, found.run_uri, found.serverless) == (name, RUN_URI, "Serverless" in hosting)


def test_a_pipeline_cannot_be_serverless(sagemaker: Any, answers: Answers) -> None:
    answers.stubber.add_response("describe_model", model(3))
    answers.tags("model/model-1", RUN_TAG)
    with pytest.raises(InvalidRequest, match=r"3 containers.*give Endpoint\.InstanceType instead"):
        endpoints.target(sagemaker, {"Model": {"Name": "model-1"}, "Endpoint": SERVERLESS})


def test_a_model_that_is_not_there_or_not_ours_cannot_be_deployed(sagemaker: Any, answers: Answers) -> None:
    answers.refused("describe_model", "Could not find model")
    with pytest.raises(InvalidRequest, match="no model 'model-1'"):
        endpoints.target(sagemaker, {"Model": {"Name": "model-1"}, "Endpoint": SERVERLESS})
    answers.stubber.add_response("describe_model", model(1))
    answers.tags("model/model-1")
    with pytest.raises(InvalidRequest, match="has no tag 'autopilot-flow:run'"):
        endpoints.target(sagemaker, {"Model": {"Name": "model-1"}, "Endpoint": SERVERLESS})


@pytest.mark.parametrize("hosting", [{}, {**SERVERLESS, **INSTANCES}])
def test_exactly_one_kind_of_hosting(sagemaker: Any, answers: Answers, hosting: dict[str, Any]) -> None:
    answers.stubber.add_response("describe_model", model(1))
    answers.tags("model/model-1", RUN_TAG)
    with pytest.raises(InvalidRequest, match="either Serverless or InstanceType"):
        endpoints.target(sagemaker, {"Model": {"Name": "model-1"}, "Endpoint": hosting})


def refreshed(found: Any, previous: str = "", after: float = 400) -> dict[str, Any]:
    status = endpoints.new_status(wanted(), CONFIG, previous, NOW, 15)
    return endpoints.refreshed_status(status, found, NOW + timedelta(seconds=after), 15)


def test_a_new_status_tells_create_from_update() -> None:
    created = endpoints.new_status(wanted(), CONFIG, "", NOW, 1)
    updated = endpoints.new_status(wanted(), CONFIG, "old", NOW, 1)
    assert (created["Action"], created["Created"], created["Status"]) == ("Create", True, "Creating")
    assert (updated["Action"], updated["Created"], updated["PreviousConfigName"]) == ("Update", False, "old")
    assert created["WaitSeconds"] == 1
    assert created["DeadlineSeconds"] == 3600


def test_a_look_at_the_endpoint_shows_the_config_in_service() -> None:
    status = refreshed(endpoint("InService", "old"), "old")
    assert (status["Status"], status["ConfigInService"], status["ConfigName"]) == ("InService", "old", CONFIG)
    assert (status["Polls"], status["ElapsedSeconds"], status["Seconds"], status["WaitSeconds"]) == (1, 400, 400.0, 20)
    assert status["FailureReason"] == ""


def test_failures_carry_their_reason() -> None:
    assert refreshed(endpoint("Failed", CONFIG, FailureReason="no ping"))["FailureReason"] == "no ping"
    gone = refreshed(None)
    assert gone["Status"] == "Failed"
    assert "deleted while" in gone["FailureReason"]
