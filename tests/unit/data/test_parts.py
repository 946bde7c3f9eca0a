"""Records as CSV: whichever columns are known to be plain, the bytes are the same."""

import csv
import io

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from automl.data.parts import csv_records

CELLS = (
    st.none() | st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(['a"b', "x,y", "a\nb", "\r", " "])
)
PLAIN = st.none() | st.sampled_from(["1.5", "-3", "true", "2026-01-31", "x y", "'", ";"])


@given(st.lists(st.tuples(CELLS, PLAIN, CELLS), min_size=1, max_size=20))
def test_plain_columns_change_the_time_not_the_bytes(rows: list[tuple[str | None, ...]]) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.String), orient="row")

    assert csv_records(frame, {"b"}) == csv_records(frame)


@given(st.lists(st.tuples(CELLS, PLAIN), min_size=1, max_size=20))
def test_a_reader_gets_the_cells_back(rows: list[tuple[str | None, ...]]) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys("ab", pl.String), orient="row")

    read = list(csv.reader(io.StringIO(csv_records(frame, {"b"}).decode(), newline="")))

    assert read == [[cell or "" for cell in row] for row in rows]
