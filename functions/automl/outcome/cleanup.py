"""After a failure: stops the job and takes away what the run made and nobody uses. Missing things are no error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl import runs, sagemaker_errors, storage
from automl.chores import Chores, delete_model, is_made_by
from automl.deployment import endpoint_configs, rollback, staging
from automl.deployment.endpoint_services import EndpointServices
from automl.deployment.endpoints import pending_config
from automl.errors import InvalidDataset, InvalidRequest
from automl.job import jobs
from automl.lineage import registry, retirement
from automl.run_files import RunFiles
from automl.tags import read_tags

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_USELESS_DATA = frozenset({InvalidRequest.__name__, InvalidDataset.__name__})
"""Errors after which nobody goes on with the run's data, unless a job has learnt from them."""

_PARTS = {
    "Candidate": frozenset({"Name", "Metric", "Value", "Direction"}),
    "Data": frozenset[str](),
    "Deployed": frozenset({"Endpoint"}),
    "Deployment": frozenset({"Endpoint"}),
    "Evaluation": frozenset({"Accepted", "Reason"}),
    "Failure": frozenset[str](),
    "Job": frozenset[str](),
    "Package": frozenset({"Arn"}),
    "Rows": frozenset[str](),
    "Run": frozenset({"Name", "Uri"}),
    "Serving": frozenset({"Keep"}),
}
"""What is read of answers when an execution has failed."""


@dataclass(frozen=True)
class CleanUpSettings:
    """Settings of the function that cleans up."""

    data_bucket: str


@dataclass
class CleanUp:
    """One run's clean-up: what was removed, and what had to be left with the reason."""

    services: EndpointServices
    s3: "S3Client"
    run: Mapping[str, str]
    chores: Chores = field(default_factory=Chores)

    def perform(self, state: Mapping[str, Any], error: str) -> Chores:
        """Take away whatever there is.

        Args:
            state: the execution's state data, of which any part may be missing.
            error: the name of the error that ended the run.

        Raises:
            ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
        """
        name, sagemaker = self.run["Name"], self.services.sagemaker
        self.chores.attempt(f"AutoML job {name}", self._stop_job)
        self.chores.attempt("the staging endpoints", lambda: staging.remove(self.services, name, state))
        self.chores.attempt("the endpoint", lambda: self._take_back_endpoint(state))
        self.chores.attempt("the model package", lambda: self._reject_package(state, error))
        if not self.chores.pending:  # an endpoint that cannot be removed yet still needs its model
            self.chores.attempt(f"model {name}", lambda: delete_model(sagemaker, name, is_made_by(self.run["Uri"])))
        if state.get("Run", {}).get("Approval") == "Manual":
            self.chores.attempt("the task token", self._forget_approval)
        if error in _USELESS_DATA and "Job" not in state:
            self.chores.attempt("the run's data", self._delete_data)
        return self.chores

    def _stop_job(self) -> Sequence[str]:
        name, sagemaker = self.run["Name"], self.services.sagemaker
        job = sagemaker_errors.find(sagemaker.describe_auto_ml_job_v2, AutoMLJobName=name)
        if job is None or job["AutoMLJobStatus"] != "InProgress":
            return ()
        jobs.stop_job(sagemaker, name)
        return (f"AutoML job {name} (stopped)",)

    def _endpoint_name(self, state: Mapping[str, Any]) -> str:
        return str(state.get("Run", {}).get("Endpoint", {}).get("Name", self.run["Name"]))

    def _take_back_endpoint(self, state: Mapping[str, Any]) -> Sequence[str]:
        name = self._endpoint_name(state)
        in_service = self._own_config(name)
        config = (state.get("Deployment") or {}).get("Endpoint", {}).get("ConfigName") or in_service
        if not config:
            return ()
        if config == in_service and self._is_replaced_for_good(config):
            served = f"endpoint {name}, which serves this run's model: its former config is retired"
            self.chores.leave(served, lasting=True)
            return ()
        done = rollback.roll_back(self.services, name, config)
        if done.status == rollback.RESTORING:
            self.chores.leave(f"endpoint config {config} and its model: needed until endpoint {name} is back as it was")
        return done.removed

    def _own_config(self, endpoint_name: str) -> str | None:
        """The endpoint's config if this run made it: a deployment that was aborted could not remove it itself."""
        sagemaker = self.services.sagemaker
        endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=endpoint_name)
        if endpoint is None:
            return None
        name = pending_config(endpoint)
        config = sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=name)
        ours = config and is_made_by(self.run["Uri"])(read_tags(sagemaker, config["EndpointConfigArn"]))
        return name if ours else None

    def _is_replaced_for_good(self, config: str) -> bool:
        """Whether the config that this one replaced was retired, so that nothing can be put back."""
        sagemaker = self.services.sagemaker
        ours = endpoint_configs.find(sagemaker, config)
        former = ours.previous if ours else ""
        return bool(former) and endpoint_configs.find(sagemaker, former) is None

    def _reject_package(self, state: Mapping[str, Any], error: str) -> Sequence[str]:
        """A package whose model is not in service must not be taken for the champion."""
        if "Evaluation" not in state:  # too early for a package
            return ()
        name, sagemaker = self._endpoint_name(state), self.services.sagemaker
        if self._own_config(name):
            return ()
        arn = (state.get("Package") or {}).get("Arn")
        if arn is None and registry.has_group(sagemaker, name):
            package = registry.package_of_run(sagemaker, name, state["Run"])
            arn = package.arn if package else None
        if arn:
            retirement.reject(self.chores, sagemaker, arn, f"Its run failed with {error}")
        return ()

    def _forget_approval(self) -> Sequence[str]:
        storage.delete(self.s3, RunFiles(self.run["Uri"]).approval)
        return ()

    def _delete_data(self) -> Sequence[str]:
        folder = RunFiles(self.run["Uri"]).data
        count = storage.delete_prefix(self.s3, folder)
        return (f"{count} data files in {folder}",) if count else ()


def sound(state: Mapping[str, Any]) -> dict[str, Any]:
    """State data without the parts that are not as the functions answer them.

    A broken answer ends an execution at once, and is in its state data then. What came before it still tells what there
    is to clean up.
    """
    return {key: value for key, value in state.items() if key not in _PARTS or _is_sound(value, _PARTS[key])}


def _is_sound(part: Any, needed: frozenset[str]) -> bool:
    return isinstance(part, dict) and needed <= part.keys() and isinstance(part.get("Endpoint", {}), dict)


def run_of(state: Mapping[str, Any], bucket: str) -> dict[str, str]:
    """``Name`` and ``Uri`` of the run, also when it failed before it was told them."""
    if "Run" in state:
        return {key: state["Run"][key] for key in ("Name", "Uri")}
    name = runs.run_name(state["Execution"])
    return {"Name": name, "Uri": runs.run_uri(bucket, name)}
