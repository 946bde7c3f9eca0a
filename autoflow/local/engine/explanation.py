"""How much each feature moves the predictions of a model: sampled Shapley values."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_EXPLAINED_ROWS = 20
_BACKGROUND_ROWS = 100
_ROWS_PER_CALL = 4000

Predict = Callable[[pd.DataFrame], NDArray[np.float64]]


@dataclass(frozen=True)
class Explanation:
    """Shapley values of ``outputs`` numbers that a model predicts."""

    global_values: NDArray[np.float64]
    """Mean absolute Shapley value, shape (features, outputs)."""
    expected: NDArray[np.float64]
    """Mean prediction of the background rows, shape (outputs,)."""
    passes: int
    """How many feature orders each explained row was averaged over."""


def explain(predict: Predict, rows: pd.DataFrame, seconds: float, seed: int = 0) -> Explanation:
    """Shapley values by permutation sampling (Strumbelj & Kononenko, 2014), each order paired with its reverse.

    Args:
        predict: rows → predictions, shape (n, outputs).
        rows: feature rows to draw explained rows and backgrounds from, at least 2.
        seconds: stop after about this time; every row gets one pair of orders at least.
        seed: of the sampling.
    """
    end = time.monotonic() + seconds
    random = np.random.default_rng(seed)
    features = rows.shape[1]
    count = max(1, min(_EXPLAINED_ROWS, len(rows), _ROWS_PER_CALL // (2 * (features + 1))))
    picked = random.choice(len(rows), min(len(rows), count + _BACKGROUND_ROWS), replace=False)
    explained, background = picked[:count], picked[count:] if len(picked) > count else picked
    expected = predict(rows.iloc[background]).mean(axis=0)
    totals = np.zeros((count, features, len(expected)))
    passes, took = 0, 0.0
    while passes == 0 or time.monotonic() + took < end:
        start = time.monotonic()
        orders = [random.permutation(features) for _ in range(count)]
        baselines = random.choice(background, count)
        for paired in (orders, [order[::-1] for order in orders]):
            totals += _contributions(predict, rows, explained, baselines, paired)
            passes += 1
        took = time.monotonic() - start
    return Explanation(np.abs(totals / passes).mean(axis=0), expected, passes)


def _contributions(
    predict: Predict,
    rows: pd.DataFrame,
    explained: NDArray[np.int64],
    baselines: NDArray[np.int64],
    orders: list[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """What each feature adds when the features change from the baseline's to the row's values in the given order."""
    features = rows.shape[1]
    steps = features + 1
    # position[i, f]: at which step feature f of row i takes the row's own value
    position = np.empty((len(explained), features), dtype=np.int64)
    for index, order in enumerate(orders):
        position[index, order] = np.arange(1, steps)
    step = np.arange(steps)
    mixed: dict[Any, Any] = {}
    for feature, name in enumerate(rows.columns):
        own = step[None, :] >= position[:, feature, None]
        source = np.where(own, explained[:, None], baselines[:, None]).ravel()
        mixed[name] = rows[name].take(source).reset_index(drop=True)
    predicted = predict(pd.DataFrame(mixed)).reshape(len(explained), steps, -1)
    gains = np.diff(predicted, axis=1)
    values = np.empty_like(gains)
    for index, order in enumerate(orders):
        values[index, order] = gains[index]
    return values


def analysis(explanation: Explanation, names: list[str]) -> dict[str, Any]:
    """Clarify's ``analysis.json``: one entry per predicted output."""
    return {
        "version": "1.0",
        "explanations": {
            "kernel_shap": {
                f"label{output}": {
                    "global_shap_values": {
                        name: float(value)
                        for name, value in zip(names, explanation.global_values[:, output], strict=True)
                    },
                    "expected_value": float(explanation.expected[output]),
                }
                for output in range(len(explanation.expected))
            }
        },
    }
