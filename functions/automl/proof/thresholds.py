"""The lowest threshold of confidence whose precision is promised: split fixed-sequence testing with two starts.

Learn then Test (Angelopoulos et al. 2021, section 3.2 and appendix): some rows choose where to begin, the others test
thresholds one after another, from strict to lax, until one fails. A sequence errs no more often than one of its tests,
because a threshold that breaks the promise is only passed if the first such is. There are two sequences, one beginning
where the test should pass most clearly, one stricter, as that guess may be wrong; they share the permitted error. Each
test is exact: the lower Clopper-Pearson bound of the precision of the accepted rows.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

GRID = 20
FIRST_SHARE = 0.25
"""Of the calibration rows, for fitting the calibration and choosing where to begin; the others test."""
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


def choose(first: Judged, second: Judged, target: float, certainty: float) -> Promise:
    """The lowest threshold that keeps the promise, and what it costs.

    Args:
        first: rows that may have fitted the calibration; they say which thresholds to test, and where to begin.
        second: rows that nothing was learned from.
        target: the precision of accepted rows, on average over rows like these.
        certainty: of the promise; 1 - certainty of all promises made may break.
    """
    table: list[dict[str, Any]] = []
    promised: dict[str, Any] | None = None
    sequences = _sequences(first, second, target, certainty)
    shared = 1 - (1 - certainty) / max(1, len(sequences))
    for sequence in sequences:
        for threshold in sequence:
            test = _test(second, threshold, shared)
            table.append(test)
            if test["LowerBound"] < target:
                break
            promised = test
    asked = {"TargetPrecision": target, "Certainty": certainty}
    rows = {"Rows": len(second)}
    if promised is None:
        nothing = {"Precision": None, "LowerBound": None, "Coverage": 0.0}
        note = _remedy(first, second, target, certainty)
        return Promise({"Threshold": None, **asked, **nothing, **rows, "Note": note}, table)
    achieved = {
        "Precision": promised["Correct"] / promised["Accepted"],
        "LowerBound": promised["LowerBound"],
        "Coverage": promised["Accepted"] / len(second),
    }
    return Promise({"Threshold": promised["Threshold"], **asked, **achieved, **rows}, table)


def _grid(judged: Judged) -> NDArray[np.float64]:
    """Thresholds from strict to lax."""
    return np.unique(np.quantile(judged.confidence, np.arange(GRID) / GRID, method="lower"))[::-1]


def _test(judged: Judged, threshold: float, certainty: float) -> dict[str, Any]:
    counts, rights = judged.accepted(np.array([threshold]))
    accepted, correct = int(counts[0]), int(rights[0])
    bound = lower_bound(correct, accepted, certainty)
    return {"Threshold": threshold, "Accepted": accepted, "Correct": correct, "LowerBound": bound}


def _sequences(first: Judged, second: Judged, target: float, certainty: float) -> list[list[float]]:
    """Thresholds to test in turn. What the stricter sequence would test beyond the other's start, the other tests."""
    if not len(first) or not len(second):
        return []
    thresholds = _grid(first)
    accepted, correct = first.accepted(thresholds)
    expected = accepted * (len(second) / len(first))
    likely = (correct + 1) / (accepted + 2)  # Laplace: few rows without an error prove little
    clearness = (likely - target) * np.sqrt(expected)
    clearness[expected < fewest_accepted(target, certainty)] = -math.inf
    clearest = int(np.argmax(clearness))
    sequences = thresholds[clearest // 2 : clearest], thresholds[clearest:]
    return [sequence.tolist() for sequence in sequences if len(sequence)]


def fewest_accepted(target: float, certainty: float) -> int:
    """Accepted rows, all of them right, without which no promise is possible."""
    return math.ceil(math.log(1 - certainty) / math.log(target))


def _remedy(first: Judged, second: Judged, target: float, certainty: float) -> str:
    """Why nothing can be promised, and what would help."""
    fewest = fewest_accepted(target, certainty)
    asked = f"precision {target:g} at certainty {certainty:g}"
    rows = Judged(
        np.concatenate([first.confidence, second.confidence]), np.concatenate([first.correct, second.correct])
    )
    needs = [
        (needed, share)
        for share, precision in _shares(rows, fewest)
        if (needed := _rows_needed(precision, share, target, certainty)) is not None
    ]
    if len(rows) < fewest / (1 - FIRST_SHARE):
        least = math.ceil(fewest / (1 - FIRST_SHARE))
        return (
            f"{len(rows)} calibration rows cannot promise {asked}, whatever the model: that takes at least {least:,}. "
            "Raise Transform.Calibration, give more data, or ask for less"
        )
    if not needs:
        return (
            f"No threshold reaches {asked} on the {len(rows):,} calibration rows: the model is not that precise, even "
            "where it is surest. Ask for a lower TargetPrecision, or improve the model with more data or features"
        )
    needed, share = min(needs)
    return (
        f"{len(rows):,} calibration rows cannot promise {asked}; about {max(needed, len(rows) + 1):,} might, accepting "
        f"{share:.0%} of them. Raise Transform.Calibration, give more data, or ask for less"
    )


def _shares(rows: Judged, fewest: int) -> list[tuple[float, float]]:
    """Share of rows accepted and their precision, for each threshold that accepts enough rows to say."""
    if not len(rows):
        return []
    accepted, correct = rows.accepted(_grid(rows))
    return [(n / len(rows), k / n) for n, k in zip(accepted.tolist(), correct.tolist(), strict=True) if n >= fewest]


def _rows_needed(precision: float, share: float, target: float, certainty: float) -> int | None:
    """Calibration rows of which this share is accepted with this precision, so that the bound reaches the target."""
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
    return math.ceil(high / share / (1 - FIRST_SHARE))
