"""Measuring any number of rows: beyond a bound a sample of them, the same each time, from everywhere."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import schema
from automl.proof import metrics
from automl.proof.scored import Sample
from tests.unit.scoring.scoring_bench import of_age, prepared, put, score, serve


def taken(sample: Sample, rows: range, truth: str = "yes") -> list[int]:
    return [row for row in rows if sample.takes([str(row), "", truth, "cells"])]


@given(st.integers(1, 50), st.integers(1, 400), st.integers(0, 10**9))
def test_a_sample_is_spread_evenly_whatever_the_rows_period(step: int, most: int, first: int) -> None:
    rows = range(first, first + 4_000 * step, step)
    sample = Sample(most, len(rows))

    chosen = taken(sample, rows)

    assert sample.given == 4_000
    assert abs(len(chosen) - most) <= 0.3 * most + 30
    quarters = Counter((row - first) // (1_000 * step) for row in chosen)
    assert most < 100 or all(abs(quarters[quarter] - most / 4) <= 0.3 * most / 4 + 30 for quarter in range(4))


def test_few_rows_are_all_taken_and_those_without_truth_are_not_counted() -> None:
    sample = Sample(10, 10)

    assert taken(sample, range(5)) == list(range(5))
    assert taken(sample, range(5, 10), truth="") == []
    assert sample.given == 5


def test_of_very_many_rows_a_sample_is_measured_and_the_document_says_so(
    data_bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part's first row has no answer: it is known, and not measured."""
    monkeypatch.setattr(metrics, "MOST_ROWS", 300)
    sagemaker = serve(data_bucket)
    ages = [row * 7919 % 100 for row in range(3_000)]
    table = "".join(f"{age},{'x' if row else 'poison'},{'' if row % 3 else age > 40}\n" for row, age in enumerate(ages))

    def formula(record: list[str]) -> str:
        return ",,," if record[1] == "poison" else of_age(record)

    rows = prepared(data_bucket, sagemaker, put(data_bucket, f"age,city,old\n{table}"))
    document = score(data_bucket, rows, formula)

    assert document["ReviewReasons"]["NotPredicted"] == 1
    quality = document["Quality"]
    assert quality["Sampled"] == {"Rows": quality["Rows"], "Of": 1_000}
    assert 60 <= quality["Rows"] <= 140
    assert quality["Metrics"]["Accuracy"] == pytest.approx(0.9, abs=0.12)
    schema.check(document, "scoring", "the summary")
