"""What is registered of an accepted model: its containers, Autopilot's reports on it, and what led to it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl import sagemaker_errors
from automl.errors import InvalidRequest
from automl.lineage import registry
from automl.run_files import RunFiles
from automl.storage import list_objects, read_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

_REPORTS = {"Statistics": ("ModelInsights", "statistics.json"), "Explainability": ("Explainability", "analysis.json")}
"""Property of a package → where Autopilot says the report is, and the report's file name."""


def properties(state: Mapping[str, Any], target: str) -> dict[str, str]:
    """CustomerMetadataProperties of the run's package: with them the registry needs no other memory.

    Args:
        state: the state data at Register Model.
        target: the column that the model predicts.
    """
    run, data, calibration, evaluation = (state[key] for key in ("Run", "Data", "Calibration", "Evaluation"))
    decision, fingerprint = calibration["Confidence"], data["Fingerprint"]
    values: dict[str, Any] = {
        "Run": run["Name"],
        "RunUri": run["Uri"],
        "ModelName": state["Model"]["Name"],
        "EndpointName": run["Endpoint"]["Name"],
        "ProblemType": data["ProblemType"],
        "TargetColumn": target,
        "ObjectiveMetric": data["ObjectiveMetric"],
        "Recipe": RunFiles(run["Uri"]).recipe,
        "DatasetFingerprint": fingerprint["Dataset"],
        "TestFingerprint": fingerprint["Test"],
        "Calibration": calibration["Method"],
        "CalibrationUri": calibration["Uri"],
        "EvaluationUri": evaluation["Uri"],
    }
    values.update({key: decision.get(key) for key in ("Threshold", "TargetPrecision", "Certainty", "Level")})
    values.update({f"{registry.METRIC}{name}": value for name, value in evaluation["Metrics"].items()})
    return registry.as_properties(values)


def reports(s3: "S3Client", candidate: Mapping[str, Any]) -> dict[str, str]:
    """URIs of Autopilot's reports on the candidate; a candidate that is not the job's best one has none.

    A report may lie deeper below its location than documented, so it is looked for.
    """
    locations = candidate.get("CandidateProperties", {}).get("CandidateArtifactLocations", {})
    found = {}
    for name, (location, file_name) in _REPORTS.items():
        folder = str(locations.get(location, "")).rstrip("/")
        files = (stored.uri for stored in list_objects(s3, f"{folder}/")) if folder else iter(())
        uri = next((uri for uri in files if uri.endswith(f"/{file_name}")), None)
        if uri:
            found[name] = uri
    return found


def register_model(sagemaker: "SageMakerClient", s3: "S3Client", state: Mapping[str, Any]) -> dict[str, Any]:
    """Register the run's model in the group of its endpoint; ``$.Package``.

    Raises:
        InvalidRequest: SageMaker refuses the package, the group is not ours, or the model was deleted meanwhile.
    """
    run, name = state["Run"], state["Model"]["Name"]
    group, files = run["Endpoint"]["Name"], RunFiles(run["Uri"])
    model = sagemaker_errors.find(sagemaker.describe_model, ModelName=name)
    if model is None:
        raise InvalidRequest(f"Model {name!r} was deleted while its run was going on; start again")
    request = registry.package_request(
        group,
        run,
        registry.model_containers(model),
        properties(state, read_json(s3, files.request)["Dataset"]["TargetColumn"]),
        reports(s3, read_json(s3, files.candidate)),
    )
    registry.ensure_group(sagemaker, group, run["Uri"])
    package = registry.register(sagemaker, request, run)
    return {"Arn": package.arn, "GroupName": group, "Version": package.version, "ApprovalStatus": package.status}
