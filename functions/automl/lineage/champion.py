"""Who is champion: the model in service at the production endpoint, else the newest approved package of its group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl import runs, sagemaker_errors
from automl.errors import InvalidRequest
from automl.job.candidates import metric_name
from automl.lineage import models, registry
from automl.run_files import RunFiles, ScoringFiles
from automl.scoring.served_model import SERVING
from automl.storage import list_objects, read_json, read_json_if_there
from automl.tags import RUN_TAG, read_tags

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

Document = dict[str, Any]


@dataclass(frozen=True)
class Champion:
    """A model that a challenger has to beat."""

    model_name: str
    run_uri: str
    """"" when its tag is gone."""
    in_service: bool
    package: registry.Package | None

    @property
    def run_name(self) -> str:
        """The run that made the model."""
        return self.run_uri.rstrip("/").rpartition("/")[2]


def find_previous(
    sagemaker: "SageMakerClient", s3: "S3Client", run: Mapping[str, Any], data: Mapping[str, Any]
) -> Document:
    """What the last accepted model of this endpoint leaves to its successor; ``$.Previous`` and previous.json.

    Args:
        sagemaker: client.
        s3: client.
        run: ``Uri`` and ``Endpoint.Name``.
        data: ``ProblemType`` as it was decided.

    Raises:
        InvalidRequest: it predicts something else, or the group of that name is not ours.
    """
    name = run["Endpoint"]["Name"]
    package = registry.newest_approved(sagemaker, name)
    if package is None:
        return {"Found": False}
    told, uri = package.properties, package.properties["RunUri"]
    target = read_json(s3, RunFiles(run["Uri"]).request)["Dataset"]["TargetColumn"]
    wanted = (registry.sanitise(target), data["ProblemType"])
    if (told.get("TargetColumn"), told.get("ProblemType")) != wanted:
        raise InvalidRequest(
            f"Endpoint {name!r} is for {told.get('TargetColumn')!r} as {told.get('ProblemType')}, as model package "
            f"{package.arn} says, but this run predicts {target!r} as {data['ProblemType']}; give another Endpoint.Name"
        )
    request = _expirable(s3, run, uri, RunFiles(uri).request)
    candidate = _expirable(s3, run, uri, RunFiles(uri).candidate)
    problem = {"Type": told["ProblemType"], "ObjectiveMetric": told.get("ObjectiveMetric", "")}
    return {
        "Found": True,
        "PackageArn": package.arn,
        "Run": told.get("Run", ""),
        "Uri": uri,
        "ModelDataUrls": [one["ModelDataUrl"] for one in package.containers if "ModelDataUrl" in one],
        "Metrics": package.metrics,
        "Parameters": {
            "Problem": problem,
            "AutoML": request.get("AutoML", {}),
            "Candidate": _candidate(candidate) if candidate else {},
        },
    }


def _candidate(candidate: Mapping[str, Any]) -> Document:
    metric = candidate["FinalAutoMLJobObjectiveMetric"]
    return {"Name": candidate["CandidateName"], "Metric": metric_name(metric), "Value": metric["Value"]}


def _is_of_this_stack(run: Mapping[str, Any], uri: str) -> bool:
    root = str(run["Uri"]).rstrip("/").rpartition("/")[0]
    return uri.startswith(f"{root}/")


def _expirable(s3: "S3Client", run: Mapping[str, Any], uri: str, file: str) -> Document:
    """A file of a former run; ``{}`` when it has expired or the run was another stack's."""
    return (_is_of_this_stack(run, uri) and read_json_if_there(s3, file)) or {}


def find_champion(
    sagemaker: "SageMakerClient",
    s3: "S3Client",
    run: Mapping[str, Any],
    data: Mapping[str, Any],
    settings: models.ModelSettings,
) -> Document:
    """``$.Champion``: which model is to be beaten, how it can be scored, and if not, why.

    A champion that is not in service gets its SageMaker model again, should that be gone.

    Args:
        sagemaker: client.
        s3: client.
        run: ``Name``, ``Uri``, ``Endpoint`` and ``Staging``.
        data: ``ProblemType``, ``Test.Dataset`` and ``Fingerprint``.
        settings: with which models are created.

    Raises:
        InvalidRequest: the group of that name is not ours.
    """
    name = run["Endpoint"]["Name"]
    config, found = _in_service(sagemaker, name)
    found = found or _registered(sagemaker, name)
    document: Document = {
        "Exists": found is not None,
        "InService": found is not None and found.in_service,
        "Comparable": False,
        "Reason": "",
        "ConfigName": config,
        "EndpointName": name,
        "OutputUri": RunFiles(run["Uri"]).proof_of("champion"),
    }
    if found is None:
        return document
    document |= {
        "ModelName": found.model_name,
        "PackageArn": found.package.arn if found.package else "",
        "Run": found.run_name,
        "Uri": found.run_uri,
    }
    target = read_json(s3, RunFiles(run["Uri"]).request)["Dataset"]["TargetColumn"]
    files = RunFiles(found.run_uri)
    recipe, model, request = (_expirable(s3, run, found.run_uri, f) for f in (files.recipe, files.model, files.request))
    obstacle = _obstacle(run, found, recipe, target, data["ProblemType"], complete=bool(model and request))
    if not obstacle and not _ensure_model(sagemaker, found, settings):
        obstacle = f"its SageMaker model {found.model_name} was deleted, and no package has its containers"
    if obstacle:
        return {
            **document,
            "Reason": f"The champion, {found.run_name or found.model_name}, cannot be scored: {obstacle}",
        }
    document["Comparable"] = True
    if not found.in_service:
        document["EndpointName"] = runs.champion_staging_name(run["Name"])
        document["Staging"] = {**_hosting(run["Staging"], model, request), "Name": document["EndpointName"]}
    former = _former_test(s3, run, data, found, request)
    return {**document, "FormerTest": former} if former else document


def _in_service(sagemaker: "SageMakerClient", endpoint_name: str) -> tuple[str, Champion | None]:
    """The endpoint's config ("" when there is no endpoint) and the model that answers there."""
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=endpoint_name)
    if endpoint is None or endpoint["EndpointStatus"] == "Deleting":  # gone before the new model is deployed
        return "", None
    config_name = endpoint["EndpointConfigName"]
    config = sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=config_name)
    if config is None or endpoint["EndpointStatus"] not in SERVING:
        return config_name, None
    model_name = config["ProductionVariants"][0].get("ModelName", "")
    uri = read_tags(sagemaker, config["EndpointConfigArn"]).get(RUN_TAG, "")
    package = registry.package_of_model(sagemaker, endpoint_name, model_name)
    return config_name, Champion(model_name, uri, in_service=True, package=package)


def _registered(sagemaker: "SageMakerClient", group: str) -> Champion | None:
    package = registry.newest_approved(sagemaker, group)
    if package is None:
        return None
    properties = package.properties
    return Champion(properties.get("ModelName", ""), properties["RunUri"], in_service=False, package=package)


def _obstacle(
    run: Mapping[str, Any], champion: Champion, recipe: Document, target: str, problem_type: str, *, complete: bool
) -> str:
    """Why the champion's answers cannot be compared with the challenger's, "" when they can."""
    if not champion.run_uri:
        return f"its endpoint config has no tag {RUN_TAG!r}, so its recipe is unknown"
    if not _is_of_this_stack(run, champion.run_uri):
        return f"its run's files are in {champion.run_uri}, which is not of this stack"
    if not recipe or not complete:
        return f"its run's files in {champion.run_uri} are gone"
    theirs = recipe["TargetColumn"], recipe["ProblemType"]
    if theirs != (target, problem_type):
        return f"it predicts {theirs[0]!r} as {theirs[1]}, and this run {target!r} as {problem_type}"
    return ""


def _ensure_model(sagemaker: "SageMakerClient", champion: Champion, settings: models.ModelSettings) -> bool:
    """Whether the champion's SageMaker model is there, now."""
    if sagemaker_errors.find(sagemaker.describe_model, ModelName=champion.model_name):
        return True
    if champion.package is None:
        return False
    models.recreate_model(sagemaker, champion.package, settings)
    return True


def _hosting(staging: Mapping[str, Any], model: Document, request: Document) -> Document:
    """Hosting for the champion's proof: the challenger's, unless the champion has several containers."""
    if "Serverless" in staging and model["Containers"] > 1:
        return {"InstanceType": request["Endpoint"]["InstanceType"], "InstanceCount": 1}
    return dict(staging)


def _former_test(
    s3: "S3Client", run: Mapping[str, Any], data: Mapping[str, Any], champion: Champion, request: Document
) -> Document | None:
    """The champion's own test rows, and its answers to them; None when they are gone or the same as this run's."""
    files = RunFiles(champion.run_uri)
    profile = _expirable(s3, run, champion.run_uri, files.profile)
    if profile.get("Fingerprint", {}).get("Test") == data["Fingerprint"]["Test"]:
        return None
    rows = files.split("test")
    predictions = files.proof_of("test") if "Scoring" in request else files.uri
    for folder in (rows, ScoringFiles(predictions).predictions_folder):
        if next(list_objects(s3, folder), None) is None:
            return None
    return {
        "Dataset": {**data["Test"]["Dataset"], "S3Uri": rows},
        "OutputUri": RunFiles(run["Uri"]).proof_of("former-test"),
        "PredictionsUri": predictions,
    }
