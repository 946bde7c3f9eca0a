"""Numbers, times and names in the report, and the phases of an execution."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.report import timeline, wording
from automl.report.figure import label
from tests.report.samples import START, history


def plain(text: str) -> str:
    return text.replace(wording.NO_BREAK, " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, wording.NOTHING),
        (math.nan, wording.NOTHING),
        (0.0, "0"),
        (4177, "4,177"),
        (0.93412, "0.9341"),
        (0.9, "0.9"),
        (12345.678, "12,346"),
        (-2.5, "-2.5"),
        (0.00001234, "1.234 × 10⁻⁵"),  # noqa: RUF001
        (1.5e12, "1.500 × 10¹²"),  # noqa: RUF001
        (9.99996, "10"),
    ],
)
def test_numbers_have_sensible_digits(value: float | None, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, wording.NOTHING),
        (0.7134, "71.3 %"),
        (0.5, "50 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.99999, "> 99.9 %"),
        (0.00001, "< 0.1 %"),
    ],
)
def test_only_all_is_called_100_percent(value: float | None, text: str) -> None:
    assert plain(wording.share(value)) == text


@pytest.mark.parametrize(
    ("value", "lower", "upper", "said"),
    [
        (0.87391, 0.84217, 0.9021, ("0.874", "0.842 to 0.902")),
        (2.1345, 1.94, 2.32, ("2.13", "1.94 to 2.32")),
        (1534.2, 1210.0, 1801.0, ("1,534", "1,210 to 1,801")),
        (0.5, None, None, ("0.5", wording.NOTHING)),
        (0.5, 0.5, 0.5, ("0.5", wording.NOTHING)),
        (3e12, 1e12, 5e12, ("3.000 × 10¹²", "1.000 × 10¹² to 5.000 × 10¹²")),  # noqa: RUF001
    ],
)
def test_an_estimate_has_the_digits_that_its_interval_allows(
    value: float, lower: float | None, upper: float | None, said: tuple[str, str]
) -> None:
    assert wording.estimate(value, lower, upper) == said


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, wording.NOTHING),
        (0.42, "0.4 s"),
        (48.2, "48 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert plain(wording.duration(seconds)) == text


def test_counts_sizes_and_regions() -> None:
    assert [plain(wording.count(rows, "row")) for rows in (0, 1, 4177)] == ["0 rows", "1 row", "4,177 rows"]
    assert [plain(wording.size(one)) for one in (1, 812, 3_400_000)] == ["1 byte", "812 bytes", "3.4 MB"]
    ends = [(None, 6.25), (6.25, 7.0), (7.0, None), (None, None)]
    assert [wording.region(*one) for one in ends] == ["< 6.25", "6.25 to 7", "≥ 7", "all"]


@given(st.floats() | st.integers())
def test_any_number_can_be_written(value: float) -> None:
    assert wording.number(value)
    assert wording.share(value if isinstance(value, float) else None)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_any_estimate_can_be_written(value: float, lower: float, upper: float) -> None:
    assert all(wording.estimate(value, lower, upper))


@given(st.text(), st.integers(min_value=6, max_value=40))
def test_a_name_beside_an_axis_is_short_and_no_markup(name: str, limit: int) -> None:
    assert 0 < len(wording.shortened(name, limit)) <= max(limit, len("(empty)"))
    assert not {"<", ">"} & set(label(name, limit))


def test_a_polling_loop_is_one_phase_and_what_only_passes_data_on_is_none() -> None:
    found = timeline.phases(history(hours=1))
    assert [one.name for one in found] == [
        "Validate Request",
        "Transform Data",
        "Wait for AutoML Job",
        "Deploy to Staging",
        "Score Test Split",
        "Evaluate Model",
        "Register Model",
        "Deploy Model",
        "Retire Model",
        "Write Report",
    ]
    loop = found[2]
    assert (loop.start, loop.visits) == (START + timedelta(seconds=7.5), 12)
    assert loop.seconds == pytest.approx(12 * 300 + 13 * 0.4)
    assert [one.name for one in found if not one.ended] == ["Write Report"]


def test_an_execution_without_states_has_no_phases() -> None:
    assert timeline.phases([]) == []
    assert timeline.phases(history()[:1]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0.0, "$0.00"),
        (1234.5, "$1,234.50"),
        (0.1, "$0.10"),
        (0.0999, "$0.10"),
        (0.02345, "$0.023"),
        (0.00214, "$0.0021"),
        (0.000001, "< $0.00001"),
    ],
)
def test_dollars_have_cents_or_two_digits_that_tell_something(value: float | None, text: str) -> None:
    assert wording.dollars(value) == text
