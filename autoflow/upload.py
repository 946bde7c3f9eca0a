"""Local data on its way into the data bucket."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from boto3.exceptions import S3UploadFailedError

from autoflow.errors import CommandError, UsageError
from autoflow.stack import Stack

Progress = Callable[[int, int], None]
"""Is told bytes sent and bytes in all."""


@dataclass
class Uploads:
    """What one run put into ``uploads/<unique>/``, each file or folder below a prefix of its own."""

    stack: Stack
    keys: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """S3 URI → what the user called it."""

    def put(self, data: str, progress: Progress = lambda sent, total: None) -> str:
        """The S3 URI of the data: an ``s3://`` URI as it is, a file or folder after it was uploaded."""
        if is_uri(data):
            return data
        path = Path(data).expanduser()
        files = files_of(path)
        total = sum(file.stat().st_size for file in files)
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            progress(sent, total)

        base = f"uploads/{secrets.token_hex(6)}/{os.path.basename(os.path.abspath(path))}"  # noqa: PTH100, PTH119
        s3 = self.stack.client("s3")
        for file in files:
            key = f"{base}/{file.relative_to(path).as_posix()}" if path.is_dir() else base
            self.keys.append(key)
            try:
                s3.upload_file(str(file), self.stack.bucket, key, Callback=count)
            except S3UploadFailedError as error:
                raise CommandError(str(error)) from error
            except OSError as error:
                raise CommandError(f"cannot upload {file}: {error.strerror}") from error
        uri = f"s3://{self.stack.bucket}/{base}{'/' if path.is_dir() else ''}"
        self.names[uri] = f"{data.rstrip('/')}/" if path.is_dir() else data
        return uri

    def in_local_terms(self, text: str) -> str:
        """A message about what was uploaded as one about the user's own files."""
        for uri, name in self.names.items():
            text = text.replace(uri, name)
        return text

    def delete(self) -> None:
        """Take everything back."""
        for key in self.keys:
            self.stack.client("s3").delete_object(Bucket=self.stack.bucket, Key=key)
        self.keys.clear()


def is_uri(data: str) -> bool:
    """Whether the data is already in S3."""
    return data.startswith("s3://")


def check(data: str) -> None:
    """See before anything is started that there is something to upload.

    Raises:
        UsageError: no such file, an empty folder, or not readable.
    """
    if is_uri(data):
        return
    if "://" in data:
        raise UsageError(f"{data}: only files, folders and s3:// URIs can be read")
    for file in files_of(Path(data).expanduser()):
        try:
            file.open("rb").close()
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}") from error


def files_of(path: Path) -> list[Path]:
    """The file itself, or the visible files anywhere below the folder, by name.

    Raises:
        UsageError: there is none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder")
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not files:
        raise UsageError(f"{path}: the folder has no files")
    return files
