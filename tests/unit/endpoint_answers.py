"""Scripts what AWS answers about endpoints, in the order in which it is asked; every request is checked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import ANY, Stubber

from automl.deployment.endpoint_services import EndpointServices

ACCOUNT = "arn:aws:sagemaker:eu-central-1:123456789012"
RUN_URI = "s3://data-bucket/runs/run-1/"
RUN_TAG = {"Key": "autopilot-flow:run", "Value": RUN_URI}
SERVERLESS = {"Serverless": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}}
INSTANCES = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
SCALING = {"AutoScaling": {"MaxInstanceCount": 4, "InvocationsPerInstance": 1000}}
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": "endpoint/rings/variant/AllTraffic",
}


def previous_tag(name: str) -> dict[str, str]:
    return {"Key": "autopilot-flow:previous-config", "Value": name}


def scaling_tag(value: str) -> dict[str, str]:
    return {"Key": "autopilot-flow:auto-scaling", "Value": value}


def endpoint(status: str, config: str, name: str = "rings", instances: int = 0, **more: Any) -> dict[str, Any]:
    """What DescribeEndpoint answers; with ``instances``, those that the variant is to have now."""
    variant = {"VariantName": "AllTraffic", "DesiredInstanceCount": instances}
    return {
        "EndpointName": name,
        "EndpointArn": f"{ACCOUNT}:endpoint/{name}",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        **({"ProductionVariants": [variant]} if instances else {}),
        **more,
    }


def variant(hosting: dict[str, Any]) -> dict[str, Any]:
    named = {"VariantName": "AllTraffic", "ModelName": "model-1"}
    if "Serverless" in hosting:
        return {**named, "ServerlessConfig": hosting["Serverless"]}
    sized = {"InstanceType": hosting["InstanceType"], "InitialInstanceCount": hosting["InstanceCount"]}
    return {**named, **sized, "InitialVariantWeight": 1.0}


@dataclass
class Answers:
    """Each method adds the next answers. ``services`` is what the code under test is given."""

    services: EndpointServices
    sagemaker: Stubber
    cloudwatch: Stubber
    autoscaling: Stubber

    @classmethod
    def make(cls, stub: Any) -> "Answers":
        sagemaker, cloudwatch = boto3.client("sagemaker"), boto3.client("cloudwatch")
        autoscaling = boto3.client("application-autoscaling")
        services = EndpointServices(sagemaker, cloudwatch, autoscaling)
        return cls(services, stub(sagemaker), stub(cloudwatch), stub(autoscaling))

    def endpoint(self, status: str = "", config: str = "", name: str = "rings", **more: Any) -> "Answers":
        """The endpoint; without a status, that there is none."""
        asked = {"EndpointName": name}
        if status:
            self.sagemaker.add_response("describe_endpoint", endpoint(status, config, name, **more), asked)
        else:
            self._missing("describe_endpoint", asked)
        return self

    def endpoint_tags(self, *tags: dict[str, str], name: str = "rings") -> "Answers":
        return self._tags(f"endpoint/{name}", *tags)

    def config(self, name: str, *tags: dict[str, str], hosting: dict[str, Any] | None = None) -> "Answers":
        """A config with these tags, of serverless hosting unless told otherwise."""
        self.config_alone(name, hosting)
        return self._tags(f"endpoint-config/{name}", *tags)

    def config_alone(self, name: str, hosting: dict[str, Any] | None = None) -> "Answers":
        described = {
            "EndpointConfigName": name,
            "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/{name}",
            "ProductionVariants": [variant(hosting or SERVERLESS)],
            "CreationTime": NOW,
        }
        self.sagemaker.add_response("describe_endpoint_config", described, {"EndpointConfigName": name})
        return self

    def no_config(self, name: str) -> "Answers":
        return self._missing("describe_endpoint_config", {"EndpointConfigName": name})

    def config_created(
        self, name: str, *tags: dict[str, str], hosting: dict[str, Any] | None = None, **more: Any
    ) -> "Answers":
        asked = {
            "EndpointConfigName": name,
            "ProductionVariants": [variant(hosting or SERVERLESS)],
            "Tags": [RUN_TAG, *tags],
            **more,
        }
        answer = {"EndpointConfigArn": f"{ACCOUNT}:endpoint-config/{name}"}
        self.sagemaker.add_response("create_endpoint_config", answer, asked)
        return self

    def config_deleted(self, name: str) -> "Answers":
        self.sagemaker.add_response("delete_endpoint_config", {}, {"EndpointConfigName": name})
        return self

    def created(self, config: str) -> "Answers":
        asked = {"EndpointName": "rings", "EndpointConfigName": config, "Tags": [RUN_TAG]}
        self.sagemaker.add_response("create_endpoint", {"EndpointArn": f"{ACCOUNT}:endpoint/rings"}, asked)
        return self

    def updated(self, config: str, **more: Any) -> "Answers":
        asked = {"EndpointName": "rings", "EndpointConfigName": config, **more}
        self.sagemaker.add_response("update_endpoint", {"EndpointArn": f"{ACCOUNT}:endpoint/rings"}, asked)
        return self

    def deleted(self, name: str = "rings") -> "Answers":
        self.sagemaker.add_response("delete_endpoint", {}, {"EndpointName": name})
        return self

    def refused(
        self, operation: str, message: str = "Could not find it", code: str = "ValidationException"
    ) -> "Answers":
        self.sagemaker.add_client_error(operation, code, message)
        return self

    def alarms_put(self, latency_seconds: int = 5) -> "Answers":
        for name, metric, threshold in (
            ("autopilot-flow-rings-5xx", "Invocation5XXErrors", 0.01),
            ("autopilot-flow-rings-latency", "ModelLatency", latency_seconds * 1e6),
        ):
            asked = {
                "AlarmName": name,
                "AlarmDescription": ANY,
                "Namespace": "AWS/SageMaker",
                "MetricName": metric,
                "Dimensions": [
                    {"Name": "EndpointName", "Value": "rings"},
                    {"Name": "VariantName", "Value": "AllTraffic"},
                ],
                "Statistic": "Average",
                "Period": 60,
                "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": threshold,
                "TreatMissingData": "notBreaching",
            }
            self.cloudwatch.add_response("put_metric_alarm", {}, asked)
        return self

    def alarms_deleted(self, name: str = "rings") -> "Answers":
        asked = {"AlarmNames": [f"autopilot-flow-{name}-5xx", f"autopilot-flow-{name}-latency"]}
        self.cloudwatch.add_response("delete_alarms", {}, asked)
        return self

    def scaling_configured(self, fewest: int, most: int, invocations: int) -> "Answers":
        bounds = {"MinCapacity": fewest, "MaxCapacity": most}
        self.autoscaling.add_response("register_scalable_target", {}, {**TARGET, **bounds})
        tracking = {
            "TargetValue": invocations,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        }
        policy = {
            "PolicyName": "autopilot-flow-invocations",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": tracking,
        }
        self.autoscaling.add_response("put_scaling_policy", {"PolicyARN": "arn"}, {**TARGET, **policy})
        return self

    def scaling_removed(self) -> "Answers":
        self.autoscaling.add_response("deregister_scalable_target", {}, TARGET)
        return self

    def scaling_refused(self, operation: str, code: str, message: str = "no") -> "Answers":
        self.autoscaling.add_client_error(operation, code, message)
        return self

    def _tags(self, resource: str, *tags: dict[str, str]) -> "Answers":
        self.sagemaker.add_response("list_tags", {"Tags": list(tags)}, {"ResourceArn": f"{ACCOUNT}:{resource}"})
        return self

    def _missing(self, operation: str, asked: dict[str, str]) -> "Answers":
        self.sagemaker.add_client_error(operation, "ValidationException", "Could not find it", expected_params=asked)
        return self
