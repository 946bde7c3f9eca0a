"""Charts of the model as a whole: the target, candidates, metrics, features, the champion, and the run's time."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from automl.report.figure import (
    ACCENT,
    BESIDE,
    INK,
    MAX_ROWS,
    MUTED,
    OTHER,
    QUIET,
    Chart,
    axis,
    figure,
    named_rows,
    rows_height,
    text,
)
from automl.report.timeline import Phase
from automl.report.wording import count, duration, estimate, number, share, shortened

SHARES = (
    "Accuracy",
    "BalancedAccuracy",
    "AUC",
    "F1",
    "F1macro",
    "Precision",
    "PrecisionMacro",
    "Recall",
    "RecallMacro",
    "R2",
    "Coverage",
)
"""Metrics that are 1 at best, so that one axis serves them all."""
ERRORS = ("RMSE", "MAE")
"""Metrics in the target's own unit."""


def target(column: Mapping[str, Any]) -> Chart:
    """How often each class is, of a target that has few."""
    top = column["TopValues"][:MAX_ROWS]
    counts = [value["Count"] for value in top]
    total = sum(value["Count"] for value in column["TopValues"])
    bars = go.Bar(
        x=counts,
        y=list(range(len(top))),
        orientation="h",
        marker={"color": ACCENT},
        width=0.6,
        text=[share(value / total) for value in counts],
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"{text(shortened(one['Value'], 60))}: {count(one['Count'], 'row')}" for one in top],
        hoverinfo="text",
    )
    height = rows_height(len(top))
    x = axis("rows", range=[0, max(counts)], nticks=4)
    most, least = top[0], column["TopValues"][-1]
    return Chart(
        "target",
        "How often each value of the target occurs",
        "Each bar is a value of the target column. A model sees rare values seldom, and is judged on few of them.",
        f"Bars of {len(top)} target values, from {most['Value']} ({share(most['Count'] / total)} of rows) "
        f"to {least['Value']} ({share(least['Count'] / total)}).",
        figure([bars], height, x, named_rows([value["Value"] for value in top]), margin=BESIDE),
        height,
    )


def leaderboard(document: Mapping[str, Any], chosen: str) -> Chart:
    """The candidates' objective values; the chosen one stands out."""
    metric, minimize = document["Metric"], document["Direction"] == "Minimize"
    shown = [one for one in document["Candidates"] if one["Value"] is not None][:MAX_ROWS]
    groups = [
        ("chosen", ACCENT, "circle"),
        ("usable", MUTED, "circle"),
        ("not usable", OTHER, "circle-open"),
    ]
    traces = []
    for name, color, symbol in groups:
        rows = [row for row, one in enumerate(shown) if _group(one, chosen) == name]
        if rows:
            traces.append(
                go.Scatter(
                    name=name,
                    x=[shown[row]["Value"] for row in rows],
                    y=rows,
                    mode="markers+text",
                    marker={"color": color, "size": 12 if name == "chosen" else 10, "symbol": symbol},
                    text=[number(shown[row]["Value"]) for row in rows],
                    textposition="middle right",
                    textfont={"color": INK if name == "chosen" else QUIET},
                    cliponaxis=False,
                    hovertext=[_candidate_hover(shown[row], metric) for row in rows],
                    hoverinfo="text",
                )
            )
    height = rows_height(len(shown), 100)
    best = shown[0]
    better = "less" if minimize else "more"
    values = [one["Value"] for one in shown]
    return Chart(
        "leaderboard",
        f"Candidates by {metric}",
        f"Each dot is a candidate of the AutoML job with its {metric} on Autopilot's validation rows: {better} is "
        "better. The axis does not begin at zero.",
        f"Dots of {len(shown)} candidates from {number(max(values))} to {number(min(values))}. "
        f"The first is {best['Name']} with {number(best['Value'])}.",
        figure(
            traces,
            height,
            axis(f"{metric} (validation)", range=_padded(values, 0.06, 0.03), nticks=4),
            named_rows([one["Name"] for one in shown], showgrid=True),
            showlegend=True,
            margin=BESIDE,
        ),
        height,
        width="wide",
    )


def _group(one: Mapping[str, Any], chosen: str) -> str:
    return "chosen" if one["Name"] == chosen else "usable" if one["Usable"] else "not usable"


def _candidate_hover(one: Mapping[str, Any], metric: str) -> str:
    latency = one["Metrics"].get("InferenceLatency")
    lines = [text(shortened(one["Name"], 64)), f"{metric} {number(one['Value'])}"]
    lines += [f"latency {number(latency)} s"] if latency is not None else []
    lines += [text(shortened(one["Reason"], 80))] if one["Reason"] else []
    return "<br>".join(lines)


def _padded(values: Sequence[float], before: float, after: float) -> list[float]:
    low, high = min(values), max(values)
    width = (high - low) or abs(high) or 1.0
    return [low - before * width, high + after * width]


def metrics(found: Mapping[str, Mapping[str, Any]], names: Sequence[str], name: str, title: str) -> Chart | None:
    """Metrics that share a unit, each as a dot with its interval; None when there is none of them."""
    rows = [(metric, found[metric]) for metric in names if metric in found and found[metric]["Value"] is not None]
    if not rows:
        return None
    dots = _dots_and_intervals([value for _, value in rows], ACCENT, [metric for metric, _ in rows])
    height = rows_height(len(rows), 50)
    ends = [value[end] for _, value in rows for end in ("Lower", "Value", "Upper") if value.get(end) is not None]
    said = "; ".join(
        f"{metric} {estimate(value['Value'], value.get('Lower'), value.get('Upper'))[0]}" for metric, value in rows
    )
    return Chart(
        name,
        title,
        "The dot is the value on the test rows, the line its 95 % interval: with other test rows of the same kind it "
        "would probably lie there. Long lines mean few rows.",
        f"Dots with intervals: {said}.",
        figure(
            [dots], height, axis(range=_padded(ends, 0.08, 0.08), nticks=4), named_rows([metric for metric, _ in rows])
        ),
        height,
    )


def _dots_and_intervals(
    values: Sequence[Mapping[str, Any]], color: str, names: Sequence[str], key: str = "Value"
) -> Any:
    def error(one: Mapping[str, Any], end: str) -> float:
        value, bound = float(one[key]), one.get(end)
        return 0.0 if bound is None else abs(float(bound) - value)

    shown = [estimate(one[key], one.get("Lower"), one.get("Upper")) for one in values]
    return go.Scatter(
        x=[one[key] for one in values],
        y=list(range(len(values))),
        mode="markers",
        marker={"color": color, "size": 11},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [error(one, "Upper") for one in values],
            "arrayminus": [error(one, "Lower") for one in values],
            "color": color,
            "thickness": 2.5,
            "width": 5,
        },
        cliponaxis=False,
        hovertext=[
            f"{text(name)} {value}<br>95 %: {interval}" for name, (value, interval) in zip(names, shown, strict=True)
        ],
        hoverinfo="text",
    )


def importance(values: Mapping[str, float]) -> Chart:
    """The features that move predictions most."""
    shown = list(values.items())[:MAX_ROWS]
    bars = go.Bar(
        x=[value for _, value in shown],
        y=list(range(len(shown))),
        orientation="h",
        marker={"color": ACCENT},
        width=0.6,
        text=[number(value, 3) for _, value in shown],
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"{text(shortened(name, 60))}: {number(value)}" for name, value in shown],
        hoverinfo="text",
    )
    height = rows_height(len(shown))
    most = max((value for _, value in shown), default=0.0) or 1.0
    return Chart(
        "importance",
        "Features that move predictions most",
        "The longer the bar, the further the feature moves a prediction from the average one (mean absolute SHAP "
        "value). It says what the model uses, not what causes the outcome.",
        "Bars of features: " + "; ".join(f"{name} {number(value, 3)}" for name, value in shown[:5]) + ".",
        figure(
            [bars],
            height,
            axis("mean |SHAP value|", range=[0, most], nticks=4),
            named_rows([name for name, _ in shown]),
            margin=BESIDE,
        ),
        height,
        width="wide",
    )


def comparison(rows: Mapping[str, Mapping[str, Any]]) -> Chart:
    """By how much the new model is better than the champion, on each set of rows both have predicted."""
    values = list(rows.values())
    metric = values[0]["Metric"]
    dots = _dots_and_intervals(values, ACCENT, list(rows), "Difference")
    ends = [0.0, *(one[end] for one in values for end in ("Lower", "Difference", "Upper") if one.get(end) is not None)]
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": OTHER, "width": 2}}
    height = rows_height(len(rows), 110)
    return Chart(
        "comparison",
        f"How much better the new model is ({metric})",
        "Right of the orange line the new model is better, left of it worse. The line through a dot is the 95 % "
        "interval of the difference on the same rows; where it crosses the orange line, chance could explain it.",
        "Differences: " + "; ".join(f"{name} {number(one['Difference'])}" for name, one in rows.items()) + ".",
        figure(
            [dots],
            height,
            axis(f"better by ({metric})", range=_padded(ends, 0.15, 0.15), nticks=4),
            named_rows(list(rows)),
            shapes=[zero],
            annotations=[_above_axis(0.0, "equally good")],
        ),
        height,
        width="wide",
    )


def _above_axis(x: float, words: str) -> dict[str, Any]:
    return {
        "x": x,
        "y": 1.0,
        "yref": "paper",
        "yanchor": "bottom",
        "text": words,
        "showarrow": False,
        "font": {"size": 12, "color": OTHER},
    }


def phases(found: Sequence[Phase]) -> Chart:
    """When each phase of the execution began and how long it took."""
    start = found[0].start
    total = max((one.end - start).total_seconds() for one in found)
    unit, seconds = ("hours", 3600) if total > 7200 else ("minutes", 60) if total > 180 else ("seconds", 1)
    bars = go.Bar(
        x=[max(one.seconds, total / 300) / seconds for one in found],
        base=[(one.start - start).total_seconds() / seconds for one in found],
        y=list(range(len(found))),
        orientation="h",
        width=0.55,
        marker={"color": ACCENT},
        text=[duration(one.seconds) if one.ended else "running" for one in found],
        textposition="outside",
        textfont={"color": QUIET},
        cliponaxis=False,
        hovertext=[f"{text(one.name)}: {duration(one.seconds)}" for one in found],
        hoverinfo="text",
    )
    height = rows_height(len(found))
    longest = max(found, key=lambda one: one.seconds)
    return Chart(
        "timeline",
        "When each step ran",
        "Each bar is a step of the execution, from when it began to when it ended; a step with hardly any width took "
        "hardly any time.",
        f"{len(found)} steps in {duration(total)}; the longest is {longest.name} with {duration(longest.seconds)}.",
        figure(
            [bars],
            height,
            axis(f"{unit} since the start", range=[0, 1.005 * total / seconds], nticks=8),
            named_rows([one.name for one in found], showgrid=True),
            margin=BESIDE,
        ),
        height,
        width="wide",
    )
