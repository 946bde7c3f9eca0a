"""Objects too large for one request, sent and fetched in parts. Few functions need it; storage does not import it."""

from typing import IO, TYPE_CHECKING, Any

from s3transfer.futures import NonThreadedExecutor
from s3transfer.manager import TransferConfig, TransferManager

from automl.storage import split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def download(s3: "S3Client", uri: str, file: IO[bytes]) -> None:
    """Write an object into a file, several parts at once."""
    bucket, key = split_uri(uri)
    with TransferManager(s3) as transfers:
        transfers.download(bucket, key, file).result()


def upload(s3: "S3Client", uri: str, file: IO[bytes] | Any, content_type: str) -> None:
    """Make an object of what a file gives, one part after the other; it appears when it is whole."""
    bucket, key = split_uri(uri)
    with TransferManager(s3, TransferConfig(), executor_cls=NonThreadedExecutor) as transfers:
        transfers.upload(file, bucket, key, {"ContentType": content_type}).result()
