"""What an execution is asked to do: checked, filled up from the stack's defaults, refused where it cannot work."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl import schema
from automl.errors import InvalidRequest
from automl.objectives import DEFAULT_OBJECTIVE, REGRESSION, check_objective, problem_type_of

MAX_REQUEST_BYTES = 64 * 1024
"""The request travels in the state data, which Step Functions limits to 256 KiB."""

HYPERPARAMETER_TUNING = "HYPERPARAMETER_TUNING"

_DEFAULT_SPLIT = {"Calibration": 0.1, "Test": 0.1}
Request = dict[str, Any]


@dataclass(frozen=True)
class Defaults:
    """The stack's answers to what a request leaves out; the fields are environment variables of Validate Request."""

    data_bucket: str
    automl_mode: str
    automl_max_candidates: int
    automl_max_runtime_seconds: int
    default_confidence: float | None
    endpoint_hosting: str
    endpoint_memory_size_in_mb: int
    endpoint_max_concurrency: int
    endpoint_instance_type: str
    endpoint_instance_count: int
    keep_endpoint: bool
    subnet_ids: tuple[str, ...]


def resolve(document: Any, defaults: Defaults, run_name: str) -> Request:
    """The complete request: every key of the schema's sections, whether asked for or taken from the stack.

    ``Problem.Type`` and ``Problem.ObjectiveMetric`` stay absent when only the target's values can decide them.

    Raises:
        InvalidRequest: the document breaks the schema, contradicts itself, or asks for what SageMaker cannot do.
    """
    size = len(json.dumps(document, ensure_ascii=False).encode("utf-8", errors="replace"))
    if size > MAX_REQUEST_BYTES:
        raise InvalidRequest(
            f"The execution input has {size:,} bytes but may have {MAX_REQUEST_BYTES:,}; "
            "shorten Transform, the usual cause"
        )
    schema.check(document, "request", "the execution input")
    problem = _problem(document.get("Problem", {}))
    automl = _automl(document.get("AutoML", {}), defaults)
    request = {
        "Dataset": dict(document["Dataset"]),
        "Transform": {"Derive": {}, "Drop": [], **_DEFAULT_SPLIT, **document.get("Transform", {})},
        "Problem": problem,
        "AutoML": automl,
        "Selection": dict(document.get("Selection", {})),
        "Endpoint": _endpoint(document.get("Endpoint", {}), automl["Mode"], defaults, run_name),
        "Confidence": _confidence(document.get("Confidence"), problem.get("Type"), defaults),
    }
    if "Scoring" in document:
        request["Scoring"] = dict(document["Scoring"])
    _check_columns(request)
    _check_split(request["Transform"])
    _check_selection(request)
    return request


def _problem(asked: Mapping[str, str]) -> dict[str, str]:
    """Both or neither of Type and ObjectiveMetric, except an objective that several problem types share."""
    problem = dict(asked)
    metric = problem.get("ObjectiveMetric")
    if metric and "Type" not in problem and (only := problem_type_of(metric)):
        problem["Type"] = only
    if "Type" in problem:
        problem.setdefault("ObjectiveMetric", DEFAULT_OBJECTIVE[problem["Type"]])
        check_objective(problem["Type"], problem["ObjectiveMetric"])
    return problem


def _automl(asked: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    return {
        "Mode": asked.get("Mode", defaults.automl_mode),
        "MaxCandidates": int(asked.get("MaxCandidates", defaults.automl_max_candidates)),
        "MaxRuntimeSeconds": int(asked.get("MaxRuntimeSeconds", defaults.automl_max_runtime_seconds)),
    }


def _endpoint(asked: Mapping[str, Any], mode: str, defaults: Defaults, run_name: str) -> dict[str, Any]:
    serverless_asked = "Serverless" in asked
    instances_asked = "InstanceType" in asked or "InstanceCount" in asked
    if serverless_asked and instances_asked:
        raise InvalidRequest("Endpoint has Serverless and InstanceType or InstanceCount; keep one kind of hosting")
    obstacle = ""
    if mode == HYPERPARAMETER_TUNING:
        obstacle = f"a candidate of Mode {HYPERPARAMETER_TUNING} has several containers"
    elif defaults.subnet_ids:
        obstacle = "the stack runs its models in a VPC"
    if serverless_asked and obstacle:
        raise InvalidRequest(
            f"Endpoint.Serverless cannot be used because {obstacle}; "
            "give Endpoint.InstanceType instead, or leave the hosting out for the stack's instance type"
        )
    endpoint = {"Name": asked.get("Name", run_name), "Keep": asked.get("Keep", defaults.keep_endpoint)}
    serverless_default = defaults.endpoint_hosting == "Serverless" and not obstacle
    if serverless_asked or (serverless_default and not instances_asked):
        given = asked.get("Serverless", {})
        endpoint["Serverless"] = {
            "MemorySizeInMB": int(given.get("MemorySizeInMB", defaults.endpoint_memory_size_in_mb)),
            "MaxConcurrency": int(given.get("MaxConcurrency", defaults.endpoint_max_concurrency)),
        }
    else:
        endpoint["InstanceType"] = asked.get("InstanceType", defaults.endpoint_instance_type)
        endpoint["InstanceCount"] = int(asked.get("InstanceCount", defaults.endpoint_instance_count))
    return endpoint


def _confidence(
    asked: Mapping[str, Any] | None, problem_type: str | None, defaults: Defaults
) -> dict[str, float | bool]:
    """``{"Threshold", "IsDefault"}``, or ``{}`` for none. Regressions ignore a default and refuse a wish."""
    if asked is None:
        if defaults.default_confidence is None or problem_type == REGRESSION:
            return {}
        return {"Threshold": defaults.default_confidence, "IsDefault": True}
    if "Threshold" not in asked:
        return {}
    is_default = asked.get("IsDefault", False)
    if problem_type == REGRESSION:
        if is_default:
            return {}
        raise InvalidRequest(
            "Confidence.Threshold cannot be used with a regression, whose predictions have no probability; "
            "leave Confidence out: every row is accepted"
        )
    return {"Threshold": asked["Threshold"], "IsDefault": is_default}


def _check_columns(request: Request) -> None:
    target = request["Dataset"]["TargetColumn"]
    identity = request["Dataset"].get("IdColumn")
    if identity == target:
        raise InvalidRequest(
            f"Dataset.IdColumn and Dataset.TargetColumn are both {target!r}; name two different columns"
        )
    transform = request["Transform"]
    for name, key in ((target, "TargetColumn"), (identity, "IdColumn")):
        if name in transform["Drop"]:
            raise InvalidRequest(
                f"Transform.Drop lists {name!r}, the Dataset.{key}, which is never a feature; take it out of Drop"
            )
        if name in transform["Derive"]:
            raise InvalidRequest(f"Transform.Derive would overwrite {name!r}, the Dataset.{key}; choose another name")
    for name in transform["Derive"]:
        if not name or name != name.strip():
            raise InvalidRequest(f"Transform.Derive has the column name {name!r}; use a name without outer spaces")


def _check_split(transform: Mapping[str, Any]) -> None:
    held_out = transform["Calibration"] + transform["Test"]
    if held_out > 0.8:
        raise InvalidRequest(
            f"Transform.Calibration and Transform.Test keep {held_out:.0%} of the rows from training; "
            "lower them to 80 % or less together"
        )


def _check_selection(request: Request) -> None:
    if "MaxInferenceLatencySeconds" in request["Selection"] and request["AutoML"]["Mode"] == HYPERPARAMETER_TUNING:
        raise InvalidRequest(
            "Selection.MaxInferenceLatencySeconds needs Mode ENSEMBLING: Autopilot measures no latency in "
            f"{HYPERPARAMETER_TUNING}; leave one of them out"
        )
