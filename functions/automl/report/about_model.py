"""Sections about the model: how good it is, where it errs, what may be trusted, what drives it, and the champion."""

from collections.abc import Mapping, Sequence
from typing import Any

from automl.report import charts, error_charts, trust_charts
from automl.report.blocks import Block, Charts, Missing, Table, Text, numeric
from automl.report.documents import Document, Documents
from automl.report.wording import NO_BREAK, NOTHING, count, estimate, number, region, share

_METHODS = {"None": "Not calibrated", "SplitConformal": "Split-conformal intervals"}
_SHOWN_THRESHOLDS = 20


def quality(evaluation: Document, objective: str) -> list[Block]:
    """The metrics on the test rows."""
    if evaluation.content is None:
        return [Missing(evaluation.missing)]
    found, omitted = evaluation.content["Metrics"], evaluation.content.get("Omitted") or {}
    level = share(evaluation.content.get("IntervalLevel", 0.95))
    drawn = [
        charts.metrics(found, charts.SHARES, "metrics", "Metrics on the test rows"),
        charts.metrics(found, charts.ERRORS, "target-errors", "Errors in the target's unit"),
    ]
    lines = [[name, *_estimated(one), number(one["Rows"])] for name, one in found.items()]
    lines += [[name, NOTHING, str(why), NOTHING] for name, why in omitted.items()]
    strong = list(found).index(objective) if objective in found else None
    blocks: list[Block] = [
        Text(
            f"Judged on {count(evaluation.content['Rows'], 'row')} that the model has never seen. The intervals are "
            f"{level} bootstrap intervals."
        ),
        *([Charts(shown)] if (shown := [one for one in drawn if one]) else []),
        Table(
            "Metrics on the test rows", ["Metric", "Value", f"{level} interval", "Rows"], lines, numeric(1, 3), strong
        ),
    ]
    return blocks


def _estimated(one: Mapping[str, Any]) -> tuple[str, str]:
    return estimate(one["Value"], one.get("Lower"), one.get("Upper"))


def errors(evaluation: Document, target: str) -> list[Block]:
    """Where the model errs."""
    if evaluation.content is None:
        return [Missing(evaluation.missing)]
    found = evaluation.content
    blocks: list[Block] = []
    if (found.get("ConfusionMatrix") or {}).get("Labels"):
        blocks.append(Charts([error_charts.confusion(found["ConfusionMatrix"])]))
    if found.get("Classes"):
        blocks.append(_classes(found["Classes"]))
    residuals = found.get("Residuals") or {}
    drawn = []
    if residuals.get("Histogram"):
        drawn.append(error_charts.residuals(residuals["Histogram"], target))
    if residuals.get("ByPrediction"):
        drawn.append(error_charts.residuals_by_prediction(residuals["ByPrediction"], target))
    if drawn:
        blocks.append(Charts(drawn))
    return blocks or [Missing("evaluation.json has neither a confusion matrix nor residuals.")]


def _classes(classes: list[Mapping[str, Any]]) -> Table:
    lines = [
        [
            str(one["Label"]),
            number(one["Rows"]),
            *(number(one.get(name), 3) for name in ("Precision", "Recall", "F1")),
            number(one.get("AcceptedRows")),
            number(one.get("AcceptedPrecision"), 3),
        ]
        for one in classes
    ]
    heads = ["Class", "Rows", "Precision", "Recall", "F1", "Accepted", "Precision of accepted"]
    return Table("Each class on the test rows", heads, lines, numeric(1, 6))


def trust(evaluation: Document, calibration: Document, decided: Mapping[str, Any], target: str) -> list[Block]:
    """How far confidence and intervals keep what they say, and what is accepted for it."""
    if evaluation.content is None:
        return [Missing(evaluation.missing)]
    found, learnt = evaluation.content, calibration.content or {}
    blocks: list[Block] = []
    if learnt.get("MethodReason"):
        method = _METHODS.get(learnt["Method"], learnt["Method"])
        blocks.append(Text(f"{method} ({count(learnt['Rows'], 'calibration row')}): {learnt['MethodReason']}."))
    elif calibration.content is None:
        blocks.append(Missing(calibration.missing))
    if (found.get("Intervals") or {}).get("Regions"):
        return blocks + _intervals(found["Intervals"], target)
    measured, curve = found.get("Calibration"), found.get("PrecisionCoverage")
    drawn = []
    if measured:
        drawn.append(trust_charts.reliability(measured["Reliability"], measured["Method"] != "None"))
    if curve:
        drawn.append(trust_charts.precision_coverage(curve, found.get("Chosen"), decided.get("TargetPrecision")))
    blocks += [Charts(drawn)] if drawn else []
    blocks += [_calibrated(measured)] if measured else []
    return blocks + ([_thresholds(curve)] if curve else [])


def _calibrated(measured: Mapping[str, Any]) -> Table:
    names = {"ECE": "Expected calibration error", "LogLoss": "Log loss"}
    lines = [
        [words, *(_with_interval(measured[name][when]) for when in ("Before", "After"))]
        for name, words in names.items()
        if name in measured
    ]
    caption = "Calibration on the test rows (less is better)"
    return Table(caption, ["Measure", "Before", "After"], lines, numeric(1, 2))


def _thresholds(curve: Sequence[Mapping[str, Any]]) -> Table:
    step = -(-len(curve) // _SHOWN_THRESHOLDS)
    return Table(
        "What some thresholds come to on the test rows",
        ["Threshold", "Accepted", "Precision of accepted"],
        [[number(one["Threshold"]), share(one["Coverage"]), share(one["Precision"])] for one in curve[::step]],
        numeric(1, 2),
        folded=True,
    )


def _with_interval(measured: Mapping[str, Any]) -> str:
    value, interval = _estimated(measured)
    return value if interval == NOTHING else f"{value} ({interval})"


def _intervals(measured: Mapping[str, Any], target: str) -> list[Block]:
    regions, level = measured["Regions"], measured["Level"]
    drawn = []
    if any(one.get("Coverage") is not None for one in regions):
        drawn.append(trust_charts.interval_coverage(regions, level))
    if any(one.get("HalfWidth") is not None for one in regions):
        drawn.append(trust_charts.interval_width(regions, target))
    lines = [
        [
            region(one["From"], one["To"]),
            number(one["Rows"]),
            "none" if one["HalfWidth"] is None else f"±{NO_BREAK}{number(one['HalfWidth'])}",
            share(one.get("Coverage")),
        ]
        for one in regions
    ]
    heads = ["Predicted", "Test rows", "Interval", "Truth inside"]
    table = Table(f"Intervals at level {share(level)} by region of the prediction", heads, lines, numeric(1, 3))
    return [Charts(drawn), table] if drawn else [table]


def drivers(documents: Documents) -> list[Block]:
    """What drives predictions."""
    values = documents.importance.content
    if not values:
        return [Missing(documents.importance.missing)]
    lines = [[name, number(value)] for name, value in values.items()]
    table = Table(
        f"All {count(len(values), 'feature')}", ["Feature", "Mean |SHAP value|"], lines, numeric(1, 1), folded=True
    )
    return [Charts([charts.importance(values)]), table]


def champion(evaluation: Document) -> list[Block]:
    """The comparison with the model that was in service."""
    if evaluation.content is None:
        return [Missing(evaluation.missing)]
    found = evaluation.content.get("Champion")
    if not found:
        return [Text("There was no model to compare with: this is the first of its endpoint.")]
    blocks: list[Block] = [Text(f"The former model is {found.get('Model', '')} of run {found.get('Run', '')}.")]
    if found.get("Reason"):
        blocks.append(Missing(str(found["Reason"])))
    rows = {}
    if found.get("Comparison"):
        rows["this run's test rows"] = found["Comparison"]
    former = found.get("FormerTest") or {}
    if "Difference" in former:
        rows["former test rows"] = former
    elif former.get("Reason"):
        blocks.append(Missing(f"On the former model's own test rows: {former['Reason']}"))
    if rows:
        blocks += [Charts([charts.comparison(rows)]), _compared(rows)]
    if found.get("Metrics"):
        own = evaluation.content["Metrics"]
        lines = [
            [name, number((own.get(name) or {}).get("Value")), number(value)]
            for name, value in found["Metrics"].items()
        ]
        heads = ["Metric", "New model", "Former model"]
        blocks.append(Table("Both models on this run's test rows", heads, lines, numeric(1, 2)))
    return blocks


def _compared(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    lines = []
    for name, one in rows.items():
        difference, interval = estimate(one["Difference"], one.get("Lower"), one.get("Upper"))
        values = (number(one["Challenger"]), number(one["Champion"]))
        lines.append(
            [name, one["Metric"], *values, difference, interval, number(one.get("Margin")), number(one["Rows"])]
        )
    heads = ["Compared on", "Metric", "New", "Former", "Better by", "95 % interval", "Margin", "Rows"]
    return Table("The new model against the former one", heads, lines, numeric(2, 7))
