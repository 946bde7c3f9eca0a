"""JSON documents and listings in S3. A single PutObject is atomic: a reader never sees half a document."""

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from automl.errors import InvalidRequest
from automl.quoting import quoted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_READ_BYTES = 1024 * 1024
_LONGEST_KEY = 1024
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_ONE_PART_AT_A_TIME = TransferConfig(use_threads=False)


@dataclass(frozen=True)
class StoredObject:
    """An object in S3: its ``s3://`` URI, its size in bytes, and the tag of its content where it is known."""

    uri: str
    size: int
    etag: str = ""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://bucket/key`` URI; the key may be empty.

    Raises:
        InvalidRequest: the text is not an S3 URI, or names a key that S3 cannot have.
    """
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not separator or not bucket:
        raise InvalidRequest(f"{quoted(uri)} is not an S3 URI; write s3://bucket/key")
    if len(key) * 4 > _LONGEST_KEY and (size := len(key.encode())) > _LONGEST_KEY:
        raise InvalidRequest(f"{quoted(uri)} has a key of {size:,} bytes, but S3 has none beyond {_LONGEST_KEY:,}")
    return bucket, key


def list_objects(s3: "S3Client", uri: str) -> Iterator[StoredObject]:
    """The non-empty-named objects whose key starts with the URI's key, in key order."""
    bucket, prefix = split_uri(uri)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/"):
                yield StoredObject(f"s3://{bucket}/{item['Key']}", item["Size"], item.get("ETag", ""))


def read_bytes(s3: "S3Client", uri: str) -> bytes:
    """The whole object at the URI.

    Raises:
        ClientError: there is none, which its message says by name; or S3 refuses.
    """
    data: bytes = open_body(s3, uri).read()
    return data


def open_body(s3: "S3Client", uri: str) -> Any:
    """The object at the URI as a stream of bytes.

    Raises:
        ClientError: see :func:`read_bytes`.
    """
    bucket, key = split_uri(uri)
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if _is_absent(error):
            error.response["Error"]["Message"] = f"{uri} does not exist; it was deleted, or it has expired"
            raise ClientError(error.response, error.operation_name) from error
        raise


def _is_absent(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _ABSENT


def write_bytes(s3: "S3Client", uri: str, body: bytes, content_type: str = "text/csv") -> str:
    """Write the object and return its URI."""
    bucket, key = split_uri(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return uri


class _Pieces(io.RawIOBase):
    """Pieces that are made one after the other, as a file to be read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        found = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            found.append(piece)
            length += len(piece)
        data = b"".join(found)
        end = length if size < 0 else size
        self._rest = data[end:]
        return data[:end]


def write_pieces(s3: "S3Client", uri: str, pieces: Iterable[bytes]) -> str:
    """Write a CSV object as its pieces are made, so that it need not fit into memory, and return its URI.

    It appears when it is whole; an error of the pieces leaves what was there before.
    """
    bucket, key = split_uri(uri)
    file: Any = _Pieces(pieces)
    s3.upload_fileobj(file, bucket, key, ExtraArgs={"ContentType": "text/csv"}, Config=_ONE_PART_AT_A_TIME)
    return uri


def text_lines(s3: "S3Client", uri: str) -> Iterator[str]:
    """The lines of an object in UTF-8, with their line ends, read as they are wanted."""
    with io.TextIOWrapper(io.BufferedReader(open_body(s3, uri), _READ_BYTES), encoding="utf-8", newline="") as text:
        yield from text


def read_json(s3: "S3Client", uri: str) -> Any:
    """The parsed JSON document at the URI."""
    return json.loads(read_bytes(s3, uri))


def read_json_if_there(s3: "S3Client", uri: str) -> Any:
    """The parsed JSON document at the URI, or None when there is none, be it that it expired."""
    try:
        return read_json(s3, uri)
    except ClientError as error:
        if _is_absent(error):
            return None
        raise


def write_json(s3: "S3Client", uri: str, document: Any) -> str:
    """Write the document as indented JSON and return its URI."""
    body = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode()
    return write_bytes(s3, uri, body, "application/json")


def exists(s3: "S3Client", uri: str) -> bool:
    """Whether there is an object at exactly this URI."""
    bucket, key = split_uri(uri)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if _is_absent(error):
            return False
        raise
    return True


def delete(s3: "S3Client", uri: str) -> None:
    """Delete the object at exactly this URI, if there is one."""
    bucket, key = split_uri(uri)
    s3.delete_object(Bucket=bucket, Key=key)


def delete_prefix(s3: "S3Client", uri: str) -> int:
    """Delete every object under the URI and return how many there were.

    Raises:
        ClientError: S3 did not delete one of them. It says so in a successful answer, object by object.
    """
    bucket, _ = split_uri(uri)
    keys = [split_uri(item.uri)[1] for item in list_objects(s3, uri)]
    for start in range(0, len(keys), 1000):
        batch = keys[start : start + 1000]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True})
        for refused in answer.get("Errors", []):
            message = f"{refused.get('Message')}: {refused.get('Key')}"
            raise ClientError({"Error": {"Code": refused.get("Code", ""), "Message": message}}, "DeleteObjects")
    return len(keys)
