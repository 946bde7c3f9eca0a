"""Rows of a data set, for training and for inference, read so that both give a column the same type."""

import gzip
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

_arrow_csv: Any = pyarrow.csv  # its type information lacks what it imports

Kind = Literal["number", "text", "category", "datetime"]

KINDS: Mapping[str, Kind] = {"numeric": "number", "categorical": "category", "text": "text", "datetime": "datetime"}
"""Types that a feature specification can give a column."""

MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""Cells that mean "no value": what pandas takes as missing in the training data."""


class UnusableData(Exception):
    """The data set cannot be learned from; the message says why and what to do."""


class BadRows(Exception):
    """Rows that the model cannot read; the message says which and why."""


@dataclass(frozen=True)
class Column:
    """One input column of the model."""

    name: str
    kind: Kind
    used: bool = True
    """False: it is sent with every row, and the model ignores it."""


@dataclass(frozen=True)
class Table:
    """Training rows: the features, the text of the target, and what the columns are."""

    features: pd.DataFrame
    target: pd.Series
    columns: tuple[Column, ...]


def read_files(
    paths: Sequence[Path], target: str, texts: Sequence[str] = (), file_format: str = "csv"
) -> tuple[pd.DataFrame, pd.Series]:
    """All columns but the target, numbers as float64 and the rest as text, and the text of the target.

    Every CSV file has the header, or only the first one has. Columns may come in another order in a later file.
    The columns named in ``texts`` stay text even if they look like numbers.

    Raises:
        UnusableData: a file cannot be read or its columns differ from those of the first one.
    """
    read = _read_parquet if file_format == "parquet" else _read_csv
    names, rows = read(paths, {target, *texts})
    if target not in names:
        raise UnusableData(f"The target attribute {target!r} is not among the columns: {', '.join(names)}")
    return rows.drop(columns=[target]), rows[target]


def _read_csv(paths: Sequence[Path], texts: set[str]) -> tuple[list[str], pd.DataFrame]:
    names: list[str] = []
    frames: list[pd.DataFrame] = []
    layouts: list[dict[str, Any]] = []
    for path in paths:
        first = _first_record(path)
        if not first:
            continue
        if not names:
            names = first
            if len(set(names)) < len(names):
                double = sorted({name for name in names if names.count(name) > 1})
                raise UnusableData(f"{path.name}: the header has a column name more than once: {', '.join(double)}")
            layout: dict[str, Any] = {"header": 0, "names": first}
        elif set(first) == set(names) and len(first) == len(names):
            layout = {"header": 0, "names": first}
        elif len(first) == len(names):
            layout = {"header": None, "names": names}
        else:
            raise UnusableData(f"{path.name} has {len(first)} columns, the first file has {len(names)}")
        layouts.append(layout)
        frames.append(_parse_file(path, dict.fromkeys(texts & set(names), str), layout))
    if not frames:
        raise UnusableData("The training data has no header line: it is empty")
    # A column is a number only when it is one in every file; a boolean keeps its text.
    as_text = {name: str for name in names if any(len(frame) and not _is_number(frame[name]) for frame in frames)}
    if any(_is_number(frame[name]) or _has_booleans(frame[name]) for name in as_text for frame in frames):
        files = [path for path in paths if _first_record(path)]
        frames = [_parse_file(path, as_text, layout) for path, layout in zip(files, layouts, strict=True)]
    # A file with a header only has no types, and would take those of the others away.
    rows = pd.concat([frame[names] for frame in frames if len(frame)] or [frames[0]], ignore_index=True)
    return names, rows.astype({name: "float64" for name in names if _is_number(rows[name]) and name not in texts})


def _is_number(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype))


def _has_booleans(values: pd.Series) -> bool:
    """Whether pandas has read cells as booleans; with missing cells among them the column's type does not tell."""
    return bool(pd.api.types.infer_dtype(values, skipna=True) == "boolean")


def _open(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if compressed else path.open("rb")


def _first_record(path: Path) -> list[str]:
    with _open(path) as file:
        try:
            layout: dict[str, Any] = {"header": None, "dtype": str, "keep_default_na": False, "encoding": "utf-8-sig"}
            record = pd.read_csv(file, nrows=1, **layout).iloc[0]
            # As pandas calls a column without name, such as the index that it writes.
            return [str(name) or f"Unnamed: {position}" for position, name in enumerate(record)]
        except (pd.errors.EmptyDataError, IndexError):
            return []
        except (UnicodeDecodeError, pd.errors.ParserError) as error:
            raise UnusableData(f"{path.name} is not a CSV file in UTF-8: {error}") from error


def _parse_file(path: Path, dtype: Mapping[str, type], layout: Mapping[str, Any]) -> pd.DataFrame:
    try:
        with _open(path) as file:
            frame: pd.DataFrame = pd.read_csv(
                file, dtype=dict(dtype), low_memory=False, encoding="utf-8-sig", index_col=False, **layout
            )
    except (UnicodeDecodeError, pd.errors.ParserError, ValueError) as error:
        raise UnusableData(f"{path.name} is not a CSV file in UTF-8: {error}") from error
    return frame


def _read_parquet(paths: Sequence[Path], texts: set[str]) -> tuple[list[str], pd.DataFrame]:
    try:
        frames = [pd.read_parquet(path) for path in paths]
    except (OSError, ValueError) as error:
        raise UnusableData(f"The training data is not Parquet: {error}") from error
    names = [str(name) for name in frames[0].columns] if frames else []
    if any(set(frame.columns) != set(names) for frame in frames):
        raise UnusableData("The Parquet files have different columns")
    rows = pd.concat([frame[names] for frame in frames], ignore_index=True) if frames else pd.DataFrame()
    for name in names:
        values = rows[name]
        if name not in texts and (_is_number(values) or pd.api.types.infer_dtype(values, skipna=True) == "decimal"):
            rows[name] = values.astype("float64")
        elif name in texts or not pd.api.types.is_datetime64_any_dtype(values.dtype):
            rows[name] = values.astype(str).astype(object).where(values.notna(), None)
    return names, rows


def describe_columns(
    features: pd.DataFrame, chosen: Sequence[str] | None, kinds: Mapping[str, str]
) -> tuple[Column, ...]:
    """What each column is and whether the model uses it, from the data and the feature specification."""
    return tuple(
        Column(
            str(name),
            KINDS[kinds[str(name)]] if str(name) in kinds else _kind(features[name]),
            chosen is None or str(name) in chosen,
        )
        for name in features.columns
    )


def _kind(values: pd.Series) -> Kind:
    if _is_number(values):
        return "number"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(values.dtype) else "text"


def typed(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """The columns that the model uses, each as its kind says.

    In a number column, text becomes a missing value, and so does infinity: not every model family takes it.
    """
    typed_columns: dict[str, pd.Series] = {}
    for column in columns:
        if column.used:
            typed_columns[column.name] = _as_kind(frame[column.name], column.kind)
    return pd.DataFrame(typed_columns, index=frame.index)


def _as_kind(values: pd.Series, kind: Kind) -> pd.Series:
    if kind == "number":
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        return numbers.where(np.isfinite(numbers))
    if kind == "datetime":
        # Each cell by itself: what a cell means must not depend on the rows that were sent with it.
        return pd.to_datetime(values, errors="coerce", utc=True, format="mixed").dt.tz_localize(None)
    texts = values if values.dtype == object else values.astype(object).where(values.isna(), values.astype(str))
    return texts.astype("category") if kind == "category" else texts


def read_request(body: bytes, columns: Sequence[Column]) -> pd.DataFrame:
    """Rows of an inference request: CSV without header, the training columns in their order.

    Raises:
        BadRows: another number of columns, or a text where the training data had numbers.
    """
    names = [column.name for column in columns]
    types = {column.name: pa.float64() if column.kind == "number" else pa.string() for column in columns}
    try:
        table = _arrow_csv.read_csv(
            io.BytesIO(body.removesuffix(b"\n")),
            _arrow_csv.ReadOptions(column_names=names, block_size=max(len(body), 1) + 1),
            _arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(names) > 1),
            _arrow_csv.ConvertOptions(
                column_types=types,
                null_values=list(MISSING),
                strings_can_be_null=True,
                true_values=[],
                false_values=[],
            ),
        )
    except pa.ArrowInvalid as error:
        raise BadRows(_what_is_wrong(str(error), names)) from None
    return typed(table.to_pandas(), columns)


def _what_is_wrong(error: str, names: Sequence[str]) -> str:
    """Arrow's message in words for the sender of the rows."""
    expected = (
        f"Send the {len(names)} feature columns ({', '.join(names[:20])}{', …' if len(names) > 20 else ''}) "
        "in this order, without header and without target"
    )
    if width := re.search(r"Expected \d+ columns, got (\d+)", error):
        return f"a row has {width[1]} columns, the model was trained on {len(names)}. {expected}"
    if value := re.search(r"column #(\d+).*invalid value '(.*)'", error, re.DOTALL):
        return f"{value[2][:100]!r} in column {names[int(value[1])]!r} is not a number. {expected}"
    if "Empty CSV" in error:
        return f"the request has no rows. {expected}"
    return f"the rows are not CSV in UTF-8: {error}. {expected}"


def save_columns(path: Path, columns: Sequence[Column]) -> None:
    """Write the columns beside the model, as JSON."""
    path.write_text(json.dumps([asdict(column) for column in columns]))


def load_columns(path: Path) -> tuple[Column, ...]:
    """Read what :func:`save_columns` wrote."""
    return tuple(Column(**column) for column in json.loads(path.read_text()))
