"""Whether a model may go on: it is good enough, and better than the champion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl.objectives import LOWER_IS_BETTER


@dataclass(frozen=True)
class Check:
    """One condition of the gate; ``text`` says what was found and what was asked."""

    name: str
    passed: bool
    text: str


def judge(
    gate: Mapping[str, Any],
    values: Mapping[str, float],
    omitted: Mapping[str, str],
    champion: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """``Gate`` of evaluation.json.

    Args:
        gate: of the request: ``Minimum``, ``MustBeatChampion``, ``Margin``.
        values: metrics of the test rows.
        omitted: why a metric is not among them.
        champion: ``Champion`` of evaluation.json; None when there is none.
    """
    checks = [_minimum(metric, bound, values, omitted) for metric, bound in gate.get("Minimum", {}).items()]
    if champion is None:
        checks.append(Check("Champion", True, "There is no model in service to beat"))
    elif gate.get("MustBeatChampion", True):
        checks += _beats(champion, gate.get("Margin", 0))
    reasons = [check.text for check in checks if not check.passed]
    told = [{"Name": check.name, "Passed": check.passed, "Text": check.text} for check in checks]
    return {"Accepted": not reasons, "Reasons": reasons, "Checks": told}


def _minimum(metric: str, bound: float, values: Mapping[str, float], omitted: Mapping[str, str]) -> Check:
    name = f"Minimum.{metric}"
    least = "at most" if metric in LOWER_IS_BETTER else "at least"
    if metric not in values:
        why = omitted.get(metric, "no test row has a known truth")
        return Check(name, False, f"{metric} must be {least} {bound:g} but cannot be measured on the test rows: {why}")
    value = values[metric]
    passed = value <= bound if metric in LOWER_IS_BETTER else value >= bound
    asked = f"{least} {bound:g} is asked" if passed else f"Gate.Minimum asks for {least} {bound:g}"
    return Check(name, passed, f"{metric} of the test rows is {_number(value, bound)}; {asked}")


def _beats(champion: Mapping[str, Any], margin: float) -> list[Check]:
    comparison = champion.get("Comparison")
    if comparison is None:
        remedy = 'set "Gate": {"MustBeatChampion": false} to replace it without a comparison'
        return [Check("BetterThanChampion", False, f"{champion['Reason'].rstrip('.')}; {remedy}")]
    checks = [_better(comparison, margin)]
    former = champion.get("FormerTest", {})
    if "Difference" in former:
        checks.append(_not_worse(former))
    return checks


def _better(comparison: Mapping[str, Any], margin: float) -> Check:
    difference = comparison["Difference"]
    asked = f"more than {margin:g} better" if margin else "better"
    return Check(
        "BetterThanChampion",
        difference > margin,
        f"{_both(comparison)} on the same {comparison['Rows']:,} test rows: {_better_by(comparison)}; "
        + (f"it is {asked}" if difference > margin else f"it must be {asked}"),
    )


def _not_worse(former: Mapping[str, Any]) -> Check:
    """The new test rows come from the same delivery as the new training rows, and are as broken as they."""
    passed = former["Upper"] is None or former["Upper"] >= 0
    found = f"{_both(former)} on the former model's own {former['Rows']:,} test rows: {_better_by(former)}; "
    return Check(
        "FormerTest",
        passed,
        found
        + (
            "it is not clearly worse there"
            if passed
            else "it is clearly worse there, so the new data may be faulty: compare it with the former run's, or set "
            '"Gate": {"MustBeatChampion": false} if the world has changed'
        ),
    )


def _both(comparison: Mapping[str, Any]) -> str:
    metric, ours, theirs = (comparison[key] for key in ("Metric", "Challenger", "Champion"))
    return f"{metric} of the new model is {_number(ours, theirs)}, of the former {_number(theirs, ours)}"


def _better_by(comparison: Mapping[str, Any]) -> str:
    difference, lower, upper = (comparison[key] for key in ("Difference", "Lower", "Upper"))
    told = f"{abs(difference):.3g} {'worse' if difference < 0 else 'better'}" if difference else "as good"
    if lower is None or lower == upper:
        return told
    return f"{told} (from {lower:+.3g} to {upper:+.3g} with {comparison['IntervalLevel']:.0%} confidence)"


def _number(value: float, other: float) -> str:
    """With as many digits as tell it from the other, if they differ."""
    for digits in range(4, 17):
        text = f"{value:.{digits}g}"
        if value == other or text != f"{other:.{digits}g}":
            break
    return text
