"""What a package tells of its model, and where Autopilot's reports on it are found."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import register_model
from botocore.stub import ANY, Stubber

from automl.errors import InvalidRequest
from automl.lineage import registration
from tests.unit.registry_answers import (
    ACCOUNT,
    CONTAINER,
    GROUP,
    STARTED,
    arn,
    group,
    listed,
    missing,
    model,
    run_uri,
)

URI = run_uri("run-2")
STATE: dict[str, Any] = {
    "Run": {
        "Name": "run-2",
        "Uri": URI,
        "StartedAt": STARTED,
        "Approval": "Manual",
        "Endpoint": {"Name": GROUP, "Keep": True},
    },
    "Data": {
        "ProblemType": "BinaryClassification",
        "ObjectiveMetric": "AUC",
        "Fingerprint": {"Dataset": "0a1b", "Test": "2c3d"},
    },
    "Model": {"Name": "run-2", "Containers": 1},
    "Calibration": {
        "Uri": URI + "calibration.json",
        "Method": "Isotonic",
        "Rows": 400,
        "Confidence": {"Threshold": 0.83, "TargetPrecision": 0.95, "Certainty": 0.9, "Coverage": 0.6},
    },
    "Evaluation": {
        "Uri": URI + "evaluation.json",
        "Accepted": True,
        "Reason": "",
        "Metrics": {"AUC": 0.9, "LogLoss": 0.31, "F1": None},
    },
}
EXPLAINED = URI + "autopilot/run-2/documentation/explainability/output"
INSIGHTS = URI + "autopilot/run-2/documentation/model_monitor/output"
CANDIDATE = {
    "CandidateName": "trial-1",
    "InferenceContainers": [CONTAINER],
    "CandidateProperties": {"CandidateArtifactLocations": {"Explainability": EXPLAINED, "ModelInsights": INSIGHTS}},
}


def put(s3: Any, uri: str, body: str = "{}") -> None:
    s3.put_object(Bucket="data-bucket", Key=uri.removeprefix("s3://data-bucket/"), Body=body)


def test_the_properties_lead_back_to_everything() -> None:
    assert registration.properties(STATE, "took it? (ja/nein)") == {
        "Run": "run-2",
        "RunUri": URI,
        "ModelName": "run-2",
        "EndpointName": "rings",
        "ProblemType": "BinaryClassification",
        "TargetColumn": "took it_ _ja/nein_",
        "ObjectiveMetric": "AUC",
        "Recipe": URI + "recipe.json",
        "DatasetFingerprint": "0a1b",
        "TestFingerprint": "2c3d",
        "Calibration": "Isotonic",
        "CalibrationUri": URI + "calibration.json",
        "EvaluationUri": URI + "evaluation.json",
        "Threshold": "0.83",
        "TargetPrecision": "0.95",
        "Certainty": "0.9",
        "Metric.AUC": "0.9",
        "Metric.LogLoss": "0.31",
    }


def test_a_regression_registers_its_level_and_an_impossible_promise_no_threshold() -> None:
    regression = {**STATE, "Calibration": {**STATE["Calibration"], "Confidence": {"Level": 0.9}}}
    assert registration.properties(regression, "y")["Level"] == "0.9"
    unpromised = {"Threshold": None, "TargetPrecision": 0.99, "Certainty": 0.9, "Note": "…"}
    hopeless = {**STATE, "Calibration": {**STATE["Calibration"], "Confidence": unpromised}}
    assert "Threshold" not in registration.properties(hopeless, "y")


@pytest.mark.parametrize("deeper", ["", "/run-2-explain"])
def test_reports_are_found_below_their_locations(data_bucket: Any, deeper: str) -> None:
    put(data_bucket, f"{EXPLAINED}{deeper}/analysis.json")
    put(data_bucket, f"{EXPLAINED}{deeper}/report.pdf")
    put(data_bucket, f"{EXPLAINED}-of-another/statistics.json")
    put(data_bucket, f"{INSIGHTS}{deeper}/statistics.json")
    assert registration.reports(data_bucket, CANDIDATE) == {
        "Statistics": f"{INSIGHTS}{deeper}/statistics.json",
        "Explainability": f"{EXPLAINED}{deeper}/analysis.json",
    }


@pytest.mark.parametrize(
    "candidate", [CANDIDATE, {}, {"CandidateProperties": {"CandidateArtifactLocations": {"Explainability": ""}}}]
)
def test_missing_reports_are_left_out(data_bucket: Any, candidate: dict[str, Any]) -> None:
    put(data_bucket, URI + "autopilot/run-2/elsewhere/analysis.json")
    assert registration.reports(data_bucket, candidate) == {}


@pytest.mark.parametrize("containers", [[CONTAINER], [CONTAINER, {**CONTAINER, "Image": "image:2"}]])
def test_register_model_makes_a_pending_package_of_the_models_containers(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber], containers: list[dict[str, Any]]
) -> None:
    put(data_bucket, URI + "request.json", json.dumps({"Dataset": {"TargetColumn": "y"}}))
    put(data_bucket, URI + "candidate.json", json.dumps(CANDIDATE))
    put(data_bucket, f"{EXPLAINED}/analysis.json")
    stubber = stub(register_model.SAGEMAKER)
    single = len(containers) == 1
    model(stubber, "run-2", **({"PrimaryContainer": containers[0]} if single else {"Containers": containers}))
    group(stubber)
    listed(stubber, CreationTimeAfter=ANY)
    report = {"ContentType": "application/json", "S3Uri": f"{EXPLAINED}/analysis.json"}
    stubber.add_response(
        "create_model_package",
        {"ModelPackageArn": arn(4)},
        {
            "ModelPackageGroupName": GROUP,
            "ModelPackageDescription": ANY,
            "InferenceSpecification": {
                "Containers": containers,
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "ModelApprovalStatus": "PendingManualApproval",
            "ModelMetrics": {"Explainability": {"Report": report}},
            "CustomerMetadataProperties": ANY,
            "ClientToken": "run-2",
        },
    )
    assert register_model.handler({"State": STATE}, lambda_context) == {
        "Arn": f"{ACCOUNT}:model-package/rings/4",
        "GroupName": "rings",
        "Version": 4,
        "ApprovalStatus": "PendingManualApproval",
    }


def test_a_model_that_was_deleted_meanwhile_cannot_be_registered(
    lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    missing(stub(register_model.SAGEMAKER), "describe_model")
    with pytest.raises(InvalidRequest, match="Model 'run-2' was deleted while its run was going on; start again"):
        register_model.handler({"State": STATE}, lambda_context)
