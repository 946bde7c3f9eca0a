"""Does a confidence of 80 % mean that 80 % of such predictions are right?

The expected calibration error is that of Naeini et al. 2015 with the 15 bins of Guo et al. 2017 (equation 3):
predictions are put into bins of equal width by their confidence, which is the probability of the predicted label; the
error is the mean over all rows of their bin's distance between mean confidence and accuracy.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15

Floats = NDArray[np.float64]


def bin_numbers(confidence: Floats) -> NDArray[np.int_]:
    """The bin of each row, from 0."""
    numbers: NDArray[np.int_] = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    return numbers


def calibration_error(rows: Floats, confidence: Floats, correct: Floats) -> float:
    """The expected calibration error from each bin's rows, sum of confidence and rows that are right."""
    return float(np.abs(confidence - correct).sum() / rows.sum())


def sums(confidence: Floats, correct: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """What :func:`calibration_error` takes."""
    numbers = bin_numbers(confidence)
    return (
        np.bincount(numbers, minlength=BINS).astype(float),
        np.bincount(numbers, confidence, minlength=BINS),
        np.bincount(numbers, correct, minlength=BINS),
    )


def expected_calibration_error(confidence: Floats, correct: NDArray[np.bool_]) -> float:
    """Of at least one row."""
    return calibration_error(*sums(confidence, correct))


def diagram(confidence: Floats, correct: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The bins that have rows."""
    return [
        {
            "From": number / BINS,
            "To": (number + 1) / BINS,
            "Rows": int(rows),
            "Confidence": sure / rows,
            "Accuracy": right / rows,
        }
        for number, (rows, sure, right) in enumerate(
            zip(*(column.tolist() for column in sums(confidence, correct)), strict=True)
        )
        if rows
    ]
