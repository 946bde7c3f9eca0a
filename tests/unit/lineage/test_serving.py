"""Which model a scoring asks, and which endpoint answers for it: one in service, or one that it makes."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import find_model
import pytest
from botocore.stub import Stubber

from automl import runs
from automl.errors import EndpointBusy, EndpointFailed, InvalidRequest
from automl.lineage import serving
from automl.lineage.registry import Package
from tests.unit.endpoint_answers import INSTANCES, SERVERLESS
from tests.unit.registry_answers import (
    ACCOUNT,
    CONTAINER,
    GROUP,
    NOW,
    described,
    group,
    listed,
    missing,
    model,
    newest_approved,
    package,
    run_uri,
    tag_of,
    tags,
)

DATASET = {"S3Uri": "s3://data-bucket/new.csv"}
EXECUTION = {
    "Id": "arn:aws:states:eu-central-1:123456789012:execution:Scoring:hourly",
    "Name": "hourly",
    "StartTime": "2026-11-21T06:20:00.000Z",
}
SCORING = runs.run_name(EXECUTION)
MODEL = {"Name": "run-1", "ModelName": "run-1", "ModelUri": run_uri("run-1")}
READY = {
    **MODEL,
    "Engine": "Endpoint",
    "EndpointName": GROUP,
    "Ready": True,
    "Keep": True,
    "Endpoint": {"Name": GROUP, **SERVERLESS},
    "MaxConcurrency": 5,
    "MaxPayloadBytes": 4_000_000,
}
MADE = {**READY, "EndpointName": SCORING, "Ready": False, "Keep": False, "Endpoint": {"Name": SCORING, **SERVERLESS}}
TRANSFORMED = {
    **MODEL,
    "Engine": "BatchTransform",
    "EndpointName": "",
    "Ready": False,
    "Keep": True,
    "Endpoint": {},
    "MaxConcurrency": 12,
    "MaxPayloadBytes": 6 * 1024 * 1024,
}
FOLDER = "s3://data-bucket/scorings/failed-1/"
EARLIER = {
    **MODEL,
    "Engine": "Endpoint",
    "EndpointName": GROUP,
    "Hosting": {"Name": GROUP, **SERVERLESS},
    "Predicted": False,
    "OutputUri": FOLDER,
    "PredictionsUri": FOLDER,
    "MaxConcurrency": 5,
    "MaxPayloadBytes": 4_000_000,
}


def put(s3: Any, key: str, document: Any) -> None:
    s3.put_object(Bucket="data-bucket", Key=key, Body=json.dumps(document))


@pytest.fixture
def files(data_bucket: Any) -> Any:
    """What the run that made the model left."""
    put(data_bucket, "runs/run-1/model.json", {"Containers": 1})
    put(data_bucket, "runs/run-1/request.json", {"Endpoint": {"Name": GROUP, "Keep": False, **SERVERLESS}})
    return data_bucket


@pytest.fixture
def stubber(stub: Callable[[Any], Stubber]) -> Stubber:
    return stub(find_model.SAGEMAKER)


def endpoint(stubber: Stubber, status: str = "InService", pending: str = "", name: str = GROUP) -> None:
    answer = {
        "EndpointName": name,
        "EndpointArn": f"{ACCOUNT}:endpoint/{name}",
        "EndpointConfigName": "config-1",
        "EndpointStatus": status,
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        **({"PendingDeploymentSummary": {"EndpointConfigName": pending}} if pending else {}),
    }
    stubber.add_response("describe_endpoint", answer, {"EndpointName": name})


def served(stubber: Stubber, model_name: str = "run-1", variant: dict[str, Any] | None = None) -> None:
    """The model that the endpoint's config names, made by the run of that name."""
    hosted = variant or {"ServerlessConfig": SERVERLESS["Serverless"]}
    answer = {
        "EndpointConfigName": "config-1",
        "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/config-1",
        "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": model_name, **hosted}],
        "CreationTime": NOW,
    }
    stubber.add_response("describe_endpoint_config", answer, {"EndpointConfigName": "config-1"})
    model(stubber, model_name)
    tags(stubber, f"model/{model_name}", tag_of(model_name))


def registered(stubber: Stubber) -> None:
    """There is no endpoint; the model is approved and there."""
    missing(stubber, "describe_endpoint")
    newest_approved(stubber, package(1, "run-1"))


def find(lambda_context: Any, asked: dict[str, Any] | None = None, **request: Any) -> dict[str, Any]:
    document = {"Endpoint": {"Name": GROUP, **(asked or {})}, "Dataset": DATASET, **request}
    found: dict[str, Any] = find_model.handler({"Input": document, "Execution": EXECUTION}, lambda_context)
    return found


def resume(lambda_context: Any) -> dict[str, Any]:
    event = {"Input": {"Resume": FOLDER}, "Execution": EXECUTION}
    found: dict[str, Any] = find_model.handler(event, lambda_context)
    return found


@pytest.mark.parametrize(
    ("status", "pending"), [("InService", ""), ("SystemUpdating", ""), ("Updating", ""), ("Updating", "config-1")]
)
@pytest.mark.usefixtures("files")
def test_an_endpoint_in_service_is_asked_and_left_alone(
    stubber: Stubber, lambda_context: Any, status: str, pending: str
) -> None:
    """Also while auto scaling changes the number of its instances. Its hosting is what it has, not what is asked."""
    endpoint(stubber, status, pending)
    served(stubber)

    assert find(lambda_context, {"Keep": False, **INSTANCES}) == READY


@pytest.mark.usefixtures("files")
def test_an_endpoint_on_instances_takes_more_at_once(stubber: Stubber, lambda_context: Any) -> None:
    endpoint(stubber)
    served(stubber, variant={"InstanceType": "ml.m5.large", "InitialInstanceCount": 2})

    found = find(lambda_context)

    assert (found["MaxConcurrency"], found["MaxPayloadBytes"]) == (8, 6 * 1024 * 1024)
    assert found["Endpoint"] == {"Name": GROUP, **INSTANCES}


@pytest.mark.parametrize(
    ("status", "pending"),
    [("Creating", ""), ("Deleting", ""), ("RollingBack", ""), ("Updating", "config-2")],
)
@pytest.mark.usefixtures("data_bucket")
def test_a_changing_endpoint_is_waited_for(stubber: Stubber, lambda_context: Any, status: str, pending: str) -> None:
    """Rows prepared by the recipe of one model must not be answered by the next."""
    endpoint(stubber, status, pending)

    with pytest.raises(EndpointBusy, match=f"'{GROUP}' is {status}; wait"):
        find(lambda_context)


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
@pytest.mark.usefixtures("data_bucket")
def test_a_broken_endpoint_is_no_missing_one(stubber: Stubber, lambda_context: Any, status: str) -> None:
    endpoint(stubber, status)

    with pytest.raises(EndpointFailed, match=f"'{GROUP}' is {status} and cannot answer; .* or delete it"):
        find(lambda_context)


@pytest.mark.usefixtures("files")
def test_a_missing_endpoint_is_made_of_the_approved_model_for_this_scoring(
    stubber: Stubber, lambda_context: Any
) -> None:
    """It bears the scoring's name, so that no other scoring finds it and loses it."""
    registered(stubber)
    model(stubber, "run-1")

    assert find(lambda_context) == MADE


@pytest.mark.usefixtures("files")
def test_an_endpoint_that_is_to_stay_has_the_name_that_was_asked_for(stubber: Stubber, lambda_context: Any) -> None:
    registered(stubber)
    model(stubber, "run-1")

    assert find(lambda_context, {"Keep": True}) == {**READY, "Ready": False}


@pytest.mark.usefixtures("files")
def test_a_model_that_is_gone_is_made_again_as_it_was(stubber: Stubber, lambda_context: Any) -> None:
    registered(stubber)
    missing(stubber, "describe_model")
    made = {
        "ModelName": "run-1",
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/sagemaker",
        "Tags": tag_of("run-1"),
        "PrimaryContainer": CONTAINER,
    }
    stubber.add_response("create_model", {"ModelArn": f"{ACCOUNT}:model/run-1"}, made)

    assert find(lambda_context) == MADE


@pytest.mark.parametrize(
    ("files_gone", "message"),
    [("model.json", "how to ask model 'run-1' is unknown"), ("request.json", "how to serve model 'run-1' is unknown")],
)
def test_a_model_whose_run_has_expired_is_not_guessed_at(
    stubber: Stubber, lambda_context: Any, files: Any, files_gone: str, message: str
) -> None:
    files.delete_object(Bucket="data-bucket", Key=f"runs/run-1/{files_gone}")
    registered(stubber)

    with pytest.raises(InvalidRequest, match=f"{files_gone} is gone, so {message}; restore the run's files"):
        find(lambda_context)


@pytest.mark.usefixtures("data_bucket")
def test_a_model_of_another_stack_is_refused(stubber: Stubber, lambda_context: Any) -> None:
    elsewhere = package(1, "run-1")
    elsewhere["CustomerMetadataProperties"]["RunUri"] = "s3://other-bucket/runs/run-1/"
    missing(stubber, "describe_endpoint")
    newest_approved(stubber, elsewhere)

    with pytest.raises(InvalidRequest, match=r"'run-1' is of another stack: .* s3://other-bucket/runs/run-1/"):
        find(lambda_context)


@pytest.mark.usefixtures("data_bucket")
def test_a_name_without_any_model_says_so(stubber: Stubber, lambda_context: Any) -> None:
    missing(stubber, "describe_endpoint", "describe_model_package_group", "describe_model_package_group")

    with pytest.raises(InvalidRequest, match=f"no model package group of that name.* Endpoint.Name '{GROUP}'"):
        find(lambda_context)


@pytest.mark.usefixtures("data_bucket")
def test_a_model_that_waits_for_approval_is_not_served(stubber: Stubber, lambda_context: Any) -> None:
    missing(stubber, "describe_endpoint")
    group(stubber)
    listed(stubber, ModelApprovalStatus="Approved")
    group(stubber)
    listed(stubber, 2)
    described(stubber, package(2, "run-2", "PendingManualApproval"))

    with pytest.raises(InvalidRequest, match=r"version 2 waits for approval.*autoflow approve run-2"):
        find(lambda_context)


def test_a_model_that_was_rejected_is_not_served() -> None:
    rejected = Package(f"{ACCOUNT}:model-package/{GROUP}/3", "Rejected", "worse than its champion", {}, ())

    why = serving.no_package(GROUP, [rejected, replace(rejected, arn=f"{ACCOUNT}:model-package/{GROUP}/1")])

    assert "all 2 versions in its model package group are rejected" in why
    assert "version 3 (worse than its champion). Train anew" in why
    assert "there is no model package in its group" in serving.no_package(GROUP, [])


@pytest.mark.parametrize("status", ["InService", "Updating", "RollingBack"])
@pytest.mark.usefixtures("files")
def test_a_transform_job_takes_the_endpoints_model_and_no_endpoint(
    stubber: Stubber, lambda_context: Any, status: str
) -> None:
    endpoint(stubber, status, "config-2")
    served(stubber)
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 3}

    assert find(lambda_context, Engine="BatchTransform", TransformResources=resources) == TRANSFORMED


@pytest.mark.parametrize("status", ["", "Creating", "Failed", "Deleting"])
@pytest.mark.usefixtures("files")
def test_a_transform_job_waits_for_no_endpoint(stubber: Stubber, lambda_context: Any, status: str) -> None:
    if status:
        endpoint(stubber, status)
    else:
        missing(stubber, "describe_endpoint")
    newest_approved(stubber, package(1, "run-1"))
    model(stubber, "run-1")

    assert find(lambda_context, Engine="BatchTransform") == {**TRANSFORMED, "MaxConcurrency": 4}


@pytest.mark.usefixtures("data_bucket")
@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Endpoint": {"Name": GROUP}}, "has no Dataset"),
        ({"Resume": "s3://other-bucket/scorings/x"}, "Resume is .* must be a folder below"),
        ({"Endpoint": {"Name": GROUP, "Kep": True}, "Dataset": DATASET}, "Keep"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_aws_is_asked(
    stubber: Stubber, lambda_context: Any, request_: dict[str, Any], message: str
) -> None:
    assert stubber
    with pytest.raises(InvalidRequest, match=message):
        find_model.handler({"Input": request_, "Execution": EXECUTION}, lambda_context)


def test_a_scoring_goes_on_with_the_model_that_it_began_with(stubber: Stubber, lambda_context: Any, files: Any) -> None:
    put(files, "scorings/failed-1/rows.json", EARLIER)
    endpoint(stubber)
    served(stubber)

    assert resume(lambda_context) == READY


def test_another_model_does_not_finish_what_the_first_began(stubber: Stubber, lambda_context: Any, files: Any) -> None:
    put(files, "scorings/failed-1/rows.json", EARLIER)
    endpoint(stubber)
    served(stubber, "run-2")

    with pytest.raises(InvalidRequest, match=f"predicted by model 'run-1', but endpoint '{GROUP}' serves 'run-2' now"):
        resume(lambda_context)


@pytest.mark.parametrize("name", [GROUP, "earlier-0a1b2c3d"])
def test_an_endpoint_that_is_gone_is_made_again_to_go_on_hosted_as_before(
    stubber: Stubber, lambda_context: Any, files: Any, name: str
) -> None:
    """Of that very model, though a newer one is approved; and it goes afterwards, whoever had made the first."""
    put(files, "scorings/failed-1/rows.json", {**EARLIER, "EndpointName": name, "Hosting": {"Name": name, **INSTANCES}})
    missing(stubber, "describe_endpoint")
    group(stubber)
    listed(stubber, 2, 1)
    described(stubber, package(2, "run-2"))
    described(stubber, package(1, "run-1"))
    model(stubber, "run-1")

    found = resume(lambda_context)

    assert found["Endpoint"] == {"Name": SCORING, **INSTANCES}
    assert (found["ModelName"], found["Ready"], found["Keep"]) == ("run-1", False, False)


@pytest.mark.parametrize(
    ("status", "message"), [("Rejected", "its model package is Rejected now"), ("", "it has no model package")]
)
def test_a_model_that_was_withdrawn_does_not_go_on(
    stubber: Stubber, lambda_context: Any, files: Any, status: str, message: str
) -> None:
    put(files, "scorings/failed-1/rows.json", EARLIER)
    missing(stubber, "describe_endpoint")
    group(stubber)
    listed(stubber, *([1] if status else []))
    if status:
        described(stubber, package(1, "run-1", status))

    with pytest.raises(InvalidRequest, match=f"not in service, and {message}; score the dataset from the start"):
        resume(lambda_context)


def test_going_on_with_predictions_that_are_there_asks_nobody(
    stubber: Stubber, lambda_context: Any, files: Any
) -> None:
    assert stubber
    put(files, "scorings/failed-1/rows.json", {**EARLIER, "Predicted": True})

    assert resume(lambda_context) == {**READY, "Endpoint": {}}
