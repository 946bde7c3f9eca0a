"""Scoring from dataset to accepted and review."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automl import schema
from automl.errors import InvalidDataset, InvalidRequest, PredictionMismatch
from automl.run_files import ScoringFiles
from automl.scoring import prepare
from automl.scoring.inference import score_part
from automl.scoring.scoring_request import check_source, output_folder
from automl.storage import list_objects, read_bytes, write_bytes
from tests.unit.scoring.scoring_bench import OUTPUT, Runtime, of_age, prepared, put, score, serve, table

FUNCTIONS = Path(prepare.__file__).parents[2]


def test_sure_predictions_are_accepted_and_others_go_to_review(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket, Filter="age < 200")
    dataset = put(
        data_bucket, "key,extra,city,age,old\na,x,Oslo,95,true\nb,x,,60,\nc,x,Rome,300,false\nd,x,Rome,5,true\n"
    )

    rows = prepared(data_bucket, sagemaker, dataset)
    summary = score(data_bucket, rows, of_age)

    files = ScoringFiles(OUTPUT)
    assert read_bytes(data_bucket, files.features(0)) == b"95,Oslo\n60,\n5,Rome\n"
    assert table(data_bucket, files.accepted_folder) == [
        ["key", "Prediction", "Confidence"],
        ["a", "True", "0.95"],
        ["d", "False", "0.95"],
    ]
    assert table(data_bucket, files.review_folder) == [
        ["key", "Prediction", "Confidence", "Reason"],
        ["b", "True", "0.6", "LowConfidence"],
        ["c", "", "", "FilteredOut"],
    ]
    assert table(data_bucket, files.predictions_folder)[1][:4] == ["0", "a", "true", "True"]
    assert (summary["Rows"], summary["Accepted"], summary["Review"], summary["FilteredOut"]) == (4, 2, 2, 1)
    assert summary["IgnoredColumns"] == ["extra"]
    assert summary["Confidence"] == {"Threshold": 0.9}
    assert summary["Quality"]["Rows"] == 2
    assert summary["Quality"]["Metrics"]["Accuracy"] == summary["Metrics"]["Accuracy"] == 0.5


def test_a_regression_accepts_every_row(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket, "Regression", ["prediction"])
    dataset = put(data_bucket, "age,city\n95,Oslo\n60,Rome\n")

    rows = prepared(data_bucket, sagemaker, dataset)
    summary = score(data_bucket, rows, lambda record: f"{int(record[0]) / 10}")

    assert table(data_bucket, ScoringFiles(OUTPUT).accepted_folder) == [
        ["Row", "Prediction", "Lower", "Upper"],
        ["0", "9.5", "", ""],
        ["1", "6.0", "", ""],
    ]
    assert table(data_bucket, ScoringFiles(OUTPUT).review_folder) == [["Row", "Prediction", "Lower", "Upper", "Reason"]]
    assert rows["Confidence"] == {}
    assert "Quality" not in summary


def test_order_and_identity_survive_parts_and_concurrent_requests(
    data_bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "PART_ROWS", 400)
    monkeypatch.setattr(prepare, "_SLICE_ROWS", 90)
    sagemaker = serve(data_bucket, Filter="age <> 7")
    ages = [number * 7919 % 100 for number in range(1500)]
    dataset = put(data_bucket, "age,city,key\n" + "".join(f"{age},c,k{row}\n" for row, age in enumerate(ages)))

    rows = prepared(data_bucket, sagemaker, dataset, Confidence={"Threshold": 0.8})
    summary = score(data_bucket, rows, of_age)

    accepted = table(data_bucket, ScoringFiles(OUTPUT).accepted_folder)[1:]
    review = table(data_bucket, ScoringFiles(OUTPUT).review_folder)[1:]
    numbers = [[int(row[0].removeprefix("k")) for row in some] for some in (accepted, review)]
    assert rows["PartCount"] == 4
    assert [sorted(some) for some in numbers] == numbers
    assert sorted(numbers[0] + numbers[1]) == list(range(1500))
    for key, prediction, confidence in accepted:
        sure = ages[int(key.removeprefix("k"))] / 100
        assert prediction == str(sure > 0.5)
        assert float(confidence) == max(sure, 1 - sure) >= 0.8
    assert summary["FilteredOut"] == ages.count(7) == sum(row[-1] == "FilteredOut" for row in review)


def test_row_numbers_can_come_from_a_column(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket)
    dataset = put(data_bucket, "age,city,old,__row__\n95,Oslo,true,17\n4,Rome,false,40\n")

    rows = prepared(data_bucket, sagemaker, {**dataset, "RowColumn": "__row__", "TargetColumn": "old"})
    score(data_bucket, rows, of_age)

    assert [row[0] for row in table(data_bucket, ScoringFiles(OUTPUT).accepted_folder)] == ["Row", "17", "40"]
    with pytest.raises(InvalidDataset, match="a name this project uses"):
        prepared(data_bucket, sagemaker, dataset)
    with pytest.raises(InvalidDataset, match=r"'city' .* must hold row numbers"):
        prepared(data_bucket, sagemaker, {**dataset, "RowColumn": "city"} | put(data_bucket, "age,city\n1,x\n"))


def test_a_later_scoring_into_the_same_folder_leaves_nothing_of_the_earlier(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket)
    write_bytes(data_bucket, f"{OUTPUT}accepted/part-00009.csv", b"stale")
    write_bytes(data_bucket, f"{OUTPUT}result.json", b"{}")

    score(data_bucket, prepared(data_bucket, sagemaker, put(data_bucket, "age,city\n95,Oslo\n")), of_age)

    names = [stored.uri.removeprefix(OUTPUT) for stored in list_objects(data_bucket, OUTPUT)]
    assert [name for name in names if not name.startswith("rows/")] == [
        "accepted/part-00000.csv",
        "parts.json",
        "parts/part-00000.json",
        "predictions/part-00000.csv",
        "result.json",
        "review/part-00000.csv",
        "rows.json",
    ]


def test_a_part_in_which_no_row_passes_is_not_sent(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket, Filter="age < 0")

    rows = prepared(data_bucket, sagemaker, put(data_bucket, "age,city,old\n95,Oslo,true\n4,Rome,false\n"))
    summary = score(data_bucket, rows, of_age)

    assert (summary["Accepted"], summary["Review"]) == (0, 2)
    assert summary["Quality"] == {"Rows": 0, "Metrics": {}}


def test_a_run_without_threshold_accepts_all(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket)
    dataset = put(data_bucket, "age,city\n55,Oslo\n95,Rome\n")

    summary = score(data_bucket, prepared(data_bucket, sagemaker, dataset, Confidence={}), of_age)

    assert (summary["Accepted"], summary["Confidence"]) == (2, {})


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("age,old\n1,true\n", {}, r"lacks 'city', which the model was trained with; add the column"),
        ("Age,city\n1,x\n", {}, r"lacks 'age' \(is it 'Age' there\?\)"),
        ("age,city\n1,x\nsix,x\n", {}, r"'age' has a cell that is no integer in row 1 \(counted from 0\)"),
        ("age,city\n", {}, "has a header but no rows"),
        ("age,city\n1,x\n", {"IdColumn": "key"}, "Dataset.IdColumn 'key' is not a column"),
        ("age,city\n1,x\n", {"TargetColumn": "odl"}, "Dataset.TargetColumn 'odl' is not a column"),
    ],
)
def test_datasets_that_cannot_be_scored_are_refused(
    data_bucket: Any, text: str, options: dict[str, str], message: str
) -> None:
    sagemaker = serve(data_bucket, Filter="age > 0")

    with pytest.raises(InvalidDataset, match=message):
        prepared(data_bucket, sagemaker, {**put(data_bucket, text), **options})


@pytest.mark.parametrize(
    ("problem_type", "keys", "message"),
    [
        ("Regression", ["prediction"], "Threshold cannot be used with a regression"),
        ("BinaryClassification", ["predicted_label"], "answers without probabilities"),
    ],
)
def test_a_threshold_needs_probabilities(data_bucket: Any, problem_type: str, keys: list[str], message: str) -> None:
    sagemaker = serve(data_bucket, problem_type, keys)

    with pytest.raises(InvalidRequest, match=message):
        prepared(data_bucket, sagemaker, put(data_bucket, "age,city\n1,x\n"), Confidence={"Threshold": 0.5})


def test_an_answer_of_another_length_stops_the_scoring(data_bucket: Any) -> None:
    rows = prepared(data_bucket, serve(data_bucket), put(data_bucket, "age,city\n1,x\n2,y\n"))
    runtime: Any = Runtime(lambda record: f"{of_age(record)}\n{of_age(record)}")

    with pytest.raises(PredictionMismatch, match="answered 2 records for 1 rows"):
        score_part(runtime, data_bucket, rows, 0)


def test_a_misspelt_key_is_told_with_the_nearest(data_bucket: Any) -> None:
    document = json.loads('{"Endpoint": {"Name": "e"}, "Dataset": {"S3uri": "s3://data-bucket/x"}}')

    with pytest.raises(InvalidRequest, match=r"'Dataset.S3uri' .* Did you mean 'Dataset.S3Uri'\?"):
        schema.check(document, "scoring-request", "the execution input")


BY_RUN = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:aws:states:eu-central-1:123456789012:execution:automl:r"}


@pytest.mark.parametrize(
    ("asked", "folder"),
    [
        ({}, "s3://data-bucket/scorings/name/"),
        ({"OutputUri": "s3://data-bucket/scorings/weekly"}, "s3://data-bucket/scorings/weekly/"),
        ({"OutputUri": "s3://data-bucket/runs/r-0a1b2c3d/", **BY_RUN}, "s3://data-bucket/runs/r-0a1b2c3d/"),
        (
            {"OutputUri": "s3://data-bucket/runs/r-0a1b2c3d/proof/test", **BY_RUN},
            "s3://data-bucket/runs/r-0a1b2c3d/proof/test/",
        ),
    ],
)
def test_results_go_below_the_folders_that_scoring_may_write(asked: dict[str, str], folder: str) -> None:
    assert output_folder(asked, "data-bucket", "name") == folder


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "has no Endpoint and Dataset; give Endpoint and Dataset to predict rows, Predictions to"),
        (["Dataset"], "has no Endpoint;"),
        (["Endpoint"], "has no Dataset;"),
        (["Predictions", "Dataset"], "has Predictions, which are there already, and Dataset; leave one of them out"),
        (["Endpoint", "Predictions", "Dataset"], "and Endpoint and Dataset; leave one of them out"),
    ],
)
def test_rows_come_from_an_endpoint_or_are_there_already(given: list[str], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        check_source({key: {} for key in given})


@pytest.mark.parametrize("given", [["Endpoint", "Dataset"], ["Predictions"]])
def test_either_source_of_rows_will_do(given: list[str]) -> None:
    check_source({key: {} for key in [*given, "OutputUri", "Confidence"]})


@pytest.mark.parametrize("uri", ["s3://other/scorings/x/", "s3://data-bucket/x/", "s3://data-bucket/scorings/"])
def test_results_cannot_go_elsewhere(uri: str) -> None:
    with pytest.raises(InvalidRequest, match="must be a folder below s3://data-bucket/scorings/"):
        output_folder({"OutputUri": uri}, "data-bucket", "name")


def test_predictions_come_from_the_data_bucket_only() -> None:
    with pytest.raises(InvalidRequest, match=r"Predictions is .s3://other/scorings/x/. but must be a folder below"):
        output_folder({"Predictions": "s3://other/scorings/x/"}, "data-bucket", "name")


def test_a_text_among_numbers_is_named_before_the_endpoint_sees_it(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket)
    dataset = put(data_bucket, 'city,age\nOslo,7\nOslo,"1,5"\n')

    with pytest.raises(InvalidDataset, match=r"'age' has a cell that is no number in row 1 .*new.csv; the model needs"):
        prepared(data_bucket, sagemaker, dataset)


def test_an_identity_named_like_a_result_is_refused(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket)
    dataset = put(data_bucket, "city,age,Reason\nOslo,7,x\n")

    with pytest.raises(InvalidRequest, match="'Reason' has the name of a column of the results"):
        prepared(data_bucket, sagemaker, {**dataset, "IdColumn": "Reason"})


def test_filter_predictions_alone_reads_the_long_cells_of_many_classes() -> None:
    code = "import automl.scoring.predictions, csv; assert csv.field_size_limit() > 2**30"

    subprocess.run([sys.executable, "-c", code], cwd=FUNCTIONS, check=True)
