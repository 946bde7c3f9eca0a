"""The request that a command line asks for."""

import json
from pathlib import Path

import pytest

from autoflow.errors import UsageError
from autoflow.request import Options, build


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
