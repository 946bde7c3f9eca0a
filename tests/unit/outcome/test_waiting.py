"""The simulation of three ways to wait, by hand."""

import pytest

from benchmarks import run_cost

LOOK = 0.0000002 + 0.4 * 0.25 * 0.0000133334


def test_a_fixed_wait_looks_until_the_job_has_ended() -> None:
    # At 0, 30, … 300 s and, as the job ended at 301 s, at 330 s.
    waited = run_cost.fixed(301)
    assert (waited.polls, waited.lag, waited.events) == (12, 29, 12 * 9 - 2)
    assert waited.dollars == pytest.approx(12 * LOOK + 35 * 0.000025)


def test_a_sleeping_lambda_is_billed_while_it_sleeps_and_starts_again_after_its_life() -> None:
    # 16 sleeps of 60 s are 960 s: two lives of at most 840 s, each a Task and a Choice.
    waited = run_cost.sleeper(950)
    assert (waited.polls, waited.lag, waited.events) == (17, 10, 14)
    billed = (960 + 17 * 0.4) * 0.125 * 0.0000133334
    assert waited.dollars == pytest.approx(2 * 0.0000002 + billed + 4 * 0.000025)


@pytest.mark.parametrize("hours", [1, 8, 24, 24 * 7])
def test_this_project_s_wait_is_late_by_a_twentieth_and_keeps_its_history_short(hours: int) -> None:
    waited = run_cost.adaptive(hours * 3600)
    assert waited.lag <= min(0.05 * (hours * 3600 + waited.lag), 1200)
    assert waited.events < run_cost.HISTORY_LIMIT / 4


def test_a_fixed_wait_of_30_s_fills_its_history_within_a_day() -> None:
    assert run_cost.fixed(22 * 3600).events < run_cost.HISTORY_LIMIT < run_cost.fixed(24 * 3600).events


def test_the_table_has_every_design_for_every_duration() -> None:
    found = list(run_cost.lines())
    assert len(found) == 2 + len(run_cost.DURATIONS) * len(run_cost.DESIGNS)
    assert sum("ends the execution" in line for line in found) == 1
