"""Whatever the functions have SageMaker make, with and without a key and a network, is a request it understands."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from autoflow.local.sagemaker import constraints
from automl.deployment import endpoint_configs
from automl.job import jobs
from automl.lineage import models
from automl.lineage.registry import Package
from automl.scoring import transform_jobs
from tests.unit.deployment.test_endpoints import wanted
from tests.unit.endpoint_answers import INSTANCES, SERVERLESS
from tests.unit.job.test_jobs import DATA, REQUEST, RUN
from tests.unit.scoring.test_transform_jobs import FILES, ROWS

KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
SUBNETS, GROUPS = ("subnet-0a1b2c3d",), ("sg-0a1b2c3d",)
CAPTURING = {**INSTANCES, "DataCapture": {"SamplingPercentage": 10}}
CONTAINER = {"Image": "1.dkr.ecr.eu-central-1.amazonaws.com/autogluon:1", "ModelDataUrl": "s3://b/model.tar.gz"}
CLIENT = boto3.client("sagemaker")
MODEL = CLIENT.meta.service_model
Made = dict[str, Any]


def a_job(key: str | None, network: bool) -> Made:
    settings = jobs.JobSettings(ROLE, key, SUBNETS if network else (), GROUPS if network else (), 15)
    return cast(Made, jobs.job_request(RUN, DATA, {"Found": False}, REQUEST, settings))


def a_model(key: str | None, network: bool) -> Made:
    vpc = jobs.vpc_config(SUBNETS, GROUPS) if network else None
    return cast(Made, models.model_request("model-1", RUN["Uri"], [CONTAINER], ROLE, vpc))


class Asked:
    """A client that keeps what it is asked to create."""

    def create_model(self, **request: Any) -> None:
        self.request = request


def a_model_made_again(key: str | None, network: bool) -> Made:
    """What becomes of a registered model whose model is gone: for a champion, and for a scoring on demand."""
    settings = models.ModelSettings(ROLE, *((SUBNETS, GROUPS) if network else ((), ())))
    properties = {"ModelName": "model-1", "RunUri": RUN["Uri"]}
    client: Any = Asked()
    models.recreate_model(client, cast(Package, Registered(properties)), settings)
    return cast(Made, client.request)


class Registered:
    """A package as the registry has it."""

    def __init__(self, properties: dict[str, str]) -> None:
        self.properties = properties
        self.containers = [CONTAINER]


def a_serverless_config(key: str | None, network: bool) -> Made:
    return cast(Made, endpoint_configs.config_request(wanted(SERVERLESS), "config-1", "", 1, key))


def a_config(key: str | None, network: bool) -> Made:
    return cast(Made, endpoint_configs.config_request(wanted(CAPTURING), "config-1", "", 2, key))


def a_transform_job(key: str | None, network: bool) -> Made:
    settings = transform_jobs.TransformSettings("ml.m5.large", key, 15)
    client: Any = None
    instances = transform_jobs.resources(client, {}, ROWS, settings)
    source: Any = {"S3DataType": "S3Prefix", "S3Uri": FILES.features_folder}
    return cast(Made, transform_jobs.job_request("weekly", ROWS, source, instances, settings))


MAKERS: dict[str, tuple[str, Callable[[str | None, bool], Made], set[str], bool]] = {
    "job": (
        "CreateAutoMLJobV2",
        a_job,
        {"OutputDataConfig.KmsKeyId", "SecurityConfig.VolumeKmsKeyId"},
        True,
    ),
    "model": ("CreateModel", a_model, set(), True),
    "model made again": ("CreateModel", a_model_made_again, set(), True),
    "serverless endpoint": ("CreateEndpointConfig", a_serverless_config, {"KmsKeyId"}, False),
    "endpoint": ("CreateEndpointConfig", a_config, {"KmsKeyId", "DataCaptureConfig.KmsKeyId"}, False),
    "transform job": (
        "CreateTransformJob",
        a_transform_job,
        {"TransformOutput.KmsKeyId", "TransformResources.VolumeKmsKeyId"},
        False,
    ),
}
"""What is made → operation, request, where its key stands, whether it names the network (others have their model's)."""


def places_of(value: Any, wanted_value: str, path: str = "") -> set[str]:
    """Paths of the members that hold the value."""
    if isinstance(value, dict):
        return {
            found
            for name, item in value.items()
            for found in places_of(item, wanted_value, f"{path}.{name}" if path else name)
        }
    return {path} if value == wanted_value else set()


@pytest.mark.parametrize("network", [True, False], ids=["network", "no network"])
@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
@pytest.mark.parametrize("what", MAKERS)
def test_a_request_is_understood_and_has_key_and_network(what: str, key: str | None, network: bool) -> None:
    operation, make, places, has_network = MAKERS[what]
    request = make(key, network)
    constraints.check(MODEL.operation_model(operation).input_shape, request)
    assert places_of(request, KEY) == (places if key else set())
    vpc = request.get("VpcConfig") or request.get("SecurityConfig", {}).get("VpcConfig")
    assert bool(vpc) == (has_network and network)
    if vpc:
        assert vpc == {"Subnets": list(SUBNETS), "SecurityGroupIds": list(GROUPS)}


def test_everything_that_the_functions_make_and_that_takes_a_key_is_looked_at() -> None:
    """A new operation in the functions' own list must come with its request here."""
    taking = {
        name
        for name in MODEL.operation_names
        if name.startswith("Create")
        and (shape := MODEL.operation_model(name).input_shape) is not None
        and {"KmsKeyId", "VpcConfig", "SecurityConfig", "OutputDataConfig", "TransformOutput"} & set(shape.members)
    }
    methods = {operation: name for name, operation in CLIENT.meta.method_to_api_mapping.items()}
    code = "".join(path.read_text() for path in (Path(__file__).parents[2] / "functions").rglob("*.py"))
    used = {name for name in taking if re.search(rf"\.{methods[name]}[(,]", code)}
    # What the registry keeps is names and addresses; the files behind them have the key.
    assert used - {"CreateModelPackage"} == {operation for operation, *_ in MAKERS.values()}
