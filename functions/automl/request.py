"""What an execution is asked to do: checked, filled up from the stack's defaults, refused where it cannot work."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl import confidence_request, runs, schema
from automl.errors import InvalidRequest
from automl.objectives import DEFAULT_OBJECTIVE, check_gate, check_objective, problem_type_of
from automl.quoting import quoted
from automl.storage import split_uri

HYPERPARAMETER_TUNING = "HYPERPARAMETER_TUNING"

_INVOCATIONS_PER_INSTANCE = 1000
"""Requests a minute that one instance is meant to take before auto scaling adds another."""
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
    approval: str
    approval_timeout_seconds: int


def resolve(document: Any, defaults: Defaults, run_name: str) -> Request:
    """The complete request: every key of the schema's sections, whether asked for or taken from the stack.

    ``Problem.Type`` and ``Problem.ObjectiveMetric`` stay absent when only the target's values can decide them.

    Raises:
        InvalidRequest: the document breaks the schema, contradicts itself, or asks for what SageMaker cannot do.
    """
    schema.check(document, "request", "the execution input")
    problem = _problem(document.get("Problem", {}))
    automl = _automl(document.get("AutoML", {}), defaults)
    transform = {"Derive": {}, "Drop": [], **_DEFAULT_SPLIT, **document.get("Transform", {})}
    request = {
        "Dataset": dict(document["Dataset"]),
        "Transform": transform,
        "Problem": problem,
        "AutoML": automl,
        "Selection": dict(document.get("Selection", {})),
        "Endpoint": _endpoint(document.get("Endpoint", {}), automl["Mode"], defaults, run_name),
        "Confidence": confidence_request.resolve(
            document.get("Confidence"), problem.get("Type"), defaults.default_confidence, transform["Calibration"]
        ),
        "Gate": _gate(document.get("Gate", {}), problem.get("Type"), transform["Calibration"]),
        "Approval": document.get("Approval", defaults.approval),
        "ApprovalTimeoutSeconds": int(document.get("ApprovalTimeoutSeconds", defaults.approval_timeout_seconds)),
    }
    if "Scoring" in document:
        request["Scoring"] = dict(document["Scoring"])
    for section in ("Dataset", "Scoring"):
        if section in request:
            split_uri(request[section]["S3Uri"])  # refused before anything is made
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


def _no_serverless(mode: str, defaults: Defaults) -> str:
    """Why the run's models cannot be served serverless, "" when they can."""
    if mode == HYPERPARAMETER_TUNING:
        return f"a candidate of Mode {HYPERPARAMETER_TUNING} has several containers"
    return "the stack runs its models in a VPC" if defaults.subnet_ids else ""


def _serverless(asked: Mapping[str, Any], defaults: Defaults) -> dict[str, int]:
    return {
        "MemorySizeInMB": int(asked.get("MemorySizeInMB", defaults.endpoint_memory_size_in_mb)),
        "MaxConcurrency": int(asked.get("MaxConcurrency", defaults.endpoint_max_concurrency)),
    }


def _endpoint(asked: Mapping[str, Any], mode: str, defaults: Defaults, run_name: str) -> dict[str, Any]:
    if runs.is_name_for_proofs(asked.get("Name", "")):
        raise InvalidRequest(
            f"Endpoint.Name is {asked['Name']!r}, as the endpoints are called on which runs prove their models and "
            "which they delete; choose a name with another ending"
        )
    serverless_asked = "Serverless" in asked
    instances_asked = "InstanceType" in asked or "InstanceCount" in asked
    if serverless_asked and instances_asked:
        raise InvalidRequest("Endpoint has Serverless and InstanceType or InstanceCount; keep one kind of hosting")
    obstacle = _no_serverless(mode, defaults)
    if serverless_asked and obstacle:
        raise InvalidRequest(
            f"Endpoint.Serverless cannot be used because {obstacle}; "
            "give Endpoint.InstanceType instead, or leave the hosting out for the stack's instance type"
        )
    endpoint = {"Name": asked.get("Name", run_name), "Keep": asked.get("Keep", defaults.keep_endpoint)}
    serverless_default = defaults.endpoint_hosting == "Serverless" and not obstacle
    if serverless_asked or (serverless_default and not instances_asked):
        for key in ("AutoScaling", "DataCapture"):
            if key in asked:
                raise InvalidRequest(
                    f"Endpoint.{key} needs an endpoint on instances, and this one is serverless; "
                    f"give Endpoint.InstanceType instead of Serverless, or leave {key} out"
                )
        return {**endpoint, "Serverless": _serverless(asked.get("Serverless", {}), defaults)}
    endpoint["InstanceType"] = asked.get("InstanceType", defaults.endpoint_instance_type)
    endpoint["InstanceCount"] = int(asked.get("InstanceCount", defaults.endpoint_instance_count))
    if "AutoScaling" in asked:
        endpoint["AutoScaling"] = _auto_scaling(asked["AutoScaling"], endpoint["InstanceCount"])
    if "DataCapture" in asked:
        endpoint["DataCapture"] = {"SamplingPercentage": int(asked["DataCapture"]["SamplingPercentage"])}
    return endpoint


def _auto_scaling(asked: Mapping[str, Any], instance_count: int) -> dict[str, int]:
    most = int(asked["MaxInstanceCount"])
    if most < instance_count:
        raise InvalidRequest(
            f"Endpoint.AutoScaling.MaxInstanceCount is {most} but the endpoint starts with {instance_count}; "
            "raise MaxInstanceCount or lower Endpoint.InstanceCount"
        )
    invocations = int(asked.get("InvocationsPerInstance", _INVOCATIONS_PER_INSTANCE))
    return {"MaxInstanceCount": most, "InvocationsPerInstance": invocations}


def staging(request: Request, defaults: Defaults, run_name: str) -> dict[str, Any]:
    """Where the run's model proves itself before production: serverless wherever its containers allow.

    Args:
        request: as :func:`resolve` returns it.
        defaults: the stack's.
        run_name: names the endpoint.
    """
    endpoint, name = request["Endpoint"], runs.staging_name(run_name)
    if _no_serverless(request["AutoML"]["Mode"], defaults):
        instance_type = endpoint.get("InstanceType", defaults.endpoint_instance_type)
        return {"Name": name, "InstanceType": instance_type, "InstanceCount": 1}
    return {"Name": name, "Serverless": _serverless(endpoint.get("Serverless", {}), defaults)}


def _gate(asked: Mapping[str, Any], problem_type: str | None, calibration: float) -> dict[str, Any]:
    gate = {"Minimum": {}, "MustBeatChampion": True, "Margin": 0, **asked}
    if "Coverage" in gate["Minimum"] and not calibration:
        raise InvalidRequest(
            "Gate.Minimum has 'Coverage', but intervals are worked out from calibration rows and "
            "Transform.Calibration is 0; raise Transform.Calibration, to 0.1 for example"
        )
    if problem_type:
        check_gate(problem_type, gate["Minimum"])
    return gate


def _check_columns(request: Request) -> None:
    target = request["Dataset"]["TargetColumn"]
    identity = request["Dataset"].get("IdColumn")
    if identity == target:
        raise InvalidRequest(
            f"Dataset.IdColumn and Dataset.TargetColumn are both {quoted(target)}; name two different columns"
        )
    transform = request["Transform"]
    for name, key in ((target, "TargetColumn"), (identity, "IdColumn")):
        if name in transform["Drop"]:
            raise InvalidRequest(
                f"Transform.Drop lists {quoted(name)}, the Dataset.{key}, which is never a feature; take it out of Drop"
            )
        if name in transform["Derive"]:
            raise InvalidRequest(
                f"Transform.Derive would overwrite {quoted(name)}, the Dataset.{key}; choose another name"
            )
    for name in transform["Derive"]:
        if not name or name != name.strip():
            raise InvalidRequest(
                f"Transform.Derive has the column name {quoted(name)}; use a name without outer spaces"
            )


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
