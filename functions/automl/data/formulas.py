"""Cells that a spreadsheet would run: results are opened in one, and carry identities and labels from the dataset.

They are refused, as any other spelling of an identity or a label would be another one (docs/data.md).
"""

import re

import polars as pl

from automl.data.dataset import Batch
from automl.errors import InvalidDataset

_FORMULA = r"(?s)^\s*(?:[=\x{FF1D}].|[-+@\x{FF0D}\x{FF0B}\x{FF20}].*\pL.*[(|!])"
"""After a minus, a plus or an at sign only what calls something: telephone numbers and names of accounts are none."""
_ONE = re.compile(r"\s*(?:[=\uff1d].|[-+@\uff0d\uff0b\uff20].*[^\W\d_].*[(|!])", re.DOTALL)
WITHOUT_IDENTITY = "correct it, or leave Dataset.IdColumn out: rows are told by their numbers then"
RUNS = "that a spreadsheet would run as a formula"


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the text."""
    return bool(_ONE.match(text))


def check_cells(batch: Batch, column: str, remedy: str) -> None:
    """Refuse formulas in a column that results carry.

    Raises:
        InvalidDataset: names the first row with one, and ends with the remedy.
    """
    found = batch.frame.select(pl.col(column).str.contains(_FORMULA)).to_series()
    if found.any():
        offset = found.arg_max() or 0
        raise InvalidDataset(
            f"Column {column!r} has a cell {RUNS} in {batch.row(offset)}, and results carry that column; {remedy}"
        )
