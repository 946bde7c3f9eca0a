"""Objects of the local S3: the data set of a job, and its artifacts."""

import csv
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from autoflow.local.sagemaker import in_the_name_of
from autoflow.local.sagemaker.state import Account

_HEADER_BYTES = 4 * 1024 * 1024


class InputProblem(Exception):
    """The input cannot be read; the message says which object and why."""


@dataclass(frozen=True)
class S3Uri:
    """``s3://bucket/key``."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Uri":
        """Split the URI.

        Raises:
            InputProblem: it is not of this form.
        """
        parts = urlsplit(uri, allow_fragments=False)
        if parts.scheme != "s3" or not parts.netloc:
            raise InputProblem(f"{uri!r} is not of the form s3://bucket/key")
        return cls(parts.netloc, uri.removeprefix(f"s3://{parts.netloc}").lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> "S3Uri":
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{name}" if self.key else name)


class Files:
    """S3 with the rights of an execution role."""

    def __init__(self, account: Account, role: str | None) -> None:
        self._s3: Any = in_the_name_of.clients(account, role).s3

    def list_channel(self, source: dict[str, str]) -> list[S3Uri]:
        """The objects of a channel's S3DataSource in lexical order, empty ones and folder markers left out.

        Raises:
            InputProblem: bucket, prefix or manifest cannot be read, or there is nothing.
        """
        uri = S3Uri.parse(source["S3Uri"])
        if source["S3DataType"] == "ManifestFile":
            return self._read_manifest(uri)
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=uri.bucket, Prefix=uri.key)
            found = [item for page in pages for item in page.get("Contents", [])]
        except ClientError as error:
            raise InputProblem(f"Cannot list {uri}: {error.response['Error'].get('Message', error)}") from error
        objects = [S3Uri(uri.bucket, item["Key"]) for item in found if item["Size"] and not item["Key"].endswith("/")]
        if not objects:
            raise InputProblem(f"No objects with data were found under {uri}")
        return sorted(objects, key=lambda item: item.key)

    def prefix(self, source: dict[str, str]) -> S3Uri:
        """What the keys of a channel's objects begin with: S3Uri itself, or the prefix that its manifest names.

        Raises:
            InputProblem: the manifest cannot be read.
        """
        uri = S3Uri.parse(source["S3Uri"])
        return self._parse_manifest(uri)[0] if source["S3DataType"] == "ManifestFile" else uri

    def _read_manifest(self, uri: S3Uri) -> list[S3Uri]:
        prefix, names = self._parse_manifest(uri)
        return [S3Uri(prefix.bucket, prefix.key + name) for name in names]

    def _parse_manifest(self, uri: S3Uri) -> tuple[S3Uri, list[str]]:
        try:
            entries = json.loads(self.read(uri))
            prefix = S3Uri.parse(entries[0]["prefix"])
            names = [str(name) for name in entries[1:]]
        except (ValueError, LookupError, TypeError) as error:
            raise InputProblem(
                f'{uri} is not a manifest: it must be JSON of the form [{{"prefix": "s3://…/"}}, "file", …]'
            ) from error
        if not names:
            raise InputProblem(f"The manifest {uri} names no files")
        return prefix, names

    def read(self, uri: S3Uri) -> bytes:
        """The whole object.

        Raises:
            InputProblem: it cannot be read.
        """
        try:
            data: bytes = self._s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read()
        except ClientError as error:
            raise InputProblem(f"Cannot read {uri}: {error.response['Error'].get('Message', error)}") from error
        return data

    def read_header(self, uri: S3Uri) -> list[str]:
        """The column names of a CSV object, gzip or not.

        Raises:
            InputProblem: there is no readable first line.
        """
        try:
            answer = self._s3.get_object(Bucket=uri.bucket, Key=uri.key, Range=f"bytes=0-{_HEADER_BYTES - 1}")
            head: bytes = answer["Body"].read()
        except ClientError as error:
            raise InputProblem(f"Cannot read {uri}: {error.response['Error'].get('Message', error)}") from error
        if head[:2] == b"\x1f\x8b":
            head = zlib.decompressobj(wbits=31).decompress(head, _HEADER_BYTES)
        try:
            text = head.decode("utf-8-sig", errors="replace")
            return next(csv.reader(io.StringIO(text, newline="")), [])
        except csv.Error as error:
            raise InputProblem(f"{uri} is not a CSV file: {error}") from error

    def download(self, uris: Sequence[S3Uri], folder: Path) -> list[str]:
        """Copy objects into the folder, in order, and return the paths.

        Raises:
            InputProblem: one cannot be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, uri in enumerate(uris):
            path = folder / f"{number:05}-{Path(uri.key).name}"
            try:
                self._s3.download_file(uri.bucket, uri.key, str(path))
            except ClientError as error:
                raise InputProblem(f"Cannot read {uri}: {error.response['Error'].get('Message', error)}") from error
            paths.append(str(path))
        return paths

    def upload(self, path: Path, uri: S3Uri, kms_key: str | None) -> None:
        """Copy a file to S3.

        Raises:
            InputProblem: the bucket does not take it.
        """
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else None
        try:
            self._s3.upload_file(str(path), uri.bucket, uri.key, ExtraArgs=extra)
        except Exception as error:  # boto3 wraps what S3 says in an exception of its own
            raise InputProblem(f"Cannot write {uri}: {error}") from error
