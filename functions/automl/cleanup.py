"""After a failure: stops the job and takes away what the run made and nobody uses. Missing things are no error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from automl import jobs, rollback, runs, sagemaker_errors, storage
from automl.endpoints import pending_config
from automl.errors import AutopilotFlowError, InvalidDataset, InvalidRequest, ServiceUnavailable
from automl.run_files import RunFiles
from automl.tags import RUN_TAG, read_tags
from automl.telemetry import named_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

_USELESS_DATA = frozenset({InvalidRequest.__name__, InvalidDataset.__name__})


@dataclass(frozen=True)
class CleanUpSettings:
    """Settings of the function that cleans up."""

    data_bucket: str


@dataclass
class CleanUp:
    """One run's clean-up: what was removed, and what had to be left with the reason."""

    sagemaker: "SageMakerClient"
    s3: "S3Client"
    run: Mapping[str, str]
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def perform(self, state: Mapping[str, Any], error: str) -> None:
        """Take away whatever there is.

        Args:
            state: the execution's state data, of which any part may be missing.
            error: the name of the error that ended the run.

        Raises:
            ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
        """
        self._try(f"AutoML job {self.run['Name']}", self._stop_job)
        self._try("the endpoint", lambda: self._remove_endpoint(state))
        if not self.left:  # an endpoint that could not be removed still needs its model
            self._try(f"model {self.run['Name']}", self._delete_model)
        if error in _USELESS_DATA:
            self._try("the run's data", self._delete_data)

    def _try(self, thing: str, step: Callable[[], Sequence[str]]) -> None:
        try:
            self.removed.extend(step())
        except (ClientError, AutopilotFlowError) as error:
            named = named_error(error)
            if isinstance(named, ServiceUnavailable):
                raise named from error
            reason = sagemaker_errors.message_of(error) if isinstance(error, ClientError) else str(error)
            self.left.append(f"{thing}: {reason}")

    def _stop_job(self) -> Sequence[str]:
        name = self.run["Name"]
        job = sagemaker_errors.find(self.sagemaker.describe_auto_ml_job_v2, AutoMLJobName=name)
        if job is None or job["AutoMLJobStatus"] != "InProgress":
            return ()
        jobs.stop_job(self.sagemaker, name)
        return (f"AutoML job {name} (stopped)",)

    def _remove_endpoint(self, state: Mapping[str, Any]) -> Sequence[str]:
        asked = state.get("Run", {}).get("Endpoint", {}).get("Name", self.run["Name"])
        deployed = (state.get("Deployment") or {}).get("Endpoint", {})
        name = deployed.get("Name", asked)
        config = deployed.get("ConfigName") or self._own_config(name)
        if not config:
            return ()
        removal = rollback.remove(self.sagemaker, name, config)
        if removal.status == "Restored" and not removal.removed:
            self.left.append(f"endpoint config {config} and its model: needed until endpoint {name} is back as it was")
        return removal.removed

    def _own_config(self, endpoint_name: str) -> str | None:
        """The endpoint's config if this run made it: a deployment that was aborted could not remove it itself."""
        endpoint = sagemaker_errors.find(self.sagemaker.describe_endpoint, EndpointName=endpoint_name)
        if endpoint is None:
            return None
        name = pending_config(endpoint)
        config = sagemaker_errors.find(self.sagemaker.describe_endpoint_config, EndpointConfigName=name)
        return name if config and self._is_ours(config["EndpointConfigArn"]) else None

    def _delete_model(self) -> Sequence[str]:
        name = self.run["Name"]
        model = sagemaker_errors.find(self.sagemaker.describe_model, ModelName=name)
        if model is None or not self._is_ours(model["ModelArn"]):
            return ()
        sagemaker_errors.delete(self.sagemaker.delete_model, self.sagemaker.describe_model, ModelName=name)
        return (f"model {name}",)

    def _delete_data(self) -> Sequence[str]:
        folder = RunFiles(self.run["Uri"]).data
        count = storage.delete_prefix(self.s3, folder)
        return (f"{count} data files in {folder}",) if count else ()

    def _is_ours(self, arn: str) -> bool:
        return read_tags(self.sagemaker, arn).get(RUN_TAG) == self.run["Uri"]


def run_of(state: Mapping[str, Any], bucket: str) -> dict[str, str]:
    """``Name`` and ``Uri`` of the run, also when it failed before it was told them."""
    if "Run" in state:
        return {key: state["Run"][key] for key in ("Name", "Uri")}
    name = runs.run_name(state["Execution"])
    return {"Name": name, "Uri": runs.run_uri(bucket, name)}
