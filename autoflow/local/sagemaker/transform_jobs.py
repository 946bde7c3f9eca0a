"""Transform job operations."""

import copy
from collections.abc import Callable
from typing import Any

from autoflow.local.sagemaker import in_the_name_of, models, paging, transform_rules
from autoflow.local.sagemaker.errors import in_use, validation
from autoflow.local.sagemaker.s3_files import Files, InputProblem, S3Uri
from autoflow.local.sagemaker.state import Account, Document, tags_of
from autoflow.local.sagemaker.transform_job import TransformJob, with_defaults
from autoflow.local.sagemaker.transforming import Transforming

_KEYS: dict[str, Callable[[Document], Any]] = {
    "Name": lambda item: item["TransformJobName"],
    "CreationTime": lambda item: item["CreationTime"],
    "Status": lambda item: item["TransformJobStatus"],
}
_at_work: dict[str, Transforming] = {}
"""By ARN."""


def create(account: Account, request: Document) -> Document:
    """CreateTransformJob."""
    transform_rules.check_unechoed(request)
    resolved = with_defaults(request)
    transform_rules.check(resolved)
    name = request["TransformJobName"]
    arn = account.arn("transform-job", name)
    with account.lock:
        _require_new(account, name, arn)
        model = copy.deepcopy(models.find_model(account, request["ModelName"]))
    _check_places(account, in_the_name_of.role_of_model(model), resolved)
    with account.lock:
        _require_new(account, name, arn)
        job = account.transform_jobs[name] = TransformJob(account, resolved, arn)
        account.tags[arn] = tags_of(request)
        job.tell()
        work = _at_work[arn] = Transforming(job, model)
    work.start(done=lambda: _at_work.pop(arn, None))
    return {"TransformJobArn": arn}


def describe(account: Account, request: Document) -> Document:
    """DescribeTransformJob."""
    with account.lock:
        return _find(account, request["TransformJobName"]).describe()


def list_jobs(account: Account, request: Document) -> Document:
    """ListTransformJobs."""
    with account.lock:
        summaries = [job.summary() for job in account.transform_jobs.values()]
    if status := request.get("StatusEquals"):
        summaries = [item for item in summaries if item["TransformJobStatus"] == status]
    found = paging.within(summaries, request, "TransformJobName")
    items, more = paging.page(paging.ordered(found, request, _KEYS, "CreationTime", "Descending"), request)
    return {"TransformJobSummaries": items} | more


def stop(account: Account, request: Document) -> Document:
    """StopTransformJob: asynchronous, Stopping and then Stopped."""
    with account.lock:
        job = _find(account, request["TransformJobName"])
        if job.over:
            raise validation(f"The request was rejected because the transform job is in status {job.status}.")
        if job.status == "Stopping":
            return {}
        job.stop()
        work = _at_work.get(job.arn)
    if work is not None:
        work.stop()
    return {}


def _require_new(account: Account, name: str, arn: str) -> None:
    if name in account.transform_jobs:
        raise in_use(f"Job name must be unique within an AWS account and region: {arn} already exists")


def _find(account: Account, name: str) -> TransformJob:
    try:
        return account.transform_jobs[name]
    except KeyError:
        raise validation(f"Could not find requested job with name: {name}") from None


def _check_places(account: Account, role: str | None, request: Document) -> None:
    """What AWS checks in S3 before it accepts the job: that there is something to transform."""
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    try:
        S3Uri.parse(request["TransformOutput"]["S3OutputPath"])
        Files(account, role).list_channel(source)
    except InputProblem as error:
        raise validation(
            f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source: {error}'
        ) from error
