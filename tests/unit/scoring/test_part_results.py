"""Parts of a scoring: what is finished stays finished, what failed is told and can be scored again."""

import json
from typing import Any

import pytest

from automl.errors import EndpointFailed, InvalidRequest, PartsFailed
from automl.run_files import ScoringFiles
from automl.scoring import prepare
from automl.scoring.inference import score_part
from automl.scoring.part_results import collect_parts, finish_part, finished_parts, recorded_failure
from automl.scoring.predictions import filter_part
from automl.scoring.resume import resume_rows
from automl.storage import list_objects, read_bytes, read_json, split_uri, write_bytes
from automl.usage import Meter
from tests.unit.scoring.scoring_bench import (
    OUTPUT,
    SERVING,
    Context,
    Runtime,
    of_age,
    prepared,
    put,
    score,
    serve,
    table,
    to_score,
)

FILES = ScoringFiles(OUTPUT)
NOW = {"StartTime": "2026-01-01T00:00:00.000Z"}


@pytest.fixture
def rows(data_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Five parts of a hundred rows."""
    return prepared_parts(data_bucket, monkeypatch)


def prepared_parts(s3: Any, monkeypatch: pytest.MonkeyPatch, **request: Any) -> dict[str, Any]:
    monkeypatch.setattr(prepare, "PART_ROWS", 100)
    monkeypatch.setattr(prepare, "_SLICE_ROWS", 50)
    dataset = put(s3, "age,city\n" + "".join(f"{number % 100},x\n" for number in range(500)))
    return prepared(s3, serve(s3), dataset, **request)


def finish(s3: Any, rows: dict[str, Any], *parts: int) -> None:
    """Score the parts to their end."""
    context: Any = Context()
    for part in parts:
        runtime: Any = Runtime(of_age)
        score_part(runtime, s3, rows, part)
        prediction = {"StartedAt": "2026-11-21T10:00:00+00:00", "Usage": {"Invocations": 2, "LambdaRequests": 1}}
        finish_part(s3, rows, filter_part(s3, rows, part), prediction, Meter(context))


def fail(s3: Any, rows: dict[str, Any], part: int, error: Exception) -> None:
    with pytest.raises(type(error)), recorded_failure(s3, rows, part):
        raise error


def collect(s3: Any, rows: dict[str, Any], **state: Any) -> dict[str, Any]:
    return collect_parts(s3, {"Rows": rows, "Execution": NOW, **state})


def test_parts_are_added_up(data_bucket: Any, rows: dict[str, Any]) -> None:
    finish(data_bucket, rows, *to_score(data_bucket, rows))

    parts = collect(data_bucket, rows)

    documents = [read_json(data_bucket, FILES.finished(part)) for part in range(5)]
    assert [parts[key] for key in ("Rows", "Accepted", "Review")] == [500, 105, 395]
    assert parts["Reasons"] == {"LowConfidence": 395}
    assert parts["Usage"]["Invocations"] == 10
    assert parts["Usage"]["LambdaRequests"] == 10
    assert parts["Usage"]["LambdaGBSeconds"] == pytest.approx(sum(one["Usage"]["LambdaGBSeconds"] for one in documents))
    assert parts["Usage"]["StateTransitions"] == 15
    assert parts["RowsPerSecond"] == pytest.approx(500 / parts["Seconds"], abs=0.1)
    assert "FailedParts" not in parts


def test_the_time_of_a_transform_job_counts(data_bucket: Any, rows: dict[str, Any]) -> None:
    finish(data_bucket, rows, 0, 1, 2, 3, 4)

    own = collect(data_bucket, rows)["Seconds"]
    with_job = collect(data_bucket, rows, TransformJob={"StartedAt": "2026-11-21T09:00:00+00:00"})["Seconds"]

    assert with_job == pytest.approx(own + 3600)


def test_a_failed_part_fails_the_scoring_and_the_error_says_how_to_go_on(
    data_bucket: Any, rows: dict[str, Any]
) -> None:
    finish(data_bucket, rows, 0, 1, 3)
    fail(data_bucket, rows, 2, EndpointFailed("the model broke"))

    with pytest.raises(PartsFailed) as raised:
        collect(data_bucket, rows)

    said = str(raised.value)
    assert "2 of 5 parts were not scored" in said
    assert "part 2: EndpointFailed: the model broke" in said
    assert "part 4: States.TaskFailed: a function of it ran out of time or memory or is not authorized to" in said
    assert json.loads(said[said.index("{") : said.index("}") + 1]) == {"Resume": OUTPUT}


def test_what_is_tolerated_is_listed(data_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = prepared_parts(data_bucket, monkeypatch, ToleratedFailurePercentage=20)
    finish(data_bucket, rows, 0, 1, 2, 3)
    fail(data_bucket, rows, 4, EndpointFailed("the model broke"))

    parts = collect(data_bucket, rows)

    failed = {"Part": 4, "Error": "EndpointFailed", "Cause": "the model broke"}
    assert parts["FailedParts"] == {"Count": 1, "Rows": 100, "Parts": [failed]}
    assert parts["Rows"] == 400


def test_why_step_functions_gave_up_the_map_is_told_of_parts_that_never_began(
    data_bucket: Any, rows: dict[str, Any]
) -> None:
    denied = {"Error": "States.ItemReaderFailed", "Cause": "parts.json cannot be read"}

    with pytest.raises(PartsFailed, match=r"5 of 5 parts .* States\.ItemReaderFailed: parts\.json cannot be read"):
        collect(data_bucket, rows, MapError=denied)


def test_the_part_that_failed_is_told_of_before_those_that_were_stopped_for_it(
    data_bucket: Any, rows: dict[str, Any]
) -> None:
    """Step Functions stops all parts when one too many has failed, which need not be the first of them."""
    fail(data_bucket, rows, 37, EndpointFailed("the container broke"))
    given_up = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "The threshold was exceeded"}
    with pytest.raises(PartsFailed, match=r"50 of 50 .*: part 37: EndpointFailed: the container broke; part 0: .*stop"):
        collect(data_bucket, rows | {"PartCount": 50}, MapError=given_up)
    tolerant = rows | {"PartCount": 50, "ToleratedFailurePercentage": 100}
    told = collect(data_bucket, tolerant, MapError=given_up)["FailedParts"]["Parts"]
    assert [one["Part"] for one in told] == [37, *range(19)]


def test_the_state_does_not_grow_with_the_parts(data_bucket: Any, rows: dict[str, Any]) -> None:
    many = {**rows, "PartCount": 10_000, "ToleratedFailurePercentage": 100}

    parts = collect(data_bucket, many, MapError={"Error": "States.Timeout", "Cause": "x" * 30_000})

    assert parts["FailedParts"]["Count"] == 10_000
    assert len(json.dumps(parts)) < 32 * 1024
    assert len(json.dumps(rows)) < 4 * 1024


def test_resuming_scores_only_what_is_not_finished_and_gives_what_one_go_gives(
    data_bucket: Any, rows: dict[str, Any]
) -> None:
    finish(data_bucket, rows, 0, 1, 3)
    finished = {part: read_bytes(data_bucket, FILES.finished(part)) for part in (0, 1, 3)}

    again = resume_rows(data_bucket, {"Resume": OUTPUT}, {**SERVING, "EndpointName": "served", "MaxConcurrency": 1})
    left = to_score(data_bucket, again)
    finish(data_bucket, again, *left)
    resumed = table(data_bucket, FILES.accepted_folder), table(data_bucket, FILES.review_folder)
    collected = collect(data_bucket, again)

    assert left == [2, 4]
    assert (again["PartsToScore"], again["PartsAtOnce"], again["Scoring"]) == (2, 1, rows["Scoring"])
    assert {part: read_bytes(data_bucket, FILES.finished(part)) for part in finished} == finished
    assert collected["Rows"] == 500
    score(data_bucket, rows, of_age)
    assert resumed == (table(data_bucket, FILES.accepted_folder), table(data_bucket, FILES.review_folder))


def test_what_earlier_executions_scored_is_not_counted_again(data_bucket: Any, rows: dict[str, Any]) -> None:
    finish(data_bucket, rows, 0, 1, 2, 3, 4)

    parts = collect(data_bucket, rows, Execution={"StartTime": "2126-01-01T00:00:00.000Z"})

    assert (parts["Rows"], parts["RowsPerSecond"]) == (500, None)
    assert parts["Usage"]["Invocations"] == parts["Usage"]["StateTransitions"] == 0


def test_a_scoring_that_is_finished_has_nothing_left(data_bucket: Any, rows: dict[str, Any]) -> None:
    finish(data_bucket, rows, 0, 1, 2, 3, 4)

    assert resume_rows(data_bucket, {"Resume": OUTPUT}, SERVING)["PartsToScore"] == 0


def test_more_can_be_tolerated_when_resuming(data_bucket: Any, rows: dict[str, Any]) -> None:
    asked = {"Resume": OUTPUT, "ToleratedFailurePercentage": 50}

    assert resume_rows(data_bucket, asked, SERVING)["ToleratedFailurePercentage"] == 50


@pytest.mark.parametrize(
    ("tolerated", "finished", "of_map"), [(0, 3, 0), (20, 0, 20), (20, 4, 100), (30, 2, 50), (0.1, 0, 1), (100, 3, 100)]
)
def test_step_functions_gives_up_when_more_of_all_parts_failed_than_may(
    data_bucket: Any, rows: dict[str, Any], tolerated: float, finished: int, of_map: int
) -> None:
    """GIVEN five parts WHEN some are finished THEN the share of the others that may fail is larger, and whole."""
    finish(data_bucket, rows, *range(finished))
    resume = {"Resume": OUTPUT, "ToleratedFailurePercentage": tolerated}
    assert resume_rows(data_bucket, resume, SERVING)["ToleratedFailurePercentageOfMap"] == of_map


def test_no_rows_are_mixed_of_two_models(data_bucket: Any, rows: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"whose rows model 'model' predicted, but now 'new-model' would"):
        resume_rows(data_bucket, {"Resume": OUTPUT}, {**SERVING, "ModelName": "new-model"})


@pytest.mark.parametrize("gone", [FILES.keys(2), FILES.features(2)])
def test_a_part_whose_rows_have_expired_is_named_before_anything_is_asked(
    data_bucket: Any, rows: dict[str, Any], gone: str
) -> None:
    finish(data_bucket, rows, 0, 1)
    bucket, key = split_uri(gone)
    data_bucket.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(InvalidRequest, match=rf"but {gone}, which part 2 needs, was deleted or has expired; score"):
        resume_rows(data_bucket, {"Resume": OUTPUT}, SERVING)


def test_features_are_not_needed_of_a_part_that_was_transformed(data_bucket: Any, rows: dict[str, Any]) -> None:
    bucket, key = split_uri(FILES.features(2))
    data_bucket.delete_object(Bucket=bucket, Key=key)
    write_bytes(data_bucket, FILES.transformed(2), b"yes,0.9\n")
    assert resume_rows(data_bucket, {"Resume": OUTPUT}, SERVING)["PartsToScore"] == rows["PartCount"]


def test_only_a_scoring_that_has_prepared_its_rows_can_be_resumed(data_bucket: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"there is no s3://data-bucket/scorings/none/rows\.json"):
        resume_rows(data_bucket, {"Resume": "s3://data-bucket/scorings/none"}, SERVING)


def test_parts_without_rows_for_the_model_have_no_object_that_a_transform_job_would_read(data_bucket: Any) -> None:
    sagemaker = serve(data_bucket, Filter="age < 0")

    rows = prepared(data_bucket, sagemaker, put(data_bucket, "age,city\n95,Oslo\n"))

    assert (rows["Sent"], rows["Skipped"], rows["PartCount"]) == (0, 1, 1)
    assert list(list_objects(data_bucket, FILES.features_folder)) == []
    assert finished_parts(data_bucket, FILES) == []
