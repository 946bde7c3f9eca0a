"""The request: defaults, contradictions, and the words in which each mistake is told."""

import copy
import dataclasses
import json
from typing import Any

import pytest

from automl import environment, schema
from automl.errors import InvalidRequest
from automl.objectives import OBJECTIVES, check_gate
from automl.request import Defaults, resolve, staging

DEFAULTS = environment.read(Defaults)
MINIMAL: dict[str, Any] = {"Dataset": {"S3Uri": "s3://source/abalone.csv", "TargetColumn": "Rings"}}
FULL: dict[str, Any] = {
    "Dataset": {"S3Uri": "s3://source/abalone.csv", "TargetColumn": "Rings", "IdColumn": "Id", "Delimiter": ";"},
    "Transform": {
        "Filter": "Height > 0",
        "Derive": {"Volume": "Length * Diameter * Height"},
        "Drop": ["Sex"],
        "Calibration": 0.2,
        "Test": 0.15,
    },
    "Problem": {"Type": "MulticlassClassification", "ObjectiveMetric": "F1macro"},
    "AutoML": {"Mode": "ENSEMBLING", "MaxCandidates": 5, "MaxRuntimeSeconds": 600},
    "Selection": {"MaxInferenceLatencySeconds": 0.5},
    "Endpoint": {"Name": "rings", "Serverless": {"MemorySizeInMB": 2048, "MaxConcurrency": 3}, "Keep": False},
    "Scoring": {"S3Uri": "s3://source/new.csv"},
    "Confidence": {"TargetPrecision": 0.95, "Certainty": 0.8},
    "Gate": {"Minimum": {"F1macro": 0.7, "ECE": 0.1}, "MustBeatChampion": False, "Margin": 0.01},
    "Approval": "Manual",
    "ApprovalTimeoutSeconds": 3600,
}
INSTANCES: dict[str, Any] = {
    **MINIMAL,
    "Endpoint": {
        "Name": "rings",
        "InstanceType": "ml.c5.xlarge",
        "InstanceCount": 2,
        "AutoScaling": {"MaxInstanceCount": 4, "InvocationsPerInstance": 50},
        "DataCapture": {"SamplingPercentage": 20},
        "Keep": True,
    },
}


def changed(path: str, value: Any, document: dict[str, Any] = MINIMAL) -> dict[str, Any]:
    """The document with ``Section.Key`` set to the value."""
    copied = copy.deepcopy(document)
    place = copied
    *sections, key = path.split(".")
    for section in sections:
        place = place.setdefault(section, {})
    place[key] = value
    return copied


def is_judged_by(problem_type: str, metric: str) -> bool:
    try:
        check_gate(problem_type, [metric])
    except InvalidRequest:
        return False
    return True


def refused(document: Any, defaults: Defaults = DEFAULTS) -> str:
    with pytest.raises(InvalidRequest) as caught:
        resolve(document, defaults, "run-1")
    return str(caught.value)


def test_a_minimal_request_is_filled_up_from_the_stack() -> None:
    assert resolve(MINIMAL, DEFAULTS, "run-1") == {
        "Dataset": {"S3Uri": "s3://source/abalone.csv", "TargetColumn": "Rings"},
        "Transform": {"Derive": {}, "Drop": [], "Calibration": 0.1, "Test": 0.1},
        "Problem": {},
        "AutoML": {"Mode": "ENSEMBLING", "MaxCandidates": 10, "MaxRuntimeSeconds": 3600},
        "Selection": {},
        "Endpoint": {"Name": "run-1", "Keep": True, "Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}},
        "Confidence": {"Threshold": 0.9, "IsDefault": True},
        "Gate": {"Minimum": {}, "MustBeatChampion": True, "Margin": 0},
        "Approval": "Automatic",
        "ApprovalTimeoutSeconds": 604800,
    }


def test_what_is_asked_for_wins() -> None:
    assert resolve(FULL, DEFAULTS, "run-1") == FULL
    assert resolve(INSTANCES, DEFAULTS, "run-1")["Endpoint"] == INSTANCES["Endpoint"]


def test_a_resolved_request_is_a_request_that_means_the_same() -> None:
    regression = changed("Problem.Type", "Regression")
    for document in (MINIMAL, FULL, INSTANCES, regression, changed("Transform.Calibration", 0, regression)):
        resolved = resolve(document, DEFAULTS, "run-1")
        assert resolve(resolved, DEFAULTS, "run-2") == resolved


def test_one_key_of_serverless_hosting_is_enough() -> None:
    resolved = resolve(changed("Endpoint.Serverless.MaxConcurrency", 20), DEFAULTS, "run-1")
    assert resolved["Endpoint"]["Serverless"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 20}


@pytest.mark.parametrize(
    ("problem", "resolved"),
    [
        ({}, {}),
        ({"Type": "Regression"}, {"Type": "Regression", "ObjectiveMetric": "RMSE"}),
        ({"Type": "BinaryClassification"}, {"Type": "BinaryClassification", "ObjectiveMetric": "AUC"}),
        ({"ObjectiveMetric": "R2"}, {"Type": "Regression", "ObjectiveMetric": "R2"}),
        ({"ObjectiveMetric": "Accuracy"}, {"ObjectiveMetric": "Accuracy"}),
    ],
)
def test_type_and_objective_complete_each_other(problem: dict[str, str], resolved: dict[str, str]) -> None:
    assert resolve({**MINIMAL, "Problem": problem}, DEFAULTS, "run-1")["Problem"] == resolved


def test_a_stack_without_default_confidence_accepts_all() -> None:
    silent = dataclasses.replace(DEFAULTS, default_confidence=None)
    assert resolve(MINIMAL, silent, "run-1")["Confidence"] == {}


@pytest.mark.parametrize(
    ("document", "defaults"),
    [
        (changed("AutoML.Mode", "HYPERPARAMETER_TUNING"), DEFAULTS),
        (MINIMAL, dataclasses.replace(DEFAULTS, automl_mode="HYPERPARAMETER_TUNING")),
        (MINIMAL, dataclasses.replace(DEFAULTS, subnet_ids=("subnet-1",))),
        (MINIMAL, dataclasses.replace(DEFAULTS, endpoint_hosting="Instance")),
        (changed("Endpoint.InstanceCount", 1), DEFAULTS),
    ],
    ids=["tuning", "tuning by default", "VPC", "instances by default", "instances asked for"],
)
def test_instances_serve_where_serverless_cannot_or_shall_not(document: dict[str, Any], defaults: Defaults) -> None:
    endpoint = resolve(document, defaults, "run-1")["Endpoint"]
    assert endpoint == {"Name": "run-1", "Keep": True, "InstanceType": "ml.m5.large", "InstanceCount": 1}


@pytest.mark.parametrize(
    ("endpoint", "mode", "subnets", "expected"),
    [
        ({}, "ENSEMBLING", (), {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}}),
        (
            {"Serverless": {"MaxConcurrency": 20}},
            "ENSEMBLING",
            (),
            {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 20}},
        ),
        (
            {"InstanceType": "ml.c5.xlarge", "InstanceCount": 3},
            "ENSEMBLING",
            (),
            {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}},
        ),
        (
            {"InstanceType": "ml.c5.xlarge", "InstanceCount": 3},
            "HYPERPARAMETER_TUNING",
            (),
            {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1},
        ),
        ({}, "ENSEMBLING", ("subnet-1",), {"InstanceType": "ml.m5.large", "InstanceCount": 1}),
    ],
    ids=["default", "as asked", "instances in production only", "several containers", "VPC"],
)
def test_a_model_proves_itself_on_one_endpoint_that_is_serverless_where_possible(
    endpoint: dict[str, Any], mode: str, subnets: tuple[str, ...], expected: dict[str, Any]
) -> None:
    defaults = dataclasses.replace(DEFAULTS, subnet_ids=subnets)
    resolved = resolve({**MINIMAL, "Endpoint": endpoint, "AutoML": {"Mode": mode}}, defaults, "run-1")
    assert staging(resolved, defaults, "run-1") == {"Name": "run-1-staging", **expected}


def test_auto_scaling_needs_only_its_limit() -> None:
    document = changed("Endpoint", {"InstanceType": "ml.m5.large", "AutoScaling": {"MaxInstanceCount": 3}})
    scaling = resolve(document, DEFAULTS, "run-1")["Endpoint"]["AutoScaling"]
    assert scaling == {"MaxInstanceCount": 3, "InvocationsPerInstance": 1000}


def test_the_stack_decides_who_approves_when_the_request_does_not() -> None:
    stack = dataclasses.replace(DEFAULTS, approval="Manual", approval_timeout_seconds=60)
    resolved = resolve(MINIMAL, stack, "run-1")
    assert (resolved["Approval"], resolved["ApprovalTimeoutSeconds"]) == ("Manual", 60)


@pytest.mark.parametrize("problem_type", OBJECTIVES)
def test_the_gate_of_a_problem_type_knows_its_objectives_and_nothing_that_the_schema_does_not(
    problem_type: str,
) -> None:
    check_gate(problem_type, OBJECTIVES[problem_type])
    names = schema.load("request")["properties"]["Gate"]["properties"]["Minimum"]["properties"]
    known = {name for name in names if is_judged_by(problem_type, name)}
    assert known - set(OBJECTIVES[problem_type]) == (
        {"Coverage"} if problem_type == "Regression" else {"LogLoss", "ECE"}
    )


SERVERLESS = changed("Endpoint.Serverless.MemorySizeInMB", 2048)
TUNING = changed("AutoML.Mode", "HYPERPARAMETER_TUNING")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (changed("Datasett", {}), ["'Datasett' in the execution input", "Did you mean 'Dataset'?"]),
        (changed("Dataset.target_column", "y"), ["'Dataset.target_column'", "Did you mean 'Dataset.TargetColumn'?"]),
        (changed("AutoML.MaxRuntime", 5), ["'AutoML.MaxRuntime'", "Did you mean 'AutoML.MaxRuntimeSeconds'?"]),
        (changed("Endpoint.Zzz", 5), ["'Endpoint.Zzz'", "Known keys here are AutoScaling, DataCapture, Inst"]),
        ({"Dataset": {"S3Uri": "s3://source/a.csv"}}, ["Dataset.TargetColumn is missing", "column to predict"]),
        ({}, ["Dataset is missing from the execution input", "s3://bucket/data.csv"]),
        ([], ["The execution input is [] but must be a JSON object"]),
        (changed("Dataset.S3Uri", "abalone.csv"), ['Dataset.S3Uri is "abalone.csv"', "s3://bucket/folder/data.csv"]),
        (changed("Dataset.S3Uri", "s3://source"), ["Dataset.S3Uri"]),
        (changed("Dataset.S3Uri", "s3://Source_/x"), ["Dataset.S3Uri"]),
        (changed("Dataset.TargetColumn", ""), ["Dataset.TargetColumn", "not empty"]),
        (changed("Dataset.TargetColumn", 5), ["Dataset.TargetColumn is 5 but must be a text"]),
        (changed("Dataset.IdColumn", "Rings"), ["IdColumn and Dataset.TargetColumn are both 'Rings'"]),
        (changed("Dataset.Delimiter", "ab"), ["Dataset.Delimiter", "one of ',', ';'", "semicolon"]),
        (changed("Transform.Drop", ["Rings"]), ["Transform.Drop lists 'Rings'", "take it out"]),
        (changed("Transform.Drop", ["a", "a"]), ["Transform.Drop", "free of repetitions"]),
        (changed("Transform.Drop", "a"), ["Transform.Drop", "must be a list"]),
        (changed("Transform.Drop", [""]), ["Transform.Drop[0]", "not empty"]),
        (changed("Transform.Derive", {"Rings": "1"}), ["would overwrite 'Rings'", "choose another name"]),
        (changed("Transform.Derive", {" a": "1"}), ["' a'", "without outer spaces"]),
        (changed("Transform.Derive", {"a": 1}), ["Transform.Derive.a is 1 but must be a text"]),
        (changed("Transform.Filter", ""), ["Transform.Filter", "not empty"]),
        (changed("Transform.Test", 0), ["Transform.Test is 0 but must be more than 0"]),
        (changed("Transform.Test", 0.6), ["Transform.Test is 0.6 but must be at most 0.5"]),
        (changed("Transform", {"Test": 0.5, "Calibration": 0.5}), ["keep 100% of the rows", "lower them"]),
        (changed("Problem.Type", "Clustering"), ["Problem.Type", "one of Regression, BinaryClassification"]),
        (changed("Problem", {"Type": "Regression", "ObjectiveMetric": "F1"}), ["'F1' does not fit Regression"]),
        (changed("AutoML.Mode", "AUTO"), ["AutoML.Mode", "one of ENSEMBLING, HYPERPARAMETER_TUNING"]),
        (changed("AutoML.MaxCandidates", 0), ["AutoML.MaxCandidates is 0 but must be at least 1"]),
        (changed("AutoML.MaxCandidates", 751), ["AutoML.MaxCandidates is 751 but must be at most 750"]),
        (changed("AutoML.MaxCandidates", 2.5), ["AutoML.MaxCandidates is 2.5 but must be a whole number"]),
        (changed("AutoML.MaxCandidates", True), ["AutoML.MaxCandidates is true but must be a whole number"]),
        (changed("AutoML.MaxRuntimeSeconds", -1), ["AutoML.MaxRuntimeSeconds is -1", "at least 1", "30 days"]),
        (changed("AutoML.MaxRuntimeSeconds", 2592001), ["at most 2,592,000"]),
        (changed("Selection.MaxInferenceLatencySeconds", 0), ["more than 0"]),
        (
            {**TUNING, "Selection": {"MaxInferenceLatencySeconds": 1}},
            ["needs Mode ENSEMBLING", "leave one of them out"],
        ),
        ({**TUNING, "Endpoint": SERVERLESS["Endpoint"]}, ["several containers", "InstanceType instead"]),
        (changed("Endpoint.InstanceType", "ml.m5.large", SERVERLESS), ["keep one kind of hosting"]),
        (changed("Endpoint.InstanceType", "m5.large"), ["Endpoint.InstanceType", "like ml.m5.large"]),
        (changed("Endpoint.Serverless", {"MemorySizeInMB": 5000}), ["one of 1024, 2048"]),
        (changed("Endpoint.Serverless", {"MaxConcurrency": 201}), ["at most 200"]),
        (changed("Endpoint.Name", "-a"), ["Endpoint.Name", "63 letters"]),
        (changed("Endpoint.Name", "a" * 64), ["Endpoint.Name", "63 letters"]),
        (changed("Endpoint.Keep", "yes"), ["Endpoint.Keep", "true or false"]),
        (changed("Scoring", {}), ["Scoring.S3Uri is missing"]),
        (changed("Confidence.Threshold", 90), ["Confidence.Threshold is 90 but must be at most 1"]),
        (changed("Confidence.Threshold", 0), ["more than 0"]),
        (
            {**MINIMAL, "Problem": {"Type": "Regression"}, "Confidence": {"Threshold": 0.9}},
            ["cannot be used with a regression", "leave Confidence out"],
        ),
        (
            {**MINIMAL, "Problem": {"ObjectiveMetric": "RMSE"}, "Confidence": {"Threshold": 0.9}},
            ["cannot be used with a regression"],
        ),
        (changed("Confidence", {"Threshold": 0.9, "Level": 0.8}), ["Threshold and Level", "keep one"]),
        (changed("Confidence.MaxWidth", 3), ["'Confidence.MaxWidth'"]),
        (changed("Confidence.MaxIntervalWidth", 0), ["Confidence.MaxIntervalWidth is 0 but must be more than 0"]),
        (changed("Confidence.MaxIntervalWidth", "3"), ["must be a number or a JSON object", '{"Relative": 0.2}']),
        (
            changed("Confidence.MaxIntervalWidth", {"absolute": 3}),
            ["'Confidence.MaxIntervalWidth.absolute'", "Did you mean 'Confidence.MaxIntervalWidth.Absolute'?"],
        ),
        (changed("Confidence.TargetPrecision", 1), ["must be less than 1"]),
        (changed("Confidence.Certainty", 0.9), ["add TargetPrecision"]),
        (
            {**MINIMAL, "Transform": {"Calibration": 0}, "Confidence": {"TargetPrecision": 0.9}},
            ["Confidence.TargetPrecision is worked out from calibration rows", "raise Transform.Calibration"],
        ),
        (
            {**MINIMAL, "Problem": {"Type": "BinaryClassification"}, "Confidence": {"Level": 0.9}},
            ["Confidence.Level is about intervals, which a BinaryClassification does not have"],
        ),
        (changed("Gate.Minimum", {"r2": 0.5}), ["'Gate.Minimum.r2'", "Did you mean 'Gate.Minimum.R2'?"]),
        (changed("Gate.Minimum", {"R2": "high"}), ['Gate.Minimum.R2 is "high" but must be a number']),
        (
            {**MINIMAL, "Problem": {"Type": "Regression"}, "Gate": {"Minimum": {"Accuracy": 0.9}}},
            ["Gate.Minimum has 'Accuracy', which a Regression is not judged by", "choose from MAE, MSE"],
        ),
        (
            {**MINIMAL, "Transform": {"Calibration": 0}, "Gate": {"Minimum": {"Coverage": 0.8}}},
            ["Gate.Minimum has 'Coverage'", "raise Transform.Calibration"],
        ),
        (changed("Gate.MustBeatChampions", True), ["Did you mean 'Gate.MustBeatChampion'?"]),
        (changed("Approval", "manual"), ['Approval is "manual" but must be one of Automatic, Manual']),
        (changed("ApprovalTimeoutSeconds", 0), ["ApprovalTimeoutSeconds is 0 but must be at least 1"]),
        (changed("Endpoint.AutoScaling", {"MaxInstanceCount": 3}), ["AutoScaling needs an endpoint on instances"]),
        (changed("Endpoint.DataCapture", {"SamplingPercentage": 3}, SERVERLESS), ["DataCapture needs an endpoint on"]),
        (changed("Endpoint.DataCapture", {"SamplingPercentage": 0}), ["at least 1"]),
        (changed("Endpoint.AutoScaling", {}), ["Endpoint.AutoScaling.MaxInstanceCount is missing"]),
        (
            changed("Endpoint.AutoScaling", {"MaxInstanceCount": 1}, INSTANCES),
            ["MaxInstanceCount is 1 but the endpoint starts with 2", "raise MaxInstanceCount"],
        ),
        (changed("Transform.Filter", "x" * 65536), ["bytes but may have 65,536", "shorten"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else json.dumps(value)[60:120],
)
def test_a_mistake_is_told_with_its_place_and_remedy(document: Any, words: list[str]) -> None:
    message = refused(document)
    assert all(word in message for word in words), message


def test_serverless_is_refused_in_a_vpc() -> None:
    assert "in a VPC" in refused(SERVERLESS, dataclasses.replace(DEFAULTS, subnet_ids=("subnet-1",)))


def test_a_misspelt_required_key_is_told_before_the_missing_one() -> None:
    assert "Did you mean 'Dataset.TargetColumn'" in refused({"Dataset": {"S3Uri": "s3://source/a", "Target": "y"}})
