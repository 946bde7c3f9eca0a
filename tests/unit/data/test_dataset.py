"""Datasets in S3: one object or many, CSV or Parquet, and what is said when they cannot be used."""

import bz2
import gzip
import io
import lzma
from datetime import date, datetime
from typing import Any

import boto3
import pandas as pd
import polars as pl
import pytest
from botocore.exceptions import ClientError

from automl.data import dataset as module
from automl.data.dataset import open_dataset
from automl.errors import InvalidDataset

URI = "s3://data-bucket/in/"


def put(s3: Any, name: str, body: bytes) -> str:
    s3.put_object(Bucket="data-bucket", Key=f"in/{name}", Body=body)
    return f"{URI}{name}"


def parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def parquet_of_pandas(columns: dict[str, Any], index: Any = None) -> bytes:
    file = io.BytesIO()
    pd.DataFrame(columns, index=index).to_parquet(file)
    return file.getvalue()


def rows(s3: Any, uri: str, delimiter: str | None = None) -> list[tuple[str | None, ...]]:
    return [row for batch in open_dataset(s3, uri, delimiter).batches() for row in batch.frame.rows()]


def test_the_index_that_pandas_writes_is_no_column(data_bucket: Any) -> None:
    uri = put(data_bucket, "frame", parquet_of_pandas({"a": [1, 2]}, index=[5, 9]))

    assert open_dataset(data_bucket, uri).columns == ("a",)
    assert rows(data_bucket, uri) == [("1",), ("2",)]


def test_one_object_is_read_although_others_begin_alike(data_bucket: Any) -> None:
    uri = put(data_bucket, "a.csv", b"a,b\n1,2\n")
    put(data_bucket, "a.csv.old", b"x\n")

    assert rows(data_bucket, uri) == [("1", "2")]


def test_objects_under_a_prefix_are_one_dataset_in_key_order_aligned_by_name(data_bucket: Any) -> None:
    put(data_bucket, "part-2.csv.gz", gzip.compress(b"b,a\n4,3\n"))
    put(data_bucket, "part-1.csv", b"a,b\n1,2\n1,2\n")
    put(data_bucket, "part-3.parquet", parquet(pl.DataFrame({"b": [6], "a": [5]})))
    put(data_bucket, "_SUCCESS", b"")

    dataset = open_dataset(data_bucket, URI)
    batches = list(dataset.batches())

    assert dataset.columns == ("a", "b")
    assert [batch.first_row for batch in batches] == [0, 2, 3]
    assert [row for batch in batches for row in batch.frame.rows()] == [("1", "2"), ("1", "2"), ("3", "4"), ("5", "6")]
    assert batches[1].row(0) == f"row 2 (counted from 0) in {URI}part-2.csv.gz"


def test_a_requested_delimiter_beats_detection(data_bucket: Any) -> None:
    uri = put(data_bucket, "a.csv", b"a;b,c\n1;2,3\n")

    assert rows(data_bucket, uri, ";") == [("1", "2,3")]
    assert rows(data_bucket, uri, ",") == [("1;2", "3")]


def test_parquet_values_become_the_text_that_csv_would_have(data_bucket: Any) -> None:
    frame = pl.DataFrame(
        {
            "integer": [1, None],
            "number": [0.1, float("nan")],
            "flag": [True, None],
            "text": ["two\nlines", "NA"],
            "day": [date(2026, 1, 31), None],
            "time": [datetime(2026, 1, 31, 12, 30), None],
            "category": pl.Series(["x", None], dtype=pl.Categorical),
        }
    )
    uri = put(data_bucket, "a.parquet", parquet(frame))

    assert rows(data_bucket, uri) == [
        ("1", "0.1", "true", "two lines", "2026-01-31", "2026-01-31T12:30:00", "x"),
        (None,) * 7,
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is empty; write a header"),
        (b"a,b\n", "has a header but no rows"),
        (b"a,b", "has a header but no rows"),
        (b"a,a\n1,2\n", "'a' more than once"),
        (b"PK\x03\x04rest", "ZIP archive or an Excel workbook"),
        (lzma.compress(b"a,b\n1,2\n"), "is compressed with xz; save it as CSV, plain or compressed with gzip, or as"),
        (bz2.compress(b"a,b\n1,2\n"), "is compressed with bzip2"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "damaged or truncated gzip"),
        (parquet(pl.DataFrame({"a": [1]}))[:-9], "damaged or truncated Parquet"),
        (b"PAR1" + parquet(pl.DataFrame({"a": [1]}))[20:], "damaged or truncated Parquet"),
        (parquet(pl.DataFrame({"a": [[1]]})), r"column 'a' holds List\(Int64\)"),
        (parquet(pl.DataFrame({"a": [b"x"]})), "column 'a' holds Binary"),
        (parquet_of_pandas({"a": pd.period_range("2026", periods=2, freq="D")}), "column 'a' holds Extension"),
    ],
)
def test_unusable_objects_are_named_with_the_remedy(data_bucket: Any, body: bytes, message: str) -> None:
    uri = put(data_bucket, "bad", body)

    with pytest.raises(InvalidDataset, match=message) as caught:
        rows(data_bucket, uri)

    assert uri in str(caught.value)
    assert ";" in str(caught.value)


def test_parquet_with_a_damaged_page_is_named(data_bucket: Any) -> None:
    body = bytearray(parquet(pl.DataFrame({"a": [str(index * 7919) for index in range(5000)]})))
    body[200:2000] = bytes(1800)
    uri = put(data_bucket, "a.parquet", bytes(body))

    with pytest.raises(InvalidDataset, match="damaged or truncated Parquet"):
        rows(data_bucket, uri)


def test_a_long_gzip_is_recognized_by_its_beginning(data_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_BYTES", 2048)
    text = "a,b\n" + "".join(f"{index},{index * 7919 % 10007}\n" for index in range(5000))
    uri = put(data_bucket, "a", gzip.compress(text.encode()))

    assert len(rows(data_bucket, uri)) == 5000


@pytest.mark.parametrize(
    ("second", "message"),
    [(b"a,c\n1,2\n", "in/2.csv has no column 'b', which"), (b"a,b,c\n1,2,3\n", "in/2.csv has column 'c', which")],
)
def test_objects_with_other_columns_are_refused(data_bucket: Any, second: bytes, message: str) -> None:
    put(data_bucket, "1.csv", b"a,b\n1,2\n")
    put(data_bucket, "2.csv", second)

    with pytest.raises(InvalidDataset, match=message):
        open_dataset(data_bucket, URI)


def test_missing_objects_and_buckets_are_named(data_bucket: Any) -> None:
    with pytest.raises(InvalidDataset, match="no object at s3://data-bucket/none"):
        open_dataset(data_bucket, "s3://data-bucket/none.csv")
    with pytest.raises(InvalidDataset, match="s3://no-such-bucket/x cannot be read: its bucket does not exist"):
        open_dataset(data_bucket, "s3://no-such-bucket/x")


def test_a_refusal_is_told_with_what_aws_says_and_what_to_do(stub: Any) -> None:
    client = boto3.client("s3")
    stub(client).add_client_error("list_objects_v2", "AccessDenied", "not authorized to perform: kms:Decrypt.")

    said = (
        r"denied \(ListObjectsV2: not authorized to perform: kms:Decrypt\); deploy the stack with .* SourceBucketName"
    )
    with pytest.raises(InvalidDataset, match=said):
        open_dataset(client, "s3://data-bucket/x")


@pytest.mark.parametrize("code", ["SlowDown", "InternalError"])
def test_errors_that_say_nothing_about_the_dataset_stay_aws_errors(stub: Any, code: str) -> None:
    client = boto3.client("s3")
    stub(client).add_client_error("list_objects_v2", code)

    with pytest.raises(ClientError):
        open_dataset(client, "s3://data-bucket/x")


def test_a_column_that_is_not_there_is_explained_by_the_nearest(data_bucket: Any) -> None:
    dataset = open_dataset(data_bucket, put(data_bucket, "a.csv", b"Rings,b\n1,2\n"))

    with pytest.raises(InvalidDataset, match=r"Dataset.TargetColumn 'rings' .* did you mean 'Rings'\?"):
        dataset.require("rings", "Dataset.TargetColumn")


def test_too_many_objects_are_refused(data_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OBJECTS", 3)
    for number in range(3):
        data_bucket.put_object(Bucket="data-bucket", Key=f"in/{number}.csv", Body=b"a,b\n1,2\n")
    assert len(open_dataset(data_bucket, "s3://data-bucket/in/").sources) == 3

    data_bucket.put_object(Bucket="data-bucket", Key="in/3.csv", Body=b"a,b\n1,2\n")
    with pytest.raises(InvalidDataset, match="more than 3 objects at s3://data-bucket/in/; join them"):
        open_dataset(data_bucket, "s3://data-bucket/in/")
