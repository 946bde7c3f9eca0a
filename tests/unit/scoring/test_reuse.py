"""Another Confidence for predictions that are there already gives what predicting again would give."""

import random
from typing import Any

import pytest

from automl import schema
from automl.errors import InvalidRequest
from automl.proof.calibrate import calibrate
from automl.run_files import RunFiles, ScoringFiles
from automl.scoring import prepare
from automl.scoring.reuse import reuse_rows
from automl.storage import delete_prefix, list_objects, read_bytes, read_json, write_json
from tests.unit.scoring.scoring_bench import CLASSES, OUTPUT, RUN, judged, of_age, prepared, put, score, serve, table

FIRST, AGAIN = ScoringFiles("s3://data-bucket/scorings/first/"), "s3://data-bucket/scorings/again/"
KEYS = {"BinaryClassification": CLASSES, "Regression": ["prediction"]}
FORMULAS = {"BinaryClassification": of_age, "Regression": lambda record: f"{int(record[0]) / 10}"}


def people(rows: int, seed: int, problem_type: str) -> str:
    numbers = random.Random(seed)
    lines = []
    for row in range(rows):
        age = numbers.randint(0, 100)
        number = f"{age / 10 + numbers.gauss(0, 0.2 + age / 100):.4f}"
        truth = number if problem_type == "Regression" else str(numbers.random() < age / 100).lower()
        lines.append(f"k{seed}-{row},{age},Oslo,{truth}\n")
    return f"key,age,city,old\n{''.join(lines)}"


def calibrated(s3: Any, rows: dict[str, Any]) -> dict[str, Any]:
    """The rows after the machine's choice whether to calibrate anew."""
    if rows["Calibrate"]:
        write_json(s3, rows["CalibrationUri"], calibrate(s3, rows["ModelUri"], rows["Confidence"]))
    return rows


def prove(s3: Any, problem_type: str) -> Any:
    """A served model with its calibration, and a first scoring that accepts all; the SageMaker client."""
    sagemaker = serve(s3, problem_type, KEYS[problem_type], Filter="age <> 7")
    rows = prepared(
        s3, sagemaker, put(s3, people(900, 1, problem_type), "c.csv"), RUN.proof_of("calibration"), Confidence={}
    )
    score(s3, rows, FORMULAS[problem_type])
    write_json(s3, RUN.calibration, calibrate(s3, RUN.uri, {"Level": 0.9} if problem_type == "Regression" else {}))
    rows = prepared(s3, sagemaker, put(s3, people(300, 2, problem_type)), FIRST.uri, Confidence={})
    score(s3, rows, FORMULAS[problem_type])
    return sagemaker


def reused(s3: Any, output: str = AGAIN, folder: str = FIRST.uri, **request: Any) -> dict[str, Any]:
    document = {"Predictions": folder, **request}
    schema.check(document, "scoring-request", "the execution input")
    return calibrated(s3, reuse_rows(s3, document, "again", output, 0.9))


def results(s3: Any, output: str) -> dict[str, bytes]:
    files = ScoringFiles(output)
    return {
        stored.uri.removeprefix(output): read_bytes(s3, stored.uri)
        for folder in (files.accepted_folder, files.review_folder)
        for stored in list_objects(s3, folder)
    }


@pytest.mark.parametrize(
    ("problem_type", "asked"),
    [
        ("BinaryClassification", {}),
        ("BinaryClassification", {"Confidence": {}}),
        ("BinaryClassification", {"Confidence": {"Threshold": 0.7}}),
        ("BinaryClassification", {"Confidence": {"TargetPrecision": 0.8}}),
        ("BinaryClassification", {"Confidence": {"TargetPrecision": 0.9999, "Certainty": 0.99}}),
        ("Regression", {}),
        ("Regression", {"Confidence": {}}),
        ("Regression", {"Confidence": {"MaxIntervalWidth": 2}}),
        ("Regression", {"Confidence": {"MaxIntervalWidth": {"Relative": 0.4}, "Level": 0.8}}),
        ("Regression", {"Confidence": {"Level": 0.5}}),
    ],
)
def test_reused_predictions_give_what_predicting_again_gives(
    data_bucket: Any, monkeypatch: pytest.MonkeyPatch, problem_type: str, asked: dict[str, Any]
) -> None:
    monkeypatch.setattr(prepare, "PART_ROWS", 100)
    monkeypatch.setattr(prepare, "_SLICE_ROWS", 50)
    sagemaker = prove(data_bucket, problem_type)
    before = {stored.uri: read_bytes(data_bucket, stored.uri) for stored in list_objects(data_bucket, FIRST.uri)}

    fresh_rows = prepared(data_bucket, sagemaker, put(data_bucket, people(300, 2, problem_type)), **asked)
    fresh = score(data_bucket, calibrated(data_bucket, fresh_rows), FORMULAS[problem_type])
    sagemaker.delete_endpoint(EndpointName="served")
    rows = reused(data_bucket, **asked)
    again = judged(data_bucket, rows)

    assert rows["PartCount"] == 3
    assert results(data_bucket, AGAIN) == results(data_bucket, OUTPUT)
    of_this_scoring = {"Scoring": "", "Throughput": {}, "Files": {}}
    assert {**again, **of_this_scoring} == {**fresh, **of_this_scoring}
    assert again["Files"]["Predictions"] == FIRST.predictions_folder
    assert read_json(data_bucket, ScoringFiles(AGAIN).rows) == rows
    after = {stored.uri: read_bytes(data_bucket, stored.uri) for stored in list_objects(data_bucket, FIRST.uri)}
    assert after == before


def test_what_each_confidence_does_to_the_rows(data_bucket: Any) -> None:
    prove(data_bucket, "BinaryClassification")

    model = judged(data_bucket, reused(data_bucket))
    unsure = judged(data_bucket, reused(data_bucket, Confidence={"Threshold": 0.9}))
    promised = judged(data_bucket, reused(data_bucket, Confidence={"TargetPrecision": 0.8}))
    in_vain = judged(data_bucket, reused(data_bucket, Confidence={"TargetPrecision": 0.9999, "Certainty": 0.99}))

    filtered = model["ReviewReasons"]["FilteredOut"]
    assert model["ReviewReasons"] == {"FilteredOut": filtered}
    assert unsure["ReviewReasons"] == {"FilteredOut": filtered, "LowConfidence": unsure["Review"] - filtered}
    assert 0 < promised["Confidence"]["Threshold"] < 1
    assert 0 < promised["Accepted"] < model["Accepted"]
    assert in_vain["ReviewReasons"] == {"FilteredOut": filtered, "TargetNotPromised": 300 - filtered}
    assert in_vain["Confidence"]["Threshold"] is None
    assert in_vain["Confidence"]["Note"]


def test_intervals_are_written_and_summed_up(data_bucket: Any) -> None:
    prove(data_bucket, "Regression")

    narrow = judged(data_bucket, reused(data_bucket, Confidence={"MaxIntervalWidth": 2}))
    lines = [table(data_bucket, folder)[1:] for folder in (f"{AGAIN}accepted/", f"{AGAIN}review/")]

    widths = [float(line[3]) - float(line[2]) for line in (*lines[0], *lines[1]) if line[2]]
    assert narrow["Intervals"]["Level"] == 0.9
    assert narrow["Intervals"]["Rows"] == len(widths) == 300 - narrow["FilteredOut"]
    assert narrow["Intervals"]["MeanWidth"] == pytest.approx(sum(widths) / len(widths))
    assert narrow["Calibration"] == {"Method": "SplitConformal"}
    assert all(float(line[3]) - float(line[2]) <= 2 for line in lines[0])
    assert all(float(line[3]) - float(line[2]) > 2 for line in lines[1] if line[-1] == "WideInterval")
    assert set(narrow["ReviewReasons"]) == {"FilteredOut", "WideInterval"}


def test_results_of_reused_predictions_can_be_reused(data_bucket: Any) -> None:
    prove(data_bucket, "BinaryClassification")
    judged(data_bucket, reused(data_bucket, Confidence={"Threshold": 0.9}))

    rows = reused(data_bucket, "s3://data-bucket/scorings/third/", AGAIN, Confidence={"Threshold": 0.6})

    assert rows["PredictionsUri"] == FIRST.uri
    assert judged(data_bucket, rows)["Files"]["Predictions"] == FIRST.predictions_folder


def test_a_second_attempt_leaves_nothing_of_the_first(data_bucket: Any) -> None:
    prove(data_bucket, "BinaryClassification")
    judged(data_bucket, reused(data_bucket, Confidence={"Threshold": 0.9}))
    data_bucket.put_object(Bucket="data-bucket", Key="scorings/again/review/part-00009.csv", Body=b"stale")

    judged(data_bucket, reused(data_bucket, Confidence={"Threshold": 0.9}))

    assert set(results(data_bucket, AGAIN)) == {"accepted/part-00000.csv", "review/part-00000.csv"}


def test_predictions_that_are_not_there_are_told(data_bucket: Any) -> None:
    prove(data_bucket, "BinaryClassification")

    with pytest.raises(InvalidRequest, match=r"there is no s3://data-bucket/scorings/none/rows\.json; give the folder"):
        reused(data_bucket, folder="s3://data-bucket/scorings/none")
    for output in (FIRST.uri, RUN.proof_of("calibration")):
        with pytest.raises(InvalidRequest, match="holds a scoring with predictions of its own"):
            reused(data_bucket, output)
    judged(data_bucket, reused(data_bucket))
    delete_prefix(data_bucket, FIRST.predictions(0))
    for folder in (FIRST.uri, AGAIN):
        with pytest.raises(InvalidRequest, match=r"first/predictions/part-00000\.csv is missing: its files were"):
            reused(data_bucket, "s3://data-bucket/scorings/third/", folder)
    delete_prefix(data_bucket, FIRST.uri)
    with pytest.raises(
        InvalidRequest, match=r"is s3://data-bucket/scorings/again/, but there is no .*first/rows\.json"
    ):
        reused(data_bucket, "s3://data-bucket/scorings/third/", AGAIN)


@pytest.mark.parametrize(
    ("problem_type", "asked", "message"),
    [
        ("Regression", {"Threshold": 0.5}, "Threshold cannot be used with a regression"),
        ("BinaryClassification", {"Level": 0.5}, "Level is about intervals"),
        ("Regression", {"Level": 0.5, "Threshold": 0.5}, "two ways to decide"),
    ],
)
def test_a_confidence_must_fit_the_model(
    data_bucket: Any, problem_type: str, asked: dict[str, Any], message: str
) -> None:
    prove(data_bucket, problem_type)

    with pytest.raises(InvalidRequest, match=message):
        reused(data_bucket, Confidence=asked)

    assert not list(list_objects(data_bucket, AGAIN))


@pytest.mark.parametrize(
    ("problem_type", "asked"),
    [
        ("Regression", {"Level": 0.5}),
        ("Regression", {"MaxIntervalWidth": 1}),
        ("BinaryClassification", {"TargetPrecision": 0.9}),
    ],
)
def test_what_is_worked_out_from_calibration_rows_needs_them(
    data_bucket: Any, problem_type: str, asked: dict[str, Any]
) -> None:
    sagemaker = serve(data_bucket, problem_type, KEYS[problem_type])
    dataset = put(data_bucket, "age,city\n1,x\n")

    with pytest.raises(InvalidRequest, match=r"has no predictions of any: it had Transform\.Calibration 0"):
        prepared(data_bucket, sagemaker, dataset, Confidence=asked)


def test_the_calibration_of_a_run_is_not_replaced(data_bucket: Any) -> None:
    sagemaker = prove(data_bucket, "BinaryClassification")
    dataset = put(data_bucket, "age,city\n1,x\n")

    with pytest.raises(InvalidRequest, match=r"whose own calibration\.json another Confidence\.TargetPrecision would"):
        prepared(data_bucket, sagemaker, dataset, RUN.uri, Confidence={"TargetPrecision": 0.9})

    assert prepared(data_bucket, sagemaker, dataset, RUN.uri)["CalibrationUri"] == RUN.calibration


def test_the_models_decision_holds_unless_the_scoring_has_its_own(data_bucket: Any) -> None:
    sagemaker = prove(data_bucket, "BinaryClassification")
    decision = {"Threshold": 0.62, "TargetPrecision": 0.8, "Certainty": 0.9}
    write_json(data_bucket, RUN.calibration, {**read_json(data_bucket, RUN.calibration), "Confidence": decision})
    dataset = put(data_bucket, "age,city\n1,x\n")

    silent = prepared(data_bucket, sagemaker, dataset)
    all_rows = prepared(data_bucket, sagemaker, dataset, Confidence={})
    another = prepared(data_bucket, sagemaker, dataset, Confidence={"TargetPrecision": 0.8})

    assert (silent["Confidence"], silent["Calibrate"], silent["CalibrationUri"]) == (decision, False, RUN.calibration)
    assert (all_rows["Confidence"], all_rows["Calibrate"]) == ({}, False)
    assert another["Confidence"] == {"TargetPrecision": 0.8, "Certainty": 0.9}
    assert (another["Calibrate"], another["CalibrationUri"]) == (True, RunFiles(OUTPUT).calibration)


@pytest.mark.parametrize(
    ("asked", "confidence", "anew"),
    [
        ({}, {"Level": 0.8}, False),
        ({"MaxIntervalWidth": 2}, {"Level": 0.8, "MaxIntervalWidth": {"Absolute": 2}}, False),
        ({"Level": 0.8}, {"Level": 0.8}, False),
        ({"MaxIntervalWidth": {"Relative": 0.1}, "Level": 0.9}, None, True),
    ],
)
def test_a_scoring_that_names_no_level_takes_the_models(
    data_bucket: Any, asked: dict[str, Any], confidence: dict[str, Any] | None, anew: bool
) -> None:
    sagemaker = prove(data_bucket, "Regression")
    write_json(data_bucket, RUN.calibration, calibrate(data_bucket, RUN.uri, {"Level": 0.8}))

    rows = prepared(data_bucket, sagemaker, put(data_bucket, "age,city\n1,x\n"), Confidence=asked)

    assert (rows["Confidence"], rows["Calibrate"]) == (confidence or asked, anew)


def test_a_regression_that_was_never_calibrated_accepts_all(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket, "Regression", KEYS["Regression"])

    rows = prepared(data_bucket, sagemaker, put(data_bucket, "age,city\n1,x\n"), Confidence={})

    assert (rows["Confidence"], rows["Calibrate"], rows["CalibrationUri"]) == ({}, False, "")
