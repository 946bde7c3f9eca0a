"""Find Model: which model predicts the rows of a scoring, and which endpoint answers for it.

``$.Serving``:

- ``Name``: the run that made the model; ``ModelName``; ``ModelUri``: the run's folder; ``Engine``.
- ``EndpointName``: the endpoint to ask; ``Ready``: whether it is in service. If not, the scoring makes it, hosted as
  ``Endpoint`` says, and removes it afterwards unless ``Keep``.
- ``MaxConcurrency``: invocations that it takes at once; ``MaxPayloadBytes``: the most that one of them may carry.

An endpoint that is made for one scoring is named after the scoring, so that no other finds it, asks it, and loses it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl import sagemaker_errors
from automl.deployment.endpoints import CHANGING, pending_config
from automl.errors import EndpointBusy, EndpointFailed, InvalidRequest
from automl.lineage import models, registry
from automl.run_files import RunFiles
from automl.scoring.engines import BATCH_TRANSFORM, ENDPOINT
from automl.scoring.scoring_request import earlier_rows
from automl.scoring.served_model import SERVING, ServedModel, how_to_ask, of_endpoint
from automl.storage import exists, read_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef

SERVERLESS_PAYLOAD_BYTES = 4_000_000
"""Largest request and largest response of a serverless endpoint: "4 MB", which may mean either kind of megabyte."""
INSTANCE_PAYLOAD_BYTES = 6 * 1024 * 1024
"""Largest request that every instance-hosted endpoint takes."""

_CONCURRENCY_PER_INSTANCE = 4
_HOSTING = ("Serverless", "InstanceType", "InstanceCount")
_STANDING = ("AutoScaling", "DataCapture")
"""What an endpoint has that stays."""

Document = dict[str, Any]


@dataclass(frozen=True)
class ServingSettings(models.ModelSettings):
    """Settings of the function that finds models."""

    data_bucket: str


@dataclass(frozen=True)
class _Wanted:
    """What a scoring asks for: an endpoint by name, its hosting, and, where it goes on with another, which model."""

    endpoint_name: str
    engine: str
    asked: Mapping[str, Any]
    transform_instances: int = 1
    resumes: str = ""
    """Folder of the scoring that it goes on with, "" if there is none."""
    model_name: str = ""
    model_uri: str = ""


def find_serving(
    sagemaker: "SageMakerClient", s3: "S3Client", request: Mapping[str, Any], scoring: str, settings: ServingSettings
) -> Document:
    """``$.Serving``: the model in service at the endpoint, else the newest approved one that is registered for it.

    A registered model whose SageMaker model is gone gets it again.

    Args:
        sagemaker: client.
        s3: client.
        request: checked input of a scoring execution, with ``Endpoint`` or ``Resume``.
        scoring: name of the scoring.
        settings: with which models are created; ``data_bucket``: where this stack's runs are.

    Raises:
        InvalidRequest: there is no model of that name, it is not of this stack, its run's files are gone, the hosting
            cannot be had, or the scoring to be resumed asked another model.
        EndpointBusy: the endpoint is being created, brought to another model, or deleted.
        EndpointFailed: the endpoint is broken.
    """
    if "Resume" in request:
        rows = earlier_rows(s3, request["Resume"])
        if rows["Predicted"]:
            return _nobody_to_ask(rows)
        wanted = _the_same(rows)
    else:
        asked = request["Endpoint"]
        instances = int(request.get("TransformResources", {}).get("InstanceCount", 1))
        wanted = _Wanted(asked["Name"], request.get("Engine", ENDPOINT), asked, instances)
    name = wanted.endpoint_name
    endpoint = sagemaker_errors.find(sagemaker.describe_endpoint, EndpointName=name) if name else None
    if endpoint and answers(name, endpoint, wanted.engine):
        return _served(s3, wanted, of_endpoint(sagemaker, endpoint), settings)
    return _to_be_served(sagemaker, s3, wanted, _package(sagemaker, s3, wanted), scoring, settings)


def _served(s3: "S3Client", wanted: _Wanted, model: ServedModel, settings: ServingSettings) -> Document:
    if wanted.resumes and wanted.model_name != model.name:
        raise InvalidRequest(
            f"The finished parts of {wanted.resumes} were predicted by model {wanted.model_name!r}, but endpoint "
            f"{wanted.endpoint_name!r} serves {model.name!r} now; score the dataset from the start"
        )
    _check_home(model.name, model.run, settings.data_bucket)
    how_to_ask(s3, model.name, model.run)
    return serving(model, wanted.engine, wanted.endpoint_name, wanted.transform_instances, ready=True, keep=True)


def _to_be_served(
    sagemaker: "SageMakerClient",
    s3: "S3Client",
    wanted: _Wanted,
    package: registry.Package,
    scoring: str,
    settings: ServingSettings,
) -> Document:
    model_name, run = package.properties.get("ModelName", ""), RunFiles(package.properties["RunUri"])
    _check_home(model_name, run, settings.data_bucket)
    containers = int(how_to_ask(s3, model_name, run)["Containers"])
    hosting, keep = {}, False
    if wanted.engine == ENDPOINT:
        former = _former_endpoint(s3, model_name, run)
        # What is made to go on with a scoring is nobody's endpoint but that scoring's.
        keep = not wanted.resumes and bool(wanted.asked.get("Keep", former["Keep"]))
        obstacle = no_serverless(containers, in_vpc=bool(settings.subnet_ids))
        hosting = resolve_hosting(wanted.asked, former, obstacle, keep=keep)
    if sagemaker_errors.find(sagemaker.describe_model, ModelName=model_name) is None:
        models.recreate_model(sagemaker, package, settings)
    name = wanted.endpoint_name if keep else scoring
    model = ServedModel(model_name, run, hosting)
    return serving(model, wanted.engine, name, wanted.transform_instances, ready=False, keep=keep)


def serving(
    model: ServedModel, engine: str, endpoint_name: str, transform_instances: int, *, ready: bool, keep: bool
) -> Document:
    """The document of a model that was found. A transform job has instances of its own and needs no endpoint."""
    by_endpoint = engine == ENDPOINT
    serverless = model.hosting.get("Serverless") if by_endpoint else None
    instances = model.hosting["InstanceCount"] if by_endpoint and not serverless else transform_instances
    return {
        "Name": model.run.uri.rstrip("/").rpartition("/")[2],
        "ModelName": model.name,
        "ModelUri": model.run.uri,
        "Engine": engine,
        "EndpointName": endpoint_name if by_endpoint else "",
        "Ready": ready and by_endpoint,
        "Keep": keep or not by_endpoint,
        "Endpoint": {"Name": endpoint_name, **model.hosting} if by_endpoint else {},
        "MaxConcurrency": serverless["MaxConcurrency"] if serverless else instances * _CONCURRENCY_PER_INSTANCE,
        "MaxPayloadBytes": SERVERLESS_PAYLOAD_BYTES if serverless else INSTANCE_PAYLOAD_BYTES,
    }


def answers(name: str, endpoint: "DescribeEndpointOutputTypeDef", engine: str) -> bool:
    """Whether the endpoint's model is the one to predict; if not, the registered one is.

    Args:
        name: of the endpoint.
        endpoint: as DescribeEndpoint tells it.
        engine: a transform job needs the endpoint's model only, so that one it may have while the endpoint changes.

    Raises:
        EndpointBusy: it is changing, and its answers may come from another model before the last row is scored.
        EndpointFailed: it is broken.
    """
    status = endpoint["EndpointStatus"]
    if engine == BATCH_TRANSFORM:
        return status in SERVING
    same_model = pending_config(endpoint) == endpoint["EndpointConfigName"]
    if status in {"InService", "SystemUpdating"} or (status == "Updating" and same_model):
        return True
    if status in CHANGING:
        raise EndpointBusy(f"Endpoint {name!r} is {status}; wait until that has ended and score again")
    raise EndpointFailed(
        f"Endpoint {name!r} is {status} and cannot answer; deploy a model to another name, or delete it: "
        "the next scoring then makes it anew from the approved model"
    )


def no_serverless(containers: int, *, in_vpc: bool) -> str:
    """Why a model cannot be served serverless, "" when it can."""
    if containers > 1:
        return f"the model has {containers} containers"
    return "the stack runs its models in a VPC" if in_vpc else ""


def resolve_hosting(asked: Mapping[str, Any], former: Mapping[str, Any], obstacle: str, *, keep: bool) -> Document:
    """Hosting of an endpoint that is to be made: the request's, else that of the model's run.

    Args:
        asked: ``Endpoint`` of the request.
        former: ``Endpoint`` of the run's own, complete request.
        obstacle: why it cannot be serverless, "" when it can.
        keep: whether it stays: only then it scales and captures data as the run's.

    Raises:
        InvalidRequest: the request has both kinds of hosting, or none that the model can have.
    """
    serverless, instances = "Serverless" in asked, "InstanceType" in asked or "InstanceCount" in asked
    if serverless and instances:
        raise InvalidRequest("Endpoint has Serverless and InstanceType or InstanceCount; keep one kind of hosting")
    if serverless:
        hosting = {"Serverless": dict(asked["Serverless"])}
    elif instances:
        hosting = {"InstanceCount": former.get("InstanceCount", 1)}
        hosting |= {key: source[key] for source in (former, asked) for key in _HOSTING[1:] if key in source}
        if "InstanceType" not in hosting:
            raise InvalidRequest(
                "Endpoint.InstanceCount needs an Endpoint.InstanceType, as the model's run served it serverless; "
                "add InstanceType"
            )
    else:
        kept = _STANDING if keep else ()
        hosting = {key: former[key] for key in (*_HOSTING, *kept) if key in former}
    if "Serverless" in hosting and obstacle:
        raise InvalidRequest(
            f"Endpoint.Serverless cannot be used because {obstacle}; give Endpoint.InstanceType instead"
        )
    return hosting


def no_package(name: str, packages: Iterable[registry.Package] | None) -> str:
    """Why there is no model for an endpoint that is missing, and what to do about it.

    Args:
        name: of the endpoint.
        packages: all of its group, newest first; None when there is no group.
    """
    why = f"There is no endpoint {name!r}, and no approved model to make it of: "
    known = list(packages or ())
    if not known:
        group = "no model package group of that name" if packages is None else "no model package in its group"
        return f"{why}there is {group}. Name the endpoint of a completed run, or train with Endpoint.Name {name!r}"
    pending = next((one for one in known if one.status == registry.PENDING), None)
    if pending:
        run = pending.properties.get("Run", "")
        return f"{why}version {pending.version} waits for approval. Approve it (autoflow approve {run}) and score again"
    said = f" ({known[0].note})" if known[0].note else ""
    return (
        f"{why}all {len(known)} versions in its model package group are rejected, the newest is version "
        f"{known[0].version}{said}. Train anew, or set a version Approved and score again"
    )


def _the_same(rows: Mapping[str, Any]) -> _Wanted:
    """What a scoring that goes on asks for: the model that the finished parts were predicted by."""
    return _Wanted(
        rows["EndpointName"],
        rows["Engine"],
        rows["Hosting"],
        resumes=rows["OutputUri"],
        model_name=rows["ModelName"],
        model_uri=rows["ModelUri"],
    )


def _nobody_to_ask(rows: Mapping[str, Any]) -> Document:
    """Of a scoring whose predictions are there."""
    told = ("Name", "ModelName", "ModelUri", "Engine", "EndpointName", "MaxConcurrency", "MaxPayloadBytes")
    return {**{key: rows[key] for key in told}, "Ready": True, "Keep": True, "Endpoint": {}}


def _check_home(model_name: str, run: RunFiles, bucket: str) -> None:
    if not run.uri.startswith(f"s3://{bucket}/runs/"):
        raise InvalidRequest(
            f"Model {model_name!r} is of another stack: its run's files are in {run.uri}; "
            "score with the stack that made it"
        )


def _package(sagemaker: "SageMakerClient", s3: "S3Client", wanted: _Wanted) -> registry.Package:
    """The package whose model is to predict."""
    name = wanted.endpoint_name
    if wanted.resumes:
        group = _former_endpoint(s3, wanted.model_name, RunFiles(wanted.model_uri))["Name"]
        package = registry.package_of_model(sagemaker, group, wanted.model_name)
        if package is None or package.status != registry.APPROVED:
            now = f"its model package is {package.status} now" if package else "it has no model package"
            raise InvalidRequest(
                f"The finished parts of {wanted.resumes} were predicted by model {wanted.model_name!r}, which is not "
                f"in service, and {now}; score the dataset from the start"
            )
        return package
    package = registry.newest_approved(sagemaker, name)
    if package is None:
        known = registry.packages(sagemaker, name) if registry.has_group(sagemaker, name) else None
        raise InvalidRequest(no_package(name, known))
    return package


def _former_endpoint(s3: "S3Client", model_name: str, run: RunFiles) -> Document:
    """``Endpoint`` of the request of the run that made the model."""
    if not exists(s3, run.request):
        raise InvalidRequest(
            f"{run.request} is gone, so how to serve model {model_name!r} is unknown; "
            "restore the run's files, or train anew"
        )
    endpoint: Document = read_json(s3, run.request)["Endpoint"]
    return endpoint
