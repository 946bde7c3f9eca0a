"""Runs an AutoML job: data from S3 to the engine's worker, its candidates and documents to S3."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autoflow.local.engine.job import Job
from autoflow.local.sagemaker import automl_rules, log_streams
from autoflow.local.sagemaker.automl_job import PROBLEM_TYPES, AutoMLJob
from autoflow.local.sagemaker.s3_files import Files, InputProblem, S3Uri
from autoflow.local.sagemaker.state import Document
from autoflow.local.sagemaker.workers import Worker

_log = logging.getLogger(__name__)

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
"""Where AWS, too, writes what the training of a candidate prints."""

_STOP_SECONDS = 120.0
"""What a job that is stopped gives its containers between SIGTERM and their end, as on AWS."""
_DEFAULT_CANDIDATES = 10
"""How many candidates ENSEMBLING tries when the request does not say."""
_PHASES = {
    "analyzing": "AnalyzingData",
    "training": "TrainingModels",
    "explaining": "GeneratingExplainabilityReport",
    "measuring": "GeneratingModelInsightsReport",
}
_ENGINE_PROBLEMS = {aws: engine for engine, aws in PROBLEM_TYPES.items()}

Deploy = Callable[[AutoMLJob], str]
"""Deploys the best candidate as ModelDeployConfig says and returns the endpoint's name."""


class Training:
    """A job on its way. Everything happens in a thread of its own."""

    def __init__(self, job: AutoMLJob, deploy: Deploy) -> None:
        self._job = job
        self._deploy = deploy
        self._role: str = job.request["RoleArn"]
        self._files = Files(job.account, self._role)
        self._lock = job.account.lock
        self._stopping = threading.Event()
        self._worker: Worker | None = None
        self._outcome: Document = {}
        self._kms_key = job.request["OutputDataConfig"].get("KmsKeyId")

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name=f"automl-{self._job.name}", daemon=True).start()

    def stop(self) -> None:
        """Have the worker end; the thread then ends the job."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.ask_to_end(_STOP_SECONDS)

    def _run(self) -> None:
        status, secondary, failure = "Failed", "Failed", ""
        try:
            # The worker needs seconds to load its libraries: start it before the data is here.
            self._worker = Worker("autoflow.local.engine.train")
            log_streams.follow(self._job.account, self._role, LOG_GROUP, f"{self._job.name}/algo-1", self._worker)
            if not self._stopping.is_set():
                self._train(self._worker)
            status, secondary, failure = self._result()
        except InputProblem as error:
            failure = str(error)
        except Exception as error:
            _log.exception("AutoML job %s", self._job.name)
            failure = f"Internal error: {error}"
        finally:
            if self._worker is not None:
                self._worker.close()
        with self._lock:
            if self._stopping.is_set():
                status, secondary, failure = "Stopped", "Stopped", ""
            self._job.end(status, secondary, failure)

    def _train(self, worker: Worker) -> None:
        worker.send(self._describe_job(worker.folder).to_line())
        for line in worker.lines():
            event = json.loads(line)
            handler: Callable[[Document], None] = getattr(self, f"_on_{event['event']}")
            handler(event)
        if not self._stopping.is_set() and "event" not in self._outcome:
            self._outcome = {"event": "failed", "reason": f"The training process ended: {worker.last_words()}"}

    def _describe_job(self, folder: Path) -> Job:
        request, config = self._job.request, self._job.tabular
        channels = {channel.get("ChannelType", "training"): channel for channel in request["AutoMLJobInputDataConfig"]}
        content = channels["training"].get("ContentType", automl_rules.CSV).replace(" ", "")
        criteria = self._job.criteria
        limit = criteria.get("MaxAutoMLJobRuntimeInSeconds")
        features, kinds = self._read_feature_specification(config.get("FeatureSpecificationS3Uri"))
        work = folder / "work"
        work.mkdir()
        return Job(
            work=str(work),
            train=self._download(channels["training"], folder / "training"),
            validation=self._download(channels["validation"], folder / "validation") if len(channels) > 1 else [],
            target=config["TargetAttributeName"],
            file_format="parquet" if content == automl_rules.PARQUET else "csv",
            features=features,
            kinds=kinds,
            problem=_ENGINE_PROBLEMS.get(config.get("ProblemType", "")),
            metric=request.get("AutoMLJobObjective", {}).get("MetricName"),
            validation_fraction=request.get("DataSplitConfig", {}).get("ValidationFraction"),
            max_candidates=criteria.get("MaxCandidates", _DEFAULT_CANDIDATES),
            algorithms=automl_rules.algorithms_of(config),
            deadline=self._job.created.timestamp() + limit if limit else None,
            seconds_per_model=criteria.get("MaxRuntimePerTrainingJobInSeconds"),
        )

    def _download(self, channel: Mapping[str, Any], folder: Path) -> list[str]:
        return self._files.download(self._files.list_channel(channel["DataSource"]["S3DataSource"]), folder)

    def _read_feature_specification(self, uri: str | None) -> tuple[list[str] | None, dict[str, str]]:
        if uri is None:
            return None, {}
        try:
            document = json.loads(self._files.read(S3Uri.parse(uri)))
            names, kinds = document.get("FeatureAttributeNames"), document.get("FeatureDataTypes", {})
            valid = (names is None or isinstance(names, list)) and isinstance(kinds, dict) and (names or kinds)
        except (ValueError, AttributeError):
            valid = False
        if not valid:
            raise InputProblem(f"{uri} must be JSON with FeatureAttributeNames, FeatureDataTypes or both")
        target = self._job.tabular["TargetAttributeName"]
        if target in (names or []) or target in kinds:
            raise InputProblem(f"{uri} names the target {target!r} as a feature")
        if names is not None and (extra := set(kinds) - set(names)):
            raise InputProblem(f"{uri}: FeatureDataTypes has {sorted(extra)}, which FeatureAttributeNames has not")
        if unknown := sorted(set(kinds.values()) - {"numeric", "categorical", "text", "datetime"}):
            raise InputProblem(f"{uri}: unknown types {unknown}; use numeric, categorical, text or datetime")
        return names, kinds

    def _on_phase(self, event: Document) -> None:
        with self._lock:
            self._job.enter(_PHASES[event["phase"]])

    def _on_resolved(self, event: Document) -> None:
        with self._lock:
            self._job.problem, self._job.metric = event["problem"], event["metric"]

    def _on_candidate(self, event: Document) -> None:
        name = self._job.candidate_name(event["model"])
        archive = self._job.output / f"sagemaker-automl-candidates/model/{name}/model.tar.gz"
        self._files.upload(Path(event["archive"]), archive, self._kms_key)
        Path(event["archive"]).unlink()
        with self._lock:
            self._job.add_candidate(name, event["model"], archive, event)

    def _on_unfinished(self, event: Document) -> None:
        with self._lock:
            self._job.partial_failures.append(f"Not all candidates were trained: {event['reason']}")

    def _on_explanation(self, event: Document) -> None:
        location = self._job.documentation("explainability") / "analysis.json"
        self._files.upload(Path(event["file"]), location, self._kms_key)
        with self._lock:
            self._job.add_documentation(insights=False)

    def _on_insights(self, event: Document) -> None:
        location = self._job.documentation("model_monitor") / "statistics.json"
        self._files.upload(Path(event["file"]), location, self._kms_key)
        with self._lock:
            self._job.add_documentation(insights=True)

    def _on_unexplained(self, event: Document) -> None:
        self._outcome["secondary"] = "ExplainabilityError"
        with self._lock:
            self._job.partial_failures.append(f"The explainability report could not be made: {event['reason']}")

    def _on_unmeasured(self, event: Document) -> None:
        self._outcome.setdefault("secondary", "ModelInsightsError")
        with self._lock:
            self._job.partial_failures.append(f"The model insights report could not be made: {event['reason']}")

    def _on_failed(self, event: Document) -> None:
        self._outcome |= event

    def _on_done(self, event: Document) -> None:
        self._outcome |= event

    def _result(self) -> tuple[str, str, str]:
        """Status, secondary status and failure reason of a job whose worker has ended."""
        if self._outcome.get("event") != "done":
            return "Failed", "Failed", self._outcome.get("reason", "")
        if self._outcome["out_of_time"]:
            return "Completed", "MaxAutoMLJobRuntimeReached", ""
        if "ModelDeployConfig" in self._job.request and self._job.best() and not self._stopping.is_set():
            with self._lock:
                self._job.enter("DeployingModel")
            try:
                self._job.endpoint = self._deploy(self._job)
            except Exception as error:
                self._outcome["secondary"] = "ModelDeploymentError"
                with self._lock:
                    self._job.partial_failures.append(f"The model could not be deployed: {error}")
        if "secondary" in self._outcome:
            return "Completed", str(self._outcome["secondary"]), ""
        if len(self._job.candidates) >= self._job.criteria.get("MaxCandidates", float("inf")):
            return "Completed", "MaxCandidatesReached", ""
        return "Completed", "Completed", ""
