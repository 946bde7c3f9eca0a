"""How large an expression becomes for polars: never estimated smaller than it is."""

import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.exceptions import PolarsError

from automl.data.expressions import FUNCTIONS, parse
from automl.data.extent import MOST_GROWTH, MOST_STEPS, extent
from automl.errors import InvalidRequest

TYPES = {"x": "number", "s": "string"}
LARGE = "(x+x+x+x+x+x+x+x+x+x)"
FORMS = [
    *("{f}({x})", "{f}({x}, 2)", "{f}(2, {x})", "{f}({x}, {x})", "{f}({x}, 'a')", "{f}('a', {x})", "{f}(s, {x})"),
    *("{f}({x}, 1, 2)", "{f}(s, {x}, 2)", "{f}(s, 1, {x})", "{f}({x}, {x}, {x})", "{f}('a', {x}, s)"),
]
PIECES = [
    *(
        "x",
        "s",
        "1",
        "'a'",
        "(",
        ")",
        ",",
        "+",
        "||",
        "=",
        "and",
        "or",
        "not",
        "between",
        "case",
        "when",
        "then",
        "end",
    ),
    *("nullif(", "left(", "replace(", "--", "/*", "*/", "'", '"', "\n"),
]


def columns(text: str) -> int:
    """How often polars' expression names a column."""
    return pl.sql_expr(text).meta.serialize(format="json").count('"Column"')


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_repeats_its_arguments_no_more_often_than_is_reckoned(function: str) -> None:
    for form in FORMS:
        text = form.format(f=function, x=LARGE)
        try:
            repeated = columns(text)
        except PolarsError:
            continue
        assert extent(text)[0] >= repeated, text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "text",
    [
        "{x} between 1 and 2",
        "1 between {x} and {x}",
        "{x} not between 1 and 2 and x between 3 and 4",
        "{x} between 1 and 2 between 3 and 4 between 5 and 6",
        "({x} between 1 and 2) between 3 and 4 or x between 1 and 2",
        "case {x} when 1 then 2 when 3 then 4 when 5 then 6 else 7 end",
        "case case {x} when 1 then 2 when 3 then 4 end when 1 then 2 when 3 then 4 end",
        "case when {x} > 1 then {x} else {x} end",
        "nullif(nullif(nullif({x}, 1), 2), 3)",
        "{x} is distinct from {x}",
        "substring(s from {x} for {x})",
        "left(s, length(right(s, length(left(s, {x})))))",
    ],
)
def test_what_is_planned_more_often_than_it_is_written_is_reckoned_with(text: str) -> None:
    whole = text.format(x=LARGE)
    assert extent(whole)[0] >= columns(whole)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=60,
    ).map(" ".join)
)
def test_any_text_is_parsed_or_refused_soon(text: str) -> None:
    try:
        parse(text, TYPES, "Transform.Filter")
    except InvalidRequest as error:
        message = str(error)
    else:
        return
    assert 20 < len(message) < 1_000
    assert message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "+".join(["x"] * (MOST_STEPS // 2)),
        " and ".join(["x > 1"] * (MOST_STEPS // 3)),
        " || ".join(["s"] * (MOST_STEPS // 3)),
        "case " + " ".join(f"when x = {n} then {n}" for n in range(MOST_STEPS // 4 - 1)) + " end",
        "x" + "::double" * (MOST_STEPS // 3),
        f"x in ({', '.join(map(str, range(5_000)))})",
        " or ".join(f"x between {n} and {n + 1}" for n in range(60)),
    ],
)
def test_what_is_let_in_is_planned_within_seconds(text: str) -> None:
    began = time.process_time()
    parse(text, TYPES, "Transform.Filter")
    assert time.process_time() - began < 30  # seconds are usual, an exponential would not end


@pytest.mark.parametrize(
    ("text", "growth"),
    [
        ("replace(replace(s, '$', ''), ',', '')", 1),
        ("replace(s, 'St.', 'Street')", 2),
        ("replace(replace(s, 'a', 'aaaaaaaaaa'), 'a', 'aaaaaaaaaa')", 100),
        ("upper(replace(s, 'a', 'bbb')) || replace(s, 'a', 'bb')", 3),
        ("replace(s, '', 'xyz')", 4),
        ("replace(s, 'a', coalesce(s, 'b'))", 30),
    ],
)
def test_nested_replacements_make_cells_longer(text: str, growth: float) -> None:
    assert extent(text)[1] == growth
    assert growth < MOST_GROWTH
    parse(text, TYPES, "Transform.Derive['d']")
