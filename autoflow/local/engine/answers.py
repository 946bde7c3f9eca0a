"""What an Autopilot inference container answers for predictions, as CSV or JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEYS = ("predicted_label", "labels", "probability", "probabilities")
"""What a classification container can answer."""
CONTENT_TYPES = ("text/csv", "application/json")

_TO_BE_QUOTED = re.compile('[",\r\n]')
_REMEMBERED = 1_000
"""Different cells of a column that are quoted once."""

Answer = list[tuple[str, list[object]]]
"""Response keys in order, each with one value per row."""


class UnsupportedRequest(Exception):
    """The container cannot answer so; the message says what it can."""


@dataclass(frozen=True)
class OutputSettings:
    """What the container's environment asks for."""

    keys: tuple[str, ...]
    accept: str

    @classmethod
    def from_environment(cls, environment: dict[str, str]) -> "OutputSettings":
        """Read ``SAGEMAKER_INFERENCE_OUTPUT``, ``…_SUPPORTED`` and ``SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT``.

        Raises:
            UnsupportedRequest: a key is not among the supported ones.
        """
        keys = _names(environment.get("SAGEMAKER_INFERENCE_OUTPUT", "")) or ("predicted_label",)
        supported = _names(environment.get("SAGEMAKER_INFERENCE_SUPPORTED", "")) or KEYS
        if unknown := [key for key in keys if key not in supported or key not in KEYS]:
            raise UnsupportedRequest(
                f"Requested inference output keys {unknown} are unsupported. "
                f"The supported inference keys are {list(supported)}"
            )
        return cls(keys, environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv"))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def choose_type(accept: str, default: str) -> str:
    """The content type to answer with, from an Accept header.

    Raises:
        UnsupportedRequest: none of the accepted types can be produced.
    """
    for entry in accept.split(","):
        wanted = entry.split(";")[0].strip().lower()
        if wanted in {"", "*/*"}:
            return default
        if wanted in CONTENT_TYPES:
            return wanted
    raise UnsupportedRequest(f"Accept {accept!r} is not supported; use {' or '.join(CONTENT_TYPES)}")


def classification(probabilities: NDArray[np.float64], labels: Sequence[str], keys: Sequence[str]) -> Answer:
    """Values of the keys.

    Args:
        probabilities: shape (rows, classes).
        labels: classes in the order of the columns.
        keys: subset of :data:`KEYS`, in the order of the answer. ``probability`` is that of the predicted label.
    """
    best = probabilities.argmax(axis=1)
    values: dict[str, list[object]] = {}
    if "predicted_label" in keys:
        values["predicted_label"] = [labels[index] for index in best]
    if "probability" in keys:
        values["probability"] = probabilities[np.arange(len(best)), best].tolist()
    if "probabilities" in keys:
        values["probabilities"] = [str(row) for row in probabilities.tolist()]
    if "labels" in keys:
        values["labels"] = [str(list(labels))] * len(best)
    return [(key, values[key]) for key in keys]


def regression(predicted: NDArray[np.float64]) -> Answer:
    """One number per row."""
    return [("predicted_value", predicted.tolist())]


def encode(answer: Answer, content_type: str) -> bytes:
    """CSV: a line per row, values in the order of the keys. JSON: ``{"predictions": [{key: value}, …]}``."""
    if content_type == "application/json":
        names = [key for key, _ in answer]
        rows = zip(*(values for _, values in answer), strict=True)
        return json.dumps({"predictions": [dict(zip(names, row, strict=True)) for row in rows]}).encode()
    columns = [_cells(values) for _, values in answer]
    if len(columns) == 1:
        columns = [[cell or '""' for cell in columns[0]]]
    return "".join([line + "\n" for line in map(",".join, zip(*columns, strict=True))]).encode()


def _cells(values: Sequence[object]) -> list[str]:
    """As a CSV writer quotes them, faster than it: labels come again in every row."""
    if values and isinstance(values[0], float):
        return [repr(value) for value in values]
    quoted: dict[object, str] = {}
    cells = []
    for value in values:
        cell = quoted.get(value)
        if cell is None:
            cell = str(value)
            if _TO_BE_QUOTED.search(cell):
                cell = '"' + cell.replace('"', '""') + '"'
            if len(quoted) < _REMEMBERED:
                quoted[value] = cell
        cells.append(cell)
    return cells
