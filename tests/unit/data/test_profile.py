"""The profile: exact types over all rows, counts, and a bounded view of values."""

import json
from collections.abc import Sequence
from typing import Any

import jsonschema
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.column_types import DTYPES, TYPES, is_value, typed, values
from automl.data.dataset import Batch
from automl.data.profile import TOP_VALUES, empty_profile
from automl.schema import load


def profile(*batches: Sequence[str | None]) -> Any:
    found = empty_profile(["x"])
    for batch in batches:
        found.add(Batch(pl.DataFrame({"x": batch}, schema={"x": pl.String}), 0, "s3://bucket/data.csv"))
    return found.columns["x"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["true", "FALSE", None], "boolean"),
        (["1", "-2", " 3 ", "+4", "007"], "integer"),
        (["1", "2.5"], "number"),
        (["1", "1e5"], "number"),
        (["1", "99999999999999999999"], "number"),
        (["1", "inf"], "number"),
        (["1", "1,5"], "string"),
        (["1_000"], "string"),
        (["0", "1", "true"], "string"),
        (["2026-01-31", "2026/02/01"], "date"),
        (["2026-01-31", "2026-02-30"], "string"),
        (["2026-01-31", "2026-01-31 12:30"], "datetime"),
        (["2026-01-31T12:30:00Z", "2026-01-31 12:30:00.5", "2026-01-31T12:30:00+02:00"], "datetime"),
        (["31.01.2026"], "string"),
        ([None, None], "string"),
        (["yes", "no"], "string"),
    ],
)
def test_a_type_holds_for_every_cell(cells: list[str | None], kind: str) -> None:
    assert profile(cells).kind == kind


@pytest.mark.parametrize("kind", TYPES)
def test_types_do_not_depend_on_where_the_telling_row_is(kind: str) -> None:
    examples = {
        "boolean": "true", "integer": "1", "number": "1.5", "date": "2026-01-31",
        "datetime": "2026-01-31 12:30", "string": "x",
    }  # fmt: skip
    plain = {"number": "integer", "datetime": "date", "string": "integer"}
    cells = [examples[plain.get(kind, kind)]] * 5000

    assert profile([*cells, examples[kind]]).kind == kind
    assert profile([examples[kind]], [*cells]).kind == kind
    assert profile([None], cells, [None, examples[kind]]).kind == kind


@given(st.lists(st.text(max_size=6) | st.sampled_from(["1", "1.5", "true", "2026-01-31"]), min_size=1, max_size=10))
def test_all_cells_have_the_type_that_is_found(cells: list[str]) -> None:
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.String})
    kind = profile(cells).kind

    assert frame.select(is_value("x", kind).all()).item()
    assert frame.select(typed("x", kind)).schema["x"] == DTYPES[kind]


USUAL = {
    "boolean": ["true", "False", " true"],
    "integer": ["1", "-2", " 3", "+4", "007"],
    "number": ["1.5", "1e5", " 2", "inf", "nan", "-0"],
    "date": ["2026-01-31", "2026/01/31", " 2026-01-31", "2026-02-30"],
    "datetime": [
        *("2026-01-31 12:30:00", "2026-01-31T12:30:00.5", "2026-01-31  12:30", "2026-01-31", " 2026-01-31 12:30:00"),
        *("2026-01-31T12:30:00Z", "2026-01-31 12:30:00 +02:00", "2026-01-31\t12:30:00", "2026-01-31 12:30:00 "),
    ],
    "string": ["x"],
}


@pytest.mark.parametrize("kind", TYPES)
@given(data=st.data())
def test_values_that_are_read_quickly_are_those_of_the_slow_way(kind: str, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.none() | st.sampled_from(USUAL[kind]) | st.text(max_size=4), min_size=1, max_size=6))
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.String})

    assert values(frame, {"x": kind}).equals(frame.select(typed("x", kind).alias("x")), null_equal=True)
    for cell in cells:
        alone = pl.DataFrame({"x": [cell]}, schema={"x": pl.String})
        assert values(alone, {"x": kind}).equals(alone.select(typed("x", kind).alias("x")), null_equal=True)


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30), st.integers(0, 30))
def test_counts_are_those_of_all_batches_together(cells: list[str | None], cut: int) -> None:
    column = profile(cells[:cut], cells[cut:])

    assert column.missing == cells.count(None)
    assert column.counts == {value: cells.count(value) for value in set(cells) if value is not None}
    assert column.distinct == len(set(cells) - {None})


@pytest.mark.parametrize("distinct", [100, 2_047, 5_000, 300_000])
def test_distinct_values_are_estimated_within_five_percent(distinct: int) -> None:
    values = [f"value {index}" for index in range(distinct)]

    column = profile(values[: distinct // 2], values, values[distinct // 3 :])

    assert column.distinct == pytest.approx(distinct, rel=0.05)
    assert column.document()["DistinctIsApproximate"] == (distinct > 2_047)
    assert distinct > 2_047 or column.distinct == distinct


def test_numbers_have_their_range_and_mean_and_names_stay_private() -> None:
    ages = profile(["1", "2", None], ["6", "-1"]).document()
    names = profile([f"name {index}" for index in range(TOP_VALUES + 1)]).document()

    assert ages == {
        "Name": "x", "Type": "integer", "Missing": 1, "Distinct": 4, "DistinctIsApproximate": False,
        "Minimum": -1, "Maximum": 6, "Mean": 2.0,
        "TopValues": [{"Value": value, "Count": 1} for value in ("-1", "1", "2", "6")],
    }  # fmt: skip
    assert "TopValues" not in names


def test_values_that_json_does_not_know_stay_out() -> None:
    document = profile(["1", "inf", "-inf", "NAN"]).document()

    assert (document["Minimum"], document["Maximum"]) == (1.0, 1.0)
    jsonschema.validate(
        json.loads(json.dumps(document, allow_nan=False)), load("profile")["properties"]["Columns"]["items"]
    )
