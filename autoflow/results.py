"""Bring a run's results down to a folder."""

import contextlib
import fcntl
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from autoflow.errors import CommandError, UsageError
from autoflow.stack import Stack

ACCEPTED, REVIEW, RESULT, REPORT, SCORING = "accepted.csv", "review.csv", "result.json", "report.html", "scoring.json"
_UNFINISHED = ".unfinished"
_CHUNK = 1 << 20
_AT_ONCE = 8
"""Parts of some megabytes each; a scoring may have thousands."""


def check(folder: Path) -> None:
    """See before anything is started that results can be written to the folder, which is not made yet.

    What a killed command left half-written there is removed.

    Raises:
        UsageError: they cannot.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        what = "is not a folder" if not there.is_dir() else "cannot be written in"
        raise UsageError(f"the results cannot go to {folder}: {there} {what}; choose another --output")
    _remove_unfinished(folder)


def download(stack: Stack, result: Mapping[str, Any], folder: Path, name: str = RESULT) -> None:
    """Write accepted.csv, review.csv, report.html and the result itself into the folder, as far as there are any.

    All of them appear when the last one is whole, or none.

    Raises:
        CommandError: the folder cannot be written.
    """
    uris = result.get("Files", {})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as files:
            # What is opened first takes its name last: where there is a result, there is everything that it tells of.
            _write_document(files.enter_context(_replacing(folder / name)), result)
            for file_name, key in ((ACCEPTED, "Accepted"), (REVIEW, "Review")):
                if uri := uris.get(key):
                    _join_parts(stack, uri, files.enter_context(_replacing(folder / file_name)))
            if uri := uris.get("Report"):
                _copy(stack, uri, files.enter_context(_replacing(folder / REPORT)))
    except OSError as error:
        where = result.get("Uri") or result.get("Files", {}).get("Accepted", "S3")
        raise CommandError(f"cannot write the results to {folder}: {error.strerror}. They are in {where}") from error


def download_file(stack: Stack, uri: str, path: Path) -> None:
    """Bring one object down; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as file:
        _copy(stack, uri, file)


def _copy(stack: Stack, uri: str, file: BinaryIO) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    for chunk in stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK):
        file.write(chunk)


def _write_document(file: BinaryIO, document: Mapping[str, Any]) -> None:
    file.write(json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")


def read_json(stack: Stack, uri: str) -> Any:
    """The JSON document at an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def _join_parts(stack: Stack, folder_uri: str, file: BinaryIO) -> None:
    """Write all parts below the URI in order, with the header of the first one alone."""
    bucket, _, prefix = folder_uri.removeprefix("s3://").partition("/")
    s3 = stack.client("s3")

    def read(key: str) -> bytes:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    begun = False
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for keys in itertools.batched(_keys(stack, bucket, prefix), _AT_ONCE, strict=False):
            for part in pool.map(read, keys):
                file.write(part.partition(b"\n")[2] if begun else part)
                begun = True


def _keys(stack: Stack, bucket: str, prefix: str) -> Iterator[str]:
    for page in stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"]


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its name when it is complete, and leaves nothing behind when it is not."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
    try:
        with temporary.open("wb") as file:
            with contextlib.suppress(OSError):  # not every file system has locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_unfinished(folder: Path) -> None:
    """Take away what commands left that were killed while they wrote. Who still writes holds a lock."""
    for path in folder.glob(f".*{_UNFINISHED}"):
        with contextlib.suppress(OSError), path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
