"""One transform job: its states in the documented order, and what Describe and List say about it."""

import copy
from dataclasses import dataclass, field
from datetime import datetime

from autoflow.local.sagemaker import events
from autoflow.local.sagemaker.state import Account, Document, now

_ECHOED = (
    "TransformJobName",
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
)
_DEFAULTS: dict[str, dict[str, str]] = {
    "TransformInput": {"CompressionType": "None", "SplitType": "None"},
    "TransformOutput": {"AssembleWith": "None", "KmsKeyId": ""},
    "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
}
"""What DescribeTransformJob says although the request did not."""


def with_defaults(request: Document) -> Document:
    """The request as DescribeTransformJob repeats it."""
    document = copy.deepcopy({name: request[name] for name in _ECHOED if name in request})
    return document | {name: default | document.get(name, {}) for name, default in _DEFAULTS.items()}


@dataclass
class TransformJob:
    """State of a job. The account's lock guards it."""

    account: Account
    request: Document
    """With defaults."""
    arn: str
    created: datetime = field(default_factory=now)
    status: str = "InProgress"
    started: datetime | None = None
    ended: datetime | None = None
    failure: str = ""

    def __post_init__(self) -> None:
        self.modified = self.created

    @property
    def name(self) -> str:
        """TransformJobName."""
        return str(self.request["TransformJobName"])

    @property
    def over(self) -> bool:
        """Whether the status is terminal."""
        return self.status in {"Completed", "Failed", "Stopped"}

    def begin(self) -> None:
        """The model is loaded; the first rows are on their way."""
        self.started = self.modified = now()

    def stop(self) -> None:
        """First step of a stop; the second is :meth:`end`."""
        self.status, self.modified = "Stopping", now()
        self.tell()

    def end(self, status: str, failure: str = "") -> None:
        """Reach a terminal status."""
        self.status, self.failure = status, failure[:1024]
        self.ended = self.modified = now()
        self.tell()

    def tell(self) -> None:
        """Send the event of a new status."""
        events.transform_job_changed(self.account, self.describe(), dict(self.account.tags[self.arn]))

    def describe(self) -> Document:
        """Response of DescribeTransformJob."""
        document = copy.deepcopy(self.request) | {
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.status,
            "CreationTime": self.created,
        }
        if self.started:
            document["TransformStartTime"] = self.started
        if self.ended:
            document["TransformEndTime"] = self.ended
        if self.failure:
            document["FailureReason"] = self.failure
        return document

    def summary(self) -> Document:
        """A TransformJobSummary of ListTransformJobs."""
        document: Document = {
            "TransformJobName": self.name,
            "TransformJobArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "TransformJobStatus": self.status,
        }
        if self.ended:
            document["TransformEndTime"] = self.ended
        if self.failure:
            document["FailureReason"] = self.failure
        return document
