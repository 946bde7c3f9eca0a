"""SQL expressions over the columns of one row: what a recipe's Filter and Derive may say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from automl.data.column_types import DTYPES
from automl.data.extent import MOST_GROWTH, MOST_STEPS, extent
from automl.errors import InvalidRequest
from automl.nearest import nearest_name
from automl.quoting import quoted, quoted_beside, shortened, visible

FUNCTIONS = frozenset(
    {
        *("ABS", "ACOS", "ASIN", "ATAN", "ATAN2", "CBRT", "CEIL", "CEILING", "COS", "DEGREES", "DIV", "EXP", "FLOOR"),
        *("LN", "LOG", "LOG10", "LOG1P", "LOG2", "MOD", "PI", "POW", "POWER", "RADIANS", "ROUND", "SIGN", "SIN"),
        *("SQRT", "TAN", "COALESCE", "GREATEST", "IF", "IFNULL", "LEAST", "NULLIF", "CONCAT", "CONCAT_WS"),
        *("ENDS_WITH", "INITCAP", "LEFT", "LENGTH", "LOWER", "LTRIM", "REGEXP_LIKE", "REPLACE", "REVERSE", "RIGHT"),
        *("RTRIM", "STARTS_WITH", "STRPOS", "SUBSTR", "SUBSTRING", "TRIM", "UPPER", "CAST", "TRY_CAST", "DATE"),
        *("DATE_PART", "EXTRACT"),
    }
)
"""Functions an expression may call: each looks at one row only and always gives the same value for it."""

_KEYWORDS_BEFORE_PARENTHESIS = frozenset(
    {"AND", "BETWEEN", "BY", "CASE", "ELSE", "IN", "IS", "LIKE", "ILIKE", "NOT", "OR", "THEN", "WHEN", "XOR"}
)
_REFUSED_WORDS = {
    "SELECT": "subqueries are not supported",
    "OVER": "window functions look at other rows",
    "EXISTS": "subqueries are not supported",
    "CURRENT_DATE": "its value changes from day to day",
    "CURRENT_TIME": "its value changes from call to call",
    "CURRENT_TIMESTAMP": "its value changes from call to call",
}
_ROW_ONLY = 'write an expression over the columns of one row, such as Length * 2 > "My column"'
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_QUOTED_CALL = re.compile(r"[\"`\]]\s*\(")


@dataclass(frozen=True)
class Expression:
    """A checked expression, the raw columns it reads, and the type of its values."""

    text: str
    value: pl.Expr
    columns: tuple[str, ...]
    dtype: pl.DataType


def parse(text: str, types: Mapping[str, str], place: str) -> Expression:
    """Check an SQL expression against the columns' types.

    Args:
        text: the expression.
        types: each column's type, one of :data:`automl.data.column_types.TYPES`.
        place: where it stands in the request, for messages, for example ``Transform.Filter``.

    Raises:
        InvalidRequest: it cannot be parsed, looks at other rows, or names an unknown column or function, or its parts
            do not fit the columns' types.
    """
    _check_extent(text, place)
    bare = _QUOTED.sub(" ", text)
    for word in _WORD.findall(bare):
        if word.upper() in _REFUSED_WORDS and word not in types:
            raise InvalidRequest(f"{place} uses {word.upper()}: {_REFUSED_WORDS[word.upper()]}; {_ROW_ONLY}")
    for name in _CALL.findall(bare):
        if name.upper() not in FUNCTIONS | _KEYWORDS_BEFORE_PARENTHESIS:
            nearest = nearest_name(name, FUNCTIONS)
            hint = f"did you mean {nearest}?" if nearest else f"known functions are {', '.join(sorted(FUNCTIONS))}"
            raise InvalidRequest(
                f"{place} calls {shortened(name)}, which is not a function of one row's values; {hint}"
            )
    if _QUOTED_CALL.search(_QUOTED.sub(lambda match: '""' if match[0].startswith('"') else " ", text)):
        raise InvalidRequest(f"{place} {quoted(text)} calls a function by a quoted name; write its name without quotes")
    try:
        value = pl.sql_expr(text)
        columns = tuple(dict.fromkeys(value.meta.root_names()))
    except PolarsError as error:
        raise InvalidRequest(
            f"{place} {quoted(text)} is not an SQL expression: {_first_line(error)}; {_ROW_ONLY}"
        ) from error
    for name in columns:
        if name not in types:
            nearest = nearest_name(name, types)
            hint = (
                f"did you mean {quoted_beside(nearest, name)}?"
                if nearest
                else "put names with special characters in double quotes"
            )
            raise InvalidRequest(f"{place} {quoted(text)} uses {quoted(name)}, which is not a column; {hint}")
    if not columns:
        raise InvalidRequest(f"{place} {quoted(text)} uses no column; {_ROW_ONLY}")
    return Expression(text, value, columns, _dtype(text, value, {name: types[name] for name in columns}, place))


def _check_extent(text: str, place: str) -> None:
    steps, growth = extent(text)
    if steps > MOST_STEPS:
        many = f"{steps:,}" if steps < 1_000_000 else "millions of"
        raise InvalidRequest(
            f"{place} {quoted(text)} takes {many} steps for each row but may take {MOST_STEPS}; shorten it: BETWEEN, "
            "NULLIF, LEFT, RIGHT, SUBSTR and CASE with an operand repeat what they are given; "
            "x >= 1 AND x <= 2 does not"
        )
    if growth > MOST_GROWTH:
        raise InvalidRequest(
            f"{place} {quoted(text)} could make a text more than {MOST_GROWTH:,} times as long; "
            "nest fewer REPLACE, or replace by shorter texts"
        )


def _dtype(text: str, value: pl.Expr, types: Mapping[str, str], place: str) -> pl.DataType:
    sample = pl.DataFrame({name: [None] for name in types}, schema={name: DTYPES[kind] for name, kind in types.items()})
    try:
        dtype = sample.select(value.alias("value")).schema["value"]
    except PolarsError as error:
        listed = shortened(", ".join(f"{quoted(name)} is {kind}" for name, kind in types.items()), 300)
        raise InvalidRequest(
            f"{place} {quoted(text)} does not fit its columns' types ({listed}): {_first_line(error)}; "
            "CAST(… AS …) converts, and a date is written DATE '2026-01-31'"
        ) from error
    if dtype.is_nested() or not (dtype.is_numeric() or dtype in set(DTYPES.values()) or isinstance(dtype, pl.Datetime)):
        raise InvalidRequest(
            f"{place} {quoted(text)} gives {dtype}; make it a number, a text, a boolean, a date or a time"
        )
    return dtype


def _first_line(error: Exception) -> str:
    return visible(shortened(str(error).partition("\n")[0], 200))
