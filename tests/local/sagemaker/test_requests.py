"""Requests that AWS refuses are refused in the same way."""

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from autoflow.local.cloud import Cloud

if TYPE_CHECKING:
    from tests.local.sagemaker.conftest import SageMaker, Trained

MISSING_IMAGE = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/other:1", "ModelDataUrl": "s3://nowhere/none"}
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}


def code_of(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def post(cloud: Cloud, operation: str, document: Any) -> tuple[int, dict[str, Any]]:
    """Send what boto3 would not let pass."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"SageMaker.{operation}",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    request = urllib.request.Request(cloud.url, body, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"AutoMLJobName": "has space"}, "ValidationException", "at 'autoMLJobName' failed to satisfy constraint"),
        ({"RoleArn": None}, "ValidationException", "Value null at 'roleArn'"),
        ({"AutoMLJobName": 7}, "SerializationException", "NUMBER_VALUE"),
        ({"AutoMLJobName": True}, "SerializationException", "TRUE_VALUE"),
    ],
)
def test_the_service_model_is_enforced_on_the_wire(
    cloud: Cloud, aws: "SageMaker", change: dict[str, Any], code: str, text: str
) -> None:
    status, answer = post(cloud, "CreateAutoMLJobV2", aws.job_request("wire", "none/") | change)
    assert (status, answer["__type"]) == (400, code)
    assert text in answer["message"]


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("ListAutoMLJobs", b"{nope", "SerializationException"),
        ("ListAutoMLJobs", b"[]", "SerializationException"),
        ("ListAutoMLJobs", b'{"CreationTimeAfter": "yesterday"}', "SerializationException"),
        ("ListAutoMLJobs", b'{"CreationTimeAfter": 1e300}', "SerializationException"),
        ("DoNothing", b"{}", "UnknownOperationException"),
    ],
)
def test_what_cannot_be_parsed_is_the_senders_fault(cloud: Cloud, operation: str, body: bytes, code: str) -> None:
    status, answer = post(cloud, operation, body)
    assert (status, answer["__type"]) == (400, code)


def test_services_beside_sagemaker_do_not_exist_here(cloud: Cloud) -> None:
    call = cloud.client("sagemaker-featurestore-runtime").get_record
    code, _ = code_of(call, FeatureGroupName="g", RecordIdentifierValueAsString="1")
    assert code == "UnknownOperationException"


def test_dates_are_epoch_numbers_and_empty_members_are_absent(cloud: Cloud, trained: "Trained") -> None:
    status, job = post(cloud, "DescribeAutoMLJobV2", {"AutoMLJobName": "trained"})
    assert status == 200
    assert isinstance(job["CreationTime"], int | float)
    assert isinstance(job["BestCandidate"]["CreationTime"], int | float)
    assert None not in job.values()
    assert "" not in job.values()


def test_operations_that_do_not_exist_here(cloud: Cloud, aws: "SageMaker") -> None:
    code, message = code_of(aws.sagemaker.list_training_jobs)
    assert code == "UnknownOperationException"
    assert "ListTrainingJobs" in message
    code, _ = code_of(aws.runtime.invoke_endpoint_async, EndpointName="e", InputLocation="s3://b/k")
    assert code == "UnknownOperationException"


def test_target_that_is_not_in_the_header(aws: "SageMaker", trained: "Trained") -> None:
    request = aws.job_request("no-target", "train/", target="Y")
    code, message = code_of(aws.sagemaker.create_auto_ml_job_v2, **request)
    assert (code, message) == ("ValidationException", "Target attribute name Y does not exist in header.")


@pytest.mark.parametrize(
    ("prefix", "text"), [("nothing-here/", "No objects with data were found"), ("train/empty", "No objects with data")]
)
def test_data_that_is_not_there(aws: "SageMaker", trained: "Trained", prefix: str, text: str) -> None:
    code, message = code_of(aws.sagemaker.create_auto_ml_job_v2, **aws.job_request("no-data", prefix))
    assert code == "ValidationException"
    assert text in message


def test_names_are_unique_whatever_their_case(aws: "SageMaker", trained: "Trained") -> None:
    code, message = code_of(aws.sagemaker.create_auto_ml_job_v2, **aws.job_request("TRAINED", "train/"))
    assert code == "ResourceInUse"
    assert "already exists" in message


def test_modes_and_rules(aws: "SageMaker", trained: "Trained") -> None:
    request = aws.job_request("mode", "train/") | {"AutoMLJobObjective": {"MetricName": "F1"}}
    assert "both be omitted" in code_of(aws.sagemaker.create_auto_ml_job_v2, **request)[1]
    request = aws.job_request("mode", "train/", Mode="HYPERPARAMETER_TUNING")
    assert "HYPERPARAMETER_TUNING is not supported" in code_of(aws.sagemaker.create_auto_ml_job_v2, **request)[1]


def test_jobs_that_do_not_exist(aws: "SageMaker", trained: "Trained") -> None:
    calls = (
        aws.sagemaker.describe_auto_ml_job_v2,
        aws.sagemaker.describe_auto_ml_job,
        aws.sagemaker.stop_auto_ml_job,
        aws.sagemaker.list_candidates_for_auto_ml_job,
    )
    for call in calls:
        assert code_of(call, AutoMLJobName="nobody")[0] == "ResourceNotFound"
    code, message = code_of(aws.sagemaker.describe_auto_ml_job, AutoMLJobName="trained")
    assert code == "ValidationException"
    assert "DescribeAutoMLJobV2" in message


def test_jobs_are_listed(aws: "SageMaker", trained: "Trained") -> None:
    found = aws.sagemaker.list_auto_ml_jobs(NameContains="trained", StatusEquals="Completed")["AutoMLJobSummaries"]
    (summary,) = found
    assert summary["AutoMLJobArn"] == "arn:aws:sagemaker:us-east-1:000000000000:automl-job/trained"
    assert summary["EndTime"] == trained.job["EndTime"]


def test_concurrent_jobs_have_a_quota(cloud: Cloud, aws: "SageMaker") -> None:
    elsewhere: Any = {"aws_access_key_id": "111122223333", "aws_secret_access_key": "test", "region_name": "sa-east-1"}
    s3: Any = boto3.client("s3", endpoint_url=cloud.url, **elsewhere)
    s3.create_bucket(Bucket="quota", CreateBucketConfiguration={"LocationConstraint": "sa-east-1"})
    s3.put_object(Bucket="quota", Key="in/data.csv", Body=aws.table(aws.people(600)))
    sagemaker: Any = boto3.client("sagemaker", endpoint_url=cloud.url, **elsewhere)
    text = json.dumps(aws.job_request("first", "in/")).replace(aws.bucket, "quota")
    sagemaker.create_auto_ml_job_v2(**json.loads(text))
    code, message = code_of(sagemaker.create_auto_ml_job_v2, **json.loads(text) | {"AutoMLJobName": "second"})
    assert code == "ResourceLimitExceeded"
    assert "is 1 AutoML Jobs" in message
    sagemaker.stop_auto_ml_job(AutoMLJobName="first")


def test_models_and_endpoint_configs(aws: "SageMaker") -> None:
    sagemaker = aws.sagemaker
    containers = [MISSING_IMAGE, MISSING_IMAGE]
    sagemaker.create_model(ModelName="rules", Containers=containers, ExecutionRoleArn=aws.role)
    assert sagemaker.describe_model(ModelName="rules")["Containers"] == containers
    code, message = code_of(sagemaker.create_model, ModelName="rules", Containers=containers, ExecutionRoleArn=aws.role)
    assert (code, message.partition(" model ")[0]) == ("ValidationException", "Cannot create already existing")
    code, message = code_of(
        sagemaker.create_model, ModelName="both", Containers=containers, PrimaryContainer=MISSING_IMAGE
    )
    assert "Exactly one of PrimaryContainer and Containers" in message
    big = {"Environment": {f"K{number}": "v" * 1000 for number in range(40)}} | MISSING_IMAGE
    assert "32 KB" in code_of(sagemaker.create_model, ModelName="big", PrimaryContainer=big)[1]
    sagemaker.create_model(ModelName="single", PrimaryContainer=MISSING_IMAGE, ExecutionRoleArn=aws.role)

    def refused(**variant: Any) -> str:
        body = {"VariantName": "AllTraffic", "ModelName": "single"} | variant
        return code_of(sagemaker.create_endpoint_config, EndpointConfigName="rules", ProductionVariants=[body])[1]

    assert "Inference pipelines are not supported" in refused(ModelName="rules", ServerlessConfig=SERVERLESS)
    assert "Could not find model" in refused(ModelName="nobody", ServerlessConfig=SERVERLESS)
    assert "MemorySizeInMB 2000" in refused(ServerlessConfig=SERVERLESS | {"MemorySizeInMB": 2000})
    assert "less than or equal to 200" in refused(ServerlessConfig=SERVERLESS | {"MaxConcurrency": 201})
    assert "InstanceType must be specified" in refused(InitialInstanceCount=1)
    assert "must not be specified with ServerlessConfig" in refused(
        ServerlessConfig=SERVERLESS, InstanceType="ml.m5.large", InitialInstanceCount=1
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "single", "ServerlessConfig": SERVERLESS}
    sagemaker.create_endpoint_config(EndpointConfigName="rules", ProductionVariants=[variant])
    code, message = code_of(sagemaker.create_endpoint_config, EndpointConfigName="rules", ProductionVariants=[variant])
    assert "Cannot create already existing endpoint configuration" in message
    listed = sagemaker.list_endpoint_configs(NameContains="rule")["EndpointConfigs"]
    assert [config["EndpointConfigName"] for config in listed] == ["rules"]
    assert {model["ModelName"] for model in sagemaker.list_models()["Models"]} >= {"rules", "single"}
    sagemaker.delete_endpoint_config(EndpointConfigName="rules")
    sagemaker.delete_model(ModelName="rules")
    assert "Could not find model" in code_of(sagemaker.describe_model, ModelName="rules")[1]
    assert (
        "Could not find endpoint configuration"
        in code_of(sagemaker.describe_endpoint_config, EndpointConfigName="rules")[1]
    )


def test_tags(aws: "SageMaker", trained: "Trained") -> None:
    arn = trained.job["AutoMLJobArn"]
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == trained.request["Tags"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": ""}])
    assert {"Key": "team", "Value": ""} in aws.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == trained.request["Tags"]
    code, _ = code_of(aws.sagemaker.list_tags, ResourceArn=arn.replace("trained", "nobody"))
    assert code == "ValidationException"


def test_nothing_is_scaled_here_and_that_is_no_passing_fault(cloud: Cloud) -> None:
    scaling = cloud.client("application-autoscaling")
    variant = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": "endpoint/any/variant/AllTraffic",
    }
    code, message = code_of(scaling.register_scalable_target, **variant, MinCapacity=1, MaxCapacity=2)
    assert (code, "local cloud has no Application Auto Scaling" in message) == ("ValidationException", True)
    assert code_of(scaling.deregister_scalable_target, **variant)[0] == "ObjectNotFoundException"
