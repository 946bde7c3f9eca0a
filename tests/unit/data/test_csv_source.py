"""CSV reading: what a writer wrote is what the reader reads, and every flaw is named where it is."""

import csv
import gzip
import io
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data import csv_source
from automl.data.column_types import MISSING
from automl.data.csv_source import chunks, record_blocks, text_frames, unzipped
from automl.data.dialect import DELIMITERS, Layout, check_columns, detect_delimiter, read_layout
from automl.errors import InvalidDataset

URI = "s3://bucket/data.csv"
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(
    ['a"b', "x,y", "p;q", "two\nlines", "two\r\nlines", "NA", "", " ", '"', "ünï", "1.5"]
)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data: bytes, columns: tuple[str, ...] = ("a", "b"), delimiter: str = ",") -> list[tuple[str | None, ...]]:
    frames = text_frames(iter([data]), Layout(delimiter, columns, 0, 2), URI)
    return [row for frame in frames for row in frame.rows()]


def expected(cell: str) -> str | None:
    text = cell.replace("\r\n", " ").replace("\r", " ").replace("\n", " ")
    return None if text in MISSING else text


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=12)),
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.integers(1, 40),
)
def test_what_was_written_is_read(
    rows: list[list[str]], delimiter: str, line_end: str, quoting: int, piece_size: int
) -> None:
    width = len(rows[0]) if rows else 2
    if width == 1:
        rows = [row for row in rows if expected(row[0]) is not None]  # an empty cell alone is a blank line, no row
    header = tuple(f"column {index}" for index in range(width))
    file = io.StringIO(newline="")
    # The csv module leaves a lone CR unquoted, which its own reader refuses; all writers quote it here.
    minimal = quoting == csv.QUOTE_MINIMAL and not any("\r" in cell for row in rows for cell in row)
    writer = csv.writer(
        file, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_MINIMAL if minimal else csv.QUOTE_ALL
    )
    writer.writerows([header, *rows])
    data = file.getvalue().encode()

    layout = read_layout(URI, data, complete=True, delimiter=delimiter)
    frames = text_frames(pieces(data[layout.start_byte :], piece_size), layout, URI)

    assert layout.columns == header
    assert [list(row) for frame in frames for row in frame.rows()] == [[expected(cell) for cell in row] for row in rows]


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=30), st.integers(1, 50))
def test_blocks_end_where_records_end(rows: list[list[str]], piece_size: int) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    data = file.getvalue().encode()

    blocks = list(record_blocks(pieces(data, piece_size)))

    assert b"".join(blocks) == data
    parsed = [row for block in blocks for row in csv.reader(io.StringIO(block.decode(), newline=""))]
    assert parsed == rows


@given(
    st.lists(st.lists(CELLS.filter(lambda cell: "\r" not in cell), min_size=2, max_size=2), min_size=1, max_size=30),
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
)
def test_delimiters_inside_quotes_are_counted(
    rows: list[list[str]], delimiter: str, line_end: str, slice_bytes: int
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    inside = sum(cell.count(delimiter) for row in rows for cell in row)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_source, "_SLICE_BYTES", slice_bytes)
        assert csv_source.delimiters_in_quotes(file.getvalue().strip("\r\n").encode(), delimiter.encode()) == inside


@pytest.mark.parametrize("body", [b'a"b,1', b'"a"b,1', b'1,"a\n2,"b', b'1,"a', b'1, "a"', b'"a",1\n"b"\r,2'])
def test_other_quotes_are_left_to_a_strict_reader(body: bytes) -> None:
    assert csv_source.delimiters_in_quotes(body, b",") is None


def test_a_record_without_end_does_not_fill_the_memory() -> None:
    endless = (b'"' + b"x\n" * 10 if index == 0 else b"x\n" * 10 for index in range(100))

    longest = max(len(block) for block in record_blocks(endless, longest=200))

    assert longest <= 221


@given(
    st.lists(st.integers(2, 6), min_size=2, max_size=40),
    st.booleans(),
)
@settings(max_examples=200)
def test_rows_that_differ_from_the_header_are_found_wherever_they_are(widths: list[int], quoted: bool) -> None:
    cell = '"x,y"' if quoted else "x"
    data = "".join(",".join([cell] * width) + "\n" for width in widths).encode()
    columns = ("a", "b", "c", "d")
    wrong = [index for index, width in enumerate(widths) if width != 4]

    if not wrong:
        assert len(read(data, columns)) == len(widths)
        return
    with pytest.raises(InvalidDataset) as caught:
        read(data, columns)

    assert f"row {wrong[0]} (line {wrong[0] + 2}) has {widths[wrong[0]]} cells, the header has 4" in str(caught.value)


def test_blank_lines_are_no_rows() -> None:
    assert read(b"\n\n1,2\n\n\r\n3,4\n\n") == [("1", "2"), ("3", "4")]


def test_blank_lines_in_a_single_column_are_no_rows_but_quoted_empty_cells_are() -> None:
    assert read(b'1\n\n""\n2\n', ("a",)) == [("1",), (None,), ("2",)]


def test_quotes_inside_a_cell_that_begins_without_one_are_text() -> None:
    assert read(b'1, "x"\n2,a"b"\n3,"""q"", r"\n') == [("1", ' "x"'), ("2", 'a"b"'), ("3", '"q", r')]


def test_a_long_text_is_no_flaw() -> None:
    text = "lorem, ipsum " * 20_000

    assert read(f'1,"{text}"\n\n2,x\n'.encode()) == [("1", text), ("2", "x")]


def test_rows_are_counted_from_the_blocks_before(monkeypatch: pytest.MonkeyPatch) -> None:
    good = b'1,"two\nlines"\n' * 3
    layout = Layout(",", ("a", "b"), 4, 2)

    with pytest.raises(InvalidDataset, match=r"row 7 \(line 15\) has 3 cells"):
        list(text_frames(iter([good, good, b"1,2\n1,2,3\n"]), layout, URI))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1,2\n3,\xe9\n", r"is not UTF-8 at byte 6 \(line 3\); convert it to UTF-8"),
        (b"1,2\n3,x\0y\n", r"NUL byte at byte 7 \(line 3\)"),
        (b'5" pipe,3\n6" pipe,4\n', r'row 0 \(line 2\) has a quote \("\)'),
        (b'1,2\n"x"y,2\n', r'row 1 \(line 3\) has a quote \("\)'),
        (b'1,2\n"never closed,2\n3,4\n', r'row 1 \(line 3\) has a quote \("\)'),
        (b'"5" pipe",3\n"6" pipe",4\n', r'row 0 \(line 2\) has a quote \("\)'),
        (b'1,2\n\n"a\nb",2\n"say "hi" now",3\n', r'row 2 \(line 6\) has a quote \("\)'),
    ],
)
def test_flaws_are_named_with_their_place(data: bytes, message: str) -> None:
    with pytest.raises(InvalidDataset, match=message) as caught:
        read(data)

    assert str(caught.value).startswith(URI)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        ("a,b\n1,2\n".encode("utf-16"), "encoded in UTF-16"),
        (b"a,b\r1,2\r", "CR alone"),
        (b"a,\xe9\n1,2\n", r"not UTF-8 at byte 2 \(line 1\)"),
        (b"a,b\0\n", "NUL bytes in its header"),
    ],
)
def test_unreadable_headers_are_refused(head: bytes, message: str) -> None:
    with pytest.raises(InvalidDataset, match=message):
        read_layout(URI, head, complete=True)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("a", "", "c"), "column 2 of the header has no name"),
        (("a", "b", "a"), "'a' more than once"),
        (("a\nb",), "column 1 has a line break"),
    ],
)
def test_unusable_column_names_are_refused(columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidDataset, match=message):
        check_columns(URI, columns)


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ('"age";"job"\n30;"a,b"\n33;"c,d"\n', ";"),
        ("a,b\n1;2,3;4\n", ","),
        ("a\tb,c\n1\t2,5\n1\t3\n", "\t"),
        ("x|y|z\n1|2|3\n", "|"),
        ("only\n1\n2\n", ","),
        ("price;amount\n1,5;2,5\n2,5;3,5\n", ";"),
    ],
)
def test_delimiter_is_that_under_which_rows_agree_with_the_header(sample: str, delimiter: str) -> None:
    assert detect_delimiter(sample) == delimiter


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert read_layout(URI, b"\xef\xbb\xbfa,b\r\n1,2\r\n", complete=True) == Layout(",", ("a", "b"), 8, 2)


def test_gzip_is_read_as_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", 64)
    data = b"1,2\n" * 1000

    parts = list(unzipped(io.BytesIO(gzip.compress(data[:2000]) + gzip.compress(data[2000:])), URI))

    assert b"".join(parts) == data
    assert max(len(part) for part in parts) <= 64


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: data[:12] + b"\xff\xff\xff" + data[15:]])
def test_damaged_gzip_is_named(damage: object) -> None:
    data = gzip.compress("".join(f"{index},{index * 7}\n" for index in range(2000)).encode())

    with pytest.raises(InvalidDataset, match="damaged or truncated gzip"):
        list(unzipped(io.BytesIO(damage(data)), URI))  # type: ignore[operator]


def test_large_input_keeps_order_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "BLOCK_BYTES", 4096)
    data = "".join(f'{index},"line {index}\nof two"\n' for index in range(5000)).encode()

    frames = list(text_frames(chunks(io.BytesIO(data)), Layout(",", ("a", "b"), 0, 2), URI))

    assert len(frames) > 10
    assert pl.concat(frames)["a"].to_list() == [str(index) for index in range(5000)]
