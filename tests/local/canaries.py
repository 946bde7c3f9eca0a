"""Values that must not turn up anywhere but where rows belong, and all places of a local cloud to look for them."""

import json
from collections.abc import Iterator
from typing import Any

from autoflow.local.cloud import Cloud
from tests.local.conftest import history

MACHINES = ("AutoMLStateMachine", "DeploymentStateMachine", "ScoringStateMachine")


def log_lines(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """Log group and text of each event in every stream of every group."""
    logs = cloud.client("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in (one["logGroupName"] for one in groups["logGroups"]):
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
                for event in page["events"]:
                    yield group, event["message"]


def executions(cloud: Cloud) -> list[str]:
    """ARNs of all executions of all state machines."""
    client = cloud.client("stepfunctions")
    machines = [one["stateMachineArn"] for one in client.list_state_machines()["stateMachines"]]
    return [
        execution["executionArn"]
        for machine in machines
        for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine)
        for execution in page["executions"]
    ]


def histories(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """Each execution's description and history as text: every input, output, error and cause."""
    client = cloud.client("stepfunctions")
    for execution in executions(cloud):
        described = client.describe_execution(executionArn=execution)
        yield execution, json.dumps([described, history(cloud, execution)], default=str)


def metrics(cloud: Cloud) -> str:
    """Names, namespaces and dimensions of all metrics, and all alarms."""
    client = cloud.client("cloudwatch")
    pages = client.get_paginator("list_metrics").paginate()
    return json.dumps([[page["Metrics"] for page in pages], client.describe_alarms()["MetricAlarms"]], default=str)


def sagemaker_documents(cloud: Cloud) -> str:
    """What SageMaker describes of everything that a stack makes, with its tags."""
    client = cloud.client("sagemaker")
    found: list[Any] = []
    for job in client.list_auto_ml_jobs()["AutoMLJobSummaries"]:
        found.append(client.describe_auto_ml_job_v2(AutoMLJobName=job["AutoMLJobName"]))
        found.append(client.list_candidates_for_auto_ml_job(AutoMLJobName=job["AutoMLJobName"]))
        found.append(client.list_tags(ResourceArn=job["AutoMLJobArn"]))
    for one in client.list_transform_jobs()["TransformJobSummaries"]:
        found.append(client.describe_transform_job(TransformJobName=one["TransformJobName"]))
    for model in client.list_models()["Models"]:
        found.append(client.describe_model(ModelName=model["ModelName"]))
        found.append(client.list_tags(ResourceArn=model["ModelArn"]))
    for config in client.list_endpoint_configs()["EndpointConfigs"]:
        found.append(client.describe_endpoint_config(EndpointConfigName=config["EndpointConfigName"]))
        found.append(client.list_tags(ResourceArn=config["EndpointConfigArn"]))
    for endpoint in client.list_endpoints()["Endpoints"]:
        found.append(client.describe_endpoint(EndpointName=endpoint["EndpointName"]))
    for group in client.list_model_package_groups()["ModelPackageGroupSummaryList"]:
        name = group["ModelPackageGroupName"]
        for package in client.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]:
            found.append(client.describe_model_package(ModelPackageName=package["ModelPackageArn"]))
    return json.dumps(found, default=str)


def objects(cloud: Cloud, bucket: str) -> Iterator[tuple[str, bytes]]:
    """Key and content of every version of every object."""
    s3 = cloud.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []):
            found = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
            yield version["Key"], found["Body"].read()


def messages(cloud: Cloud, queue_url: str) -> list[str]:
    """All messages that lie in the queue, taken out of it."""
    client, found = cloud.client("sqs"), []
    while got := client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            found.append(json.dumps(message))
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return found
