"""Charts of how far a model's confidence can be trusted: calibration, what a threshold costs, and intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from automl.report.figure import ACCENT, BESIDE, INK, MUTED, OTHER, QUIET, Chart, axis, figure, named_rows, rows_height
from automl.report.wording import count, number, region, share

_HEIGHT = 380
_STEADY = 0.05
"""The precision of less than this share of rows jumps up and down, and does not decide what is shown."""


def reliability(bins: Mapping[str, Sequence[Mapping[str, Any]]], changed: bool) -> Chart:
    """How often the model is right by how sure it says it is, before and after calibration."""
    styles = [("Before", "before calibration", MUTED, "circle-open", "dot")] if changed else []
    styles.append(("After", "after calibration" if changed else "as the model says it", ACCENT, "circle", "solid"))
    traces: list[Any] = []
    for key, name, color, symbol, dash in styles:
        found = bins[key]
        traces.append(
            go.Scatter(
                name=name,
                x=[one["Confidence"] for one in found],
                y=[one["Accuracy"] for one in found],
                mode="lines+markers",
                line={"color": color, "width": 2, "dash": dash},
                marker={"color": color, "size": 9, "symbol": symbol, "line": {"color": color, "width": 2}},
                hovertext=[
                    f"{name}<br>says {share(one['Confidence'])}, is right {share(one['Accuracy'])}<br>"
                    f"{count(one['Rows'], 'row')}"
                    for one in found
                ],
                hoverinfo="text",
            )
        )
    after = bins["After"]
    traces.append(
        go.Bar(
            x=[(one["From"] + one["To"]) / 2 for one in after],
            y=[one["Rows"] for one in after],
            width=[(one["To"] - one["From"]) * 0.9 for one in after],
            marker={"color": MUTED},
            yaxis="y2",
            showlegend=False,
            hovertext=[
                f"confidence {share(one['From'], 0)} to {share(one['To'], 0)}<br>{count(one['Rows'], 'row')}"
                for one in after
            ],
            hoverinfo="text",
        )
    )
    everything = [one for side in bins.values() for one in side]
    low = max(0.0, min(min(one["From"], one["Confidence"]) for one in everything) - 0.02)
    lowest = min(low, *(one["Accuracy"] for one in everything))
    diagonal = {"type": "line", "x0": low, "x1": 1, "y0": low, "y1": 1, "line": {"color": OTHER, "width": 2}}
    return Chart(
        "reliability",
        "Does the confidence mean what it says?",
        "On the orange line, rows given a confidence of 80 % are right in 80 % of cases. Below it the model is too "
        "sure of itself, above it too modest. The bars count the rows at each confidence.",
        "Reliability diagram. " + _distances(bins, styles),
        figure(
            traces,
            _HEIGHT,
            axis("confidence", range=[low, 1.02], tickformat=".0%", anchor="y2"),
            axis("share that is right", range=[lowest - 0.03, 1.04], tickformat=".0%", domain=[0.3, 1]),
            yaxis2=axis("rows", domain=[0, 0.18], nticks=3),
            shapes=[{**diagonal, "layer": "below"}],
            showlegend=True,
            bargap=0,
        ),
        _HEIGHT,
    )


def _distances(bins: Mapping[str, Sequence[Mapping[str, Any]]], styles: Sequence[tuple[str, ...]]) -> str:
    said = []
    for key, name, *_ in styles:
        furthest = max(abs(one["Confidence"] - one["Accuracy"]) for one in bins[key])
        said.append(f"{name}: at most {share(furthest)} away from the diagonal")
    return "; ".join(said) + "."


def precision_coverage(
    curve: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any] | None, target: float | None
) -> Chart:
    """How precise the answered rows are, by how many are answered."""
    line = go.Scatter(
        name="all thresholds",
        x=[one["Coverage"] for one in curve],
        y=[one["Precision"] for one in curve],
        mode="lines",
        line={"color": ACCENT, "width": 2.5},
        hovertext=[f"threshold {number(one['Threshold'])}<br>{_price(one)}" for one in curve],
        hoverinfo="text",
    )
    traces: list[Any] = [line]
    values = [one["Precision"] for one in curve if one["Coverage"] >= _STEADY]
    if chosen and chosen.get("Precision") is not None:
        values += [chosen[end] for end in ("Lower", "Upper") if chosen.get(end) is not None]
        traces.append(_chosen(chosen))
    shapes, notes = [], []
    if target is not None:
        values.append(target)
        across = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": target, "y1": target}
        shapes.append({**across, "line": {"color": MUTED, "width": 1.5, "dash": "dash"}})
        notes.append(_at_left(target, f"target {share(target)}"))
    low = min(values, default=0.0)
    room = max(0.01, (1 - low) * 0.1)
    said = (
        f"At the threshold in use: {_price(chosen)}."
        if chosen and chosen.get("Precision") is not None
        else "No threshold is chosen."
    )
    return Chart(
        "precision-coverage",
        "What precision costs",
        "Further right, more rows are accepted; higher up, more of them are right. Along the line the threshold falls "
        "from left to right. The diamond is the threshold in use.",
        f"Curve of precision by coverage on the test rows. {said}",
        figure(
            traces,
            _HEIGHT,
            axis("share of rows accepted", range=[0, 1.03], tickformat=".0%"),
            axis("precision of the accepted", range=[max(-0.02, low - room), 1 + room / 2], tickformat=".1~%"),
            shapes=shapes,
            annotations=notes,
            showlegend=True,
        ),
        _HEIGHT,
    )


def _price(one: Mapping[str, Any]) -> str:
    return f"{share(one['Coverage'])} of rows accepted, {share(one['Precision'])} of them right"


def _chosen(chosen: Mapping[str, Any]) -> Any:
    lower, upper = (chosen[end] if chosen.get(end) is not None else chosen["Precision"] for end in ("Lower", "Upper"))
    threshold = "all rows" if chosen.get("Threshold") is None else f"threshold {number(chosen['Threshold'])}"
    return go.Scatter(
        name=f"in use: {threshold}",
        x=[chosen["Coverage"]],
        y=[chosen["Precision"]],
        mode="markers",
        marker={"color": OTHER, "size": 14, "symbol": "diamond"},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, upper - chosen["Precision"])],
            "arrayminus": [max(0.0, chosen["Precision"] - lower)],
            "color": OTHER,
            "thickness": 2.5,
            "width": 6,
        },
        hovertext=[f"{threshold}<br>{_price(chosen)}<br>95 %: {share(lower)} to {share(upper)}"],
        hoverinfo="text",
    )


def _at_left(y: float, words: str) -> dict[str, Any]:
    return {
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": y,
        "yanchor": "bottom",
        "text": words,
        "showarrow": False,
        "font": {"size": 12, "color": QUIET},
    }


def interval_coverage(regions: Sequence[Mapping[str, Any]], level: float) -> Chart:
    """The share of true values inside their interval, by region of the prediction."""
    shown = [one for one in regions if one.get("Coverage") is not None]
    dots = go.Scatter(
        x=[one["Coverage"] for one in shown],
        y=list(range(len(shown))),
        mode="markers+text",
        marker={"color": ACCENT, "size": 11},
        text=[share(one["Coverage"]) for one in shown],
        textposition="top center",
        textfont={"color": INK},
        cliponaxis=False,
        hovertext=[f"{region(one['From'], one['To'])}<br>{count(one['Rows'], 'row')}" for one in shown],
        hoverinfo="text",
    )
    height = rows_height(len(shown), 100)
    promised = {"type": "line", "x0": level, "x1": level, "y0": 0, "y1": 1, "yref": "paper"}
    low = min(level, *(one["Coverage"] for one in shown), 0.99)
    note = {**_at_left(1, f"promised {share(level)}"), "x": level, "xref": "x", "yref": "paper", "xanchor": "center"}
    note["font"] = {"size": 12, "color": OTHER}
    return Chart(
        "interval-coverage",
        "How often the truth is inside its interval",
        "One dot for each region of predicted values, on the test rows. Dots near the orange line keep the promise; "
        "with few rows in a region they scatter.",
        f"Coverage of {len(shown)} regions around the promised {share(level)}.",
        figure(
            [dots],
            height,
            axis("truth inside the interval", range=[low - 0.05, 1.0 + (1.05 - low) / 25], tickformat=".0%"),
            named_rows([region(one["From"], one["To"]) for one in shown], range=[len(shown) - 0.4, -1.0]),
            shapes=[{**promised, "line": {"color": OTHER, "width": 2}, "layer": "below"}],
            annotations=[note],
        ),
        height,
    )


def interval_width(regions: Sequence[Mapping[str, Any]], unit: str) -> Chart:
    """How wide intervals are, by region of the prediction."""
    shown = [one for one in regions if one.get("HalfWidth") is not None]
    bars = go.Bar(
        x=[2 * one["HalfWidth"] for one in shown],
        base=[-one["HalfWidth"] for one in shown],
        y=list(range(len(shown))),
        orientation="h",
        width=0.5,
        marker={"color": ACCENT},
        text=[f"± {number(one['HalfWidth'], 3)}" for one in shown],
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"{region(one['From'], one['To'])}<br>± {number(one['HalfWidth'])}" for one in shown],
        hoverinfo="text",
    )
    height = rows_height(len(shown), 100)
    widest = max(one["HalfWidth"] for one in shown)
    return Chart(
        "interval-width",
        "How wide the intervals are",
        "Each bar is the interval around predictions of that region: the model is surest where it is short.",
        "Half widths by region: "
        + "; ".join(f"{region(one['From'], one['To'])}: {number(one['HalfWidth'], 3)}" for one in shown)
        + ".",
        figure(
            [bars],
            height,
            axis(f"around the prediction ({unit})", range=[-1.02 * widest, 1.02 * widest], nticks=4),
            named_rows([region(one["From"], one["To"]) for one in shown]),
            margin=BESIDE,
        ),
        height,
    )
