"""Who is champion, whether it can be compared, and what a run takes over from its predecessor."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import find_champion
import find_previous_model
import pytest
from botocore.stub import Stubber
from jsonschema import Draft202012Validator

from automl import schema
from automl.errors import InvalidRequest
from tests.unit.endpoint_answers import SERVERLESS
from tests.unit.registry_answers import (
    ACCOUNT,
    CONTAINER,
    GROUP,
    arn,
    config,
    described,
    endpoint,
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

RUN = {
    "Name": "run-2",
    "Uri": run_uri("run-2"),
    "Endpoint": {"Name": GROUP, "Keep": True, **SERVERLESS},
    "Staging": {"Name": "run-2-staging", **SERVERLESS},
}
DATA: dict[str, Any] = {
    "ProblemType": "Regression",
    "Fingerprint": {"Dataset": "aa", "Test": "bb"},
    "Test": {
        "Dataset": {
            "S3Uri": run_uri("run-2") + "data/test/",
            "TargetColumn": "Rings",
            "Delimiter": ",",
            "RowColumn": "__row__",
        },
        "OutputUri": run_uri("run-2"),
    },
}
EVENT = {"Run": RUN, "Data": DATA, "Model": {"Name": "run-2", "Containers": 1}}
NOBODY = {
    "Exists": False,
    "InService": False,
    "Comparable": False,
    "Reason": "",
    "ConfigName": "",
    "EndpointName": GROUP,
    "OutputUri": run_uri("run-2") + "proof/champion/",
}
CHAMPION = {
    **NOBODY,
    "Exists": True,
    "ModelName": "run-1",
    "PackageArn": arn(1),
    "Run": "run-1",
    "Uri": run_uri("run-1"),
}
RECIPE = {"TargetColumn": "Rings", "ProblemType": "Regression"}
CANDIDATE = {
    "CandidateName": "trial-1",
    "FinalAutoMLJobObjectiveMetric": {"MetricName": "validation:rmse", "StandardMetricName": "RMSE", "Value": 2.2},
}
AUTOML = {"Mode": "ENSEMBLING", "MaxCandidates": 5, "MaxRuntimeSeconds": 600}


def put(s3: Any, run: str, name: str, document: Any) -> None:
    body = document if isinstance(document, str) else json.dumps(document)
    s3.put_object(Bucket="data-bucket", Key=f"runs/{run}/{name}", Body=body)


@pytest.fixture
def files(data_bucket: Any) -> Any:
    """This run's request, and the files of the run that made the champion, but not its rows."""
    put(data_bucket, "run-2", "request.json", {"Dataset": {"TargetColumn": "Rings"}})
    put(data_bucket, "run-1", "request.json", {"Endpoint": {"Name": GROUP, **SERVERLESS}, "AutoML": AUTOML})
    put(data_bucket, "run-1", "recipe.json", RECIPE)
    put(data_bucket, "run-1", "model.json", {"Containers": 1})
    put(data_bucket, "run-1", "profile.json", {"Fingerprint": {"Dataset": "cc", "Test": "dd"}})
    put(data_bucket, "run-1", "candidate.json", CANDIDATE)
    return data_bucket


@pytest.fixture
def stubber(stub: Callable[[Any], Stubber]) -> Stubber:
    return stub(find_champion.SAGEMAKER)


def in_service(stubber: Stubber, status: str = "InService") -> None:
    """run-1's model is at the endpoint, and registered behind a newer one that was never deployed."""
    endpoint(stubber, "run-1-config", status)
    config(stubber, "run-1-config", "run-1")
    tags(stubber, "endpoint-config/run-1-config", tag_of("run-1"))
    group(stubber)
    listed(stubber, 1, 2)
    described(stubber, package(2, "run-0", "PendingManualApproval"))
    described(stubber, package(1, "run-1"))


def only_registered(stubber: Stubber) -> None:
    missing(stubber, "describe_endpoint")
    newest_approved(stubber, package(1, "run-1"))


def find(lambda_context: Any, event: dict[str, Any] = EVENT) -> dict[str, Any]:
    found: dict[str, Any] = find_champion.handler(event, lambda_context)
    return found


def test_the_first_run_of_an_endpoint_has_no_champion(files: Any, stubber: Stubber, lambda_context: Any) -> None:
    missing(stubber, "describe_endpoint", "describe_model_package_group")
    assert find(lambda_context) == NOBODY


@pytest.mark.parametrize("status", ["InService", "Updating"])
def test_the_model_in_service_is_the_champion(files: Any, stubber: Stubber, lambda_context: Any, status: str) -> None:
    in_service(stubber, status)
    model(stubber, "run-1")
    expected = {**CHAMPION, "InService": True, "Comparable": True, "ConfigName": "run-1-config"}
    assert find(lambda_context) == expected


def test_a_model_in_service_that_nobody_registered_is_a_champion_too(
    files: Any, stubber: Stubber, lambda_context: Any
) -> None:
    endpoint(stubber, "run-1-config")
    config(stubber, "run-1-config", "run-1")
    tags(stubber, "endpoint-config/run-1-config", tag_of("run-1"))
    missing(stubber, "describe_model_package_group")
    model(stubber, "run-1")
    found = find(lambda_context)
    assert (found["Comparable"], found["PackageArn"], found["Run"]) == (True, "", "run-1")


def test_without_an_endpoint_the_newest_approved_model_is_served_on_staging(
    files: Any, stubber: Stubber, lambda_context: Any
) -> None:
    only_registered(stubber)
    model(stubber, "run-1")
    assert find(lambda_context) == {
        **CHAMPION,
        "Comparable": True,
        "EndpointName": "run-2-champion",
        "Staging": {"Name": "run-2-champion", **SERVERLESS},
    }


def test_an_endpoint_that_does_not_answer_has_no_model_in_service(
    files: Any, stubber: Stubber, lambda_context: Any
) -> None:
    endpoint(stubber, "run-1-config", "Failed")
    config(stubber, "run-1-config", "run-1")
    newest_approved(stubber, package(1, "run-1"))
    model(stubber, "run-1")
    found = find(lambda_context)
    assert (found["InService"], found["ConfigName"], found["EndpointName"]) == (False, "run-1-config", "run-2-champion")


def test_an_endpoint_that_is_being_deleted_is_none_to_be_replaced(
    files: Any, stubber: Stubber, lambda_context: Any
) -> None:
    """Deleting takes minutes. Were its config to be replaced, a deployment would find that somebody came first."""
    endpoint(stubber, "run-1-config", "Deleting")
    newest_approved(stubber, package(1, "run-1"))
    model(stubber, "run-1")
    found = find(lambda_context)
    assert (found["InService"], found["ConfigName"], found["EndpointName"]) == (False, "", "run-2-champion")


def test_a_model_that_is_gone_is_made_again_of_its_package(files: Any, stubber: Stubber, lambda_context: Any) -> None:
    only_registered(stubber)
    missing(stubber, "describe_model")
    role = "arn:aws:iam::123456789012:role/sagemaker"
    asked = {
        "ModelName": "run-1",
        "ExecutionRoleArn": role,
        "PrimaryContainer": CONTAINER,
        "Tags": tag_of("run-1"),
    }
    stubber.add_response("create_model", {"ModelArn": f"{ACCOUNT}:model/run-1"}, asked)
    assert find(lambda_context)["Comparable"]


def test_a_pipeline_is_proved_on_an_instance(files: Any, stubber: Stubber, lambda_context: Any) -> None:
    put(files, "run-1", "model.json", {"Containers": 3})
    put(files, "run-1", "request.json", {"Endpoint": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 4}})
    only_registered(stubber)
    model(stubber, "run-1")
    staging = {"Name": "run-2-champion", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1}
    assert find(lambda_context)["Staging"] == staging


@pytest.mark.parametrize(
    ("recipe", "uri", "reason"),
    [
        (None, None, r"run-1, cannot be scored: its run's files in s3://data-bucket/runs/run-1/ are gone"),
        ({**RECIPE, "TargetColumn": "Age"}, None, "it predicts 'Age' as Regression, and this run 'Rings'"),
        ({**RECIPE, "ProblemType": "BinaryClassification"}, None, "'Rings' as BinaryClassification, and this run"),
        (RECIPE, "s3://other-bucket/runs/run-1/", "s3://other-bucket/runs/run-1/, which is not of this stack"),
        (RECIPE, "", "run-1, cannot be scored: its endpoint config has no tag 'autopilot-flow:run'"),
    ],
    ids=["expired", "another target", "another problem type", "another stack", "no tag"],
)
def test_a_champion_that_cannot_be_compared_says_why(
    files: Any, stubber: Stubber, lambda_context: Any, recipe: dict[str, str] | None, uri: str | None, reason: str
) -> None:
    files.delete_object(Bucket="data-bucket", Key="runs/run-1/recipe.json")
    if recipe:
        put(files, "run-1", "recipe.json", recipe)
    endpoint(stubber, "run-1-config")
    config(stubber, "run-1-config", "run-1")
    found_tags = tag_of("run-1") if uri is None else [{"Key": "autopilot-flow:run", "Value": uri}]
    tags(stubber, "endpoint-config/run-1-config", found_tags)
    missing(stubber, "describe_model_package_group")
    found = find(lambda_context)
    assert (found["Exists"], found["InService"], found["Comparable"]) == (True, True, False)
    assert reason in found["Reason"]
    assert found["ConfigName"] == "run-1-config"


def test_a_model_without_package_that_is_gone_cannot_be_compared(
    files: Any, stubber: Stubber, lambda_context: Any
) -> None:
    endpoint(stubber, "run-1-config")
    config(stubber, "run-1-config", "run-1")
    tags(stubber, "endpoint-config/run-1-config", tag_of("run-1"))
    missing(stubber, "describe_model_package_group", "describe_model")
    found = find(lambda_context)
    assert not found["Comparable"]
    assert found["Reason"].endswith("its SageMaker model run-1 was deleted, and no package has its containers")


@pytest.mark.parametrize(
    ("scoring", "folder"), [({}, ""), ({"Scoring": {"S3Uri": "s3://source/new.csv"}}, "proof/test/")]
)
def test_the_champions_own_test_rows_are_a_second_opinion(
    files: Any, stubber: Stubber, lambda_context: Any, scoring: dict[str, Any], folder: str
) -> None:
    put(files, "run-1", "request.json", {"Endpoint": SERVERLESS, **scoring})
    put(files, "run-1", "data/test/part-00000.csv", "x")
    put(files, "run-1", f"{folder}predictions/part-00000.csv", "x")
    in_service(stubber)
    model(stubber, "run-1")
    assert find(lambda_context)["FormerTest"] == {
        "Dataset": {**DATA["Test"]["Dataset"], "S3Uri": run_uri("run-1") + "data/test/"},
        "OutputUri": run_uri("run-2") + "proof/former-test/",
        "PredictionsUri": run_uri("run-1") + folder,
    }


@pytest.mark.parametrize("lost", ["data/test/part-00000.csv", "predictions/part-00000.csv", "same rows"])
def test_there_is_no_second_opinion_without_rows_and_answers_or_of_the_same_rows(
    files: Any, stubber: Stubber, lambda_context: Any, lost: str
) -> None:
    for name in ("data/test/part-00000.csv", "predictions/part-00000.csv"):
        if name != lost:
            put(files, "run-1", name, "x")
    if lost == "same rows":
        put(files, "run-1", "profile.json", {"Fingerprint": DATA["Fingerprint"]})
    in_service(stubber)
    model(stubber, "run-1")
    found = find(lambda_context)
    assert found["Comparable"]
    assert "FormerTest" not in found


def previous(stub: Callable[[Any], Stubber], lambda_context: Any, registered: dict[str, Any] | None) -> dict[str, Any]:
    stubber = stub(find_previous_model.SAGEMAKER)
    missing(stubber, "describe_endpoint")
    if registered:
        newest_approved(stubber, registered)
    else:
        missing(stubber, "describe_model_package_group")
    document: dict[str, Any] = find_previous_model.handler({"Run": RUN, "Data": DATA}, lambda_context)
    s3 = boto3.client("s3")
    written = json.loads(s3.get_object(Bucket="data-bucket", Key="runs/run-2/previous.json")["Body"].read())
    assert written == document
    Draft202012Validator(schema.load("previous")).validate(document)
    return document


def test_a_run_takes_over_what_its_predecessor_learned(
    files: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    assert previous(stub, lambda_context, package(1, "run-1")) == {
        "Found": True,
        "PackageArn": arn(1),
        "Run": "run-1",
        "Uri": run_uri("run-1"),
        "ModelDataUrls": ["s3://data-bucket/model.tar.gz"],
        "Metrics": {"RMSE": 2.1, "R2": 0.56},
        "Parameters": {
            "Problem": {"Type": "Regression", "ObjectiveMetric": "RMSE"},
            "AutoML": AUTOML,
            "Candidate": {"Name": "trial-1", "Metric": "RMSE", "Value": 2.2},
        },
    }


def test_the_registry_remembers_what_has_expired(
    files: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    found = previous(stub, lambda_context, package(1, "run-0"))
    assert found["Metrics"] == {"RMSE": 2.1, "R2": 0.56}
    assert found["Parameters"] == {
        "Problem": {"Type": "Regression", "ObjectiveMetric": "RMSE"},
        "AutoML": {},
        "Candidate": {},
    }


def test_the_first_run_has_no_predecessor(files: Any, lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    assert previous(stub, lambda_context, None) == {"Found": False}


def test_an_endpoint_of_somebody_else_is_refused_before_anything_is_trained(
    files: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    stubber = stub(find_previous_model.SAGEMAKER)
    endpoint(stubber, "theirs")
    tags(stubber, f"endpoint/{GROUP}", [])
    with pytest.raises(InvalidRequest, match=r"not made by this project; give another Endpoint\.Name"):
        find_previous_model.handler({"Run": RUN, "Data": DATA}, lambda_context)


@pytest.mark.parametrize(("key", "value"), [("TargetColumn", "Age"), ("ProblemType", "BinaryClassification")])
def test_an_endpoint_keeps_its_question(
    files: Any, lambda_context: Any, stub: Callable[[Any], Stubber], key: str, value: str
) -> None:
    registered = package(1, "run-1")
    registered["CustomerMetadataProperties"][key] = value
    with pytest.raises(InvalidRequest, match=rf"Endpoint 'rings' is for .*{value}.*give another Endpoint\.Name"):
        previous(stub, lambda_context, registered)


def test_a_target_with_odd_characters_is_the_same_target(
    files: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    put(files, "run-2", "request.json", {"Dataset": {"TargetColumn": "Rings (n)?"}})
    registered = package(1, "run-1")
    registered["CustomerMetadataProperties"]["TargetColumn"] = "Rings _n__"
    assert previous(stub, lambda_context, registered)["Found"]
