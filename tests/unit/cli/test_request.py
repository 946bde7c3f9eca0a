"""The request that a command line asks for."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from autoflow.errors import UsageError
from autoflow.options import bound, width
from autoflow.request import Options, build, check_local, confidence


def test_options_alone_make_a_request() -> None:
    options = Options(
        data="a.csv",
        target="y",
        id_column="id",
        score="b.csv",
        problem_type="Regression",
        objective="RMSE",
        min_confidence=0.8,
        max_runtime=60,
        max_candidates=3,
        delimiter=";",
    )
    assert build(options) == {
        "Dataset": {"S3Uri": "a.csv", "TargetColumn": "y", "IdColumn": "id", "Delimiter": ";"},
        "Scoring": {"S3Uri": "b.csv"},
        "Problem": {"Type": "Regression", "ObjectiveMetric": "RMSE"},
        "Confidence": {"Threshold": 0.8},
        "AutoML": {"MaxRuntimeSeconds": 60, "MaxCandidates": 3},
    }


def test_what_was_not_said_is_not_in_the_request() -> None:
    assert build(Options(data="a.csv", target="y")) == {"Dataset": {"S3Uri": "a.csv", "TargetColumn": "y"}}


def test_a_confidence_of_zero_is_said() -> None:
    assert build(Options(data="a", target="y", min_confidence=0.0))["Confidence"] == {"Threshold": 0.0}


def test_options_win_over_the_file_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(
        json.dumps(
            {
                "Dataset": {"S3Uri": "s3://b/k", "TargetColumn": "old"},
                "Transform": {"Drop": ["x"]},
                "AutoML": {"MaxCandidates": 9, "MaxRuntimeSeconds": 900},
            }
        )
    )
    assert build(Options(target="new", max_runtime=60), file) == {
        "Dataset": {"S3Uri": "s3://b/k", "TargetColumn": "new"},
        "Transform": {"Drop": ["x"]},
        "AutoML": {"MaxCandidates": 9, "MaxRuntimeSeconds": 60},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"Dataset": {"S3Uri": 1,}}', r"request.json, line 1, column \d+: not JSON"),
        (b"", "line 1, column 1: not JSON"),
        (b'{"a": "\xff"}', "not text in UTF-8: invalid start byte at byte 7"),
        (b"[1]", "must be a JSON object"),
        (b'{"Dataset": "a.csv"}', "Dataset must be a JSON object"),
        (b'{"Dataset": {"S3Uri": "s3://b/k"}, "AutoML": 3}', "AutoML must be a JSON object, not 3"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "request.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        build(Options(target="y", max_runtime=60), file)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_bytes(b'\xef\xbb\xbf{"Dataset": {"S3Uri": "s3://b/k", "TargetColumn": "y"}}')
    assert build(Options(), file)["Dataset"]["TargetColumn"] == "y"


def test_a_missing_file_is_named() -> None:
    with pytest.raises(UsageError, match=r"cannot read nowhere.json: No such file"):
        build(Options(), Path("nowhere.json"))


@pytest.mark.parametrize(
    ("options", "message"), [(Options(target="y"), "no data"), (Options(data="a.csv"), "no target.*--target")]
)
def test_data_and_target_are_needed(options: Options, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(options)


def test_what_a_model_must_show_and_who_approves_it() -> None:
    request = build(
        Options(
            data="a",
            target="y",
            target_precision=0.95,
            certainty=0.8,
            minimum={"R2": 0.5},
            margin=0.01,
            approval="Manual",
            endpoint_name="churn",
        )
    )
    del request["Dataset"]
    assert request == {
        "Confidence": {"TargetPrecision": 0.95, "Certainty": 0.8},
        "Gate": {"Minimum": {"R2": 0.5}, "Margin": 0.01},
        "Approval": "Manual",
        "Endpoint": {"Name": "churn"},
    }
    assert build(Options(data="a", target="y", must_beat_champion=False))["Gate"] == {"MustBeatChampion": False}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(min_confidence=0.9, target_precision=0.9), "--min-confidence and --target-precision choose"),
        (Options(certainty=0.9, level=0.9), "--certainty and --level choose"),
        (Options(certainty=0.9), "--certainty is that of a --target-precision"),
        (Options(margin=0.1, must_beat_champion=False), "--margin .* --no-champion"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: Options, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(replace(options, data="a", target="y"))


@pytest.mark.parametrize(
    ("options", "made"),
    [
        (Options(), {"TargetPrecision": 0.9, "Certainty": 0.8}),
        (Options(certainty=0.99), {"TargetPrecision": 0.9, "Certainty": 0.99}),
        (Options(target_precision=0.99), {"TargetPrecision": 0.99, "Certainty": 0.8}),
        (Options(min_confidence=0.7), {"Threshold": 0.7}),
        (Options(max_interval_width={"Absolute": 3}), {"MaxIntervalWidth": {"Absolute": 3}}),
    ],
)
def test_an_option_replaces_another_way_to_choose_and_adds_to_its_own(
    tmp_path: Path, options: Options, made: dict[str, object]
) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"Confidence": {"TargetPrecision": 0.9, "Certainty": 0.8}}')
    assert build(replace(options, data="a", target="y"), file)["Confidence"] == made


def test_bounds_of_several_metrics_add_up(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"Gate": {"Minimum": {"R2": 0.5, "RMSE": 3}}}')
    request = build(Options(data="a", target="y", minimum={"RMSE": 2}), file)
    assert request["Gate"] == {"Minimum": {"R2": 0.5, "RMSE": 2}}


def test_predictions_are_filtered_as_a_run_would() -> None:
    options = Options(max_interval_width={"Relative": 0.2}, level=0.8)
    assert confidence(options) == build(replace(options, data="a", target="y"))["Confidence"]
    with pytest.raises(UsageError, match="nothing to filter by: give --min-confidence"):
        confidence(Options())
    with pytest.raises(UsageError, match="--certainty is that of"):
        confidence(Options(certainty=0.8))


def test_what_the_local_cloud_has_not_is_refused_before_it_is_started() -> None:
    with pytest.raises(UsageError, match=r"no Application Auto Scaling: leave Endpoint\.AutoScaling out here"):
        check_local({"Endpoint": {"InstanceType": "ml.m5.large", "AutoScaling": {"MaxInstanceCount": 2}}})
    check_local({"Endpoint": {"InstanceType": "ml.m5.large"}})
    check_local({"Endpoint": "refused by the machine"})


@pytest.mark.parametrize(
    ("text", "document"), [("3", {"Absolute": 3}), ("20%", {"Relative": 0.2}), (" 12.5 % ", {"Relative": 0.125})]
)
def test_a_width_is_a_number_or_a_share(text: str, document: dict[str, float]) -> None:
    assert width(text) == document


@given(st.text(), st.sampled_from([width, bound]))
def test_whatever_is_no_width_and_no_bound_is_bad_usage(text: str, read: Callable[[str], object]) -> None:
    with contextlib.suppress(typer.BadParameter):
        assert read(text)


@pytest.mark.parametrize("text", ["", "wide", "-1", "0", "nan", "inf%", "%"])
def test_such_a_width_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        width(text)


def test_a_bound_is_a_metric_and_a_number() -> None:
    assert bound("RMSE=3e-1") == ("RMSE", 0.3)
    for text in ("RMSE", "=3", "RMSE=", "RMSE=nan", "RMSE<3"):
        with pytest.raises(typer.BadParameter, match="METRIC=VALUE"):
            bound(text)
