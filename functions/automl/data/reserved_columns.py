"""Names of columns that the project makes itself, so that a dataset cannot have them."""

from automl.data.dataset import Dataset
from automl.data.formulas import RUNS, is_formula
from automl.errors import InvalidDataset, InvalidRequest

ROW_COLUMN = "__row__"
"""Column of calibration and test rows that says which row of the dataset they are, from 0."""
RESULT_COLUMNS = ("Prediction", "Confidence", "Lower", "Upper", "Reason")
"""Columns of accepted/ and review/ beside the one that identifies the row."""


def check_columns(dataset: Dataset, row_column: str | None = None) -> None:
    """Raise InvalidDataset when the dataset has our column of row numbers and it is not ``row_column``."""
    if ROW_COLUMN in dataset.columns and row_column != ROW_COLUMN:
        raise InvalidDataset(f"{dataset.uri} has a column {ROW_COLUMN!r}, a name this project uses; rename the column")


def check_identity(id_column: str) -> None:
    """Raise InvalidRequest when results would have two columns of this name, or a name that a spreadsheet runs."""
    if is_formula(id_column):
        raise InvalidRequest(f"Dataset.IdColumn {id_column!r} is a name {RUNS}; rename it in the dataset")
    if id_column in RESULT_COLUMNS:
        raise InvalidRequest(
            f"Dataset.IdColumn {id_column!r} has the name of a column of the results; rename it in the dataset"
        )
