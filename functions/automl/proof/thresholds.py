"""The lowest threshold of confidence whose precision is promised: fixed-sequence testing with several starts.

Learn then Test (Angelopoulos et al. 2021, section 3.2 and appendix): thresholds are tested one after another, from
strict to lax, until one fails. A sequence errs no more often than one of its tests, because a threshold that breaks the
promise is only passed if the first such is. As nobody knows where a model is precise enough, there are four sequences,
from the strictest threshold that could pass to the laxest, which accepts everything; they share the permitted error.
Which thresholds are tested is known from how many rows they accept, never from which are right.
Each test is exact: the lower Clopper-Pearson bound of the precision of the accepted rows.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

GRID = 20
"""Shares of the rows that thresholds accept: every twentieth."""
STARTS = 4
_MOST_ROWS = 10**9


@dataclass(frozen=True)
class Judged:
    """Confidence of some rows, and whether their prediction is right."""

    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.correct)

    def accepted(self, thresholds: NDArray[np.float64]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """How many rows each threshold accepts, and how many of them are right."""
        order = np.argsort(-self.confidence, kind="stable")
        count = np.searchsorted(-self.confidence[order], -thresholds, side="right")
        return count, np.concatenate([[0], np.cumsum(self.correct[order])])[count]


@dataclass(frozen=True)
class Promise:
    """The decision, and the thresholds tested in their order."""

    decision: dict[str, Any]
    table: list[dict[str, Any]]


def lower_bound(correct: int, rows: int, certainty: float) -> float:
    """Clopper-Pearson: with this certainty the share of correct rows is at least this."""
    return float(beta.ppf(1 - certainty, correct, rows - correct + 1)) if correct else 0.0


def choose(judged: Judged, target: float, certainty: float, *, fitted: int = 0) -> Promise:
    """The lowest threshold that keeps the promise, and what it costs.

    Args:
        judged: rows that taught nothing that could change their order by confidence.
        target: the precision of accepted rows, on average over rows like these.
        certainty: of the promise; 1 - certainty of all promises made may break.
        fitted: calibration rows that are not among them, because the calibration was learned from them.
    """
    table: list[dict[str, Any]] = []
    promised: dict[str, Any] | None = None
    thresholds, starts, shared = _sequences(judged, target, certainty)
    untested = 0
    for start in starts:
        if start < untested:
            continue  # another sequence came by here, and went on as this one would
        untested = start
        for threshold in thresholds[start:]:
            untested += 1
            table.append(_test(judged, threshold, shared))
            if table[-1]["LowerBound"] < target:
                break
            promised = table[-1]
    asked = {"TargetPrecision": target, "Certainty": certainty}
    rows = {"Rows": len(judged)}
    if promised is None:
        nothing = {"Precision": None, "LowerBound": None, "Coverage": 0.0}
        note = _remedy(judged, target, certainty, fitted)
        return Promise({"Threshold": None, **asked, **nothing, **rows, "Note": note}, table)
    achieved = {
        "Precision": promised["Correct"] / promised["Accepted"],
        "LowerBound": promised["LowerBound"],
        "Coverage": promised["Accepted"] / len(judged),
    }
    return Promise({"Threshold": promised["Threshold"], **asked, **achieved, **rows}, table)


def _grid(judged: Judged) -> NDArray[np.float64]:
    """Thresholds from strict to lax."""
    if not len(judged):
        return np.array([])
    return np.unique(np.quantile(judged.confidence, np.arange(GRID) / GRID, method="lower"))[::-1]


def _test(judged: Judged, threshold: float, certainty: float) -> dict[str, Any]:
    counts, rights = judged.accepted(np.array([threshold]))
    accepted, correct = int(counts[0]), int(rights[0])
    bound = lower_bound(correct, accepted, certainty)
    return {"Threshold": threshold, "Accepted": accepted, "Correct": correct, "LowerBound": bound}


def _sequences(judged: Judged, target: float, certainty: float) -> tuple[list[float], list[int], float]:
    """Thresholds from strict to lax, where sequences of tests start, and the certainty of each test.

    A threshold that accepts too few rows to pass, whatever the model, is none. Few rows leave room for fewer starts.
    """
    thresholds = _grid(judged)
    accepted, _ = judged.accepted(thresholds)
    for count in range(STARTS, 0, -1):
        shared = share_error(certainty, count)
        able = thresholds[accepted >= fewest_accepted(target, shared)].tolist()
        if len(able) >= count:
            break
    count = min(count, len(able))
    return able, np.linspace(0, len(able) - 1, count).round().astype(int).tolist(), shared


def share_error(certainty: float, count: int) -> float:
    """The certainty of each of so many tests that leaves all of them together this certain (Bonferroni)."""
    return 1 - (1 - certainty) / count


def fewest_accepted(target: float, certainty: float) -> int:
    """Accepted rows, all of them right, without which no promise is possible."""
    return math.ceil(math.log(1 - certainty) / math.log(target))


def _remedy(judged: Judged, target: float, certainty: float, fitted: int) -> str:
    """Why nothing can be promised, and what would help."""
    asked = f"precision {target:g} at certainty {certainty:g}"
    rows = len(judged) + fitted
    testing = len(judged) / rows if rows else 1.0
    fewest = fewest_accepted(target, certainty)
    if len(judged) < fewest:
        return (
            f"{rows} calibration rows cannot promise {asked}, whatever the model: that takes at least "
            f"{math.ceil(fewest / testing):,}. Raise Transform.Calibration, give more data, or ask for less"
        )
    shared = share_error(certainty, STARTS)
    needs = [
        (math.ceil(needed / testing), share)
        for share, precision in _shares(judged, fewest)
        if (needed := _rows_needed(precision, share, target, shared)) is not None
    ]
    if not needs:
        return (
            f"No threshold reaches {asked} on the {rows:,} calibration rows: the model is not that precise, even "
            "where it is surest. Ask for a lower TargetPrecision, or improve the model with more data or features"
        )
    needed, share = min(needs)
    return (
        f"{rows:,} calibration rows cannot promise {asked}; about {max(needed, rows + 1):,} might, accepting "
        f"{share:.0%} of them. Raise Transform.Calibration, give more data, or ask for less"
    )


def _shares(rows: Judged, fewest: int) -> list[tuple[float, float]]:
    """Share of rows accepted and their precision, for each threshold that accepts enough rows to say."""
    accepted, correct = rows.accepted(_grid(rows))
    return [(n / len(rows), k / n) for n, k in zip(accepted.tolist(), correct.tolist(), strict=True) if n >= fewest]


def _rows_needed(precision: float, share: float, target: float, certainty: float) -> int | None:
    """Tested rows of which this share is accepted with this precision, so that the bound reaches the target."""
    if precision <= target:
        return None
    low, high = 1, 2
    while lower_bound(math.floor(precision * high), high, certainty) < target:
        low, high = high, high * 2
        if high > _MOST_ROWS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle)
            if lower_bound(math.floor(precision * middle), middle, certainty) >= target
            else (middle, high)
        )
    return math.ceil(high / share)
