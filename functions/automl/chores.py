"""Taking away what nobody needs: each thing is tried by itself, and what has to stay is told with the reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from automl import runs, sagemaker_errors
from automl.errors import AutopilotFlowError, ServiceUnavailable
from automl.tags import RUN_TAG, read_tags
from automl.telemetry import named_error

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
"""What services say to a caller without the permission; 403 is all that a HEAD request to S3 is answered."""


class InUse(AutopilotFlowError):
    """Something else needs the thing that was to be removed."""


@dataclass
class Chores:
    """What was removed, and what had to be left with the reason."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lasting: list[str] = field(default_factory=list)
    """What of it stays however often it is tried, until a person changes something."""

    @property
    def pending(self) -> bool:
        """Whether something was left that may go when it is tried again."""
        return len(self.left) > len(self.lasting)

    def leave(self, thing: str, *, lasting: bool = False) -> None:
        """Note down what has to stay."""
        self.left.append(thing)
        if lasting:
            self.lasting.append(thing)

    def attempt(self, thing: str, step: Callable[[], Sequence[str]]) -> None:
        """Do one step, which says what it removed. That it cannot be done now is noted down and no error.

        Raises:
            ServiceUnavailable: AWS is unavailable for now; doing it all again is safe.
        """
        try:
            self.removed.extend(step())
        except (ClientError, AutopilotFlowError) as error:
            named = named_error(error)
            if isinstance(named, ServiceUnavailable):
                raise named from error
            reason = sagemaker_errors.message_of(error) if isinstance(error, ClientError) else str(error)
            self.leave(f"{thing}: {reason}", lasting=_is_lasting(error))


def _is_lasting(error: ClientError | AutopilotFlowError) -> bool:
    """Whether the same is answered however often it is tried."""
    return error.response["Error"]["Code"] in _DENIED if isinstance(error, ClientError) else isinstance(error, InUse)


def delete_model(sagemaker: "SageMakerClient", name: str, is_ours: Callable[[Mapping[str, str]], bool]) -> list[str]:
    """Delete the model if its tags say that it is ours.

    Raises:
        InUse: an endpoint config of this project has it.
    """
    model = sagemaker_errors.find(sagemaker.describe_model, ModelName=name)
    if model is None or not is_ours(read_tags(sagemaker, model["ModelArn"])):
        return []
    if users := _configs_with(sagemaker, name):
        raise InUse(f"endpoint config {', '.join(users)} has it")
    removed = sagemaker_errors.delete(sagemaker.delete_model, sagemaker.describe_model, ModelName=name)
    return [f"model {name}"] if removed else []


def is_made_by(run_uri: str) -> Callable[[Mapping[str, str]], bool]:
    """Whether tags say that a thing is of this run."""
    return lambda tags: tags.get(RUN_TAG) == run_uri


def _configs_with(sagemaker: "SageMakerClient", model_name: str) -> list[str]:
    """The deployments' endpoint configs that have the model: their names begin with its name."""
    beginning = runs.config_prefix(model_name)
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=beginning)
    names = [config["EndpointConfigName"] for page in pages for config in page["EndpointConfigs"]]
    users = []
    for name in (name for name in names if name.startswith(beginning)):
        config = sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=name)
        if config and any(variant.get("ModelName") == model_name for variant in config["ProductionVariants"]):
            users.append(name)
    return users
