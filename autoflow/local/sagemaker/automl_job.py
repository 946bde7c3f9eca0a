"""One AutoML job: its states in the documented order, its candidates, and what Describe and List say about it."""

import importlib.metadata
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from autoflow.local.sagemaker.s3_files import S3Uri
from autoflow.local.sagemaker.state import Account, Document, now

PROBLEM_TYPES = {
    "binary": "BinaryClassification",
    "multiclass": "MulticlassClassification",
    "regression": "Regression",
}
"""The engine's word → AWS's."""

IMAGE_REPOSITORY = "autogluon-inference"
RESPONSE_KEYS = "predicted_label,labels,probability,probabilities"

_LOWER_IS_BETTER = {"MAE", "MSE", "RMSE"}
_METRIC_ENUM_LACKS = {"LogLoss", "InferenceLatency"}
_ECHOED = (
    "AutoMLJobInputDataConfig",
    "OutputDataConfig",
    "RoleArn",
    "AutoMLJobObjective",
    "AutoMLProblemTypeConfig",
    "ModelDeployConfig",
    "DataSplitConfig",
    "SecurityConfig",
)


@dataclass
class AutoMLJob:
    """State of a job. The account's lock guards it."""

    account: Account
    request: Document
    arn: str
    created: datetime = field(default_factory=now)
    status: str = "InProgress"
    secondary: str = "Starting"
    ended: datetime | None = None
    failure: str = ""
    partial_failures: list[str] = field(default_factory=list)
    problem: str = ""
    """The engine's word, once known."""
    metric: str = ""
    candidates: list[Document] = field(default_factory=list)
    """AutoMLCandidate documents in the order in which they were finished."""
    endpoint: str = ""
    """Deployed on request of ModelDeployConfig."""

    def __post_init__(self) -> None:
        self.modified = self.created

    @property
    def name(self) -> str:
        """AutoMLJobName."""
        return str(self.request["AutoMLJobName"])

    @property
    def tabular(self) -> Document:
        """TabularJobConfig."""
        config: Document = self.request["AutoMLProblemTypeConfig"]["TabularJobConfig"]
        return config

    @property
    def criteria(self) -> Document:
        """CompletionCriteria."""
        criteria: Document = self.tabular.get("CompletionCriteria", {})
        return criteria

    @property
    def output(self) -> S3Uri:
        """Prefix of everything the job writes."""
        return S3Uri.parse(self.request["OutputDataConfig"]["S3OutputPath"]) / self.name

    @property
    def over(self) -> bool:
        """Whether the status is terminal."""
        return self.status in {"Completed", "Failed", "Stopped"}

    def enter(self, secondary: str) -> None:
        """Go on to the next phase, unless the job is being stopped."""
        if self.status == "InProgress":
            self.secondary = secondary
            self.modified = now()

    def stop(self) -> None:
        """First step of a stop; the second is :meth:`end`."""
        self.status = self.secondary = "Stopping"
        self.modified = now()

    def end(self, status: str, secondary: str, failure: str = "") -> None:
        """Reach a terminal status."""
        self.status, self.secondary, self.failure = status, secondary, failure[:1024]
        self.ended = self.modified = now()

    def best(self) -> Document | None:
        """The best finished candidate, the earlier one of equals."""
        best: Document | None = None
        for candidate in self.candidates:
            if best is None or _value(candidate) > _value(best):
                best = candidate
        return best

    def describe(self) -> Document:
        """Response of DescribeAutoMLJobV2."""
        document = {name: self.request[name] for name in _ECHOED if name in self.request}
        document |= self.summary() | {"AutoMLProblemTypeConfigName": "Tabular"}
        if best := self.best():
            document["BestCandidate"] = best
        if self.problem:
            document["ResolvedAttributes"] = {
                "AutoMLJobObjective": {"MetricName": self.metric},
                "AutoMLProblemTypeResolvedAttributes": {
                    "TabularResolvedAttributes": {"ProblemType": PROBLEM_TYPES[self.problem]}
                },
            }
            if self.criteria:
                document["ResolvedAttributes"]["CompletionCriteria"] = self.criteria
        if self.endpoint:
            document["ModelDeployResult"] = {"EndpointName": self.endpoint}
        return document

    def summary(self) -> Document:
        """An AutoMLJobSummary of ListAutoMLJobs."""
        document: Document = {
            "AutoMLJobName": self.name,
            "AutoMLJobArn": self.arn,
            "AutoMLJobStatus": self.status,
            "AutoMLJobSecondaryStatus": self.secondary,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
        if self.ended:
            document["EndTime"] = self.ended
        if self.failure:
            document["FailureReason"] = self.failure
        if self.partial_failures:
            document["PartialFailureReasons"] = [
                {"PartialFailureMessage": message[:1024]} for message in self.partial_failures[:5]
            ]
        return document

    def candidate_name(self, model: str) -> str:
        """Name of the next candidate, for example ``WeightedEnsemble-L2-t8``."""
        return f"{model.replace('_', '-')[:56]}-t{len(self.candidates) + 1}"

    def add_candidate(self, name: str, model: str, archive: S3Uri, event: Document) -> None:
        """A candidate is finished and its archive is in S3.

        Args:
            name: CandidateName.
            model: the engine's name of the model.
            archive: ``model.tar.gz``.
            event: the engine's report.
        """
        value = event["value"]
        objective = {"Type": "Minimize" if event["metric"] in _LOWER_IS_BETTER else "Maximize"}
        # AUC, for example, is undefined when all validation rows are of one class.
        final = {} if value != value else {"FinalAutoMLJobObjectiveMetric": objective | _metric(event["metric"], value)}
        measured = event["metrics"] | {"InferenceLatency": event["latency"]}
        self.candidates.append(
            {
                "CandidateName": name,
                **final,
                "ObjectiveStatus": "Succeeded",
                "CandidateSteps": [
                    {
                        "CandidateStepType": "AWS::SageMaker::TrainingJob",
                        "CandidateStepArn": self.account.arn("training-job", f"{self.name}-{name}"[:63].rstrip("-")),
                        "CandidateStepName": f"{self.name}-{name}"[:63].rstrip("-"),
                    }
                ],
                "CandidateStatus": "Completed",
                "InferenceContainers": [
                    {
                        "Image": image_name(self.account.region),
                        "ModelDataUrl": str(archive),
                        "Environment": container_environment(model, self.problem),
                    }
                ],
                "CreationTime": datetime.fromtimestamp(event["started"], UTC),
                "EndTime": datetime.fromtimestamp(event["ended"], UTC),
                "LastModifiedTime": now(),
                "CandidateProperties": {
                    "CandidateMetrics": [
                        _metric(metric, value) | {"Set": "Validation"}
                        for metric, value in sorted(measured.items())
                        if value == value  # an undefined metric is left out
                    ]
                },
            }
        )
        self.modified = now()

    def documentation(self, kind: str) -> S3Uri:
        """Where the documents of one kind about the best candidate are: ``explainability`` or ``model_monitor``."""
        best = self.best()
        return self.output / f"documentation/{kind}/output/{best['CandidateName'] if best else ''}"

    def add_documentation(self, insights: bool) -> None:
        """Documents about the best candidate are in S3: the explanation, and the insights too."""
        if best := self.best():
            locations = {"Explainability": str(self.documentation("explainability"))}
            if insights:
                locations["ModelInsights"] = str(self.documentation("model_monitor"))
            best["CandidateProperties"]["CandidateArtifactLocations"] = locations
            self.modified = now()


def _metric(name: str, value: float) -> Document:
    short = {} if name in _METRIC_ENUM_LACKS else {"MetricName": name}
    return short | {"StandardMetricName": name, "Value": value}


def _value(candidate: Document) -> float:
    objective: dict[str, Any] = candidate.get("FinalAutoMLJobObjectiveMetric", {})
    value = float(objective.get("Value", "-inf"))
    return -value if objective.get("Type") == "Minimize" else value


def image_name(region: str) -> str:
    """Image of an ENSEMBLING candidate's container: the engine's versions in AWS's form."""
    version = importlib.metadata.version("autogluon.tabular")
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return f"763104351884.dkr.ecr.{region}.amazonaws.com/{IMAGE_REPOSITORY}:{version}-cpu-{python}-ubuntu22.04"


def container_environment(model: str, problem: str) -> dict[str, str]:
    """Environment of an ENSEMBLING candidate's container."""
    variables = {
        "MODEL_NAME": model,
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_PROGRAM": "tabular_serve.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }
    if problem != "regression":
        variables |= {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label", "SAGEMAKER_INFERENCE_SUPPORTED": RESPONSE_KEYS}
    return variables
