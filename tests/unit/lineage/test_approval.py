"""A person's answer reaches the run that waits: early, late, twice, or for somebody else."""

import json
from collections.abc import Callable
from typing import Any

import answer_approval
import pytest
import wait_for_approval
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from automl.errors import InvalidRequest, ServiceUnavailable
from tests.unit.registry_answers import arn, described, missing, package, run_uri

KEY = "runs/run-2/approval.json"
WAITING = {"TaskToken": "token-1", "PackageArn": arn(2)}
EVENT = {
    "source": "aws.sagemaker",
    "detail-type": "SageMaker Model Package State Change",
    "detail": {"ModelPackageArn": arn(2), "ModelPackageGroupName": "rings", "ModelApprovalStatus": "Approved"},
}
WAIT = {"Run": {"Name": "run-2", "Uri": run_uri("run-2")}, "Package": {"Arn": arn(2)}, "TaskToken": "token-2"}


def waiting(s3: Any, document: dict[str, str] = WAITING) -> None:
    s3.put_object(Bucket="data-bucket", Key=KEY, Body=json.dumps(document))


def stored(s3: Any) -> Any:
    if s3.list_objects_v2(Bucket="data-bucket")["KeyCount"] == 0:
        return None
    return json.loads(s3.get_object(Bucket="data-bucket", Key=KEY)["Body"].read())


def answered(stubber: Stubber, token: str, status: str, reason: str) -> None:
    asked = {"taskToken": token, "output": json.dumps({"Status": status, "Reason": reason})}
    stubber.add_response("send_task_success", {}, asked)


@pytest.mark.parametrize(
    ("status", "note", "reason"),
    [
        ("Approved", "", "Model package rings/2 was approved"),
        ("Rejected", "Not in December", "Model package rings/2 was rejected: Not in December"),
    ],
)
def test_an_answer_reaches_the_run_with_its_reason(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber], status: str, note: str, reason: str
) -> None:
    waiting(data_bucket)
    described(stub(answer_approval.CLIENTS.sagemaker), package(2, "run-2", status, ApprovalDescription=note))
    answered(stub(answer_approval.CLIENTS.step_functions), "token-1", status, reason)
    result = answer_approval.handler(EVENT, lambda_context)
    assert result == {"Package": arn(2), "Outcome": f"{status} is passed on"}
    assert stored(data_bucket) is None


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_answer_that_comes_too_late_is_no_error(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber], code: str
) -> None:
    waiting(data_bucket)
    described(stub(answer_approval.CLIENTS.sagemaker), package(2, "run-2"))
    stub(answer_approval.CLIENTS.step_functions).add_client_error("send_task_success", code, "x")
    assert answer_approval.handler(EVENT, lambda_context)["Outcome"] == "the run waits no more"
    assert stored(data_bucket) is None


def test_an_answer_that_could_not_be_given_is_given_again_by_the_retry(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    waiting(data_bucket)
    described(stub(answer_approval.CLIENTS.sagemaker), package(2, "run-2"))
    stub(answer_approval.CLIENTS.step_functions).add_client_error("send_task_success", "AccessDeniedException", "no")
    with pytest.raises(ClientError):
        answer_approval.handler(EVENT, lambda_context)
    assert stored(data_bucket) == WAITING


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (package(2, "run-2"), "no run waits for it"),
        (
            package(2, "run-2", CustomerMetadataProperties={"Run": "run-2", "RunUri": "s3://other/runs/run-2/"}),
            "the package is not of a run of this stack",
        ),
        (
            package(2, "run-2", CustomerMetadataProperties={"Run": "..", "RunUri": "s3://data-bucket/runs/a/../b/"}),
            "the package is not of a run of this stack",
        ),
        (package(2, "run-2", CustomerMetadataProperties={"team": "x"}), "the package is not of a run of this stack"),
    ],
    ids=["a duplicate, or too early", "another stack", "a forged folder", "not ours"],
)
def test_an_answer_that_nobody_waits_for_is_no_error(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber], found: dict[str, Any], outcome: str
) -> None:
    described(stub(answer_approval.CLIENTS.sagemaker), found)
    stub(answer_approval.CLIENTS.step_functions)  # is not asked
    assert answer_approval.handler(EVENT, lambda_context)["Outcome"] == outcome


def test_an_event_that_sagemaker_does_not_know_of_yet_comes_again(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    """Lambda tries an event three times. Were it dropped, the run would wait for an answer that was given."""
    waiting(data_bucket)
    sagemaker = stub(answer_approval.CLIENTS.sagemaker)
    described(sagemaker, package(2, "run-2", "PendingManualApproval"))
    described(sagemaker, package(2, "run-2", "Approved"))
    answered(stub(answer_approval.CLIENTS.step_functions), "token-1", "Approved", "Model package rings/2 was approved")
    with pytest.raises(ServiceUnavailable, match="approved, its event says, but SageMaker tells PendingManualApproval"):
        answer_approval.handler(EVENT, lambda_context)
    assert answer_approval.handler(EVENT, lambda_context)["Outcome"] == "Approved is passed on"


def test_a_package_is_known_by_its_arn_wherever_the_event_tells_it_in_whatever_case(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    waiting(data_bucket, {**WAITING, "PackageArn": arn(2).replace("rings", "Rings")})
    described(stub(answer_approval.CLIENTS.sagemaker), package(2, "run-2"))
    answered(stub(answer_approval.CLIENTS.step_functions), "token-1", "Approved", "Model package rings/2 was approved")
    event = {**EVENT, "resources": [arn(2)], "detail": {"ModelApprovalStatus": "Approved"}}
    assert answer_approval.handler(event, lambda_context)["Outcome"] == "Approved is passed on"


def test_the_token_of_another_package_is_not_used(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    waiting(data_bucket, {**WAITING, "PackageArn": arn(3)})
    described(stub(answer_approval.CLIENTS.sagemaker), package(2, "run-2"))
    stub(answer_approval.CLIENTS.step_functions)  # is not asked
    assert answer_approval.handler(EVENT, lambda_context)["Outcome"] == "no run waits for it"
    assert stored(data_bucket)["TaskToken"] == "token-1"


def test_an_answer_about_a_package_that_is_gone_is_no_error(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    missing(stub(answer_approval.CLIENTS.sagemaker), "describe_model_package")
    assert answer_approval.handler(EVENT, lambda_context)["Outcome"] == "the package is gone"


def test_who_waits_is_remembered(data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]) -> None:
    waiting(data_bucket)  # of an earlier attempt, whose token is worthless now
    described(stub(wait_for_approval.CLIENTS.sagemaker), package(2, "run-2", "PendingManualApproval"))
    wait_for_approval.handler(WAIT, lambda_context)
    assert stored(data_bucket) == {"TaskToken": "token-2", "PackageArn": arn(2)}


def test_an_answer_given_before_the_run_waited_is_heard(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    described(stub(wait_for_approval.CLIENTS.sagemaker), package(2, "run-2"))
    step_functions = stub(wait_for_approval.CLIENTS.step_functions)
    answered(step_functions, "token-2", "Approved", "Model package rings/2 was approved")
    wait_for_approval.handler(WAIT, lambda_context)
    assert stored(data_bucket) is None


def test_a_package_that_is_gone_cannot_be_waited_for(
    data_bucket: Any, lambda_context: Any, stub: Callable[[Any], Stubber]
) -> None:
    missing(stub(wait_for_approval.CLIENTS.sagemaker), "describe_model_package")
    with pytest.raises(InvalidRequest, match="rings/2 was deleted before it was approved or rejected; start again"):
        wait_for_approval.handler(WAIT, lambda_context)
