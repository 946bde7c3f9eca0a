"""What a call asks IAM for: actions, the resources they are checked against, and the condition keys it brings along.

Source: the service authorization reference, which a unit test holds these tables against; where AWS checks more than
that reference says, a comment tells.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from autoflow.local.access.policies import Ask, Keys

Parameters = Mapping[str, Any]


class Facts(Protocol):
    """What must be looked up in the services, as a request does not say it."""

    def tags(self, arn: str) -> Mapping[str, str]:
        """Tags of a resource of SageMaker."""

    def has_object(self, bucket: str, key: str) -> bool:
        """Whether the object is there."""

    def machine_of_token(self, token: str) -> str | None:
        """ARN of the state machine whose execution waits with the task token."""


@dataclass(frozen=True)
class Call:
    """A call of an API, parsed."""

    service: str
    """botocore's name of it."""
    operation: str
    parameters: Parameters
    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def sagemaker(self, kind: str, name: str) -> str:
        """ARN of something in SageMaker, which may be given by its ARN."""
        return name if name.startswith("arn:") else self.arn("sagemaker", f"{kind}/{name}")


def asks(call: Call, facts: Facts) -> list[Ask]:
    """Everything that the call needs to be allowed. Nothing, when AWS lets everybody do it."""
    if (call.service, call.operation) == ("sts", "GetCallerIdentity"):
        return []
    find = _SERVICES.get(call.service)
    # What no table knows is asked for as it is called, on everything: hardly any role may do that.
    wanted = find(call, facts) if find else [(f"{call.service}:{call.operation}", "*", {})]
    general = {"aws:SecureTransport": "true", "aws:ResourceAccount": call.account}
    return [Ask(action, resource, _keys({**general, **keys})) for action, resource, keys in wanted]


_Wanted = Iterator[tuple[str, str, dict[str, str]]]


def _keys(values: Mapping[str, str]) -> Keys:
    return frozenset((key.lower(), (value,)) for key, value in values.items())


_SAGEMAKER = {
    "AddTags": ["ResourceArn"],
    "CreateAutoMLJobV2": ["automl-job:AutoMLJobName"],
    "CreateEndpoint": ["endpoint:EndpointName", "endpoint-config:EndpointConfigName"],
    "CreateEndpointConfig": ["endpoint-config:EndpointConfigName"],
    "CreateModel": ["model:ModelName"],
    "CreateModelPackageGroup": ["model-package-group:ModelPackageGroupName"],
    "CreateTransformJob": ["transform-job:TransformJobName"],
    "DeleteEndpoint": ["endpoint:EndpointName"],
    "DeleteEndpointConfig": ["endpoint-config:EndpointConfigName"],
    "DeleteModel": ["model:ModelName"],
    "DeleteModelPackage": ["model-package:ModelPackageName"],
    "DeleteModelPackageGroup": ["model-package-group:ModelPackageGroupName"],
    "DescribeAutoMLJobV2": ["automl-job:AutoMLJobName"],
    "DescribeEndpoint": ["endpoint:EndpointName"],
    "DescribeEndpointConfig": ["endpoint-config:EndpointConfigName"],
    "DescribeModel": ["model:ModelName"],
    "DescribeModelPackage": ["model-package:ModelPackageName"],
    "DescribeModelPackageGroup": ["model-package-group:ModelPackageGroupName"],
    "DescribeTransformJob": ["transform-job:TransformJobName"],
    "ListTags": ["ResourceArn"],
    "StopAutoMLJob": ["automl-job:AutoMLJobName"],
    "StopTransformJob": ["transform-job:TransformJobName"],
    "UpdateEndpoint": ["endpoint:EndpointName", "endpoint-config:EndpointConfigName"],
    "UpdateModelPackage": ["ModelPackageArn"],
}
"""Operation → kind and parameter of each resource, or the parameter that holds an ARN."""
_ROLES = {"CreateAutoMLJobV2": "RoleArn", "CreateModel": "ExecutionRoleArn"}
"""Where a role is passed."""


def _sagemaker(call: Call, facts: Facts) -> _Wanted:
    action = f"sagemaker:{call.operation}"
    tags = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in call.parameters.get("Tags") or []}
    resources = [_resource(call, place) for place in _SAGEMAKER.get(call.operation, [])]
    if call.operation in ("CreateModelPackage", "ListModelPackages"):
        resources = list(_packages(call))
    for resource in resources or ["*"]:
        own = {f"aws:ResourceTag/{key}": value for key, value in facts.tags(resource).items()}
        yield action, resource, {**tags, **own}
    if _watches(call.parameters):
        # SageMaker looks at them; CloudWatch checks that against all alarms.
        yield "cloudwatch:DescribeAlarms", call.arn("cloudwatch", "alarm:*"), {}
    if tags and call.operation.startswith("Create"):
        yield "sagemaker:AddTags", resources[0], tags
    if place := _ROLES.get(call.operation):
        yield "iam:PassRole", call.parameters[place], {"iam:PassedToService": "sagemaker.amazonaws.com"}


def _watches(parameters: Parameters) -> bool:
    """Whether alarms decide about the update that is asked for."""
    deployment = parameters.get("DeploymentConfig") or {}
    return bool(deployment.get("AutoRollbackConfiguration", {}).get("Alarms"))


def _resource(call: Call, place: str) -> str:
    kind, _, parameter = place.rpartition(":")
    return call.sagemaker(kind, str(call.parameters[parameter]))


def _packages(call: Call) -> Iterator[str]:
    """The group, and its versions, of which a new one has no number yet."""
    if given := call.parameters.get("ModelPackageGroupName"):
        group = call.sagemaker("model-package-group", str(given))
        yield group
        yield f"{group.replace(':model-package-group/', ':model-package/')}/*"


def _runtime(call: Call, facts: Facts) -> _Wanted:
    yield f"sagemaker:{call.operation}", call.sagemaker("endpoint", str(call.parameters["EndpointName"])), {}


_S3 = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "UploadPart": "PutObject",
}
"""Operations that are no actions themselves."""


def _s3(call: Call, facts: Facts) -> _Wanted:
    bucket, key = call.parameters.get("Bucket"), call.parameters.get("Key")
    action = f"s3:{_S3.get(call.operation, call.operation)}"
    if not bucket:
        yield action, "*", {}
        return
    place = f"arn:aws:s3:::{bucket}"
    if call.operation == "DeleteObjects":
        for each in call.parameters["Delete"]["Objects"]:
            yield "s3:DeleteObject", f"{place}/{each['Key']}", {}
    elif key is None:
        prefix = call.parameters.get("Prefix")
        yield action, place, {} if prefix is None else {"s3:prefix": str(prefix)}
    else:
        yield action, f"{place}/{key}", {}
        # Only who may list a bucket is told that an object is missing.
        if call.operation in ("GetObject", "HeadObject") and not facts.has_object(bucket, key):
            yield "s3:ListBucket", place, {}
        if source := call.parameters.get("CopySource"):
            text = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
            yield "s3:GetObject", f"arn:aws:s3:::{text.lstrip('/').partition('?')[0]}", {}


def _lambda(call: Call, facts: Facts) -> _Wanted:
    name = str(call.parameters.get("FunctionName", "*"))
    resource = name if name.startswith("arn:") else call.arn("lambda", f"function:{name}")
    action = "InvokeFunction" if call.operation == "Invoke" else call.operation
    yield f"lambda:{action}", resource if "FunctionName" in call.parameters else "*", {}


def _states(call: Call, facts: Facts) -> _Wanted:
    if call.operation.startswith("SendTask"):
        # The reference names no resource; a denied call's message names the machine.
        # A token that nobody waits with belongs to no machine: Step Functions answers that it is none.
        if machine := facts.machine_of_token(str(call.parameters["taskToken"])):
            yield f"states:{call.operation}", machine, {}
    else:
        place = next((name for name in ("executionArn", "stateMachineArn", "mapRunArn") if name in call.parameters), "")
        yield f"states:{call.operation}", str(call.parameters.get(place, "*")), {}


def _sns(call: Call, facts: Facts) -> _Wanted:
    yield f"sns:{call.operation}", str(call.parameters.get("TopicArn", "*")), {}


def _sqs(call: Call, facts: Facts) -> _Wanted:
    name = str(call.parameters.get("QueueUrl", "*")).rpartition("/")[2]
    yield f"sqs:{call.operation}", call.arn("sqs", name) if name != "*" else "*", {}


def _cloudwatch(call: Call, facts: Facts) -> _Wanted:
    action = f"cloudwatch:{call.operation}"
    if call.operation == "DeleteAlarms":
        for name in call.parameters["AlarmNames"]:
            yield action, call.arn("cloudwatch", f"alarm:{name}"), {}
    elif call.operation == "PutMetricAlarm":
        yield action, call.arn("cloudwatch", f"alarm:{call.parameters['AlarmName']}"), {}
    elif call.operation == "DescribeAlarms":
        # Checked against all alarms, whichever are asked for.
        yield action, call.arn("cloudwatch", "alarm:*"), {}
    elif call.operation == "PutMetricData":
        yield action, "*", {"cloudwatch:namespace": call.parameters["Namespace"]}
    else:
        yield action, "*", {}


def _logs(call: Call, facts: Facts) -> _Wanted:
    group, stream = call.parameters.get("logGroupName"), call.parameters.get("logStreamName")
    resource = call.arn("logs", f"log-group:{group}")
    if stream:
        resource += f":log-stream:{stream}"
    yield f"logs:{call.operation}", resource if group else "*", {}


def _auto_scaling(call: Call, facts: Facts) -> _Wanted:
    """Application Auto Scaling asks its caller for what it is going to do with the endpoint and with its own alarms."""
    yield f"application-autoscaling:{call.operation}", call.arn("application-autoscaling", "scalable-target/*"), {}
    place = str(call.parameters.get("ResourceId", ""))
    alarm = call.arn("cloudwatch", f"alarm:TargetTracking-{place}-AlarmHigh")
    if call.operation == "RegisterScalableTarget":
        endpoint = call.sagemaker("endpoint", place.split("/")[1])
        yield "sagemaker:DescribeEndpoint", endpoint, {}
        yield "sagemaker:UpdateEndpointWeightsAndCapacities", endpoint, {}
        service = "sagemaker.application-autoscaling.amazonaws.com"
        role = f"arn:aws:iam::{call.account}:role/aws-service-role/{service}/AWSServiceRoleForApplicationAutoScaling"
        yield "iam:CreateServiceLinkedRole", f"{role}_SageMakerEndpoint", {"iam:AWSServiceName": service}
    elif call.operation == "PutScalingPolicy":
        yield "cloudwatch:PutMetricAlarm", alarm, {}
        yield "cloudwatch:DescribeAlarms", call.arn("cloudwatch", "alarm:*"), {}
    elif call.operation == "DeregisterScalableTarget":
        yield "cloudwatch:DeleteAlarms", alarm, {}


_SERVICES: dict[str, Callable[[Call, Facts], _Wanted]] = {
    "application-autoscaling": _auto_scaling,
    "cloudwatch": _cloudwatch,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "sagemaker": _sagemaker,
    "sagemaker-runtime": _runtime,
    "sns": _sns,
    "sqs": _sqs,
    "stepfunctions": _states,
}
