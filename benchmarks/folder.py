"""S3 on the files of a folder, so that a benchmark measures a step and not a network. Standard library only."""

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class Folder:
    """The few S3 operations that steps use; a key's slashes become underscores in its file's name."""

    exceptions = SimpleNamespace(NoSuchKey=FileNotFoundError)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._uploads: dict[str, dict[int, bytes]] = {}

    def _file(self, key: str) -> Path:
        return self._path / key.replace("/", "_")

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803
        file = self._file(Key).open("rb")
        if Range:
            first, last = (int(number) for number in Range.removeprefix("bytes=").split("-"))
            file.seek(first)
            return {"Body": io.BytesIO(file.read(last - first + 1))}
        return {"Body": file}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str = "") -> dict[str, Any]:  # noqa: N803
        self._file(Key).write_bytes(Body)
        return {}

    def create_multipart_upload(self, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._uploads[Key] = {}
        return {"UploadId": Key}

    def upload_part(self, UploadId: str, PartNumber: int, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._uploads[UploadId][PartNumber] = bytes(Body)
        return {"ETag": str(PartNumber)}

    def complete_multipart_upload(self, UploadId: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        parts = self._uploads.pop(UploadId)
        self._file(Key).write_bytes(b"".join(parts[number] for number in sorted(parts)))
        return {}

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"ContentLength": self._file(Key).stat().st_size}

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        for item in Delete["Objects"]:
            self._file(item["Key"]).unlink()
        return {}

    def get_paginator(self, name: str) -> "Folder":
        return self

    def paginate(self, Bucket: str, Prefix: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        """One page: the keys that begin so, as far as a file's name tells its key."""
        begin = self._file(Prefix).name
        files = sorted(file for file in self._path.iterdir() if file.name.startswith(begin))
        yield {
            "Contents": [{"Key": Prefix + file.name[len(begin) :], "Size": file.stat().st_size} for file in files],
        }
