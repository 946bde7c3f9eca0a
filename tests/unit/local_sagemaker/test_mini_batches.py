"""A transform job's requests hold all records in their order, and its outputs lie where AWS puts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoflow.local.sagemaker.mini_batches import TooLarge, assembled, output_uri, split
from autoflow.local.sagemaker.s3_files import S3Uri

RECORDS = st.lists(st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"") + b"\n"))


@given(records=RECORDS, limit=st.integers(21, 60), end=st.booleans())
def test_requests_are_as_full_as_they_may_be_and_lose_nothing(records: list[bytes], limit: int, end: bool) -> None:
    """GIVEN records, the last with or without line end WHEN split as MultiRecord THEN no two neighbours would fit."""
    if records and not end:
        records[-1] = records[-1].rstrip(b"\n") or b"x"
    bodies = list(split(records, several=True, limit=limit))
    assert b"".join(bodies) == b"".join(records)
    assert all(0 < len(body) <= limit for body in bodies)
    firsts = [body.split(b"\n")[0] + b"\n" for body in bodies[1:]]
    assert all(len(body) + len(first) >= limit for body, first in zip(bodies, firsts, strict=False))


@given(records=RECORDS)
def test_a_single_record_is_a_request(records: list[bytes]) -> None:
    assert list(split(records, several=False, limit=21)) == records


@pytest.mark.parametrize("several", [True, False])
def test_a_record_that_does_not_fit_is_refused(several: bool) -> None:
    with pytest.raises(TooLarge):
        list(split([b"a\n", b"four\n"], several, limit=4))


def test_line_ends_are_added_only_where_there_is_none() -> None:
    answers = [b"a\nb\n", b"c", b"d\n"]
    assert b"".join(assembled(answers, line=True)) == b"a\nb\nc\nd\n"
    assert b"".join(assembled(answers, line=False)) == b"a\nb\ncd\n"


@pytest.mark.parametrize(
    ("key", "prefix", "expected"),
    [
        ("rows/features/part-0.csv", "rows/features/", "part-0.csv.out"),
        ("rows/features/part-0.csv", "rows/features", "part-0.csv.out"),
        ("rows/deep/er/part-0.csv", "rows/", "deep/er/part-0.csv.out"),
        ("rows/part-0.csv", "rows/part-0.csv", "part-0.csv.out"),
        ("rows/part-0.csv", "rows/pa", "part-0.csv.out"),
        ("part-0.csv", "", "part-0.csv.out"),
    ],
)
def test_an_output_keeps_its_inputs_place_below_the_prefix(key: str, prefix: str, expected: str) -> None:
    for folder in ("out", "out/"):
        assert str(output_uri(S3Uri("b", folder), S3Uri("a", key), S3Uri("a", prefix))) == f"s3://b/out/{expected}"
