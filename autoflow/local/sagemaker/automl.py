"""AutoML operations."""

import copy
from collections.abc import Callable
from typing import Any

from autoflow.local.sagemaker import automl_rules, paging
from autoflow.local.sagemaker.automl_job import AutoMLJob
from autoflow.local.sagemaker.errors import in_use, limit_exceeded, not_found, validation
from autoflow.local.sagemaker.s3_files import Files, InputProblem, S3Uri
from autoflow.local.sagemaker.state import Account, Document, tags_of
from autoflow.local.sagemaker.training import Deploy, Training

_CANDIDATE_KEYS: dict[str, Callable[[Document], Any]] = {
    "CreationTime": lambda item: item["CreationTime"],
    "Status": lambda item: item["CandidateStatus"],
    "FinalObjectiveMetricValue": lambda item: item.get("FinalAutoMLJobObjectiveMetric", {}).get("Value", float("-inf")),
}
_JOB_KEYS: dict[str, Callable[[Document], Any]] = {
    "Name": lambda item: item["AutoMLJobName"],
    "CreationTime": lambda item: item["CreationTime"],
    "Status": lambda item: item["AutoMLJobStatus"],
}


class AutoML:
    """The jobs of every account."""

    def __init__(self, deploy: Deploy) -> None:
        self._deploy = deploy
        self._trainings: dict[str, Training] = {}

    def create(self, account: Account, request: Document) -> Document:
        """CreateAutoMLJobV2."""
        automl_rules.check(request)
        name = request["AutoMLJobName"]
        arn = account.arn("automl-job", name)
        self._require_new(account, name, arn)
        _check_input(account, request)
        with account.lock:
            self._require_new(account, name, arn)
            running = sum(not job.over for job in account.jobs.values())
            quota = automl_rules.concurrent_jobs(account.region)
            if running >= quota:
                raise limit_exceeded(
                    "The account-level service limit 'Maximum number of concurrent AutoML Jobs' is "
                    f"{quota} AutoML Jobs, with current utilization of {running} AutoML Jobs and a request delta of "
                    "1 AutoML Jobs. Please use AWS Service Quotas to request an increase for this quota."
                )
            job = AutoMLJob(account, request, arn)
            account.jobs[name.lower()] = job
            account.tags[arn] = tags_of(request)
            training = self._trainings[arn] = Training(job, self._deploy)
        training.start()
        return {"AutoMLJobArn": arn}

    def _require_new(self, account: Account, name: str, arn: str) -> None:
        with account.lock:
            if name.lower() in account.jobs:
                raise in_use(f"AutoMLJob name must be unique within an AWS account and region: {arn} already exists")

    def describe(self, account: Account, request: Document) -> Document:
        """DescribeAutoMLJobV2."""
        with account.lock:
            return copy.deepcopy(_find(account, request["AutoMLJobName"]).describe())

    def describe_v1(self, account: Account, request: Document) -> Document:
        """DescribeAutoMLJob: it cannot read jobs of the V2 operation, and there are no others."""
        with account.lock:
            job = account.jobs.get(request["AutoMLJobName"].lower())
        if job is not None:
            raise validation(
                f"AutoMLJob {job.name} was created with CreateAutoMLJobV2; use DescribeAutoMLJobV2 to describe it"
            )
        raise not_found(f"AutoMLJob {request['AutoMLJobName']} does not exist")

    def list_jobs(self, account: Account, request: Document) -> Document:
        """ListAutoMLJobs."""
        with account.lock:
            summaries = copy.deepcopy([job.summary() for job in account.jobs.values()])
        if status := request.get("StatusEquals"):
            summaries = [item for item in summaries if item["AutoMLJobStatus"] == status]
        found = paging.within(summaries, request, "AutoMLJobName")
        items, more = paging.page(paging.ordered(found, request, _JOB_KEYS, "CreationTime", "Descending"), request)
        return {"AutoMLJobSummaries": items} | more

    def list_candidates(self, account: Account, request: Document) -> Document:
        """ListCandidatesForAutoMLJob."""
        with account.lock:
            candidates = copy.deepcopy(_find(account, request["AutoMLJobName"]).candidates)
        if name := request.get("CandidateNameEquals"):
            candidates = [item for item in candidates if item["CandidateName"] == name]
        if status := request.get("StatusEquals"):
            candidates = [item for item in candidates if item["CandidateStatus"] == status]
        # Newest first unless the request sorts: seen in real answers, whatever the documentation says.
        order = "Ascending" if "SortBy" in request else "Descending"
        ordered = paging.ordered(candidates, request, _CANDIDATE_KEYS, "CreationTime", order)
        items, more = paging.page(ordered, request)
        return {"Candidates": items} | more

    def stop(self, account: Account, request: Document) -> Document:
        """StopAutoMLJob: asynchronous, Stopping and then Stopped."""
        with account.lock:
            job = _find(account, request["AutoMLJobName"])
            if job.over:
                raise validation(f"The request was rejected because the AutoML job is in status {job.status}.")
            if job.status == "Stopping":
                return {}
            job.stop()
        self._trainings[job.arn].stop()
        return {}


def _find(account: Account, name: str) -> AutoMLJob:
    try:
        return account.jobs[name.lower()]
    except KeyError:
        raise not_found(f"AutoMLJob {name} does not exist") from None


def _check_input(account: Account, request: Document) -> None:
    """What AWS checks in S3 before it accepts the job: that the data is there and has the target."""
    target = request["AutoMLProblemTypeConfig"]["TabularJobConfig"]["TargetAttributeName"]
    files = Files(account, request["RoleArn"])
    try:
        S3Uri.parse(request["OutputDataConfig"]["S3OutputPath"])
        for channel in request["AutoMLJobInputDataConfig"]:
            objects = files.list_channel(channel["DataSource"]["S3DataSource"])
            if channel.get("ContentType", automl_rules.CSV).replace(" ", "") != automl_rules.CSV:
                continue
            header = files.read_header(objects[0])
            if target not in header:
                raise validation(f"Target attribute name {target} does not exist in header.")
    except InputProblem as error:
        raise validation(str(error)) from error
