"""Ranking: objective, direction, constraints, ties, and the leaderboard."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from automl import schema
from automl.errors import NoUsableCandidate
from automl.job import candidates

CREATED = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def candidate(name: str, value: float | None = 0.5, **more: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "CandidateName": name,
        "ObjectiveStatus": "Succeeded",
        "CandidateSteps": [],
        "CandidateStatus": "Completed",
        "InferenceContainers": [{"Image": "image", "ModelDataUrl": f"s3://data-bucket/{name}.tar.gz"}],
        "CreationTime": CREATED,
        "EndTime": CREATED + timedelta(seconds=12),
        "LastModifiedTime": CREATED,
    }
    if value is not None:
        described["FinalAutoMLJobObjectiveMetric"] = {
            "MetricName": "RMSE",
            "StandardMetricName": "RMSE",
            "Type": "Minimize",
            "Value": value,
        }
    latency = more.pop("latency", None)
    if latency is not None:
        described["CandidateProperties"] = {
            "CandidateArtifactLocations": {"Explainability": "s3://data-bucket/explained"},
            "CandidateMetrics": [
                {"StandardMetricName": "InferenceLatency", "Value": latency, "Set": "Validation"},
                {"MetricName": "RMSE", "StandardMetricName": "RMSE", "Value": 9.0, "Set": "Train"},
                {"MetricName": "RMSE", "StandardMetricName": "RMSE", "Value": value, "Set": "Validation"},
                {"MetricName": "R2", "Value": float("nan"), "Set": "Validation"},
            ],
        }
    return {**described, **more}


def names(ranked: list[candidates.Ranked]) -> list[str]:
    return [one.name for one in ranked]


def test_all_pages_are_read(stub: Callable[[Any], Stubber]) -> None:
    sagemaker = boto3.client("sagemaker")
    stubber = stub(sagemaker)
    asked = {"AutoMLJobName": "job", "MaxResults": 100}
    stubber.add_response(
        "list_candidates_for_auto_ml_job", {"Candidates": [candidate("a")], "NextToken": "more"}, asked
    )
    stubber.add_response(
        "list_candidates_for_auto_ml_job", {"Candidates": [candidate("b")]}, {**asked, "NextToken": "more"}
    )
    assert [one["CandidateName"] for one in candidates.list_candidates(sagemaker, "job")] == ["a", "b"]


def test_the_direction_is_what_sagemaker_says() -> None:
    found = [candidate("a", None), candidate("b")]
    assert candidates.direction(found, "AUC") == "Minimize"


@pytest.mark.parametrize(("metric", "direction"), [("RMSE", "Minimize"), ("R2", "Maximize"), ("F1macro", "Maximize")])
def test_without_a_type_the_metric_tells_the_direction(metric: str, direction: str) -> None:
    assert candidates.direction([candidate("a", None)], metric) == direction


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8), st.booleans())
def test_the_best_value_comes_first(values: list[float], minimize: bool) -> None:
    found = [candidate(str(number), value) for number, value in enumerate(values)]
    ranked = candidates.rank(found, "Minimize" if minimize else "Maximize", None)
    assert ranked[0].value == (min(values) if minimize else max(values))
    assert [one.value for one in ranked] == sorted(values, reverse=not minimize)


def test_ties_go_to_latency_then_containers_then_name() -> None:
    two = [{"Image": "i", "ModelDataUrl": "s3://b/m"}] * 2
    found = [
        candidate("z", 1.0, latency=0.2),
        candidate("c", 1.0, InferenceContainers=two),
        candidate("b", 1.0),
        candidate("a", 1.0),
        candidate("fast", 1.0, latency=0.1),
    ]
    for order in (found, found[::-1]):
        assert names(candidates.rank(order, "Minimize", None)) == ["fast", "z", "a", "b", "c"]


@pytest.mark.parametrize(
    ("unusable", "reason"),
    [
        (candidate("x", CandidateStatus="Failed", FailureReason="out of memory"), "Failed: out of memory"),
        (candidate("x", CandidateStatus="InProgress"), "InProgress"),
        (candidate("x", None), "no objective value"),
        (candidate("x", float("nan")), "no objective value"),
        (candidate("x", InferenceContainers=[]), "no inference containers"),
        (candidate("x", 0.1), "latency not measured"),
        (candidate("x", 0.1, latency=0.75), "latency of 0.75 s is above 0.5 s"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_candidates_come_last_with_their_reason(unusable: dict[str, Any], reason: str) -> None:
    ranked = candidates.rank([unusable, candidate("good", 3.0, latency=0.5)], "Minimize", 0.5)
    assert names(ranked) == ["good", "x"]
    assert ranked[1].obstacle == reason


def test_without_a_constraint_latency_does_not_matter() -> None:
    ranked = candidates.rank(
        [candidate("slow", 0.1, latency=9.0), candidate("fast", 0.2, latency=0.1)], "Minimize", None
    )
    assert candidates.select(ranked, "job").name == "slow"


def test_no_usable_candidate_is_told_with_the_reasons() -> None:
    with pytest.raises(NoUsableCandidate, match=r"None of the 2 .*a: latency of 1 s.*Relax Selection"):
        candidates.select(candidates.rank([candidate("a", 1.0, latency=1.0), candidate("b")], "Minimize", 0.5), "job")
    with pytest.raises(NoUsableCandidate, match="'job' has no candidate; raise AutoML"):
        candidates.select([], "job")


def test_partial_failures_are_told_when_nothing_can_be_used_and_kept_when_something_can() -> None:
    said = candidates.partial_failures({"PartialFailureReasons": [{"PartialFailureMessage": "Out of memory."}]})
    with pytest.raises(NoUsableCandidate, match=r"has no candidate \(Out of memory\); raise AutoML"):
        candidates.select([], "job", said)
    board = candidates.leaderboard("job", "RMSE", "Minimize", {}, candidates.rank([], "Minimize", None), said)
    Draft202012Validator(schema.load("leaderboard")).validate(board)
    assert board["PartialFailures"] == ["Out of memory."]
    assert candidates.partial_failures({}) == []


def test_standard_metric_names_win_over_old_ones() -> None:
    old = {"MetricName": "validation:f1", "StandardMetricName": "F1", "Type": "Maximize", "Value": 0.9}
    ranked = candidates.rank([candidate("a", FinalAutoMLJobObjectiveMetric=old)], "Maximize", None)
    assert candidates.summary(ranked[0], ranked, "F1", "Maximize") == {
        "Name": "a",
        "Metric": "F1",
        "Value": 0.9,
        "Direction": "Maximize",
        "Containers": 1,
        "Considered": 1,
        "Usable": 1,
    }


def test_validation_metrics_win_and_nan_is_left_out() -> None:
    assert candidates.metrics_of(candidate("a", 2.0, latency=0.1)) == {"InferenceLatency": 0.1, "RMSE": 2.0}


def test_the_best_candidate_replaces_its_list_entry() -> None:
    best = candidate("a", latency=0.1)
    merged = candidates.with_best([candidate("a"), candidate("b")], {"BestCandidate": best})
    assert [one["CandidateName"] for one in merged] == ["a", "b"]
    assert merged[0] == best
    assert candidates.with_best([candidate("b")], {}) == [candidate("b")]


def test_only_completed_candidates_count() -> None:
    assert candidates.count_finished([candidate("a"), candidate("b", CandidateStatus="InProgress")]) == 1


def test_leaderboard_and_candidate_keep_their_schemas() -> None:
    found = [candidate("a", 1.0, latency=0.1), candidate("b", None, CandidateStatus="InProgress")]
    del found[1]["EndTime"]
    ranked = candidates.rank(found, "Minimize", 0.5)
    board = candidates.leaderboard("job", "RMSE", "Minimize", {"MaxInferenceLatencySeconds": 0.5}, ranked)
    Draft202012Validator(schema.load("leaderboard")).validate(board)
    assert [(row["Rank"], row["Name"], row["Seconds"]) for row in board["Candidates"]] == [
        (1, "a", 12.0),
        (None, "b", None),
    ]
    chosen = json.loads(json.dumps(candidates.as_json(candidate("a"))))
    Draft202012Validator(schema.load("candidate")).validate(chosen)
    assert chosen["CreationTime"] == "2026-11-21T06:00:00+00:00"
