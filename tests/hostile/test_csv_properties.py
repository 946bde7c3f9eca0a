"""What holds for every table, all bytes and any recipe: read as written or refused by name, split without loss."""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.exceptions import PolarsError

from automl.data.column_types import MISSING
from automl.data.csv_source import text_frames, unzipped
from automl.data.dialect import DELIMITERS, check_columns, read_layout
from automl.data.expressions import Expression, parse
from automl.data.formats import check_format
from automl.data.split import CALIBRATION, TEST, TRAIN, assign, row_hashes
from automl.errors import InvalidDataset, InvalidRequest

URI = "s3://bucket/data.csv"
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WIDE = st.characters(codec="utf-8", exclude_characters="\0\ufeff")
CELLS = st.text(WIDE, max_size=8) | st.sampled_from(
    [
        'a"b',
        "x,y",
        "p;q|r\ts",
        "two\nlines",
        "two\r\nlines",
        "a\rb",
        "NA",
        "",
        " ",
        '"',
        '""',
        "\u2028",
        "=1+1",
        "1,5",
        "\x0b",
    ]
)
NAMES = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"], exclude_characters='"'), min_size=1, max_size=6
)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data: bytes, delimiter: str | None, piece_size: int) -> tuple[tuple[str, ...], list[tuple[str | None, ...]]]:
    """Column names and rows of an object, as a dataset reads it."""
    check_format(URI, data)
    layout = read_layout(URI, data, complete=True, delimiter=delimiter)
    check_columns(URI, layout.columns)
    frames = text_frames(pieces(data[layout.start_byte :], piece_size), layout, URI)
    return layout.columns, [row for frame in frames for row in frame.rows()]


def arriving(cell: str) -> str | None:
    text = cell.replace("\r\n", " ").replace("\r", " ").replace("\n", " ")
    return None if text in MISSING else text


@MANY
@given(
    table=st.integers(2, 5).flatmap(
        lambda width: st.tuples(
            st.lists(NAMES, min_size=width, max_size=width, unique_by=str.casefold),
            st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=15),
        )
    ),
    delimiter=st.sampled_from(DELIMITERS),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
    marks=st.integers(0, 2),
    zipped=st.booleans(),
    piece_size=st.integers(1, 70),
)
def test_any_table_is_read_cell_by_cell(
    table: tuple[list[str], list[list[str]]],
    delimiter: str,
    line_end: str,
    quote_all: bool,
    marks: int,
    zipped: bool,
    piece_size: int,
) -> None:
    header, rows = table
    rows = [row for row in rows if row != header]  # which is refused, as where files were joined
    file = io.StringIO(newline="")
    # Python's writer leaves a lone CR unquoted, which its own reader refuses.
    all_quoted = quote_all or any("\r" in cell for row in rows for cell in row)
    quoting: Any = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows([header, *rows])
    data = b"\xef\xbb\xbf" * marks + file.getvalue().encode()
    if zipped:
        data = b"".join(unzipped(io.BytesIO(gzip.compress(data)), URI))
    try:
        columns, found = read(data, delimiter, piece_size)
    except InvalidDataset as error:
        # A header that looks like another format, or has two names that look the same.
        assert any(said in str(error) for said in ("look the same", "is HTML", "is JSON", "has no name")), error  # noqa: PT017
        return

    assert columns == tuple(header)
    assert found == [tuple(map(arriving, row)) for row in rows]


FRAGMENTS = st.sampled_from(
    [
        b'"',
        b'""',
        b",",
        b";",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"a",
        b"a,b\n",
        b"1",
        b"NA",
        b"\xc3\xa9",
        b" ",
    ]
)


@MANY
@given(data=st.binary(max_size=200) | st.lists(FRAGMENTS, max_size=40).map(b"".join), piece_size=st.integers(1, 50))
@example(data=b"a,b\r1,2\n", piece_size=50)
@example(data=b"\x1f\x8b", piece_size=50)
def test_any_bytes_are_read_or_refused_by_name(data: bytes, piece_size: int) -> None:
    try:
        columns, rows = read(data, None, piece_size)
    except InvalidDataset as error:
        message = str(error)
        assert URI in message
        assert message.isprintable()
        return
    assert all(len(row) == len(columns) for row in rows)
    text = data.decode()
    # No row is made of nothing, and none is lost: what stands between line ends outside quotes is a row or blank.
    lines = [line for line in text.replace("\r\n", "\n").strip("\r\n\ufeff").split("\n") if line.strip("\r")]
    assert len(rows) <= max(0, len(lines) - 1)
    if '"' not in text:
        assert len(rows) == len(lines) - 1


@MANY
@given(data=st.binary(max_size=300), cut=st.integers(0, 400))
def test_any_damage_to_gzip_is_named(data: bytes, cut: int) -> None:
    packed = bytearray(gzip.compress(b"a,b\n" + data, mtime=0))
    for place, byte in enumerate(data[:4]):
        packed[(cut + 37 * place) % len(packed)] ^= byte
    try:
        unpacked = b"".join(unzipped(io.BytesIO(bytes(packed)), URI))
    except InvalidDataset as error:
        assert "is a damaged or truncated gzip file" in str(error)  # noqa: PT017
    else:
        assert unpacked in (b"a,b\n" + data, b"")


TYPES = {"n": "number", "i": "integer", "s": "string", "d": "date", "b": "boolean", "My Column": "string"}
SQL_WORDS = r"""
n i s d b 1 'x' NULL ( ) , + - * / = < AND OR NOT IN BETWEEN LIKE IS CASE WHEN THEN ELSE END SELECT FROM WHERE UNION
ATTACH COPY read_csv read_parquet scan_csv COUNT SUM ABS UPPER CAST AS DOUBLE VARCHAR ; -- /* */ '/etc/passwd'
s3://bucket/key `n` [1] :: || . \ EXTRACT year DATE '2026-01-31' OVER EXISTS UNNEST COLUMNS PRAGMA INSTALL $1 ? @x { }
"""
SQL = st.sampled_from([*SQL_WORDS.split(), '"My Column"', "\0"])
EXPRESSIONS = st.lists(SQL, min_size=1, max_size=9).map(" ".join) | st.text(max_size=30)
VALUES = pl.DataFrame(
    {
        "n": [1.5, None, -2.0],
        "i": [1, 0, None],
        "s": ["a", None, "x,y"],
        "d": pl.Series(["2026-01-31", None, "1999-12-31"]).str.to_date(),
        "b": [True, None, False],
        "My Column": ["m", "", None],
    }
)


def evaluated(expression: Expression) -> pl.Series:
    return VALUES.select(expression.value.alias("value")).to_series()


@settings(MANY, max_examples=600)
@given(text=EXPRESSIONS)
def test_any_expression_is_refused_by_name_or_looks_at_one_row(text: str) -> None:
    try:
        expression = parse(text, TYPES, "Transform.Filter")
    except InvalidRequest as error:
        assert str(error).startswith("Transform.Filter")  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
        return
    assert set(expression.columns) <= TYPES.keys()
    try:
        whole = evaluated(expression)
    except PolarsError:  # a row on which it fails, which the recipe names
        return
    alone = [VALUES.slice(row, 1).select(expression.value.alias("v")).item() for row in range(VALUES.height)]
    assert whole.len() == VALUES.height
    assert all(a == b or (a != a and b != b) for a, b in zip(whole, alone, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "read_csv('{path}')",
        "(SELECT s FROM read_csv('{path}'))",
        "s IN (SELECT * FROM '{path}')",
        "COPY n TO '{path}'",
        "ATTACH '{path}' AS x",
        "n > 1; COPY t TO '{path}'",
        "scan_parquet('{path}') = s",
        "n = (TABLE '{path}')",
        "EXISTS (FROM '{path}')",
        "s || read_text('{path}')",
        "n > 1 UNION SELECT 1",
        "WITH x AS (SELECT 1) SELECT 1",
    ],
)
def test_expressions_reach_no_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("s\nsecret\n")

    with pytest.raises(InvalidRequest):
        parse(text.format(path=path), TYPES, "Transform.Filter")

    assert [file.read_text() for file in tmp_path.iterdir()] == ["s\nsecret\n"]


@MANY
@given(
    rows=st.lists(st.tuples(st.none() | CELLS, st.none() | CELLS), min_size=1, max_size=60),
    test=st.floats(0.01, 0.5),
    calibration=st.floats(0, 0.4),
    cut=st.integers(0, 60),
)
def test_each_row_goes_to_one_split_whatever_is_around_it(
    rows: list[tuple[str | None, str | None]], test: float, calibration: float, cut: int
) -> None:
    schema = {"a": pl.String, "b": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    split = assign(row_hashes(frame), test, calibration)
    counts = Counter(split)

    assert counts[TRAIN] + counts[CALIBRATION] + counts[TEST] == len(rows)
    parts = [part for part in (frame[:cut], frame[cut:]) if part.height]
    assert pl.concat([assign(row_hashes(part), test, calibration) for part in parts]).equals(split)
    by_row = dict(zip(rows, split, strict=True))
    assert all(by_row[row] == one for row, one in zip(rows, split, strict=True)), "equal rows stay together"
