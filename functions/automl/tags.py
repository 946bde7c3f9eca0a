"""The tags that lead from anything this project made in SageMaker to the run it belongs to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import TagTypeDef

RUN_TAG = "autopilot-flow:run"
"""On every job, model, endpoint config and endpoint: the URI of the run's folder."""
PREVIOUS_CONFIG_TAG = "autopilot-flow:previous-config"
"""On an endpoint config that replaces another one: the config to put back if it fails."""
AUTO_SCALING_TAG = "autopilot-flow:auto-scaling"
"""On an endpoint config whose instances scale: their bounds and their load, see automl/deployment/scaling.py."""

PREVIOUS_RUN_TAG = "autopilot-flow:previous-run"
"""On an AutoML job: the folder of the run whose model the new one is to follow."""


def as_tags(values: Mapping[str, str]) -> "list[TagTypeDef]":
    """The tags as the SageMaker API takes them, without those whose value is empty."""
    return [{"Key": key, "Value": value} for key, value in values.items() if value]


def read_tags(sagemaker: "SageMakerClient", arn: str) -> dict[str, str]:
    """All tags of a SageMaker resource."""
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
