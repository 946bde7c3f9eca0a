"""Intervals hold the truth as often as their level says, in every region of the prediction."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from automl.proof.conformal import MOST_REGIONS, fewest_rows, half_width, intervals
from automl.scoring.calibration_map import CalibrationMap

Floats = NDArray[np.float64]


def test_the_width_is_the_finite_sample_quantile() -> None:
    distances = np.arange(1.0, 20.0)  # 19 rows: ceil(20 * 0.9) = 18

    assert half_width(distances, 0.9) == 18
    assert half_width(distances[:9], 0.9) == 9  # ceil(10 * 0.9) = 9, the largest
    assert half_width(distances[:8], 0.9) is None
    assert [fewest_rows(level) for level in (0.5, 0.8, 0.9, 0.95, 0.99)] == [1, 4, 9, 19, 99]


@given(st.floats(0.01, 0.995))
def test_the_fewest_rows_are_the_fewest(level: float) -> None:
    fewest = fewest_rows(level)

    assert half_width(np.zeros(fewest), level) is not None
    assert half_width(np.zeros(fewest - 1), level) is None


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.5]) | st.floats(-100, 100), min_size=0, max_size=200),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_regions_share_all_rows_without_gaps(predictions: list[float], level: float) -> None:
    regions = intervals(np.array(predictions), np.zeros(len(predictions)), level)["Regions"]

    assert regions[0]["From"] is None
    assert regions[-1]["To"] is None
    assert all(left["To"] == right["From"] for left, right in itertools.pairwise(regions))
    assert sum(region["Rows"] for region in regions) == len(predictions)
    assert len(regions) == 1 or all(region["HalfWidth"] is not None for region in regions)
    assert len(regions) <= MOST_REGIONS


def test_equal_predictions_stay_in_one_region() -> None:
    regions = intervals(np.repeat([1.0, 2.0], 300), np.zeros(600), 0.9)["Regions"]

    assert [(region["From"], region["Rows"]) for region in regions] == [(None, 300), (2.0, 300)]


def drawn(draw: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Predictions, and truths whose distance grows with the prediction."""
    predictions = draw.uniform(1, 10, rows)
    return predictions, predictions + draw.normal(0, 0.3 * predictions)


def coverage(level: float, rows: int, simulations: int) -> tuple[float, Floats]:
    """Of new rows: in all, and by tenths of the prediction."""
    draw = np.random.default_rng([rows, round(level * 1000)])
    inside = []
    for _ in range(simulations):
        document = {"Method": "SplitConformal", "Intervals": intervals(*drawn(draw, rows), level)}
        learned = CalibrationMap.from_document(document)
        predictions, truths = drawn(draw, 1000)
        order = np.argsort(predictions)
        bounds = [learned.interval(p) for p in predictions[order].tolist()]
        inside.append([lower <= truth <= upper for (lower, upper), truth in zip(bounds, truths[order], strict=True)])  # type: ignore[misc]
    rates = np.array(inside).mean(axis=0)
    return float(rates.mean()), rates.reshape(10, -1).mean(axis=1)


@pytest.mark.parametrize(("level", "rows"), [(0.9, 20), (0.9, 450), (0.8, 450), (0.95, 450)])
def test_new_rows_are_covered_as_the_level_says(level: float, rows: int) -> None:
    overall, _ = coverage(level, rows, 60)

    # A region of n rows covers between level and level + 1 / (n + 1) on average; the rest is the simulation's noise.
    slack = 1 / (min(rows, 50) + 1)
    assert level - 0.01 <= overall <= level + slack + 0.01


def test_widths_adapt_to_the_region() -> None:
    document = intervals(*drawn(np.random.default_rng(1), 3000), 0.9)
    widths = [region["HalfWidth"] for region in document["Regions"]]

    _, tenths = coverage(0.9, 3000, 30)

    assert len(widths) == MOST_REGIONS
    assert widths[-1] > 4 * widths[0]
    assert tenths.min() > 0.85
    assert tenths.max() < 0.95
