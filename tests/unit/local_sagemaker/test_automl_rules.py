"""Rules of CreateAutoMLJobV2 that the service model does not know."""

import copy
from typing import Any

import pytest
from localstack.aws.api import CommonServiceException

from autoflow.local.sagemaker import automl_rules

CHANNEL = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}}}
VALIDATION = CHANNEL | {"ChannelType": "validation"}


def request(tabular: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    return {
        "AutoMLJobName": "a-job",
        "AutoMLJobInputDataConfig": [copy.deepcopy(CHANNEL)],
        "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
        "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "y"} | (tabular or {})},
        **other,
    }


@pytest.mark.parametrize(
    "good",
    [
        request(),
        request({"Mode": "ENSEMBLING"}),
        request({"ProblemType": "Regression"}, AutoMLJobObjective={"MetricName": "RMSE"}),
        request(AutoMLJobInputDataConfig=[CHANNEL, VALIDATION]),
        request(DataSplitConfig={"ValidationFraction": 0.3}),
        request(ModelDeployConfig={"AutoGenerateEndpointName": True}),
        request(ModelDeployConfig={"EndpointName": "e"}),
        request(
            {
                "Mode": "ENSEMBLING",
                "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["lightgbm", "fastai"]}]},
            }
        ),
    ],
)
def test_allowed(good: dict[str, Any]) -> None:
    automl_rules.check(good)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (request({"Mode": "HYPERPARAMETER_TUNING"}), "HYPERPARAMETER_TUNING is not supported in the local cloud"),
        (request({"ProblemType": "Regression"}), "both be specified or both be omitted"),
        (request(AutoMLJobObjective={"MetricName": "RMSE"}), "both be specified or both be omitted"),
        (
            request({"ProblemType": "Regression"}, AutoMLJobObjective={"MetricName": "F1"}),
            "F1 is not supported for problem type Regression; use one of MAE, MSE, R2, RMSE",
        ),
        (
            request({"ProblemType": "MulticlassClassification"}, AutoMLJobObjective={"MetricName": "AUC"}),
            "AUC is not supported",
        ),
        (request(AutoMLJobInputDataConfig=[VALIDATION]), "one channel of type training"),
        (request(AutoMLJobInputDataConfig=[CHANNEL, CHANNEL]), "one channel of type training"),
        (
            request(AutoMLJobInputDataConfig=[CHANNEL, VALIDATION], DataSplitConfig={"ValidationFraction": 0.2}),
            "must not be specified when a validation channel is given",
        ),
        (request(DataSplitConfig={"ValidationFraction": 0.0}), "greater than 0 and less than 1"),
        (request(DataSplitConfig={"ValidationFraction": 1.0}), "greater than 0 and less than 1"),
        (
            request(AutoMLJobInputDataConfig=[CHANNEL, VALIDATION | {"ContentType": automl_rules.PARQUET}]),
            "same ContentType",
        ),
        (request(AutoMLJobInputDataConfig=[CHANNEL | {"ContentType": "text/csv"}]), "ContentType text/csv"),
        (
            request(ModelDeployConfig={"AutoGenerateEndpointName": True, "EndpointName": "e"}),
            "EndpointName must not be specified",
        ),
        (request(ModelDeployConfig={}), "EndpointName must be specified"),
        (request(OutputDataConfig={"S3OutputPath": "s3://b/" + "x" * 512}), "at most 512"),
        (request({"SampleWeightAttributeName": "w"}), "SampleWeightAttributeName is not supported"),
        (request({"GenerateCandidateDefinitionsOnly": True}), "GenerateCandidateDefinitionsOnly"),
        (request(AutoMLComputeConfig={}), "EMR Serverless"),
        (
            request({"CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["xgboost"]}]}}),
            "must not be specified in mode AUTO",
        ),
        (
            request(
                {
                    "Mode": "ENSEMBLING",
                    "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["mlp"]}]},
                }
            ),
            "mlp are not supported in mode ENSEMBLING",
        ),
        (
            request(
                {
                    "Mode": "ENSEMBLING",
                    "CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": ["nn-torch"]}]},
                }
            ),
            "The local cloud can train catboost",
        ),
        (
            request(AutoMLProblemTypeConfig={"TextGenerationJobConfig": {}}),
            "TextGenerationJobConfig is not supported in the local cloud",
        ),
    ],
)
def test_refused(bad: dict[str, Any], text: str) -> None:
    with pytest.raises(CommonServiceException) as caught:
        automl_rules.check(bad)
    assert caught.value.code == "ValidationException"
    assert text in caught.value.message


def test_quota_of_concurrent_jobs_depends_on_the_region() -> None:
    regions = ("us-east-1", "eu-west-2", "sa-east-1")
    assert [automl_rules.concurrent_jobs(region) for region in regions] == [4, 2, 1]
