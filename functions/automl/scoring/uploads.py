"""Keys of uploads as the event bus tells them."""

from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from automl.storage import exists, split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

INCOMING = "incoming/"
"""Where the rule for uploads looks for them, in the data bucket."""


def as_stored(s3: "S3Client", uri: str, data_bucket: str) -> str:
    """The URI of an upload as S3 knows it; any other as it is.

    S3's older notifications encode keys. Whether its events on the bus do is not documented, and those who read them
    disagree, so what is not there by the name that was told is looked for by the name that this may stand for.

    Args:
        s3: client.
        uri: of a dataset.
        data_bucket: the only bucket with uploads.
    """
    bucket, key = split_uri(uri)
    if bucket != data_bucket or not key.startswith(INCOMING) or not {"%", "+"} & set(key) or exists(s3, uri):
        return uri
    meant = (f"s3://{bucket}/{name}" for name in (unquote_plus(key), unquote(key)))
    return next((one for one in meant if exists(s3, one)), uri)
