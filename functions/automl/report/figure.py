"""What all charts share: roles of colours in light and dark, one layout, and text that cannot become markup."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from automl.report.wording import shortened

LIGHT_TO_DARK = {
    "#1d2633": "#e8ecf2",  # ink
    "#566070": "#a5b0c0",  # quiet
    "#dfe4ea": "#323b49",  # grid
    "#fdfdfe": "#171c24",  # surface
    "#0b61b0": "#67b0f5",  # accent
    "#b45708": "#f2a65a",  # other
    "#7f8b9b": "#8391a5",  # muted
    "#6aa7e0": "#2a659f",  # strong
    "#f2f7fc": "#1c2530",  # least
}
"""Every colour of the charts by its role. Blue and orange are told apart by the colour-blind, in both schemes;
ink is readable on all from least to strong."""
INK, QUIET, GRID, SURFACE, ACCENT, OTHER, MUTED, STRONG, LEAST = LIGHT_TO_DARK

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif'
BESIDE = {"l": 8, "r": 72, "t": 16, "b": 8}
"""Margins with room for the numbers to the right of bars and dots."""
ROW_HEIGHT = 28
"""Pixels that a row of a chart with names takes."""
MAX_ROWS = 25
"""Rows of a chart with names; the table below it has all."""


@dataclass(frozen=True)
class Chart:
    """A figure, what it shows, and how to read it."""

    name: str
    title: str
    caption: str
    alternative: str
    figure: go.Figure
    height: int
    width: str = ""
    """``wide`` takes the page's whole width, ``narrow`` no more than it needs; else charts stand side by side."""

    least_width: int = 0
    """Pixels below which it scrolls inside itself."""

    @property
    def document(self) -> dict[str, Any]:
        """What plotly.js is given."""
        return {**self.figure.to_plotly_json(), "name": self.name}


def text(value: object) -> str:
    """Text that plotly.js shows as it is, though it reads labels as HTML."""
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def label(value: object, limit: int = 24) -> str:
    """A name beside an axis: short, and never markup."""
    return text(shortened(value, limit))


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis in the page's style."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": QUIET}, "standoff": 10},
        "tickfont": {"size": 12, "color": QUIET},
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "tickangle": 0,
        "automargin": True,
        "fixedrange": True,
        **more,
    }


def named_rows(names: Sequence[object], **more: Any) -> dict[str, Any]:
    """A y axis with a row per name, the first on top. Rows are numbers, so equal names stay apart."""
    return axis(
        **{
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": [label(name) for name in names],
            "tickfont": {"size": 12, "color": INK},
            "ticklabelstandoff": 6,
            "range": [len(names) - 0.4, -0.6],
            "showgrid": False,
            **more,
        }
    )


def rows_height(rows: int, around: int = 70) -> int:
    """Height of a chart with so many named rows."""
    return max(rows, 2) * ROW_HEIGHT + around


def figure(traces: Iterable[Any], height: int, x: Mapping[str, Any], y: Mapping[str, Any], **more: Any) -> go.Figure:
    """A figure in the page's style: no frame, no background of its own, the legend on top."""
    chart = go.Figure(list(traces))
    chart.update_layout(
        template="none",
        height=height,
        autosize=True,
        margin={"l": 8, "r": 16, "t": 16, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 12, "color": INK},
        hoverlabel={"bgcolor": SURFACE, "bordercolor": MUTED, "font": {"family": FONT, "size": 12, "color": INK}},
        showlegend=False,
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 12, "color": INK},
            "itemclick": False,
            "itemdoubleclick": False,
        },
        dragmode=False,
        xaxis=dict(x),
        yaxis=dict(y),
    )
    return chart.update_layout(**more)
