"""Batch transform: the job's request, its status, and its output as predictions."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import create_transform_job
import get_transform_job
import pytest
import read_transform_output
import stop_transform_job
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import InvalidRequest, PredictionMismatch, QuotaExceeded
from automl.run_files import ScoringFiles
from automl.scoring import scoring_request, transform_jobs
from automl.scoring.inference import score_part
from automl.scoring.resume import resume_rows
from automl.storage import delete, exists, read_bytes, read_json, write_bytes, write_json
from tests.unit.scoring.scoring_bench import CLASSES, OUTPUT, SERVING, Runtime, of_age

EVENTS = Path(__file__).parents[3] / "events"
FILES = ScoringFiles(OUTPUT)
ROWS = {
    "Name": "r",
    "Scoring": "weekly",
    "ModelName": "model",
    "ModelUri": "s3://data-bucket/runs/r/",
    "OutputUri": OUTPUT,
    "PredictionsUri": OUTPUT,
    "Predicted": False,
    "Engine": "BatchTransform",
    "ProblemType": "BinaryClassification",
    "ResponseKeys": CLASSES,
    "EndpointName": "served",
    "Sent": 6,
    "MaxConcurrency": 2,
    "MaxPayloadBytes": 4_000_000,
    "PartsAtOnce": 1,
    "ToleratedFailurePercentage": 0,
    "PartCount": 3,
    "PartsToScore": 3,
}
EXECUTION = {"Id": "arn:execution:weekly", "Name": "weekly", "StartTime": "2026-11-21T06:00:00.000Z"}
SETTINGS = transform_jobs.TransformSettings("ml.m5.large", None, 15)
CREATED = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-central-1:123456789012:transform-job/weekly"


def prepared(s3: Any, parts: int = 3, nothing_sent: tuple[int, ...] = ()) -> None:
    """Parts of two rows each, as Prepare Rows leaves them."""
    write_json(s3, FILES.parts, list(range(parts)))
    for part in range(parts):
        rows = [] if part in nothing_sent else [f"{part},a,", f'{part + 10},"b ""x"", y",true']
        write_bytes(s3, FILES.keys(part), "\n".join(["Row,Id,Truth", *rows, ""]).encode())
        if rows:
            write_bytes(s3, FILES.features(part), f"{30 + part},Rome\n{70 + part},Bonn\n".encode())


def transformed(s3: Any, part: int) -> bytes:
    """The output of a transform job on the part, whose model is the one of the other tests' endpoint."""
    records = csv.reader(io.StringIO(read_bytes(s3, FILES.features(part)).decode(), newline=""))
    body = "".join(f"{of_age(record)}\n" for record in records).encode()
    write_bytes(s3, FILES.transformed(part), body)
    return body


def described(status: str = "InProgress", **more: Any) -> Any:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": FILES.features_folder}}
    return {
        "TransformJobName": "weekly",
        "TransformJobArn": ARN,
        "TransformJobStatus": status,
        "ModelName": "model",
        "TransformInput": {"DataSource": source},
        "TransformOutput": {"S3OutputPath": FILES.transform_folder},
        "TransformResources": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 7},
        "CreationTime": CREATED,
        **more,
    }


def job(settings: transform_jobs.TransformSettings = SETTINGS, **instances: Any) -> Any:
    source: Any = {"S3DataType": "S3Prefix", "S3Uri": FILES.features_folder}
    resources: Any = {"InstanceType": "ml.m5.large", "InstanceCount": 1, **instances}
    return transform_jobs.job_request("weekly", ROWS, source, resources, settings)


def test_the_request_is_the_documented_recipe_for_models_of_autopilot(data_bucket: Any) -> None:
    prepared(data_bucket)
    names, everything = transform_jobs.unanswered_parts(data_bucket, FILES)
    assert (names, everything) == ([f"part-{part:05d}.csv" for part in range(3)], True)
    source = transform_jobs.data_source(data_bucket, FILES, names, everything=everything)
    assert source == {"S3DataType": "S3Prefix", "S3Uri": FILES.features_folder}
    assert not exists(data_bucket, FILES.transform_manifest)
    request = job()
    assert request["TransformInput"] | {"DataSource": None} == {
        "DataSource": None,
        "ContentType": "text/csv",
        "CompressionType": "None",
        "SplitType": "Line",
    }
    assert request["TransformOutput"] == {
        "S3OutputPath": FILES.transform_folder,
        "Accept": "text/csv",
        "AssembleWith": "Line",
    }
    assert (request["ModelName"], request["BatchStrategy"], request["MaxPayloadInMB"]) == ("model", "MultiRecord", 1)
    assert request["Tags"] == [{"Key": "autopilot-flow:run", "Value": "s3://data-bucket/runs/r/"}]


def test_the_key_of_the_stack_encrypts_disks_and_output() -> None:
    settings = transform_jobs.TransformSettings("ml.m5.large", "arn:aws:kms:key", 15)
    instances = transform_jobs.resources(create_transform_job.SAGEMAKER, {}, ROWS, settings)
    assert instances == {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeKmsKeyId": "arn:aws:kms:key"}
    assert job(settings)["TransformOutput"]["KmsKeyId"] == "arn:aws:kms:key"


def test_only_what_no_job_has_answered_is_transformed(data_bucket: Any) -> None:
    """GIVEN a part without rows and one that is answered WHEN the job is made THEN its manifest names the third."""
    prepared(data_bucket, nothing_sent=(1,))
    transformed(data_bucket, 0)
    names, everything = transform_jobs.unanswered_parts(data_bucket, FILES)
    assert (names, everything) == (["part-00002.csv"], False)
    source = transform_jobs.data_source(data_bucket, FILES, names, everything=everything)
    assert source == {"S3DataType": "ManifestFile", "S3Uri": FILES.transform_manifest}
    assert read_json(data_bucket, FILES.transform_manifest) == [{"prefix": FILES.features_folder}, "part-00002.csv"]


def test_parts_that_are_finished_are_not_transformed_again(data_bucket: Any) -> None:
    prepared(data_bucket)
    write_json(data_bucket, FILES.parts, [1])
    assert transform_jobs.unanswered_parts(data_bucket, FILES) == (["part-00001.csv"], False)


def test_when_every_part_is_answered_there_is_no_job(data_bucket: Any, lambda_context: Any) -> None:
    prepared(data_bucket, nothing_sent=(1,))
    transformed(data_bucket, 0)
    transformed(data_bucket, 2)
    status = create_transform_job.handler({"Rows": ROWS, "Input": {}, "Execution": EXECUTION}, lambda_context)
    assert (status["Name"], status["Status"], status["TransformSeconds"]) == ("", "Completed", 0.0)


def created(lambda_context: Any, **request: Any) -> Any:
    return create_transform_job.handler({"Rows": ROWS, "Input": request, "Execution": EXECUTION}, lambda_context)


def test_instances_are_the_requests(data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    prepared(data_bucket)
    asked = {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 4}
    expected = dict.fromkeys(job(), ANY) | {"TransformResources": asked}
    stub(create_transform_job.SAGEMAKER).add_response("create_transform_job", {"TransformJobArn": ARN}, expected)
    status = created(lambda_context, Engine="BatchTransform", TransformResources=asked)
    assert (status["InstanceType"], status["InstanceCount"]) == ("ml.m5.4xlarge", 4)
    assert (status["Status"], status["Files"], status["WaitSeconds"]) == ("InProgress", 3, 15)


def test_a_resumed_scoring_has_the_instances_of_the_first(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    prepared(data_bucket)
    stubber = stub(create_transform_job.SAGEMAKER)
    stubber.add_response("describe_transform_job", described("Failed"), {"TransformJobName": "weekly"})
    again = {"InstanceType": "ml.c5.xlarge", "InstanceCount": 7}
    expected = dict.fromkeys(job(), ANY) | {"TransformResources": again}
    stubber.add_response("create_transform_job", {"TransformJobArn": ARN}, expected)
    status = created(lambda_context, Resume=OUTPUT)
    assert (status["InstanceType"], status["InstanceCount"]) == ("ml.c5.xlarge", 7)
    assert status["Name"] != "weekly", "the first job has that name"


def test_a_resumed_scoring_may_have_other_instances_if_it_has_a_job(data_bucket: Any) -> None:
    asked = {"Resume": OUTPUT, "TransformResources": {"InstanceType": "ml.m5.4xlarge"}}
    scoring_request.check_source(asked)
    prepared(data_bucket)
    write_json(data_bucket, FILES.rows, ROWS)
    assert resume_rows(data_bucket, asked, {**SERVING, "Engine": "BatchTransform"})["PartsToScore"] == 3
    write_json(data_bucket, FILES.rows, {**ROWS, "Engine": "Endpoint"})
    with pytest.raises(InvalidRequest, match="by which s3://data-bucket/out/ was not scored"):
        resume_rows(data_bucket, asked, SERVING)


@pytest.mark.parametrize("code", ["ResourceInUse", "ValidationException"])
def test_creating_the_same_job_again_finds_it(stub: Callable[[Any], Stubber], code: str) -> None:
    stubber = stub(create_transform_job.SAGEMAKER)
    stubber.add_client_error("create_transform_job", code, "exists")
    stubber.add_response("describe_transform_job", described(), {"TransformJobName": "weekly"})
    transform_jobs.create_job(create_transform_job.SAGEMAKER, job())


def test_a_job_that_sagemaker_refuses_says_what_to_do(stub: Callable[[Any], Stubber]) -> None:
    stubber = stub(create_transform_job.SAGEMAKER)
    stubber.add_client_error("create_transform_job", "ValidationException", "VolumeKmsKeyId is not supported.")
    stubber.add_client_error("describe_transform_job", "ValidationException", "Could not find requested job")
    with pytest.raises(InvalidRequest, match=r"VolumeKmsKeyId is not supported\. Correct TransformResources"):
        transform_jobs.create_job(create_transform_job.SAGEMAKER, job())


def test_a_used_up_quota_can_be_waited_for(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    prepared(data_bucket)
    said = "The account-level service limit 'ml.m5.large for transform job usage' is 2 Instances"
    stub(create_transform_job.SAGEMAKER).add_client_error("create_transform_job", "ResourceLimitExceeded", said)
    with pytest.raises(QuotaExceeded, match=r"is 2 Instances\. Wait"):
        created(lambda_context)


def refreshed(description: Any, after: float) -> dict[str, Any]:
    status = transform_jobs.new_status(job(), 3, 6_000_000, CREATED, 15)
    return transform_jobs.refreshed_status(status, description, CREATED + timedelta(seconds=after), 15)


def test_the_deadline_grows_with_the_rows_and_shrinks_with_the_instances() -> None:
    one = transform_jobs.new_status(job(), 3, 6_000_000, CREATED, 15)
    four = transform_jobs.new_status(job(InstanceCount=4), 3, 6_000_000, CREATED, 15)
    assert (one["DeadlineSeconds"], four["DeadlineSeconds"]) == (3_600 + 300_000, 3_600 + 75_000)


def test_a_look_at_the_job_says_how_it_stands() -> None:
    first = refreshed(described(), 100)
    assert (first["Polls"], first["ElapsedSeconds"], first["WaitSeconds"]) == (1, 100, 15)
    assert first["Progress"] == "Starting, 3 files on 1 ml.m5.large, 0:01:40 so far"
    later = refreshed(described(TransformStartTime=CREATED + timedelta(seconds=200)), 1_000)
    assert (later["WaitSeconds"], later["Progress"].partition(",")[0]) == (50, "Transforming")
    times = {
        "TransformStartTime": CREATED + timedelta(seconds=200),
        "TransformEndTime": CREATED + timedelta(seconds=1_000),
    }
    ended = refreshed(described("Completed", **times), 1_040)
    assert (ended["TransformSeconds"], ended["LagSeconds"]) == (800.0, 40.0)


def test_a_job_that_did_not_complete_says_why() -> None:
    failed = refreshed(described("Failed", FailureReason="ClientError: See job logs for more information"), 60)
    assert failed["FailureReason"] == "ClientError: See job logs for more information"
    assert failed["TransformSeconds"] == 0.0
    assert refreshed(described("Stopped"), 60)["FailureReason"] == "somebody stopped it"


@given(
    after=st.floats(0, 10_000_000),
    status=st.sampled_from(["InProgress", "Completed", "Failed", "Stopping", "Stopped"]),
)
def test_the_wait_stays_below_a_twentieth_and_the_status_small(after: float, status: str) -> None:
    found = refreshed(described(status, FailureReason="x" * 1024), after)
    assert found["WaitSeconds"] <= max(15, after * 0.05)
    assert found["WaitSeconds"] <= 1200
    assert len(json.dumps(found)) < 2_000


def test_looking_and_stopping_go_by_the_jobs_name(lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    event = json.loads((EVENTS / "get_transform_job.json").read_text(encoding="utf-8"))
    name = {"TransformJobName": event["TransformJob"]["Name"]}
    stub(get_transform_job.SAGEMAKER).add_response("describe_transform_job", described("Stopping"), name)
    assert get_transform_job.handler(event, lambda_context)["Status"] == "Stopping"
    stub(stop_transform_job.SAGEMAKER).add_response("stop_transform_job", {}, name)
    assert stop_transform_job.handler(event, lambda_context)["Progress"] == "Stopping"


@pytest.mark.parametrize("code", ["ResourceNotFound", "ValidationException"])
def test_stopping_a_job_that_has_ended_is_no_error(stub: Callable[[Any], Stubber], code: str) -> None:
    stubber = stub(stop_transform_job.SAGEMAKER)
    stubber.add_client_error("stop_transform_job", code)
    stubber.add_response("describe_transform_job", described("Completed"))
    transform_jobs.stop_job(stop_transform_job.SAGEMAKER, "weekly")


def test_a_job_that_will_not_stop_is_an_error(stub: Callable[[Any], Stubber]) -> None:
    stubber = stub(stop_transform_job.SAGEMAKER)
    stubber.add_client_error("stop_transform_job", "ValidationException", "not now")
    stubber.add_response("describe_transform_job", described())
    with pytest.raises(ClientError, match="not now"):
        transform_jobs.stop_job(stop_transform_job.SAGEMAKER, "weekly")


def test_predictions_are_byte_for_byte_those_of_an_endpoint(data_bucket: Any, lambda_context: Any) -> None:
    prepared(data_bucket)
    transformed(data_bucket, 2)
    answer = read_transform_output.handler({"Part": 2, "Rows": ROWS}, lambda_context)
    assert (answer["Part"], answer["Rows"], answer["Usage"]["Invocations"]) == (2, 2, 0)
    by_job = read_bytes(data_bucket, FILES.predictions(2))
    runtime: Any = Runtime(of_age)
    score_part(runtime, data_bucket, ROWS, 2)
    assert by_job == read_bytes(data_bucket, FILES.predictions(2))


def test_empty_lines_between_the_answers_mean_nothing(data_bucket: Any, lambda_context: Any) -> None:
    """GIVEN answers that end with a line end of their own WHEN SageMaker adds another THEN the rows stay aligned."""
    prepared(data_bucket)
    body = transformed(data_bucket, 0)
    read_transform_output.handler({"Part": 0, "Rows": ROWS}, lambda_context)
    expected = read_bytes(data_bucket, FILES.predictions(0))
    write_bytes(data_bucket, FILES.transformed(0), body.replace(b"\n", b"\n\n"))
    read_transform_output.handler({"Part": 0, "Rows": ROWS}, lambda_context)
    assert read_bytes(data_bucket, FILES.predictions(0)) == expected


def test_a_part_of_which_nothing_is_sent_has_an_empty_table(data_bucket: Any, lambda_context: Any) -> None:
    prepared(data_bucket, nothing_sent=(1,))
    assert read_transform_output.handler({"Part": 1, "Rows": ROWS}, lambda_context)["Rows"] == 0
    assert read_bytes(data_bucket, FILES.predictions(1)).decode() == f"Row,Id,Truth,{','.join(CLASSES)}\n"


@pytest.mark.parametrize("change", [lambda body: body[: body.index(b"\n") + 1], lambda body: body * 2])
def test_an_output_with_the_wrong_number_of_records_is_never_used(
    data_bucket: Any, lambda_context: Any, change: Callable[[bytes], bytes]
) -> None:
    """And is transformed again by a scoring that is resumed."""
    prepared(data_bucket)
    write_bytes(data_bucket, FILES.transformed(0), change(transformed(data_bucket, 0)))
    with pytest.raises(PredictionMismatch, match="does not fit the rows of its part and was removed"):
        read_transform_output.handler({"Part": 0, "Rows": ROWS}, lambda_context)
    assert not exists(data_bucket, FILES.predictions(0))
    assert read_json(data_bucket, FILES.failure(0))["Error"] == "PredictionMismatch"
    assert "part-00000.csv" in transform_jobs.unanswered_parts(data_bucket, FILES)[0]


def test_few_answers_that_are_no_predictions_leave_their_rows_to_people(data_bucket: Any, lambda_context: Any) -> None:
    """GIVEN an answer without probabilities WHEN it is read THEN its row keeps its place, with empty cells."""
    prepared(data_bucket)
    first = transformed(data_bucket, 0).splitlines(keepends=True)[0]
    write_bytes(data_bucket, FILES.transformed(0), first + b"True,0.9,\"[nan, nan]\",\"['False', 'True']\"\n")
    assert read_transform_output.handler({"Part": 0, "Rows": ROWS}, lambda_context)["Rows"] == 2
    assert read_bytes(data_bucket, FILES.predictions(0)).decode().splitlines()[2].endswith(",true,,,,")
    write_bytes(data_bucket, FILES.transformed(0), first.replace(b"[", b"[nan, ") + b"True,0.9,[],[]\n")
    with pytest.raises(PredictionMismatch, match="2 of its 2 records are no predictions"):
        read_transform_output.handler({"Part": 0, "Rows": ROWS}, lambda_context)


@pytest.mark.parametrize("record", ["1,2.5,Bonn,true,7", "0.1,0.2,0.3,0.4,0.5,0.6"])
def test_the_answer_to_a_request_of_short_rows_is_one_that_serving_containers_give(record: str) -> None:
    """Multi Model Server and TorchServe refuse to answer with more than 6,553,500 bytes when nobody configures them."""
    answer = "False,0.7052448987960815,\"[0.7052448987960815, 0.29475510120391846]\",\"['False', 'True']\"\n"
    rows = job()["MaxPayloadInMB"] * 1024**2 // (len(record) + 1)
    assert rows * len(answer) <= 6_553_500


def test_an_output_is_found_in_a_subfolder_too(data_bucket: Any, lambda_context: Any) -> None:
    """CreateTransformJob's documentation has one: output-name-prefix/input-name-prefix/data.csv.out."""
    prepared(data_bucket)
    for part in range(2):
        body = transformed(data_bucket, part)
        delete(data_bucket, FILES.transformed(part))
        write_bytes(data_bucket, f"{FILES.transform_folder}features/part-{part:05d}.csv.out", body)
    assert read_transform_output.handler({"Part": 1, "Rows": ROWS}, lambda_context)["Rows"] == 2
    assert transform_jobs.unanswered_parts(data_bucket, FILES) == (["part-00002.csv"], False)


def test_a_missing_output_says_so(data_bucket: Any, lambda_context: Any) -> None:
    prepared(data_bucket)
    with pytest.raises(PredictionMismatch, match=r"part-00001.csv.out, although the transform job has completed"):
        read_transform_output.handler({"Part": 1, "Rows": ROWS}, lambda_context)
