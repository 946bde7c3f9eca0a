"""What holds for every request, whatever is in it."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from automl import environment, schema
from automl.errors import InvalidRequest
from automl.request import Defaults, resolve

DEFAULTS = environment.read(Defaults)
DATASET = {"S3Uri": "s3://source/abalone.csv", "TargetColumn": "Rings"}
keys = st.sampled_from(
    ["Dataset", "S3Uri", "TargetColumn", "Transform", "Derive", "Drop", "AutoML", "MaxCandidates", "Endpoint", "Name"]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**18, 10**40)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SECTIONS = {name: rules for name, rules in schema.load("request")["properties"].items() if name != "Dataset"}


@settings(max_examples=300, deadline=None)
@given(document=values)
def test_any_json_is_resolved_or_refused_in_words(document: Any) -> None:
    message = ""
    try:
        resolved = resolve(document, DEFAULTS, "run-1")
    except InvalidRequest as error:
        message = str(error)
    if message:
        assert 20 < len(message) < 1_000
    else:
        Draft202012Validator(schema.load("request")).validate(resolved)


COMPLETE: dict[str, Any] = {
    "Dataset": {**DATASET, "IdColumn": "Id", "Delimiter": ";"},
    "Transform": {"Filter": "a > 0", "Derive": {"b": "a * 2"}, "Drop": ["c"], "Calibration": 0.1, "Test": 0.2},
    "Problem": {"Type": "Regression", "ObjectiveMetric": "RMSE"},
    "AutoML": {"Mode": "ENSEMBLING", "MaxCandidates": 3, "MaxRuntimeSeconds": 600},
    "Selection": {"MaxInferenceLatencySeconds": 0.5},
    "Endpoint": {
        "Name": "rings",
        "InstanceType": "ml.m5.large",
        "InstanceCount": 2,
        "AutoScaling": {"MaxInstanceCount": 4, "InvocationsPerInstance": 100},
        "DataCapture": {"SamplingPercentage": 20},
        "Keep": True,
    },
    "Scoring": {"S3Uri": "s3://source/new.csv", "Delimiter": ","},
    "Confidence": {"MaxIntervalWidth": {"Relative": 0.2}, "Level": 0.8},
    "Gate": {"Minimum": {"R2": 0.5, "Coverage": 0.7}, "MustBeatChampion": False, "Margin": 0.1},
    "Approval": "Manual",
    "ApprovalTimeoutSeconds": 600,
}


def paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for step, value in document.items() if isinstance(document, dict) else ():
        yield (*path, step)
        yield from paths(value, (*path, step))


@settings(max_examples=400, deadline=None)
@given(path=st.sampled_from(list(paths(COMPLETE))), value=values)
def test_one_strange_value_is_taken_for_good_or_refused_by_its_place(path: tuple[str, ...], value: Any) -> None:
    document = copy.deepcopy(COMPLETE)
    *sections, key = path
    section = document
    for name in sections:
        section = section[name]
    section[key] = value
    message, resolved = "", None
    try:
        resolved = resolve(document, DEFAULTS, "run-1")
    except InvalidRequest as error:
        message = str(error)
    if resolved is None:
        assert 20 < len(message) < 1_000
        assert any(step in message for step in path), message
        assert message.isprintable()
    else:
        Draft202012Validator(schema.load("request")).validate(resolved)
        assert resolve(resolved, DEFAULTS, "run-1") == resolved
        json.dumps(resolved, ensure_ascii=False, allow_nan=False).encode()


@settings(max_examples=200, deadline=None)
@given(
    sections=st.fixed_dictionaries(
        {},
        optional={
            "Transform": st.fixed_dictionaries({}, optional={"Test": st.floats(0.01, 0.5), "Drop": st.just(["Sex"])}),
            "Problem": st.fixed_dictionaries(
                {},
                optional={
                    key: st.sampled_from(SECTIONS["Problem"]["properties"][key]["enum"])
                    for key in ("Type", "ObjectiveMetric")
                },
            ),
            "AutoML": st.fixed_dictionaries(
                {},
                optional={
                    "Mode": st.sampled_from(["ENSEMBLING", "HYPERPARAMETER_TUNING"]),
                    "MaxCandidates": st.integers(1, 750),
                    "MaxRuntimeSeconds": st.integers(1, 2592000),
                },
            ),
            "Endpoint": st.fixed_dictionaries(
                {},
                optional={
                    "Serverless": st.just({}),
                    "InstanceType": st.just("ml.c5.xlarge"),
                    "InstanceCount": st.integers(1, 9),
                    "Keep": st.booleans(),
                },
            ),
            "Confidence": st.fixed_dictionaries(
                {},
                optional={
                    "Threshold": st.floats(0.01, 1),
                    "TargetPrecision": st.floats(0.01, 0.99),
                    "Certainty": st.floats(0.5, 0.99),
                    "MaxIntervalWidth": st.floats(0.01, 99) | st.just({"Relative": 0.2}),
                    "Level": st.floats(0.01, 0.99),
                },
            ),
        },
    )
)
def test_a_resolved_request_has_one_hosting_and_both_or_neither_of_type_and_objective(sections: dict[str, Any]) -> None:
    try:
        resolved = resolve({"Dataset": DATASET, **sections}, DEFAULTS, "run-1")
    except InvalidRequest:
        return
    endpoint, problem = resolved["Endpoint"], resolved["Problem"]
    assert ("Serverless" in endpoint) != ("InstanceType" in endpoint)
    assert resolved["AutoML"]["Mode"] == "ENSEMBLING" or "Serverless" not in endpoint
    assert "Type" not in problem or "ObjectiveMetric" in problem
    if "Type" in problem:
        assert ("Level" in resolved["Confidence"]) == (problem["Type"] == "Regression")
    assert resolve(resolved, DEFAULTS, "run-1") == resolved
