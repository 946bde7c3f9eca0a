"""Calibrate Model and Evaluate Model from files to files, with whatever a run may bring."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import calibrate_model
import evaluate_model
import pytest

from automl import schema
from automl.proof.calibrate import calibration_of
from automl.run_files import RunFiles, ScoringFiles
from automl.scoring.answers import Answer
from automl.storage import read_json, write_bytes, write_json
from tests.unit.proof.known_rows import BINARY, MULTICLASS, REGRESSION, drawn_binary, drawn_multiclass, numbers

RUN = RunFiles("s3://data-bucket/runs/new/")
FORMER = RunFiles("s3://data-bucket/runs/former/")
OBJECTIVE = {REGRESSION: "RMSE", BINARY: "AUC", MULTICLASS: "Accuracy"}
Rows = Sequence[tuple[str, Answer]]


def put_scoring(
    s3: Any, uri: str, rows: Rows, problem_type: str, confidence: dict[str, Any] | None = None, calibration: str = ""
) -> None:
    """A scoring of two parts, as the scoring machine leaves it."""
    keys = ["prediction"]
    if problem_type != REGRESSION:
        keys = ["predicted_label", "probabilities", "labels"] if rows and rows[0][1].labels else ["predicted_label"]
    middle = len(rows) // 2
    for part, (start, some) in enumerate(((0, rows[:middle]), (middle, rows[middle:]))):
        file = io.StringIO(newline="")
        writer = csv.writer(file)
        writer.writerow(["Row", "Id", "Truth", *keys])
        for number, (truth, answer) in enumerate(some, start):
            cells = [answer.prediction, str(list(answer.probabilities)), str(list(answer.labels))][: len(keys)]
            writer.writerow([number, "", truth, *cells])
        write_bytes(s3, ScoringFiles(uri).predictions(part), file.getvalue().encode())
        write_json(s3, ScoringFiles(uri).finished(part), {"Part": part})
    document = {
        "OutputUri": uri,
        "PredictionsUri": uri,
        "PartCount": 2,
        "Rows": len(rows),
        "ProblemType": problem_type,
        "ResponseKeys": keys,
        "Confidence": confidence or {},
        "CalibrationUri": calibration,
        "Calibrate": False,
    }
    write_json(s3, ScoringFiles(uri).rows, document)


def state(problem_type: str, **more: Any) -> dict[str, Any]:
    return {
        "Run": {"Name": "new", "Uri": RUN.uri},
        "Data": {
            "ProblemType": problem_type,
            "ObjectiveMetric": OBJECTIVE[problem_type],
            "Test": {"OutputUri": RUN.uri},
        },
        "Model": {"Name": "new-model"},
        "Champion": {"Exists": False},
        **more,
    }


def champion(**more: Any) -> dict[str, Any]:
    found = {"Exists": True, "InService": True, "Comparable": True, "Reason": "", "Run": "former", "ModelName": "old"}
    return {"Champion": {**found, "PackageArn": "", "OutputUri": RUN.proof_of("champion"), **more}}


def calibrated(s3: Any, context: Any, rows: Rows, problem_type: str, confidence: dict[str, Any]) -> dict[str, Any]:
    put_scoring(s3, RUN.proof_of("calibration"), rows, problem_type)
    event = {"ModelUri": RUN.uri, "OutputUri": RUN.uri, "Confidence": confidence}
    returned = calibrate_model.handler(event, context)
    document = read_json(s3, returned["Uri"])
    schema.check(document, "calibration", "calibration.json")
    assert returned["Confidence"] == document["Confidence"]
    return dict(document)


def evaluated(s3: Any, context: Any, state: dict[str, Any], **gate: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """evaluation.json and what the state machine gets."""
    write_json(s3, RUN.request, {"Gate": gate})
    returned = evaluate_model.handler({"State": state}, context)
    document = read_json(s3, returned["Uri"])
    schema.check(document, "evaluation", "evaluation.json")
    json.dumps(returned, allow_nan=False)
    return document, returned


def proven(s3: Any, context: Any, test: Rows, problem_type: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Evaluate a model whose calibration.json is there."""
    decision = read_json(s3, RUN.calibration)["Confidence"]
    put_scoring(s3, RUN.uri, test, problem_type, decision, RUN.calibration)
    return evaluated(s3, context, state(problem_type, **more))


def test_an_overconfident_model_is_calibrated_and_its_promise_kept(data_bucket: Any, lambda_context: Any) -> None:
    asked = {"TargetPrecision": 0.9, "Certainty": 0.9}
    learned = calibrated(data_bucket, lambda_context, drawn_binary(2000, 1, sharpness=3), BINARY, asked)
    evaluation, returned = proven(data_bucket, lambda_context, drawn_binary(2000, 2, sharpness=3), BINARY)

    ece = evaluation["Calibration"]["ECE"]
    assert learned["FittedRows"] == 500
    assert learned["Thresholds"]["Rows"] == 1500
    assert ece["After"]["Value"] < ece["Before"]["Value"] / 2
    assert ece["After"]["Lower"] <= ece["After"]["Value"] <= ece["After"]["Upper"]
    assert evaluation["Chosen"]["Threshold"] == learned["Confidence"]["Threshold"]
    assert evaluation["Chosen"]["Precision"] > 0.88
    assert evaluation["Accepted"]["Coverage"] == pytest.approx(learned["Confidence"]["Coverage"], abs=0.1)
    assert evaluation["Metrics"]["LogLoss"] == evaluation["Calibration"]["LogLoss"]["After"]
    assert sum(map(sum, evaluation["ConfusionMatrix"]["Counts"])) == evaluation["Rows"] == 2000
    assert evaluation["PrecisionCoverage"][0]["Coverage"] == 1.0
    assert returned["Calibration"]["ECEAfter"] == ece["After"]["Value"]
    assert (returned["Accepted"], returned["Reason"]) == (True, "")


def test_a_regression_has_intervals(data_bucket: Any, lambda_context: Any) -> None:
    learned = calibrated(data_bucket, lambda_context, numbers(600, 1), REGRESSION, {"Level": 0.9})
    evaluation, returned = proven(data_bucket, lambda_context, numbers(1000, 2), REGRESSION)

    assert learned["Method"] == "SplitConformal"
    assert 0.85 < returned["Coverage"] < 0.95
    assert evaluation["Intervals"]["Coverage"]["Rows"] == 1000
    assert sum(region["Rows"] for region in evaluation["Intervals"]["Regions"]) == 1000
    assert sum(bar["Rows"] for bar in evaluation["Residuals"]["Histogram"]) == 1000
    assert "Calibration" not in returned


@pytest.mark.parametrize(
    ("rows", "problem_type", "confidence", "method"),
    [
        ([], BINARY, {"TargetPrecision": 0.95, "Certainty": 0.9}, "None"),
        (drawn_binary(30, 1), BINARY, {"Threshold": 0.8}, "None"),
        ([("yes", Answer("yes"))] * 60, BINARY, {"TargetPrecision": 0.95, "Certainty": 0.9}, "None"),
        ([("maybe", answer) for _, answer in drawn_binary(80, 1)], BINARY, {}, "None"),
        ([("no", answer) for _, answer in drawn_binary(300, 1)], BINARY, {}, "Temperature"),
        (drawn_multiclass(300, 1, "abcd", 2.5), MULTICLASS, {}, "Temperature"),
        (numbers(5, 1), REGRESSION, {"Level": 0.9, "MaxIntervalWidth": {"Absolute": 1}}, "None"),
        ([], REGRESSION, {"Level": 0.9}, "None"),
    ],
)
def test_whatever_the_calibration_rows_a_calibration_is_written_and_used(
    data_bucket: Any, lambda_context: Any, rows: Rows, problem_type: str, confidence: dict[str, Any], method: str
) -> None:
    learned = calibrated(data_bucket, lambda_context, rows, problem_type, confidence)
    decision = learned["Confidence"]

    evaluation, _ = proven(data_bucket, lambda_context, rows, problem_type)

    assert learned["Method"] == method
    assert evaluation["Rows"] == len(rows)
    if "TargetPrecision" in confidence:
        assert decision["Threshold"] is None
        assert decision["Note"]
    elif method == "None" and problem_type == REGRESSION:
        assert "fewer than the 9" in decision["Note"]
    else:
        assert decision == confidence


@pytest.mark.parametrize(
    ("rows", "problem_type", "fitted", "tested"),
    [
        (drawn_binary(450, 1, sharpness=3), BINARY, 450, 450),  # one temperature keeps the order of confidences
        (drawn_binary(800, 1, sharpness=3), BINARY, 200, 600),  # a sigmoid would not
        (drawn_multiclass(150, 1, "abc", 2.5), MULTICLASS, 0, 150),  # too few to share
        (drawn_multiclass(450, 1, "abc", 2.5), MULTICLASS, 113, 337),
    ],
    ids=["few of two labels", "more of two labels", "few of three labels", "more of three labels"],
)
def test_rows_only_test_a_threshold_when_they_did_not_order_it(
    rows: Rows, problem_type: str, fitted: int, tested: int
) -> None:
    document = calibration_of(list(rows), problem_type, {"TargetPrecision": 0.8, "Certainty": 0.9})

    assert (document["FittedRows"], document["Thresholds"]["Rows"]) == (fitted, tested)
    assert document["Confidence"]["Rows"] == tested


def test_few_rows_without_an_error_do_not_make_a_model_very_sure() -> None:
    right = [("yes", Answer("yes", ("no", "yes"), (0.1, 0.9)))] * 60

    document = calibration_of(right, BINARY, {})

    assert document["Method"] == "Temperature"
    assert 0.4 < document["Parameters"]["Temperature"] < 1


def test_numbers_too_large_to_be_squared_have_no_squared_errors(data_bucket: Any, lambda_context: Any) -> None:
    rows = [(repr(1e300 * number), Answer(repr(-1e300 * number))) for number in range(1, 40)]
    calibrated(data_bucket, lambda_context, rows, REGRESSION, {"Level": 0.9})
    evaluation, _ = proven(data_bucket, lambda_context, rows, REGRESSION)

    assert set(evaluation["Metrics"]) == {"MAE", "Coverage"}
    assert "too large" in evaluation["Omitted"]["RMSE"]


def test_a_run_without_calibration_rows_says_so(data_bucket: Any, lambda_context: Any) -> None:
    write_json(data_bucket, RUN.model, {"ProblemType": BINARY})
    event = {"ModelUri": RUN.uri, "OutputUri": RUN.uri, "Confidence": {"Threshold": 0.8}}

    returned = calibrate_model.handler(event, lambda_context)

    assert (returned["Method"], returned["Rows"], returned["Confidence"]) == ("None", 0, {"Threshold": 0.8})
    schema.check(read_json(data_bucket, RUN.calibration), "calibration", "calibration.json")


def test_the_champion_is_compared_on_the_same_rows(data_bucket: Any, lambda_context: Any) -> None:
    good, bad = (
        numbers(300, 1),
        [(truth, Answer(repr(float(answer.prediction) + 3))) for truth, answer in numbers(300, 1)],
    )
    put_scoring(data_bucket, RUN.uri, good, REGRESSION)
    put_scoring(data_bucket, RUN.proof_of("champion"), bad[:200], REGRESSION)
    scored = {"ChampionScoring": {"Scoring": {}}, **champion()}

    evaluation, returned = evaluated(data_bucket, lambda_context, state(REGRESSION, **scored))

    comparison = evaluation["Champion"]["Comparison"]
    assert comparison["Rows"] == 200
    assert comparison["Difference"] == pytest.approx(comparison["Champion"] - comparison["Challenger"])
    assert 0 < comparison["Lower"] < comparison["Difference"] < comparison["Upper"]
    assert returned["Comparison"] == comparison
    assert returned["Accepted"] is True

    put_scoring(data_bucket, RUN.uri, bad, REGRESSION)
    put_scoring(data_bucket, RUN.proof_of("champion"), good, REGRESSION)
    _, returned = evaluated(data_bucket, lambda_context, state(REGRESSION, **scored))
    assert returned["Accepted"] is False
    assert "RMSE of the new model is" in returned["Reason"]


def test_a_champion_whose_labels_are_spelled_otherwise_is_as_good(data_bucket: Any, lambda_context: Any) -> None:
    rows = [({"yes": "true", "no": "false"}[truth], answer) for truth, answer in drawn_binary(200, 1)]
    spelled = {
        name: [
            (truth, Answer(labels[answer.labels.index(answer.prediction)], labels, answer.probabilities))
            for truth, answer in rows
        ]
        for name, labels in (("ours", ("False", "True")), ("theirs", ("false", "true")))
    }
    put_scoring(data_bucket, RUN.uri, spelled["ours"], BINARY)
    put_scoring(data_bucket, RUN.proof_of("champion"), spelled["theirs"], BINARY)

    evaluation, _ = evaluated(
        data_bucket, lambda_context, state(BINARY, ChampionScoring={"Scoring": {}}, **champion()), Margin=-0.01
    )

    assert evaluation["Champion"]["Comparison"]["Difference"] == 0
    assert evaluation["Champion"]["Metrics"]["Accuracy"] == evaluation["Metrics"]["Accuracy"]["Value"] > 0.7
    assert evaluation["Gate"]["Accepted"] is True


def test_a_model_of_broken_data_is_caught_by_the_champions_own_test_rows(data_bucket: Any, lambda_context: Any) -> None:
    good = numbers(300, 1)
    shifted = [(truth, Answer(repr(float(answer.prediction) + 5))) for truth, answer in good]
    former = {"Dataset": {}, "OutputUri": RUN.proof_of("former-test"), "PredictionsUri": FORMER.uri}
    put_scoring(data_bucket, RUN.uri, good, REGRESSION)  # on its own rows it is the better
    put_scoring(data_bucket, RUN.proof_of("champion"), shifted, REGRESSION)
    put_scoring(data_bucket, former["OutputUri"], shifted, REGRESSION)  # type: ignore[arg-type]
    put_scoring(data_bucket, FORMER.uri, good, REGRESSION)
    told = {"ChampionScoring": {"Scoring": {}}, "FormerTest": {"Scoring": {}}, **champion(FormerTest=former)}

    evaluation, returned = evaluated(data_bucket, lambda_context, state(REGRESSION, **told))

    assert evaluation["Champion"]["Comparison"]["Difference"] > 0
    assert evaluation["Champion"]["FormerTest"]["Upper"] < 0
    assert (returned["Accepted"], "former model's own 300 test rows" in returned["Reason"]) == (False, True)

    told["FormerTest"] = {"Error": "EndpointFailed", "Cause": "it timed out"}
    evaluation, returned = evaluated(data_bucket, lambda_context, state(REGRESSION, **told))
    assert evaluation["Champion"]["FormerTest"] == {"Reason": "it timed out"}
    assert returned["Accepted"] is True


@pytest.mark.parametrize(
    ("found", "scoring", "reason"),
    [
        (
            {},
            {"Error": "EndpointFailed", "Cause": "no ping"},
            "The champion, former, could not be scored: no ping",
        ),
        (
            {},
            {"Error": "States.Timeout", "Cause": ""},
            "could not be scored: A state ran longer than its TimeoutSeconds",
        ),
        ({"Comparable": False, "Reason": "It predicts another target"}, None, "It predicts another target"),
        ({}, {"Scoring": {}}, "cannot be compared: the two models answered no row in common"),
    ],
)
def test_a_champion_without_answers_stays(
    data_bucket: Any, lambda_context: Any, found: dict[str, Any], scoring: dict[str, Any] | None, reason: str
) -> None:
    put_scoring(data_bucket, RUN.uri, numbers(50, 1), REGRESSION)
    put_scoring(data_bucket, RUN.proof_of("champion"), [], REGRESSION)
    told = {**champion(**found), **({} if scoring is None else {"ChampionScoring": scoring})}

    evaluation, returned = evaluated(data_bucket, lambda_context, state(REGRESSION, **told))

    assert returned["Accepted"] is False
    assert reason in returned["Reason"]
    assert reason in evaluation["Champion"]["Reason"]


def test_many_labels_are_told_by_their_most_frequent(data_bucket: Any, lambda_context: Any) -> None:
    labels = tuple(f"label {number:02}" for number in range(40))
    put_scoring(data_bucket, RUN.uri, drawn_multiclass(400, 1, labels, 1), MULTICLASS)

    evaluation, _ = evaluated(data_bucket, lambda_context, state(MULTICLASS))

    assert len(evaluation["ConfusionMatrix"]["Labels"]) == 30
    assert evaluation["ConfusionMatrix"]["Labels"][-1] == "other"
    assert sum(map(sum, evaluation["ConfusionMatrix"]["Counts"])) == 400
    assert len(evaluation["Classes"]) == 40


@pytest.mark.parametrize(
    ("rows", "problem_type"),
    [
        ([("3", Answer("2"))], REGRESSION),
        ([("yes", Answer("yes"))], BINARY),
        ([("yes", Answer("yes")), ("no", Answer("yes"))], BINARY),
        (drawn_binary(1, 1), BINARY),
        ([("", Answer("yes"))], BINARY),
        ([("maybe", answer) for _, answer in drawn_binary(3, 1)], BINARY),
    ],
)
def test_few_truths_are_judged_as_far_as_they_go(
    data_bucket: Any, lambda_context: Any, rows: Rows, problem_type: str
) -> None:
    put_scoring(data_bucket, RUN.uri, rows, problem_type)

    evaluation, _ = evaluated(data_bucket, lambda_context, state(problem_type), Minimum={"LogLoss": 0.1})

    assert evaluation["Rows"] == sum(truth != "" for truth, _ in rows)
    assert evaluation["Gate"]["Accepted"] is False
