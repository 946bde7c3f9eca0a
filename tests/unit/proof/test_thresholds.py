"""A promised precision holds as often as it was promised, whatever the model; simulated with known truths."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from automl.proof.thresholds import STARTS, Judged, choose, fewest_accepted, lower_bound, share_error

TARGET, CERTAINTY = 0.95, 0.9
Floats = NDArray[np.float64]
Precision = Callable[[Floats], Floats]


@given(st.integers(1, 300), st.floats(0.5, 0.999), st.data())
def test_the_bound_is_exact(rows: int, certainty: float, data: st.DataObject) -> None:
    correct = data.draw(st.integers(1, rows))

    bound = lower_bound(correct, rows, certainty)

    assert binom.sf(correct - 1, rows, bound) == pytest.approx(1 - certainty, rel=1e-6)


def test_without_an_error_a_promise_takes_as_many_rows_as_the_power_says() -> None:
    assert fewest_accepted(0.95, 0.9) == 45  # 0.95 ** 45 < 0.1 <= 0.95 ** 44
    assert lower_bound(45, 45, 0.9) >= 0.95 > lower_bound(44, 44, 0.9)


# Confidence is uniform from 0.5 to 1. How often a prediction of that confidence is right:
WORLDS: dict[str, Precision] = {
    "just below the target everywhere": lambda c: np.full_like(c, TARGET - 0.001),
    "calibrated": lambda c: c,
    "overconfident": lambda c: 0.4 + 0.58 * c,
    "a step at 0.8": lambda c: np.where(c >= 0.8, 0.97, 0.7),
    "surest are worst": lambda c: np.where(c >= 0.97, 0.8, np.where(c >= 0.75, 0.98, 0.75)),
}


def precision_above(threshold: float, precision: Precision) -> float:
    return float(precision(np.linspace(threshold, 1, 501)).mean())


@pytest.mark.parametrize("rows", [200, 2000])
@pytest.mark.parametrize("world", WORLDS)
def test_promises_break_no_more_often_than_said(world: str, rows: int) -> None:
    precision, simulations = WORLDS[world], 200
    draw = np.random.default_rng([rows, *world.encode()])
    broken = 0
    for _ in range(simulations):
        confidence = draw.uniform(0.5, 1, rows)
        promise = choose(Judged(confidence, draw.random(rows) < precision(confidence)), TARGET, CERTAINTY)
        threshold = promise.decision["Threshold"]
        broken += threshold is not None and precision_above(threshold, precision) < TARGET

    # More than this would happen to one correct method in ten thousand.
    assert broken <= binom.ppf(1 - 1e-4, simulations, 1 - CERTAINTY)


@pytest.mark.parametrize(("rows", "least"), [(1000, 0.05), (5000, 0.35), (30_000, 0.38)])
def test_what_can_be_promised_is_used(rows: int, least: float) -> None:
    """Of a world where 43 % of the rows could be accepted by one who knows all."""
    draw = np.random.default_rng(rows)
    world = WORLDS["a step at 0.8"]
    coverage = []
    for _ in range(30):
        confidence = draw.uniform(0.5, 1, rows)
        correct = draw.random(rows) < world(confidence)
        coverage.append(choose(Judged(confidence, correct), TARGET, CERTAINTY).decision["Coverage"])

    assert np.mean(coverage) >= least


def test_a_sequence_goes_from_strict_to_lax_until_a_threshold_fails_and_the_others_do_not_repeat_it() -> None:
    draw = np.random.default_rng(5)
    confidence = draw.uniform(0.5, 1, 4000)
    correct = draw.random(4000) < np.where(confidence >= 0.8, 0.99, 0.7)
    promise = choose(Judged(confidence, correct), TARGET, CERTAINTY)

    thresholds = [line["Threshold"] for line in promise.table]
    passed = [line for line in promise.table if line["LowerBound"] >= TARGET]
    assert thresholds == sorted(set(thresholds), reverse=True)
    # One sequence came to a threshold that fails; those that begin with laxer ones fail at once.
    assert [line in passed for line in promise.table] == [True] * len(passed) + [False] * (
        len(promise.table) - len(passed)
    )
    assert promise.table[-1]["Accepted"] == 4000
    chosen = passed[-1]
    assert chosen["LowerBound"] == lower_bound(chosen["Correct"], chosen["Accepted"], share_error(CERTAINTY, STARTS))
    assert promise.decision == {
        "Threshold": chosen["Threshold"],
        "TargetPrecision": TARGET,
        "Certainty": CERTAINTY,
        "Precision": chosen["Correct"] / chosen["Accepted"],
        "LowerBound": chosen["LowerBound"],
        "Coverage": chosen["Accepted"] / 4000,
        "Rows": 4000,
    }


def test_where_the_surest_are_wrong_a_laxer_start_finds_what_can_be_promised() -> None:
    confidence = np.linspace(1, 0.5, 1000)
    correct = np.arange(1000) >= 20  # of all rows 98 % are right, of the surest hundred 80 %

    promise = choose(Judged(confidence, correct), TARGET, CERTAINTY)

    assert promise.table[0]["LowerBound"] < TARGET
    assert promise.decision["Coverage"] == 1.0


def test_where_tests_start_does_not_depend_on_what_is_right() -> None:
    confidence = np.random.default_rng(6).uniform(0.5, 1, 1000)

    wrong, right = (
        choose(Judged(confidence, np.full(1000, is_right)), TARGET, CERTAINTY) for is_right in (False, True)
    )

    assert len(wrong.table) == STARTS
    starts = {line["Threshold"] for line in wrong.table}
    assert starts <= {line["Threshold"] for line in right.table}
    assert wrong.table[0]["Threshold"] == right.table[0]["Threshold"]


@pytest.mark.parametrize(("rows", "coverage"), [(44, 0.0), (45, 1.0), (67, 1.0)])
def test_the_fewest_rows_that_can_promise_do(rows: int, coverage: float) -> None:
    promise = choose(Judged(np.linspace(0.5, 1, rows), np.full(rows, True)), TARGET, CERTAINTY)

    assert promise.decision["Coverage"] == coverage


@pytest.mark.parametrize(
    ("rows", "precision", "note"),
    [
        (0, 1.0, "0 calibration rows cannot promise .* whatever the model: that takes at least 45"),
        (30, 1.0, "30 calibration rows cannot promise .* whatever the model: that takes at least 45"),
        (1000, 0.8, "No threshold reaches precision 0.95 .* 1,000 calibration rows: the model is not that precise"),
        (300, 0.957, "300 calibration rows cannot promise .*; about [0-9,]+ might, accepting [0-9]+% of them"),
    ],
)
def test_when_nothing_can_be_promised_the_note_says_what_would_help(rows: int, precision: float, note: str) -> None:
    confidence = np.linspace(0.5, 1, rows)
    correct = (np.arange(rows) * (1 - precision)) % 1 >= 1 - precision  # errors spread evenly

    promise = choose(Judged(confidence, correct), TARGET, CERTAINTY)

    decision = promise.decision
    assert (decision["Threshold"], decision["Precision"], decision["Coverage"]) == (None, None, 0.0)
    assert re.search(note, decision["Note"]), decision["Note"]


def test_rows_that_are_all_as_sure_are_accepted_together_or_not() -> None:
    everything = choose(Judged(np.ones(400), np.ones(400, dtype=bool)), TARGET, CERTAINTY)
    half = choose(Judged(np.ones(400), np.arange(400) % 2 == 0), TARGET, CERTAINTY)

    assert (everything.decision["Threshold"], everything.decision["Coverage"]) == (1.0, 1.0)
    assert half.decision["Threshold"] is None
