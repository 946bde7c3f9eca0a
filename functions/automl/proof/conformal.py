"""Split-conformal intervals of a regression, one width per region of the prediction (Mondrian conformal prediction).

Vovk, Gammerman and Shafer 2005, section 4.5; the finite-sample quantile is that of Lei et al. 2018: a new row like the
calibration rows lies within its interval with at least the level's probability, whatever the model.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_REGIONS = 10
_REGION_ROWS = 50
"""Rows of a region at least: with n rows an interval covers up to 1 / (n + 1) more than its level."""
_REGION_MISSES = 5
"""Rows of a region that may lie outside its interval, at least: with fewer its width is left to chance."""


def intervals(predictions: Floats, truths: Floats, level: float) -> dict[str, Any]:
    """``Intervals`` of calibration.json.

    Args:
        predictions: of calibration rows.
        truths: of the same rows.
        level: probability with which the truth of a new row lies within its interval.
    """
    starts = _starts(predictions, max(_REGION_ROWS, math.ceil(_REGION_MISSES / (1 - level))))
    numbers = np.searchsorted(starts, predictions, side="right")
    edges = [None, *starts, None]
    regions = []
    for number in range(len(starts) + 1):
        distances = np.abs(truths - predictions)[numbers == number]
        region = {"From": edges[number], "To": edges[number + 1], "Rows": len(distances)}
        regions.append({**region, "HalfWidth": half_width(distances, level)})
    return {"Level": level, "Regions": regions}


def half_width(distances: Floats, level: float) -> float | None:
    """The ceil((n + 1) * level)-th smallest distance; None when there are fewer rows than that."""
    # 10 * 0.9 may be a little more than 9 in floating point, which must not cost a row.
    rank = math.ceil(round((len(distances) + 1) * level, 9))
    return float(np.partition(distances, rank - 1)[rank - 1]) if rank <= len(distances) else None


def fewest_rows(level: float) -> int:
    """Rows without which no interval of this level is possible."""
    return math.ceil(round(level / (1 - level), 9))


def _starts(predictions: Floats, rows: int) -> list[float]:
    """Where the second and later regions begin, so that each has about as many rows, and at least ``rows``."""
    count = min(MOST_REGIONS, len(predictions) // rows)
    starts: list[float] = []
    ordered = np.sort(predictions)
    before = 0
    for number in range(1, count):
        start = float(ordered[len(ordered) * number // count])
        here = int(np.searchsorted(ordered, start, side="left"))  # equal predictions stay together
        if here - before >= rows and len(ordered) - here >= rows:
            starts.append(start)
            before = here
    return starts
