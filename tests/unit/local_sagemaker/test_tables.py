"""Columns have the same type in training and in inference."""

import gzip
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoflow.local.engine import tables
from autoflow.local.engine.tables import BadRows, Column, UnusableData


def read(folder: Path, *files: str | bytes, target: str = "y") -> tuple[pd.DataFrame, pd.Series]:
    paths = []
    for number, content in enumerate(files):
        paths.append(folder / f"{number}.csv")
        paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
    return tables.read_files(paths, target)


def test_every_file_has_the_header(tmp_path: Path) -> None:
    features, target = read(tmp_path, "a,b,y\n1,x,0\n", "a,b,y\n2,z,1\n")
    assert features.to_dict("list") == {"a": [1.0, 2.0], "b": ["x", "z"]}
    assert list(target) == ["0", "1"]


def test_only_the_first_file_has_the_header(tmp_path: Path) -> None:
    features, _ = read(tmp_path, "a,b,y\n1,x,0\n", "2,z,1\n")
    assert features.to_dict("list") == {"a": [1.0, 2.0], "b": ["x", "z"]}


def test_columns_may_change_places(tmp_path: Path) -> None:
    features, target = read(tmp_path, "a,b,y\n1,x,0\n", "y,b,a\n1,z,2\n")
    assert features.to_dict("list") == {"a": [1.0, 2.0], "b": ["x", "z"]}
    assert list(target) == ["0", "1"]


def test_a_number_in_one_file_and_text_in_another_is_text_as_written(tmp_path: Path) -> None:
    features, _ = read(tmp_path, "a,y\n01,0\n2,0\n", "a,y\nx,1\n")
    assert list(features["a"]) == ["01", "2", "x"]


def test_booleans_keep_their_text(tmp_path: Path) -> None:
    features, _ = read(tmp_path, "a,y\nTRUE,0\nfalse,1\n")
    assert list(features["a"]) == ["TRUE", "false"]


def test_booleans_keep_their_text_among_missing_cells(tmp_path: Path) -> None:
    features, _ = read(tmp_path, "a,y\ntrue,0\nNA,0\nFALSE,1\n")
    assert features["a"].dropna().tolist() == ["true", "FALSE"]


def test_a_file_with_a_header_only_changes_no_types(tmp_path: Path) -> None:
    features, target = read(tmp_path, "a,b,y\n", "a,b,y\n1,x,0\n2,z,1\n", "a,b,y\n")
    assert features.to_dict("list") == {"a": [1.0, 2.0], "b": ["x", "z"]}
    assert features["a"].dtype == "float64"
    assert list(target) == ["0", "1"]


def test_columns_keep_odd_names_and_one_without_name_gets_one(tmp_path: Path) -> None:
    features, target = read(tmp_path, ',NA,"[x]: 1",y\n0,1,2,0\n1,2,3,1\n', ',"[x]: 1",NA,y\n9,4,2,1\n')
    assert features.to_dict("list") == {"Unnamed: 0": [0, 1, 9], "NA": [1, 2, 2], "[x]: 1": [2, 3, 4]}
    assert list(target) == ["0", "1", "1"]


def test_gzip_bom_quotes_and_missing_values(tmp_path: Path) -> None:
    features, _ = read(tmp_path, gzip.compress('\ufeffa,b,y\n,"x, ""1""\nz",0\n3,NA,1\n'.encode()))
    assert features["a"].isna().tolist() == [True, False]
    assert features["b"].tolist()[0] == 'x, "1"\nz'
    assert pd.isna(features["b"].tolist()[1])


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ([""], "no header line"),
        (["a,a,y\n1,2,3\n"], "more than once: a"),
        (["a,b\n1,2\n"], "'y' is not among the columns: a, b"),
        (["a,y\n1,2\n", "a,b,y\n1,2,3\n"], "has 3 columns, the first file has 2"),
        (["a,y\n1,2\n1,2,3\n"], "not a CSV file"),
        ([b"a,y\n\xff,1\n"], "not a CSV file in UTF-8"),
    ],
)
def test_unusable_files_are_named(tmp_path: Path, files: list[str | bytes], text: str) -> None:
    with pytest.raises(UnusableData, match=text):
        read(tmp_path, *files)


COLUMNS = (Column("a", "number"), Column("b", "text"), Column("c", "number", used=False))


def test_request_rows_have_the_training_types() -> None:
    rows = tables.read_request(b'1,2,\n,"x\ny",3\n', COLUMNS)
    assert list(rows.columns) == ["a", "b"]
    assert rows["b"].tolist() == ["2", "x\ny"]
    assert rows["a"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"1,2\n", "a row has 2 columns, the model was trained on 3"),
        (b"1,x,2\n1,x,2,3\n", "a row has 4 columns"),
        (b"a,b,1\n1,x,2\n", "'a' in column 'a' is not a number"),
        (b"1,x,2\n1,x,True\n", "'True' in column 'c' is not a number"),
        (b"", "no rows"),
        (b"\n", "no rows"),
        (b"1,\xff,2", "not CSV"),
    ],
)
def test_bad_rows_are_told(body: bytes, text: str) -> None:
    with pytest.raises(BadRows, match=text):
        tables.read_request(body, COLUMNS)


@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False, width=32),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_pandas_writes_is_read_back(rows: list[tuple[float, str]]) -> None:
    frame = pd.DataFrame([(number, text, 0) for number, text in rows], columns=["a", "b", "c"])
    frame = frame[~frame["b"].isin(tables.MISSING)]
    if frame.empty:
        return
    body = frame.to_csv(index=False, header=False, quoting=2).encode()
    got = tables.read_request(body, COLUMNS)
    assert got["b"].tolist() == frame["b"].tolist()
    assert got["a"].tolist() == frame["a"].tolist()


def test_a_date_means_the_same_whatever_rows_it_is_sent_with() -> None:
    columns = (Column("day", "datetime"), Column("a", "number"))
    together = tables.read_request(b"2024-01-01,1\n2024-02-03 04:05:06,2\n2024-02-03T04:05:06Z,3\n", columns)
    alone = tables.read_request(b"2024-02-03 04:05:06,2\n", columns)
    assert not together["day"].isna().any()
    assert together["day"].tolist()[1:] == alone["day"].tolist() * 2


def test_infinity_is_a_missing_number_in_training_and_in_requests(tmp_path: Path) -> None:
    features, _ = read(tmp_path, "a,y\n1,0\ninf,1\n-inf,1\n")
    columns = tables.describe_columns(features, None, {})
    for rows in (tables.typed(features, columns), tables.read_request(b"1\ninf\n-inf\n", columns)):
        assert rows["a"].isna().tolist() == [False, True, True]


def test_columns_survive_the_archive(tmp_path: Path) -> None:
    tables.save_columns(tmp_path / "columns.json", COLUMNS)
    assert tables.load_columns(tmp_path / "columns.json") == COLUMNS


def test_feature_specification_chooses_columns_and_types(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("zip,day,a,y\n01,2020-01-02,1,0\n02,2020-01-03,2,1\n")
    features, _ = tables.read_files([path], "y", texts=["zip", "day"])
    columns = tables.describe_columns(features, ["zip", "day"], {"zip": "categorical", "day": "datetime"})
    rows = tables.typed(features, columns)
    assert [(column.name, column.kind, column.used) for column in columns] == [
        ("zip", "category", True),
        ("day", "datetime", True),
        ("a", "number", False),
    ]
    assert rows["zip"].tolist() == ["01", "02"]
    assert rows["day"].dt.day.tolist() == [2, 3]
    assert "a" not in rows


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False], "y": [0, 1], "t": ["x", None]})
    frame.to_parquet(tmp_path / "t.parquet")
    features, target = tables.read_files([tmp_path / "t.parquet"], "y", file_format="parquet")
    assert features["a"].tolist() == [1.0, 2.0]
    assert features["b"].tolist() == ["True", "False"]
    assert target.tolist() == ["0", "1"]
    assert features["t"].isna().tolist() == [False, True]


def test_parquet_types_that_may_be_missing(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "flag": pd.array([True, None, False], dtype="boolean"),
            "text": pd.array(["u", None, "w"], dtype="string"),
            "count": pd.array([1, None, 3], dtype="Int64"),
            "price": [Decimal("1.50"), None, Decimal("2.25")],
            "y": pd.array([True, False, True], dtype="boolean"),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    features, target = tables.read_files([tmp_path / "t.parquet"], "y", file_format="parquet")
    assert target.tolist() == ["True", "False", "True"]
    columns = tables.describe_columns(features, None, {})
    assert [column.kind for column in columns] == ["text", "text", "number", "number"]
    body = frame.drop(columns=["y"]).to_csv(index=False, header=False).encode()
    pd.testing.assert_frame_equal(tables.read_request(body, columns), tables.typed(features, columns))
