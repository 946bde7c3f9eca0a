"""Names that follow from an execution, so that a retry or a redrive finds what it made before."""

import hashlib
import re
from collections.abc import Mapping

NAME_LENGTH = 32
"""AutoMLJobName takes at most 32 characters; models, configs and endpoints take 63."""
_SUFFIX = 8


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_SUFFIX]


def run_name(execution: Mapping[str, str]) -> str:
    """``<base>-<8 hex digits>``: at most 32 lower-case letters, digits and single hyphens.

    Args:
        execution: ``Id`` (ARN), ``Name`` and ``StartTime`` of the execution, none of which a redrive changes.
    """
    return f"{_base(execution['Name'])}-{_digest(execution['Id'], execution['StartTime'])}"


def _base(execution_name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", execution_name.lower())
    return words.strip("-")[: NAME_LENGTH - _SUFFIX - 1].strip("-") or "run"


def may_be_run_of(name: str, execution_id: str) -> bool:
    """Whether an execution with this ARN can have made a run of this name: all but the digest follows from the ARN."""
    return re.fullmatch(f"{re.escape(_base(execution_id.rpartition(':')[2]))}-[0-9a-f]{{{_SUFFIX}}}", name) is not None


def run_uri(bucket: str, name: str) -> str:
    """The run's folder in the data bucket."""
    return f"s3://{bucket}/runs/{name}/"


def staging_name(run_name: str) -> str:
    """The endpoint on which a run proves its model."""
    return f"{run_name}-staging"


def champion_staging_name(run_name: str) -> str:
    """The endpoint on which a run scores a champion that is not in service."""
    return f"{run_name}-champion"


def is_name_for_proofs(endpoint_name: str) -> bool:
    """Whether a run may come to prove a model on an endpoint of this name, and delete it afterwards."""
    return re.fullmatch(rf".*-[0-9a-f]{{{_SUFFIX}}}-(staging|champion)", endpoint_name) is not None


def config_name(model_name: str, execution_id: str) -> str:
    """The endpoint config that a deployment makes for a model.

    Every deployment has its own: an endpoint is only ever updated to another config, and no two endpoints share one.
    """
    return f"{config_prefix(model_name)}{_digest(execution_id)}"


def config_prefix(model_name: str) -> str:
    """How the names of all endpoint configs begin that deployments make for the model."""
    return f"{model_name[:54].rstrip('-')}-"
