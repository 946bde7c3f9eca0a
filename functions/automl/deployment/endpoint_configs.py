"""Endpoint configs: what a deployment asks for as one, and what one in SageMaker tells by itself and by its tags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl import sagemaker_errors
from automl.deployment import scaling
from automl.deployment.endpoint_services import VARIANT
from automl.run_files import RunFiles
from automl.tags import AUTO_SCALING_TAG, PREVIOUS_CONFIG_TAG, RUN_TAG, as_tags, read_tags

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        CreateEndpointConfigInputTypeDef,
        DataCaptureConfigUnionTypeDef,
        DescribeEndpointOutputTypeDef,
        ProductionVariantTypeDef,
    )


@dataclass(frozen=True)
class Target:
    """What is to be served where: the model, its run's folder, and the endpoint's name and hosting."""

    model_name: str
    run_uri: str
    endpoint_name: str
    hosting: Mapping[str, Any]
    replaces: str | None = None
    """The config that must be in service now, "" for no endpoint at all; None takes what there is."""

    @property
    def serverless(self) -> bool:
        """Whether the endpoint is to be serverless."""
        return "Serverless" in self.hosting


@dataclass(frozen=True)
class Config:
    """An endpoint config that is in SageMaker."""

    name: str
    serverless: bool
    instance_type: str
    instance_count: int
    tags: Mapping[str, str]

    @property
    def is_ours(self) -> bool:
        """Whether this project made it."""
        return RUN_TAG in self.tags

    @property
    def previous(self) -> str:
        """The config that it replaced on its endpoint, "" if none."""
        return self.tags.get(PREVIOUS_CONFIG_TAG, "")

    @property
    def scaling(self) -> scaling.Scaling | None:
        """The auto scaling that its endpoint is to have."""
        return scaling.of_tags(self.tags)


def find(sagemaker: "SageMakerClient", name: str) -> Config | None:
    """The config of that name, None if there is none."""
    described = sagemaker_errors.find(sagemaker.describe_endpoint_config, EndpointConfigName=name)
    if described is None:
        return None
    variant = described["ProductionVariants"][0]
    return Config(
        name,
        "ServerlessConfig" in variant,
        variant.get("InstanceType", ""),
        variant.get("InitialInstanceCount", 1),
        read_tags(sagemaker, described["EndpointConfigArn"]),
    )


def delete(sagemaker: "SageMakerClient", config: Config | None) -> tuple[str, ...]:
    """Delete the config if it is ours and say what was deleted. Nothing may use it."""
    if config is None or not config.is_ours:
        return ()
    sagemaker_errors.delete(
        sagemaker.delete_endpoint_config, sagemaker.describe_endpoint_config, EndpointConfigName=config.name
    )
    return (f"endpoint config {config.name}",)


def running_instances(endpoint: "DescribeEndpointOutputTypeDef | None") -> int:
    """How many instances the endpoint is to have now, as auto scaling left it; 0 if it is serverless or not there."""
    variants = endpoint.get("ProductionVariants", []) if endpoint else []
    return variants[0].get("DesiredInstanceCount", 0) if variants else 0


def first_instances(hosting: Mapping[str, Any], endpoint: "DescribeEndpointOutputTypeDef | None") -> int:
    """How many instances the new fleet starts with: with auto scaling as many as the load has called for by now.

    An update sets the count to that of the new config, so a fleet that has grown would otherwise shrink under its load.
    """
    asked = int(hosting.get("InstanceCount", 1))
    wanted = scaling.of_hosting(hosting)
    return max(asked, min(running_instances(endpoint), wanted.max_instances)) if wanted else asked


def config_request(
    wanted: Target, config_name: str, previous_config: str, instances: int, kms_key_arn: str | None
) -> "CreateEndpointConfigInputTypeDef":
    """The parameters of CreateEndpointConfig; ``instances`` is of no account for a serverless endpoint."""
    variant: ProductionVariantTypeDef = {"VariantName": VARIANT, "ModelName": wanted.model_name}
    if wanted.serverless:
        variant["ServerlessConfig"] = wanted.hosting["Serverless"]
    else:
        variant["InstanceType"] = wanted.hosting["InstanceType"]
        variant["InitialInstanceCount"] = instances
        variant["InitialVariantWeight"] = 1.0
    grows = scaling.of_hosting(wanted.hosting)
    tags = {
        RUN_TAG: wanted.run_uri,
        PREVIOUS_CONFIG_TAG: previous_config,
        AUTO_SCALING_TAG: grows.as_tag() if grows else "",
    }
    request: CreateEndpointConfigInputTypeDef = {
        "EndpointConfigName": config_name,
        "ProductionVariants": [variant],
        "Tags": as_tags(tags),
    }
    if "DataCapture" in wanted.hosting:
        request["DataCaptureConfig"] = _data_capture(wanted, kms_key_arn)
    if kms_key_arn:
        request["KmsKeyId"] = kms_key_arn
    return request


def _data_capture(wanted: Target, kms_key_arn: str | None) -> "DataCaptureConfigUnionTypeDef":
    capture: DataCaptureConfigUnionTypeDef = {
        "EnableCapture": True,
        "InitialSamplingPercentage": int(wanted.hosting["DataCapture"]["SamplingPercentage"]),
        "DestinationS3Uri": RunFiles(wanted.run_uri).capture,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # Rows of any other content type would be written in base64.
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    if kms_key_arn:
        capture["KmsKeyId"] = kms_key_arn
    return capture
