"""Charts of where a model errs: the confusion matrix, and the residuals of a regression."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from automl.report.figure import (
    ACCENT,
    INK,
    LEAST,
    MUTED,
    OTHER,
    STRONG,
    Chart,
    axis,
    figure,
    label,
    text,
)
from automl.report.wording import count, number, region, share, shortened

_COUNTED = 12
"""So many labels leave room for a number in each cell."""


def confusion(matrix: Mapping[str, Any]) -> Chart:
    """The confusion matrix, coloured by the share of each true label's rows."""
    labels, counts = matrix["Labels"], matrix["Counts"]
    shares = [[cell / sum(row) if sum(row) else 0.0 for cell in row] for row in counts]
    counted = len(labels) <= _COUNTED
    numbers = list(range(len(labels)))
    cells = go.Heatmap(
        z=shares,
        x=numbers,
        y=numbers,
        zmin=0,
        zmax=1,
        colorscale=[[0, LEAST], [1, STRONG]],
        xgap=2,
        ygap=2,
        showscale=False,
        hovertext=[
            [_cell(labels[true], labels[said], counts[true][said], shares[true][said]) for said in numbers]
            for true in numbers
        ],
        hoverinfo="text",
    )
    written = [
        {
            "x": said,
            "y": true,
            "text": number(counts[true][said]),
            "showarrow": False,
            "font": {"size": 12, "color": INK},
        }
        for true in numbers
        for said in numbers
        if counted
    ]
    ticks = {"tickmode": "array", "tickvals": numbers, "showgrid": False}
    x = axis(
        "predicted",
        ticktext=[label(one, 16) for one in labels],
        side="top",
        tickangle=-90 if len(labels) > 5 else 0,
        **ticks,
    )
    y = axis("true", ticktext=[label(one, 20) for one in labels], range=[len(labels) - 0.5, -0.5], **ticks)
    height = len(labels) * (44 if counted else 22) + 130
    rows = sum(map(sum, counts))
    right = sum(counts[index][index] for index in numbers)
    return Chart(
        "confusion",
        "What was predicted for which truth",
        "Each line is a true value, each column what the model said; the diagonal is right. The stronger a cell is "
        "coloured, the larger its share of its line."
        + ("" if counted else " Counts appear where the pointer rests, and in the table of classes."),
        f"Confusion matrix of {len(labels)} values: {right:,} of {rows:,} rows are on the diagonal.",
        figure([cells], height, x, y, annotations=written, margin={"l": 8, "r": 16, "t": 60, "b": 8}),
        height,
        width="wide" if len(labels) > 5 else "narrow",
        least_width=len(labels) * (40 if counted else 18) + 170,
    )


def _cell(true: str, said: str, rows: int, part: float) -> str:
    names = f"true {text(shortened(true, 60))}<br>predicted {text(shortened(said, 60))}"
    return f"{names}<br>{count(rows, 'row')}, {share(part)} of that truth"


def residuals(histogram: Sequence[Mapping[str, Any]], unit: str) -> Chart:
    """How far off predictions are, and to which side."""
    total = sum(one["Rows"] for one in histogram) or 1
    bars = go.Bar(
        x=[(one["From"] + one["To"]) / 2 for one in histogram],
        y=[one["Rows"] for one in histogram],
        width=[(one["To"] - one["From"]) * 0.94 for one in histogram],
        marker={"color": ACCENT},
        hovertext=[
            f"{region(one['From'], one['To'])}<br>{count(one['Rows'], 'row')} ({share(one['Rows'] / total)})"
            for one in histogram
        ],
        hoverinfo="text",
    )
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": OTHER, "width": 2}}
    most = max(histogram, key=lambda one: one["Rows"])
    return Chart(
        "residuals",
        "How far off predictions are",
        "Truth minus prediction, in the target's unit: right of the orange line the model said too little, left of it "
        "too much. A narrow hill around the line is good; a hill beside it is a bias.",
        f"Histogram of residuals of {total:,} rows; the most frequent lie between {number(most['From'])} and "
        f"{number(most['To'])}.",
        figure([bars], 340, axis(f"true − predicted ({unit})"), axis("rows"), shapes=[zero], bargap=0),  # noqa: RUF001
        340,
    )


def residuals_by_prediction(parts: Sequence[Mapping[str, Any]], unit: str) -> Chart:
    """How far off predictions are, by what was predicted."""
    middle = [(one["From"] + one["To"]) / 2 for one in parts]
    hover = [
        f"predicted {region(one['From'], one['To'])}<br>median {number(one['P50'])}, mean {number(one['Mean'])}<br>"
        f"8 of 10 from {number(one['P10'])} to {number(one['P90'])}<br>{count(one['Rows'], 'row')}"
        for one in parts
    ]
    spread = go.Scatter(
        name="median, and where 8 of 10 rows lie",
        x=middle,
        y=[one["P50"] for one in parts],
        mode="lines+markers",
        line={"color": MUTED, "width": 1, "dash": "dot"},
        marker={"color": ACCENT, "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, one["P90"] - one["P50"]) for one in parts],
            "arrayminus": [max(0.0, one["P50"] - one["P10"]) for one in parts],
            "color": ACCENT,
            "thickness": 2.5,
            "width": 5,
        },
        hovertext=hover,
        hoverinfo="text",
    )
    zero = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 0, "y1": 0, "line": {"color": OTHER, "width": 2}}
    widest = max(parts, key=lambda one: one["P90"] - one["P10"])
    return Chart(
        "residuals-by-prediction",
        "How far off, by what was predicted",
        "The dot is the median of truth minus prediction, the line holds 8 of 10 rows. Dots away from the orange line "
        "are a bias in that region; longer lines mean less certain predictions.",
        f"Residuals in {len(parts)} regions of the prediction; they spread most where "
        f"{region(widest['From'], widest['To'])} is predicted.",
        figure(
            [spread],
            340,
            axis(f"predicted ({unit})"),
            axis("true − predicted"),  # noqa: RUF001
            shapes=[zero],
        ),
        340,
    )
