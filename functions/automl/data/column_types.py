"""What a column's text means: missing values, types, and typed views of text columns."""

from collections.abc import Mapping, Sequence

import polars as pl

MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""Cells that count as missing: pandas' ``na_values``, as the containers of Autopilot read CSV with pandas."""

TYPES = ("boolean", "integer", "number", "date", "datetime", "string")
"""From the narrowest to the widest: a column's type is the first that all its cells have."""

NUMERIC = frozenset({"integer", "number"})

LINE_BREAK = r"\r\n|\r|\n"
"""Pattern of what becomes a space inside a value."""

DTYPES: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "string": pl.String(),
}

_NARROWER = {"number": "integer", "datetime": "date"}
"""Every value of the narrower type is one of the wider type."""
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d")
_TIME_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
_ZONED_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M%:z")


def clean_text(frame: pl.DataFrame, *, with_line_breaks: bool = True) -> pl.DataFrame:
    """Missing markers become null and a line break inside a value becomes one space, so a record is one line."""
    text = pl.col(pl.String)
    if with_line_breaks:
        frame = frame.with_columns(text.str.replace_all(LINE_BREAK, " "))
    return frame.with_columns(pl.when(text.is_in(MISSING)).then(None).otherwise(text).name.keep())


def typed(name: str, kind: str) -> pl.Expr:
    """The text column as values of a type of :data:`TYPES`; null where the text is missing or is no such value.

    Numbers that are not finite are null. Times with a zone are given in UTC.
    """
    text = pl.col(name).str.strip_chars()
    match kind:
        case "string":
            return pl.col(name)
        case "boolean":
            return text.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
        case "integer":
            return text.cast(pl.Int64, strict=False)
        case "number":
            number = text.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case "date":
            return pl.coalesce(text.str.to_date(form, strict=False) for form in _DATE_FORMATS)
        case "datetime":
            iso = text.str.replace(r"^(\S+) +(\d)", "${1}T${2}").str.replace(r"[zZ]$", "+00:00")
            return pl.coalesce(
                *(iso.str.to_datetime(form, strict=False, time_unit="us") for form in _TIME_FORMATS),
                *(
                    iso.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC").dt.replace_time_zone(None)
                    for form in _ZONED_FORMATS
                ),
                *(text.str.to_date(form, strict=False).cast(pl.Datetime("us")) for form in _DATE_FORMATS),
            ).alias(name)
    raise ValueError(f"no such column type: {kind}")


def values(frame: pl.DataFrame, kinds: Mapping[str, str]) -> pl.DataFrame:
    """Text columns as :func:`typed` gives them, sooner where every cell is written in the usual way.

    Args:
        frame: text columns.
        kinds: columns and the type to read each as, one of :data:`TYPES`.
    """
    quick = frame.select(_plainly_typed(name, kind) for name, kind in kinds.items())
    left = [name for name in kinds if quick[name].null_count() != frame[name].null_count()]
    return quick.with_columns(frame.select(typed(name, kinds[name]).alias(name) for name in left)) if left else quick


def _plainly_typed(name: str, kind: str) -> pl.Expr:
    """:func:`typed` for cells without outer spaces, in the most frequent format; null for any other."""
    text = pl.col(name)
    match kind:
        case "boolean":
            return text.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
        case "integer":
            return text.cast(pl.Int64, strict=False)
        case "number":
            number = text.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number).alias(name)
        case "date":
            return text.str.to_date(_DATE_FORMATS[0], strict=False)
        case "datetime":
            iso = text.str.replace(" ", "T", literal=True)
            return iso.str.to_datetime(_TIME_FORMATS[0], strict=False, time_unit="us")
    return text


def is_value(name: str, kind: str) -> pl.Expr:
    """Whether each cell is missing or a value of the type; numbers that are not finite count as numbers."""
    text = pl.col(name)
    if kind == "number":
        return text.is_null() | text.str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
    return text.is_null() | typed(name, kind).is_not_null()


def fitting_types(frame: pl.DataFrame, candidates: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Of each column's candidate types, those that all its cells in the frame have."""
    narrow = {(name, kind) for name, kinds in candidates.items() for kind in kinds if _NARROWER.get(kind) not in kinds}
    passed = _passing(frame, narrow)
    implied = {(name, kind) for name, kinds in candidates.items() for kind in kinds} - narrow
    failed = {(name, kind) for name, kind in implied if (name, _NARROWER[kind]) not in passed}
    passed |= (implied - failed) | _passing(frame, failed)
    return {name: [kind for kind in kinds if (name, kind) in passed] for name, kinds in candidates.items()}


def _passing(frame: pl.DataFrame, checks: set[tuple[str, str]]) -> set[tuple[str, str]]:
    order = [check for check in checks if check[1] != "string"]
    fits = frame.select(is_value(name, kind).all().alias(str(number)) for number, (name, kind) in enumerate(order))
    results = fits.row(0) if order else ()
    return {check for check in checks if check[1] == "string"} | {
        check for check, fit in zip(order, results, strict=True) if fit
    }


def to_text(name: str, dtype: pl.DataType) -> pl.Expr:
    """The column as text: numbers in their shortest round-trip form, times in ISO 8601, missing and not finite null."""
    value = pl.col(name)
    if dtype.is_float():
        return pl.when(value.is_finite()).then(value.cast(pl.String)).alias(name)
    if isinstance(dtype, pl.Datetime):
        zoneless = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else value
        return zoneless.dt.to_string("%Y-%m-%dT%H:%M:%S%.f").alias(name)
    return value.cast(pl.String)
