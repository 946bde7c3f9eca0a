"""What SageMaker tells EventBridge: on the default event bus, at least once."""

import json
import logging
import threading
from datetime import datetime
from typing import Any

from localstack.aws.connect import connect_to

from autoflow.local.sagemaker.state import Account, Document

_log = logging.getLogger(__name__)

_TIMES = 2
"""SageMaker may send an event more than once; here it always does, so that a receiver that cannot bear it is found."""


def model_package_changed(account: Account, package: Document) -> None:
    """``SageMaker Model Package State Change``. Returns at once."""
    _send(account, "Model Package", package["ModelPackageArn"], package)


def transform_job_changed(account: Account, job: Document, tags: dict[str, str]) -> None:
    """``SageMaker Transform Job State Change``: what DescribeTransformJob says, and the tags. Returns at once."""
    _send(account, "Transform Job", job["TransformJobArn"], job | {"Tags": tags})


def _send(account: Account, kind: str, arn: str, detail: Document) -> None:
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {kind} State Change",
        "Resources": [arn],
        "Detail": json.dumps(detail, default=_encoded),
    }
    threading.Thread(target=_put, args=(account, entry), name="sagemaker-event", daemon=True).start()


def _put(account: Account, entry: Document) -> None:
    # On AWS, PutEvents takes no source "aws.…" from customers. LocalStack's does not look, so services may use it.
    bus: Any = connect_to(aws_access_key_id=account.account_id, region_name=account.region).events
    try:
        for _ in range(_TIMES):
            bus.put_events(Entries=[entry])
    except Exception as error:  # a cloud without the events service, or one that is ending
        _log.debug("cannot put the event %s: %s", entry["DetailType"], error)


def _encoded(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    raise TypeError(f"{type(value).__name__} in an event")
