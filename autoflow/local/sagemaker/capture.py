"""Data capture: a sample of what an endpoint was asked and what it answered, as JSON lines in S3."""

import base64
import functools
import json
import logging
import queue
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoflow.local.sagemaker import in_the_name_of
from autoflow.local.sagemaker.s3_files import S3Uri
from autoflow.local.sagemaker.state import Account, Document, now

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0


@dataclass(frozen=True)
class _Record:
    """One line, and where it belongs."""

    account: Account
    role: str | None
    folder: str
    kms_key: str | None
    moment: datetime
    document: Document

    @property
    def place(self) -> tuple[str, str, str, str | None, str | None]:
        """Records of one place share an object."""
        folder = f"{self.folder}/{self.moment:%Y/%m/%d/%H}"
        return self.account.account_id, self.account.region, folder, self.kms_key, self.role


@dataclass(frozen=True)
class Capture:
    """What one endpoint captures."""

    account: Account
    endpoint: str
    role: str | None
    """In whose name the objects are written."""
    config: Document
    """DataCaptureConfig of the endpoint config."""

    @classmethod
    def of(cls, account: Account, endpoint: str, config: Document, role: str | None) -> "Capture | None":
        """For an endpoint config; None when it captures nothing."""
        capture = config.get("DataCaptureConfig")
        enabled = capture is not None and capture.get("EnableCapture", True)
        return cls(account, endpoint, role, capture) if capture and enabled else None

    def describe(self) -> Document:
        """A DataCaptureConfigSummary."""
        summary = {
            "EnableCapture": True,
            "CaptureStatus": "Started",
            "CurrentSamplingPercentage": self.config["InitialSamplingPercentage"],
            "DestinationS3Uri": self.config["DestinationS3Uri"],
        }
        return summary | {key: self.config[key] for key in ("KmsKeyId",) if key in self.config}

    def take(
        self, variant: str, asked: tuple[bytes, str], answered: tuple[bytes, str], inference_id: str | None
    ) -> None:
        """Perhaps note down an invocation; returns at once.

        Args:
            variant: that answered.
            asked: body and content type of the request.
            answered: body and content type of the response.
            inference_id: what the caller calls the invocation, if anything.
        """
        if random.random() * 100 >= self.config["InitialSamplingPercentage"]:
            return
        moment = now()
        metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        if inference_id:
            metadata["inferenceId"] = inference_id
        data = dict(self._wanted(endpointInput=asked, endpointOutput=answered))
        document = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
        folder = f"{self.config['DestinationS3Uri'].rstrip('/')}/{self.endpoint}/{variant}"
        _writer().put(_Record(self.account, self.role, folder, self.config.get("KmsKeyId"), moment, document))

    def _wanted(self, **bodies: tuple[bytes, str]) -> Iterator[tuple[str, Document]]:
        modes = {option["CaptureMode"] for option in self.config["CaptureOptions"]}
        for key, (body, content_type) in bodies.items():
            mode = key.removeprefix("endpoint")
            if modes & {mode, "InputAndOutput"}:
                yield (
                    key,
                    {
                        "observedContentType": content_type,
                        "mode": mode.upper(),
                        **self._encoded(body, content_type),
                    },
                )

    def _encoded(self, body: bytes, content_type: str) -> Document:
        kind = content_type.partition(";")[0].strip().lower()
        header = self.config.get("CaptureContentTypeHeader", {})
        for encoding in ("CSV", "JSON"):
            if kind in (known.lower() for known in header.get(f"{encoding.capitalize()}ContentTypes", [])):
                return {"data": body.decode(errors="replace"), "encoding": encoding}
        return {"data": base64.b64encode(body).decode(), "encoding": "BASE64"}


@functools.cache
def _writer() -> "queue.SimpleQueue[_Record]":
    """Queue of a thread that lives as long as the cloud."""
    records: queue.SimpleQueue[_Record] = queue.SimpleQueue()
    threading.Thread(target=_write_for_ever, args=(records,), name="sagemaker-capture", daemon=True).start()
    return records


def _write_for_ever(records: "queue.SimpleQueue[_Record]") -> None:
    while True:
        batch = [records.get()]
        time.sleep(_INTERVAL_SECONDS)
        while not records.empty():
            batch.append(records.get())
        places = defaultdict(list)
        for record in batch:
            places[record.place].append(record)
        for (_, _, folder, kms_key, role), together in places.items():
            try:
                s3 = in_the_name_of.clients(together[0].account, role).s3
                _write(s3, folder, kms_key, together)
            except Exception as error:  # SageMaker, too, tells nobody when the bucket refuses
                _log.warning("cannot write captured data to %s: %s", folder, error)


def _write(s3: Any, folder: str, kms_key: str | None, records: list[_Record]) -> None:
    moment = records[0].moment
    uri = S3Uri.parse(folder) / f"{moment:%M-%S}-{moment.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
    lines = "".join(json.dumps(record.document) + "\n" for record in records)
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    s3.put_object(Bucket=uri.bucket, Key=uri.key, Body=lines.encode(), **extra)
