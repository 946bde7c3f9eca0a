"""Very many rows are better predicted by a transform job than by an endpoint; nobody can tell from the result."""

from typing import Any

import pytest

from autoflow.local.cloud import Cloud
from tests.local.conftest import Execute, succeeded
from tests.local.scoring.conftest import Learnt
from tests.local.workers import engine_workers

BATCH = {"Engine": "BatchTransform", "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}}


def files(cloud: Cloud, bucket: str, folder: str, *kinds: str) -> dict[str, bytes]:
    """Name below the scoring's folder → content, of some of its folders."""
    s3, prefix = cloud.client("s3"), folder.removeprefix(f"s3://{bucket}/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {
        key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in keys
        if key.removeprefix(prefix).startswith(kinds)
    }


@pytest.fixture(scope="module")
def transformed(cloud: Cloud, execute: Execute, learnt: Learnt) -> str:
    """The folder of a scoring by a transform job."""
    folder = f"s3://{learnt.bucket}/scorings/by-a-job/"
    before = set(engine_workers(cloud.mark))
    ended = execute("ScoringStateMachine", {**learnt.scoring(), **BATCH, "OutputUri": folder})
    assert succeeded(ended)["Rows"] == learnt.rows
    assert set(engine_workers(cloud.mark)) <= before, "a container of the job is left"
    return folder


def job_of(cloud: Cloud, folder: str) -> dict[str, Any]:
    """The newest transform job that wrote into the folder."""
    sagemaker = cloud.client("sagemaker")
    for summary in sagemaker.list_transform_jobs()["TransformJobSummaries"]:
        job: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=summary["TransformJobName"])
        del job["ResponseMetadata"]
        if job["TransformOutput"]["S3OutputPath"].startswith(folder):
            return job
    raise AssertionError(f"no job for {folder}")


def test_a_transform_job_predicts_the_same_as_an_endpoint(
    cloud: Cloud, execute: Execute, learnt: Learnt, transformed: str
) -> None:
    other = f"s3://{learnt.bucket}/scorings/by-an-endpoint/"
    succeeded(execute("ScoringStateMachine", {**learnt.scoring(), "OutputUri": other}))

    folders = ("rows/", "predictions/", "accepted/", "review/")
    by_job, by_endpoint = (files(cloud, learnt.bucket, folder, *folders) for folder in (transformed, other))
    assert by_job == by_endpoint
    assert {name.partition("/")[0] for name in by_job} == {"rows", "predictions", "accepted", "review"}
    assert by_job["predictions/part-00000.csv"].count(b"\n") == learnt.rows + 1

    sagemaker, job = cloud.client("sagemaker"), job_of(cloud, transformed)
    assert job["TransformResources"] == BATCH["TransformResources"]
    tags = sagemaker.list_tags(ResourceArn=job["TransformJobArn"])["Tags"]
    assert tags == [{"Key": "autopilot-flow:run", "Value": f"s3://{learnt.bucket}/runs/{learnt.run}/"}]
    assert sagemaker.list_endpoints(NameContains="by-")["Endpoints"] == []


def test_what_was_transformed_is_not_transformed_again(
    cloud: Cloud, execute: Execute, learnt: Learnt, transformed: str
) -> None:
    """GIVEN a scoring whose part failed after the job WHEN it is resumed THEN the part is read, and no job made."""
    s3, prefix = cloud.client("s3"), transformed.removeprefix(f"s3://{learnt.bucket}/")
    before, job = files(cloud, learnt.bucket, transformed, "accepted/", "review/"), job_of(cloud, transformed)
    for name in ("parts/part-00000.json", "predictions/part-00000.csv", "accepted/part-00000.csv"):
        s3.delete_object(Bucket=learnt.bucket, Key=f"{prefix}{name}")

    ended = execute("ScoringStateMachine", {"Resume": transformed})

    assert succeeded(ended)["Rows"] == learnt.rows
    assert files(cloud, learnt.bucket, transformed, "accepted/", "review/") == before
    assert job_of(cloud, transformed) == job


def test_an_output_that_does_not_fit_is_transformed_again(
    cloud: Cloud, execute: Execute, learnt: Learnt, transformed: str
) -> None:
    s3, prefix = cloud.client("s3"), transformed.removeprefix(f"s3://{learnt.bucket}/")
    before = files(cloud, learnt.bucket, transformed, "predictions/")
    (whole,) = files(cloud, learnt.bucket, transformed, "transform/").values()
    s3.put_object(Bucket=learnt.bucket, Key=f"{prefix}transform/part-00000.csv.out", Body=whole[: len(whole) // 2])
    s3.delete_object(Bucket=learnt.bucket, Key=f"{prefix}parts/part-00000.json")

    failed = execute("ScoringStateMachine", {"Resume": transformed})
    assert (failed["status"], failed["error"]) == ("FAILED", "PartsFailed")
    assert "PredictionMismatch" in failed["cause"]
    former = job_of(cloud, transformed)

    assert succeeded(execute("ScoringStateMachine", {"Resume": transformed}))["Rows"] == learnt.rows
    job = job_of(cloud, transformed)
    assert job["TransformJobName"] != former["TransformJobName"]
    assert job["TransformResources"] == former["TransformResources"], "as many instances as before"
    assert files(cloud, learnt.bucket, transformed, "predictions/") == before


def test_a_job_that_fails_says_where_to_look_and_how_to_go_on(cloud: Cloud, execute: Execute, learnt: Learnt) -> None:
    """GIVEN a model whose archive is gone WHEN it is to transform THEN the scoring fails with the job's reason."""
    sagemaker = cloud.client("sagemaker")
    model = sagemaker.describe_model(ModelName=learnt.run)
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    sagemaker.delete_model(ModelName=learnt.run)
    tags = [{"Key": "autopilot-flow:run", "Value": f"s3://{learnt.bucket}/runs/{learnt.run}/"}]
    common = {"ModelName": learnt.run, "ExecutionRoleArn": model["ExecutionRoleArn"], "Tags": tags}
    gone = [{**containers[0], "ModelDataUrl": f"s3://{learnt.bucket}/runs/gone/model.tar.gz"}]
    sagemaker.create_model(Containers=gone, **common)
    try:
        ended = execute("ScoringStateMachine", {**learnt.scoring(), **BATCH})
    finally:
        sagemaker.delete_model(ModelName=learnt.run)
        sagemaker.create_model(Containers=containers, **common)

    assert (ended["status"], ended["error"]) == ("FAILED", "TransformJobFailed")
    for words in ("Could not load the model data", "/aws/sagemaker/TransformJobs", "Resume s3://", "Engine Endpoint"):
        assert words in ended["cause"]
