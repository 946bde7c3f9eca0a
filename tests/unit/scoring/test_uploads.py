"""A file that is uploaded is found by the key that the event bus tells of it, encoded or not."""

from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automl.scoring.prepare import prepare_rows
from automl.scoring.uploads import as_stored
from automl.storage import write_bytes
from tests.unit.scoring.scoring_bench import OUTPUT, SERVING, serve

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30)


@given(KEYS)
@example('Zürich + the "new" {ones}, 100 %.csv')
@example("100%25+20%20.csv")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_upload_is_found_whether_its_key_is_told_as_it_is_or_encoded(data_bucket: Any, name: str) -> None:
    uri = f"s3://data-bucket/incoming/{name}"
    data_bucket.put_object(Bucket="data-bucket", Key=f"incoming/{name}", Body=b"a\n1\n")
    try:
        for told in (name, quote_plus(name, safe="/"), quote(name)):
            assert as_stored(data_bucket, f"s3://data-bucket/incoming/{told}", "data-bucket") == uri
    finally:
        data_bucket.delete_object(Bucket="data-bucket", Key=f"incoming/{name}")


def test_the_name_as_it_was_told_comes_first(data_bucket: Any) -> None:
    """GIVEN a file that is called as another one is encoded WHEN it is uploaded THEN it is the one that is scored."""
    for key in ("incoming/a+b.csv", "incoming/a b.csv"):
        write_bytes(data_bucket, f"s3://data-bucket/{key}", b"a\n1\n")
    told = "s3://data-bucket/incoming/a+b.csv"
    assert as_stored(data_bucket, told, "data-bucket") == told


def test_other_datasets_are_what_they_are_called(data_bucket: Any) -> None:
    write_bytes(data_bucket, "s3://data-bucket/uploads/a b.csv", b"a\n1\n")
    for uri in ("s3://data-bucket/uploads/a+b.csv", "s3://elsewhere/incoming/a+b.csv", "s3://data-bucket/incoming/"):
        assert as_stored(data_bucket, uri, "data-bucket") == uri


def test_an_upload_whose_key_is_told_encoded_is_scored(data_bucket: Any) -> None:
    serve(data_bucket)
    write_bytes(data_bucket, "s3://data-bucket/incoming/new rows.csv", b"key,age,city\na,70,Rome\n")
    request = {"Dataset": {"S3Uri": "s3://data-bucket/incoming/new+rows.csv"}}
    assert prepare_rows(data_bucket, request, SERVING, "hourly", OUTPUT, None)["Rows"] == 1
