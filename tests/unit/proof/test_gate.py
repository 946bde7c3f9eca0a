"""The gate: what it lets through, and what it says."""

from typing import Any

import pytest

from automl.proof.gate import judge

COMPARISON = {
    "Metric": "RMSE",
    "Direction": "Minimize",
    "Challenger": 2.0,
    "Champion": 2.1,
    "Difference": 0.1,
    "Lower": -0.05,
    "Upper": 0.25,
    "IntervalLevel": 0.95,
    "Rows": 418,
    "Margin": 0,
}
CHAMPION: dict[str, Any] = {"Run": "r", "Model": "m", "PackageArn": "", "Scored": True, "Reason": ""}


def champion(**changes: Any) -> dict[str, Any]:
    return {**CHAMPION, "Comparison": {**COMPARISON, **changes}}


def test_without_champion_and_minimum_a_model_may_go_on() -> None:
    assert judge({}, {"R2": 0.1}, {}, None) == {
        "Accepted": True,
        "Reasons": [],
        "Checks": [{"Name": "Champion", "Passed": True, "Text": "There is no model in service to beat"}],
    }


@pytest.mark.parametrize(
    ("minimum", "accepted"),
    [
        ({"R2": 0.5}, True),
        ({"R2": 0.5000001}, False),
        ({"RMSE": 3.0}, True),
        ({"RMSE": 2.9}, False),
        ({"R2": 0.4, "RMSE": 2.9}, False),
        ({"Coverage": 0.8}, False),
    ],
)
def test_a_minimum_is_at_most_where_lower_is_better(minimum: dict[str, float], accepted: bool) -> None:
    verdict = judge({"Minimum": minimum}, {"R2": 0.5, "RMSE": 3.0}, {"Coverage": "there is no interval"}, None)

    assert verdict["Accepted"] is accepted
    assert bool(verdict["Reasons"]) is not accepted


def test_reasons_tell_what_was_found_and_asked() -> None:
    minimum = {"R2": 0.5, "RMSE": 2.9, "Coverage": 0.8}
    reasons = judge({"Minimum": minimum}, {"R2": 0.499999, "RMSE": 3.0}, {"Coverage": "no interval"}, None)["Reasons"]

    assert reasons == [
        "R2 of the test rows is 0.499999; Gate.Minimum asks for at least 0.5",
        "RMSE of the test rows is 3; Gate.Minimum asks for at most 2.9",
        "Coverage must be at least 0.8 but cannot be measured on the test rows: no interval",
    ]


@pytest.mark.parametrize(
    ("difference", "margin", "accepted"),
    [
        (0.1, 0, True),
        (0.0, 0, False),
        (0.1, 0.1, False),
        (0.11, 0.1, True),
        (-0.04, -0.05, True),
        (-0.06, -0.05, False),
    ],
)
def test_better_means_by_more_than_the_margin(difference: float, margin: float, accepted: bool) -> None:
    assert judge({"Margin": margin}, {}, {}, champion(Difference=difference))["Accepted"] is accepted


def test_a_champion_need_not_be_beaten_when_the_request_says_so() -> None:
    assert judge({"MustBeatChampion": False}, {}, {}, champion(Difference=-1.0))["Accepted"] is True


def test_a_champion_that_cannot_be_compared_stays_and_the_remedy_is_told() -> None:
    unscored = {**CHAMPION, "Scored": False, "Reason": "The champion, r, cannot be scored: its recipe is gone"}

    verdict = judge({}, {}, {}, unscored)

    assert verdict["Accepted"] is False
    assert "its recipe is gone" in verdict["Reasons"][0]
    assert '"MustBeatChampion": false' in verdict["Reasons"][0]
    assert judge({"MustBeatChampion": False}, {}, {}, unscored)["Accepted"] is True


@pytest.mark.parametrize(("upper", "accepted"), [(-0.01, False), (0.0, True), (0.2, True), (None, True)])
def test_a_model_that_is_clearly_worse_on_the_champions_own_rows_is_rejected(
    upper: float | None, accepted: bool
) -> None:
    """Broken new data break their own test rows as well, on which the model then looks good."""
    former = {**COMPARISON, "Difference": -0.5, "Lower": None if upper is None else -0.9, "Upper": upper}

    verdict = judge({}, {}, {}, {**champion(), "FormerTest": former})

    assert verdict["Accepted"] is accepted
    assert [check["Name"] for check in verdict["Checks"]] == ["BetterThanChampion", "FormerTest"]


def test_former_rows_that_were_not_scored_are_no_obstacle() -> None:
    assert judge({}, {}, {}, {**champion(), "FormerTest": {"Reason": "timed out"}})["Accepted"] is True


def test_the_same_model_again_is_as_good() -> None:
    same = champion(Challenger=2.1, Difference=0.0, Lower=0.0, Upper=0.0)

    assert judge({}, {}, {}, same)["Reasons"] == [
        "RMSE of the new model is 2.1, of the former 2.1 on the same 418 test rows: as good; it must be better"
    ]
