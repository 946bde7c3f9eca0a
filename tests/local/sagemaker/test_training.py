"""AutoML jobs: what they train, how they end, and what they leave in S3."""

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from botocore.exceptions import ClientError

from autoflow.local import processes
from autoflow.local.cloud import Cloud

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker, Trained


def candidates(aws: "SageMaker", name: str, **arguments: Any) -> list[dict[str, Any]]:
    pages = aws.sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=name, **arguments)
    return [candidate for page in pages for candidate in page["Candidates"]]


def objective(candidate: dict[str, Any]) -> float:
    return float(candidate["FinalAutoMLJobObjectiveMetric"]["Value"])


def test_statuses_come_in_the_documented_order(trained: "Trained") -> None:
    order = [
        "Starting",
        "AnalyzingData",
        "TrainingModels",
        "GeneratingExplainabilityReport",
        "GeneratingModelInsightsReport",
        "MaxCandidatesReached",
    ]
    seen = [job["AutoMLJobSecondaryStatus"] for job in trained.seen]
    assert [order.index(status) for status in seen] == sorted(order.index(status) for status in seen)
    assert {"TrainingModels", "GeneratingExplainabilityReport", "MaxCandidatesReached"} <= set(seen)
    for job in trained.seen[:-1]:
        assert job["AutoMLJobStatus"] == "InProgress"
        assert "EndTime" not in job
    assert trained.job["AutoMLJobStatus"] == "Completed"
    assert trained.job["EndTime"] >= trained.job["CreationTime"]


def test_finished_candidates_are_visible_on_the_way(trained: "Trained") -> None:
    assert "BestCandidate" not in trained.seen[0]
    assert trained.candidates_on_the_way >= 1


def test_describe_echoes_the_request(trained: "Trained") -> None:
    for name in ("AutoMLProblemTypeConfig", "OutputDataConfig", "AutoMLJobInputDataConfig", "RoleArn"):
        assert trained.job[name] == trained.request[name]
    assert trained.job["AutoMLProblemTypeConfigName"] == "Tabular"
    assert trained.job["ResolvedAttributes"] == {
        "AutoMLJobObjective": {"MetricName": "AUC"},
        "CompletionCriteria": {"MaxCandidates": 4, "MaxAutoMLJobRuntimeInSeconds": 60},
        "AutoMLProblemTypeResolvedAttributes": {"TabularResolvedAttributes": {"ProblemType": "BinaryClassification"}},
    }
    assert "FailureReason" not in trained.job


def test_candidates_are_distinct_and_the_best_is_the_best(aws: "SageMaker", trained: "Trained") -> None:
    found = candidates(aws, "trained")
    assert len(found) == len({candidate["CandidateName"] for candidate in found}) == 4
    assert any("WeightedEnsemble" in candidate["CandidateName"] for candidate in found)
    assert len({objective(candidate) for candidate in found}) >= 3
    assert objective(trained.job["BestCandidate"]) == max(map(objective, found)) > 0.8
    times = [candidate["CreationTime"] for candidate in found]
    assert times == sorted(times, reverse=True), "newest first"


def test_candidates_are_sorted_and_paged_on_request(aws: "SageMaker", trained: "Trained") -> None:
    call = aws.sagemaker.list_candidates_for_auto_ml_job
    best = candidates(aws, "trained", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert [objective(item) for item in best] == sorted(map(objective, best), reverse=True)
    first = call(AutoMLJobName="trained", MaxResults=3)
    second = call(AutoMLJobName="trained", MaxResults=3, NextToken=first["NextToken"])
    assert (len(first["Candidates"]), len(second["Candidates"]), "NextToken" in second) == (3, 1, False)
    name = best[0]["CandidateName"]
    assert [item["CandidateName"] for item in candidates(aws, "trained", CandidateNameEquals=name)] == [name]
    assert candidates(aws, "trained", StatusEquals="Failed") == []


def test_a_candidate_says_what_it_is(aws: "SageMaker", trained: "Trained") -> None:
    best = trained.job["BestCandidate"]
    metric = best["FinalAutoMLJobObjectiveMetric"]
    assert (metric["Type"], metric["MetricName"], metric["StandardMetricName"]) == ("Maximize", "AUC", "AUC")
    measured = {item["StandardMetricName"]: item["Value"] for item in best["CandidateProperties"]["CandidateMetrics"]}
    assert set(measured) == {
        "Accuracy", "AUC", "BalancedAccuracy", "F1", "InferenceLatency", "LogLoss", "Precision", "Recall"
    }  # fmt: skip
    assert 0 < measured["InferenceLatency"] < 5
    (container,) = best["InferenceContainers"]
    assert container["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label"
    assert "/autogluon-inference:" in container["Image"]
    assert container["ModelDataUrl"] == (
        f"s3://{aws.bucket}/out/trained/sagemaker-automl-candidates/model/{best['CandidateName']}/model.tar.gz"
    )


def test_the_best_candidate_is_explained(aws: "SageMaker", trained: "Trained") -> None:
    locations = trained.job["BestCandidate"]["CandidateProperties"]["CandidateArtifactLocations"]
    documents = {}
    for kind, name in (("Explainability", "analysis.json"), ("ModelInsights", "statistics.json")):
        key = f"{locations[kind]}/{name}".removeprefix(f"s3://{aws.bucket}/")
        documents[kind] = json.loads(aws.s3.get_object(Bucket=aws.bucket, Key=key)["Body"].read())
    shap = documents["Explainability"]["explanations"]["kernel_shap"]["label0"]
    values = shap["global_shap_values"]
    assert set(values) == set(aws.header) - {"y"}
    assert values["age"] == max(values.values()) > 5 * values["note"]
    assert 0 < shap["expected_value"] < 1
    metrics = documents["ModelInsights"]["binary_classification_metrics"]
    assert metrics["auc"]["value"] == pytest.approx(objective(trained.job["BestCandidate"]), abs=1e-6)
    assert set(metrics["confusion_matrix"]) == {"no", "yes"}


def test_what_the_training_printed_is_in_the_logs(aws: "SageMaker", trained: "Trained") -> None:
    events = aws.logs.get_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName="trained/algo-1")
    text = "\n".join(event["message"] for event in events["events"])
    assert "Fitting model: LightGBMXT" in text
    assert "Fitting model: WeightedEnsemble" in text, "the log ends with the first candidate"


def test_jobs_that_cannot_be_learned_fail_with_a_reason(aws: "SageMaker", trained: "Trained") -> None:
    rows = aws.people(600)
    aws.upload("few/data.csv", aws.table(rows[:499]))
    aws.upload("constant/data.csv", aws.table([[*row[:-1], "yes"] for row in rows]))
    aws.upload("bad-specification/spec.json", b'{"FeatureAttributeNames": ["age", "y"]}')
    reasons = {
        "few": "499 rows with a valid value of 'y'; at least 500",
        "constant": "the same value 'yes' in every row",
        "specification": "names the target 'y' as a feature",
    }
    aws.sagemaker.create_auto_ml_job_v2(**aws.job_request("few", "few/"))
    aws.sagemaker.create_auto_ml_job_v2(**aws.job_request("constant", "constant/"))
    specification = {"FeatureSpecificationS3Uri": f"s3://{aws.bucket}/bad-specification/spec.json"}
    aws.sagemaker.create_auto_ml_job_v2(**aws.job_request("specification", "train/", **specification))
    for name, reason in reasons.items():
        job = aws.follow(name)[-1]
        assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
        assert reason in job["FailureReason"]
        assert "BestCandidate" not in job
        assert "ResolvedAttributes" not in job or name == "specification"


@pytest.fixture(scope="session")
def large(aws: "SageMaker") -> str:
    """A regression that takes minutes on any machine."""
    draw = np.random.default_rng(0)
    values = draw.normal(size=(20_000, 30)).round(3)
    target = (values[:, :5] ** 2).sum(axis=1) + draw.normal(size=len(values))
    lines = [",".join([*(f"x{index}" for index in range(30)), "y"])]
    lines += [",".join(map(str, [*row, round(value, 3)])) for row, value in zip(values.tolist(), target, strict=True)]
    aws.upload("minutes/data.csv", "\n".join(lines).encode())
    return "minutes/"


def test_a_stop_is_honoured_in_the_middle_of_a_fit(
    cloud: Cloud, aws: "SageMaker", trained: "Trained", large: str
) -> None:
    aws.sagemaker.create_auto_ml_job_v2(**aws.job_request("stopped", large))
    aws.follow("stopped", until=lambda job: "BestCandidate" in job)
    asked = time.monotonic()
    aws.sagemaker.stop_auto_ml_job(AutoMLJobName="stopped")
    seen = aws.follow("stopped")
    assert time.monotonic() - asked < 20, "the fit alone goes on for minutes"
    assert (seen[-1]["AutoMLJobStatus"], seen[-1]["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert "EndTime" in seen[-1]
    archive = seen[-1]["BestCandidate"]["InferenceContainers"][0]["ModelDataUrl"].removeprefix(f"s3://{aws.bucket}/")
    assert aws.s3.head_object(Bucket=aws.bucket, Key=archive)["ContentLength"] > 1000
    assert not list(cloud.instance.work(cloud.mark).glob("sagemaker-*/training")), "the job's files are left behind"
    with pytest.raises(ClientError, match="is in status Stopped"):
        aws.sagemaker.stop_auto_ml_job(AutoMLJobName="stopped")


def fits(mark: str) -> list[psutil.Process]:
    """The processes that training workers have forked to fit in."""
    workers = [process for process in processes.find(mark) if "autoflow.local.engine.train" in process.cmdline()]
    return [process for process in workers if process.ppid() in {worker.pid for worker in workers}]


def test_a_fit_that_breaks_is_told_and_finished_candidates_are_kept(
    cloud: Cloud, aws: "SageMaker", trained: "Trained", large: str
) -> None:
    criteria = {"MaxAutoMLJobRuntimeInSeconds": 300}
    aws.sagemaker.create_auto_ml_job_v2(**aws.job_request("broken", large, CompletionCriteria=criteria))
    aws.follow("broken", until=lambda job: "BestCandidate" in job)
    for process in fits(cloud.mark):
        process.kill()
    job = aws.follow("broken")[-1]
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "Completed")
    assert "BestCandidate" in job
    (reason,) = job["PartialFailureReasons"]
    assert "Not all candidates were trained: the fit was ended by signal 9" in reason["PartialFailureMessage"]


def test_the_runtime_limit_is_kept_and_finished_candidates_too(
    aws: "SageMaker", trained: "Trained", large: str
) -> None:
    seconds = 30  # the first of the candidates needs about ten on two cores, all of them minutes
    criteria = {"MaxAutoMLJobRuntimeInSeconds": seconds}
    aws.sagemaker.create_auto_ml_job_v2(**aws.job_request("limited", large, CompletionCriteria=criteria))
    job = aws.follow("limited")[-1]
    assert (job["EndTime"] - job["CreationTime"]).total_seconds() < seconds + 10
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxAutoMLJobRuntimeReached")
    assert job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "MSE"
    assert job["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["Type"] == "Minimize"
    resolved = job["ResolvedAttributes"]["AutoMLProblemTypeResolvedAttributes"]["TabularResolvedAttributes"]
    assert resolved == {"ProblemType": "Regression"}
    (reason,) = job["PartialFailureReasons"]
    assert reason["PartialFailureMessage"] == "Not all candidates were trained: the job's time was over"


def test_no_candidate_takes_longer_than_its_own_limit(aws: "SageMaker", trained: "Trained", large: str) -> None:
    limits = {"MaxCandidates": 2, "MaxRuntimePerTrainingJobInSeconds": 1, "MaxAutoMLJobRuntimeInSeconds": 300}
    algorithms = {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm", "extra-trees"]}]}
    request = aws.job_request("patience", large, CompletionCriteria=limits, CandidateGenerationConfig=algorithms)
    aws.sagemaker.create_auto_ml_job_v2(**request)
    job = aws.follow("patience")[-1]
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "Completed")
    (only,) = candidates(aws, "patience")
    assert only["CandidateName"].startswith("LightGBM"), "the forest, which needs half a minute, was left out"
    assert (only["EndTime"] - only["CreationTime"]).total_seconds() < 10


def test_one_candidate_with_manifest_validation_channel_and_feature_specification(
    aws: "SageMaker", trained: "Trained"
) -> None:
    rows = aws.people(800, seed=5)
    aws.upload("manifest/validation.csv", aws.table(rows[:100]))
    aws.upload("manifest/first.csv", aws.table(rows[100:400]))
    aws.upload("manifest/second.csv", aws.table(rows[400:], header=None))
    aws.upload("manifest/other.csv", b"not,named\n1,2\n")
    manifest: list[Any] = [{"prefix": f"s3://{aws.bucket}/manifest/"}, "first.csv", "second.csv"]
    aws.upload("manifest.json", json.dumps(manifest).encode())
    specification = {"FeatureAttributeNames": ["age", "job", "score"], "FeatureDataTypes": {"job": "categorical"}}
    aws.upload("specification.json", json.dumps(specification).encode())
    request = aws.job_request(
        "one",
        "",
        CompletionCriteria={"MaxCandidates": 1, "MaxAutoMLJobRuntimeInSeconds": 40},
        FeatureSpecificationS3Uri=f"s3://{aws.bucket}/specification.json",
    )
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{aws.bucket}/manifest.json"}
    validation = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{aws.bucket}/manifest/validation"}
    request["AutoMLJobInputDataConfig"] = [
        {"ChannelType": "training", "DataSource": {"S3DataSource": source}},
        {"ChannelType": "validation", "DataSource": {"S3DataSource": validation}},
    ]
    aws.sagemaker.create_auto_ml_job_v2(**request)
    job = aws.follow("one")[-1]
    assert (job["AutoMLJobStatus"], job["AutoMLJobSecondaryStatus"]) == ("Completed", "MaxCandidatesReached")
    assert len(candidates(aws, "one")) == 1
    locations = job["BestCandidate"]["CandidateProperties"]["CandidateArtifactLocations"]
    folder = locations["Explainability"].removeprefix(f"s3://{aws.bucket}/")
    analysis = json.loads(aws.s3.get_object(Bucket=aws.bucket, Key=f"{folder}/analysis.json")["Body"].read())
    features = analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert set(features) == {"age", "job", "score"}
    insights = locations["ModelInsights"].removeprefix(f"s3://{aws.bucket}/")
    statistics = json.loads(aws.s3.get_object(Bucket=aws.bucket, Key=f"{insights}/statistics.json")["Body"].read())
    assert statistics["dataset"]["item_count"] == 100
