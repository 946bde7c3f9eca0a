"""What a fault left behind: things in the cloud that nobody uses and nobody will ever take away."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from autoflow.local.cloud import Cloud

_ALARMS = "autopilot-flow-"
_RESULT = re.compile(r"(runs|scorings)/.*/result\.json")
_PART = re.compile(r"(?P<folder>.*/)parts/(?P<part>part-\d+)\.json")


@dataclass(frozen=True)
class Holdings:
    """What there is, as sentences for people: ``endpoint churn``, ``model churn`` …"""

    things: frozenset[str]


def snapshot(cloud: Cloud) -> Holdings:
    """What there is now, to be handed to :func:`orphans` later."""
    return Holdings(frozenset(_things(cloud)))


def orphans(cloud: Cloud, before: Holdings, keep: Collection[str] = ()) -> list[str]:
    """What is there now, was not before, and is used by nobody.

    An endpoint that a run which ended well says it left in service is used; so are its config and the models of
    configs and of registered packages that are not rejected.

    Args:
        cloud: the local cloud.
        before: what was there when the test began.
        keep: names of endpoints, models and executions that are meant to stay.
    """
    new = sorted(set(_things(cloud)) - before.things)
    used = _used(cloud, keep)
    return [thing for thing in new if thing not in used]


def _things(cloud: Cloud) -> Iterator[str]:
    yield from _of_sagemaker(cloud)
    alarms = cloud.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=_ALARMS)
    for page in alarms:
        yield from (f"alarm {alarm['AlarmName']}" for alarm in page["MetricAlarms"])
    yield from _running_executions(cloud)
    s3 = cloud.client("s3")
    for bucket in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            yield f"multipart upload {upload['UploadId']} of s3://{bucket}/{upload['Key']}"
        yield from _half_written(s3, bucket)


def _of_sagemaker(cloud: Cloud) -> Iterator[str]:
    client = cloud.client("sagemaker")

    def names(operation: str, members: str, name: str, **arguments: str) -> Iterator[str]:
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from (member[name] for member in page[members])

    for status in ("InProgress", "Stopping"):
        jobs = names("list_auto_ml_jobs", "AutoMLJobSummaries", "AutoMLJobName", StatusEquals=status)
        yield from (f"AutoML job {name}" for name in jobs)
        jobs = names("list_transform_jobs", "TransformJobSummaries", "TransformJobName", StatusEquals=status)
        yield from (f"transform job {name}" for name in jobs)
    for name in names("list_endpoints", "Endpoints", "EndpointName"):
        yield f"endpoint {name}"
    for name in names("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"):
        yield f"endpoint config {name}"
    for name in names("list_models", "Models", "ModelName"):
        yield f"model {name}"


def _running_executions(cloud: Cloud) -> Iterator[str]:
    client = cloud.client("stepfunctions")
    for page in client.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            pages = client.get_paginator("list_executions").paginate(
                stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
            )
            for found in pages:
                yield from (f"execution {execution['name']}" for execution in found["executions"])


def _half_written(s3: Any, bucket: str) -> Iterator[str]:
    """A part that counts as finished without all of its files, and documents that cannot be read."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = {item["Key"] for page in pages for item in page.get("Contents", [])}
    for key in keys:
        if found := _PART.fullmatch(key):
            folder, part = found["folder"], found["part"]
            written = [f"{folder}{kind}/{part}.csv" for kind in ("accepted", "review")]
            yield from (f"finished part without s3://{bucket}/{one}" for one in written if one not in keys)
        elif _RESULT.fullmatch(key) and not isinstance(_document(s3, bucket, key), dict):
            yield f"unreadable document s3://{bucket}/{key}"


def _document(s3: Any, bucket: str, key: str) -> Any:
    """The parsed document, or None when it is none or was deleted meanwhile."""
    try:
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except (ValueError, ClientError):
        return None


def _used(cloud: Cloud, keep: Collection[str]) -> set[str]:
    client = cloud.client("sagemaker")
    endpoints = {*keep, *_endpoints_of_completed_runs(cloud)}
    used = {f"{kind} {name}" for name in keep for kind in ("model", "execution", "endpoint config")}
    for name in endpoints:
        try:
            config = client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        except ClientError:
            continue
        used |= {f"endpoint {name}", f"endpoint config {config}", *(f"alarm {one}" for one in _alarms_of(cloud, name))}
        variants = client.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        used |= {f"model {variant['ModelName']}" for variant in variants}
    return used | set(_registered_models(client))


def _alarms_of(cloud: Cloud, endpoint: str) -> Iterator[str]:
    client = cloud.client("cloudwatch")
    for page in client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=_ALARMS):
        for alarm in page["MetricAlarms"]:
            if {"Name": "EndpointName", "Value": endpoint} in alarm.get("Dimensions", []):
                yield alarm["AlarmName"]


def _endpoints_of_completed_runs(cloud: Cloud) -> Iterator[str]:
    s3 = cloud.client("s3")
    for bucket in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="runs/"):
            for item in page.get("Contents", []):
                if _RESULT.fullmatch(item["Key"]) and (name := _endpoint_to_keep(s3, bucket, item["Key"])):
                    yield name


def _endpoint_to_keep(s3: Any, bucket: str, result: str) -> str:
    """Name of the endpoint that a run with this result is to leave in service; empty for none."""
    document = _document(s3, bucket, result) or {}
    request = _document(s3, bucket, result.replace("/result.json", "/request.json")) or {}
    kept = document.get("Outcome") == "Completed" and request["Endpoint"]["Keep"]
    return str(document["Endpoint"]["Name"]) if kept else ""


def _registered_models(client: Any) -> Iterator[str]:
    """Models of packages that may be deployed (again)."""
    for page in client.get_paginator("list_model_package_groups").paginate():
        for group in (one["ModelPackageGroupName"] for one in page["ModelPackageGroupSummaryList"]):
            packages = client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
            for package in (one for found in packages for one in found["ModelPackageSummaryList"]):
                if package["ModelApprovalStatus"] != "Rejected":
                    arn = package["ModelPackageArn"]
                    properties = client.describe_model_package(ModelPackageName=arn)["CustomerMetadataProperties"]
                    yield f"model {properties['ModelName']}"
