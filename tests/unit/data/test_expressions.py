"""SQL expressions: row by row only, over known columns, fitting their types."""

from datetime import date, datetime

import polars as pl
import pytest

from automl.data.expressions import FUNCTIONS, parse
from automl.errors import InvalidRequest

TYPES = {
    "n": "number",
    "i": "integer",
    "s": "string",
    "d": "date",
    "t": "datetime",
    "b": "boolean",
    "My Column": "number",
    "Height": "number",
}
VALUES = pl.DataFrame(
    {
        "n": [0.5, 4.0, None, -2.25, 9.0],
        "i": [3, 1, 2, None, 1],
        "s": ["abc", "Zebra", "abc", None, ""],
        "d": [date(2026, 1, 31), date(2020, 2, 29), None, date(1999, 12, 31), date(2026, 1, 31)],
        "t": [datetime(2026, 1, 31, 23, 59), None, datetime(2020, 1, 1), datetime(1999, 1, 1), datetime(2026, 1, 1)],
        "b": [True, False, None, True, False],
    }
)
CALLS = {
    "ABS": "ABS(n)", "ACOS": "ACOS(n)", "ASIN": "ASIN(n)", "ATAN": "ATAN(n)", "ATAN2": "ATAN2(n, i)",
    "CBRT": "CBRT(n)", "CEIL": "CEIL(n)", "CEILING": "CEILING(n)", "COS": "COS(n)", "DEGREES": "DEGREES(n)",
    "DIV": "DIV(n, i)", "EXP": "EXP(n)", "FLOOR": "FLOOR(n)", "LN": "LN(n)", "LOG": "LOG(n, 3)", "LOG10": "LOG10(n)",
    "LOG1P": "LOG1P(n)", "LOG2": "LOG2(n)", "MOD": "MOD(i, 2)", "PI": "PI() * n", "POW": "POW(n, 2)",
    "POWER": "POWER(n, 2)", "RADIANS": "RADIANS(n)", "ROUND": "ROUND(n, 1)", "SIGN": "SIGN(n)", "SIN": "SIN(n)",
    "SQRT": "SQRT(n)", "TAN": "TAN(n)", "COALESCE": "COALESCE(n, i)", "GREATEST": "GREATEST(n, i)",
    "IF": "IF(b, n, i)", "IFNULL": "IFNULL(n, 7)", "LEAST": "LEAST(n, i)", "NULLIF": "NULLIF(i, 1)",
    "CONCAT": "CONCAT(s, '-', i)", "CONCAT_WS": "CONCAT_WS('-', s, i)", "ENDS_WITH": "ENDS_WITH(s, 'c')",
    "INITCAP": "INITCAP(s)", "LEFT": "LEFT(s, 2)", "LENGTH": "LENGTH(s)", "LOWER": "LOWER(s)", "LTRIM": "LTRIM(s)",
    "REGEXP_LIKE": "REGEXP_LIKE(s, '^a')", "REPLACE": "REPLACE(s, 'b', 'x')", "REVERSE": "REVERSE(s)",
    "RIGHT": "RIGHT(s, 2)", "RTRIM": "RTRIM(s)", "STARTS_WITH": "STARTS_WITH(s, 'a')", "STRPOS": "STRPOS(s, 'b')",
    "SUBSTR": "SUBSTR(s, 2)", "SUBSTRING": "SUBSTRING(s, 1, 2)", "TRIM": "TRIM(s)", "UPPER": "UPPER(s)",
    "CAST": "CAST(n AS INTEGER)", "TRY_CAST": "TRY_CAST(i AS DOUBLE)", "DATE": "DATE('2026-01-31') = d",
    "DATE_PART": "DATE_PART('dow', d)", "EXTRACT": "EXTRACT(hour FROM t)",
}  # fmt: skip


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_allowed_function_works_row_by_row(function: str) -> None:
    """A function that looked at other rows would give another value for a row that stands alone."""
    expression = parse(CALLS[function], TYPES, "Transform.Derive")

    whole = VALUES.select(expression.value.alias("value")).to_series()
    alone = [VALUES.slice(row, 1).select(expression.value.alias("value")).item() for row in range(VALUES.height)]

    assert whole.dtype == expression.dtype
    assert all(one == other or one != one for one, other in zip(whole.to_list(), alone, strict=True))  # NaN != NaN
    assert len(set(map(str, alone))) > 1


@pytest.mark.parametrize(
    "text",
    [
        "n > 1 AND (s = 'SELECT sum(x)' OR i NOT IN (1, 2))",
        "CASE WHEN n > 1 THEN 'high' ELSE 'low' END",
        '"My Column" * 2',
        "d >= DATE '2026-01-31'",
        "s LIKE 'a%' AND b",
        "n BETWEEN (1) AND (2)",
        "CAST(s AS DOUBLE) > n",
        "n IS NOT NULL -- OVER comments",
    ],
)
def test_sql_over_columns_is_accepted(text: str) -> None:
    assert parse(text, TYPES, "Transform.Filter").text == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"SUM"(n) > 1', "calls a function by a quoted name; write its name without quotes"),
        ("SUM(n) > 1", "calls SUM, which is not a function of one row's values"),
        ("n / MAX(n)", "calls MAX"),
        ("COUNT(*)", "calls COUNT"),
        ("ROW_NUMBER() OVER (ORDER BY n)", "uses OVER: window functions"),
        ("LAG(n) OVER (ORDER BY n)", "uses OVER"),
        ("(SELECT 1) = n", "uses SELECT: subqueries"),
        ("n IN (SELECT n FROM t)", "uses SELECT"),
        ("read_csv('/etc/passwd') = s", "calls read_csv"),
        ("NOW() > t", "calls NOW"),
        ("CURRENT_DATE > d", "uses CURRENT_DATE: its value changes"),
        ("RANDOM() < 0.5", "calls RANDOM"),
        ("UNNEST(s)", "calls UNNEST"),
        ("COLUMNS('.*')", "calls COLUMNS"),
        ("sqr(n)", r"did you mean SQRT\?"),
        ("height > 0", r"uses 'height', which is not a column; did you mean 'Height'\?"),
        ("MyColumn > 0", r"did you mean 'My Column'\?"),
        ("n > 1; DROP TABLE t", "is not an SQL expression"),
        ("n, i", "is not an SQL expression"),
        ("*", "is not an SQL expression"),
        ("(n", "is not an SQL expression"),
        ("1 = 1", "uses no column"),
        ("s > 1", r"does not fit its columns' types \('s' is string\)"),
        ("n + s", r"\('n' is number, 's' is string\)"),
        ("s.field", "does not fit its columns' types"),
        ("d - d", "gives Duration"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as caught:
        parse(text, TYPES, "Transform.Filter")

    assert str(caught.value).startswith("Transform.Filter ")
