"""Rules of CreateAutoMLJobV2 that the service model does not express."""

from collections.abc import Iterable, Mapping
from typing import Any

from autoflow.local.sagemaker.errors import validation

METRICS: Mapping[str, frozenset[str]] = {
    "BinaryClassification": frozenset({"Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"}),
    "MulticlassClassification": frozenset({"Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"}),
    "Regression": frozenset({"MAE", "MSE", "R2", "RMSE"}),
}
"""Objective metrics of each problem type."""

ENSEMBLING_ALGORITHMS = frozenset(
    {"catboost", "extra-trees", "fastai", "lightgbm", "linear-learner", "nn-torch", "randomforest", "xgboost"}
)
LOCAL_ALGORITHMS = ENSEMBLING_ALGORITHMS - {"fastai", "nn-torch"}
"""What can be trained here: the neural networks need torch."""

CSV = "text/csv;header=present"
PARQUET = "x-application/vnd.amazon+parquet"

_QUOTAS = {
    **dict.fromkeys(("us-east-1", "us-east-2", "us-west-2", "ap-northeast-1", "eu-west-1", "eu-central-1"), 4),
    **dict.fromkeys(("ap-northeast-2", "ap-southeast-1", "ap-southeast-2", "eu-west-2"), 2),
}

Request = Mapping[str, Any]


def concurrent_jobs(region: str) -> int:
    """Quota of AutoML jobs that run at the same time."""
    return _QUOTAS.get(region, 1)


def check(request: Request) -> None:
    """Refuse a request that breaks a rule.

    Raises:
        CommonServiceException: ValidationException that says which rule and what to do.
    """
    for message in _broken_rules(request):
        raise validation(message)


def _broken_rules(request: Request) -> Iterable[str]:
    channels = request["AutoMLJobInputDataConfig"]
    kinds = [channel.get("ChannelType", "training") for channel in channels]
    if len(request["OutputDataConfig"]["S3OutputPath"]) > 512:
        yield "S3OutputPath must be at most 512 characters long."
    if sorted(kinds) not in (["training"], ["training", "validation"]):
        yield (
            "AutoMLJobInputDataConfig must have one channel of type training, "
            f"and at most one of type validation; found: {', '.join(kinds)}."
        )
    fraction = request.get("DataSplitConfig", {}).get("ValidationFraction")
    if fraction is not None and len(channels) > 1:
        yield "DataSplitConfig must not be specified when a validation channel is given."
    if fraction is not None and not 0 < fraction < 1:
        yield "ValidationFraction must be greater than 0 and less than 1."
    if len({channel.get("ContentType", CSV) for channel in channels}) > 1:
        yield "The training and the validation channel must have the same ContentType."
    for channel in channels:
        yield from _broken_channel_rules(channel)
    deploy = request.get("ModelDeployConfig")
    if deploy is not None:
        automatic, name = deploy.get("AutoGenerateEndpointName", False), deploy.get("EndpointName")
        if automatic and name:
            yield "EndpointName must not be specified when AutoGenerateEndpointName is True."
        if not automatic and not name:
            yield "EndpointName must be specified when AutoGenerateEndpointName is False."
    if "AutoMLComputeConfig" in request:
        yield "AutoMLComputeConfig: EMR Serverless is not available in the local cloud."
    problem = request["AutoMLProblemTypeConfig"]
    if "TabularJobConfig" not in problem:
        yield f"{next(iter(problem))} is not supported in the local cloud; use TabularJobConfig."
    else:
        yield from _broken_tabular_rules(problem["TabularJobConfig"], request.get("AutoMLJobObjective"))


def _broken_channel_rules(channel: Request) -> Iterable[str]:
    content = channel.get("ContentType", CSV)
    if content.replace(" ", "") not in {CSV, PARQUET}:
        yield f"ContentType {content} is not supported for tabular data; use {CSV} or {PARQUET}."
    source = channel.get("DataSource", {}).get("S3DataSource")
    if source is None:
        yield "DataSource.S3DataSource must be specified."
    elif source["S3DataType"] == "AugmentedManifestFile":
        yield "S3DataType AugmentedManifestFile is not supported for tabular data; use S3Prefix or ManifestFile."
    elif channel.get("CompressionType", "None") == "Gzip" and source["S3DataType"] != "S3Prefix":
        yield "CompressionType Gzip is supported for S3DataType S3Prefix only."


def _broken_tabular_rules(config: Request, objective: Request | None) -> Iterable[str]:
    mode, problem = config.get("Mode", "AUTO"), config.get("ProblemType")
    if mode == "HYPERPARAMETER_TUNING":
        yield "Mode HYPERPARAMETER_TUNING is not supported in the local cloud; use ENSEMBLING."
    if (problem is None) != (objective is None):
        yield "ProblemType and AutoMLJobObjective must either both be specified or both be omitted."
    if problem and objective and objective["MetricName"] not in METRICS[problem]:
        yield (
            f"Objective metric {objective['MetricName']} is not supported for problem type {problem}; "
            f"use one of {', '.join(sorted(METRICS[problem]))}."
        )
    if config.get("GenerateCandidateDefinitionsOnly"):
        yield "GenerateCandidateDefinitionsOnly is not supported in mode ENSEMBLING."
    if "SampleWeightAttributeName" in config:
        yield "SampleWeightAttributeName is not supported in the local cloud."
    algorithms = algorithms_of(config)
    if algorithms and mode == "AUTO":
        yield "AlgorithmsConfig must not be specified in mode AUTO; set Mode to ENSEMBLING."
    if unknown := sorted(set(algorithms) - ENSEMBLING_ALGORITHMS):
        yield f"Algorithms {', '.join(unknown)} are not supported in mode ENSEMBLING."
    if algorithms and not LOCAL_ALGORITHMS & set(algorithms):
        yield f"The local cloud can train {', '.join(sorted(LOCAL_ALGORITHMS))}; add one of them to AutoMLAlgorithms."


def algorithms_of(config: Request) -> list[str]:
    """What AlgorithmsConfig of a TabularJobConfig names; empty means all."""
    configs = config.get("CandidateGenerationConfig", {}).get("AlgorithmsConfig", [])
    return [name for entry in configs for name in entry["AutoMLAlgorithms"]]
