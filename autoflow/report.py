"""What a run came to, for people."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_SHOWN = 10
"""Candidates in the printed leaderboard."""
_METRICS = ("Accuracy", "AUC", "BalancedAccuracy", "F1", "F1macro", "LogLoss", "RMSE", "MAE", "R2", "MSE")
"""Other metrics it can have columns for, the most telling first."""


def show(
    console: Console,
    result: Mapping[str, Any],
    leaderboard: Mapping[str, Any],
    folder: Path,
    command: Sequence[str],
) -> None:
    """Print leaderboard, quality, counts, endpoint, places, and how to repeat the run."""
    console.print()
    show_leaderboard(console, leaderboard)
    console.print()
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, text in _facts(result, folder, command):
        facts.add_row(name, Text(text))
    console.print(facts)


def show_leaderboard(console: Console, leaderboard: Mapping[str, Any]) -> None:
    """Print the candidates, best first."""
    metric, direction = leaderboard["Metric"], leaderboard["Direction"]
    candidates = leaderboard["Candidates"]
    known = {name for candidate in candidates for name in candidate["Metrics"]}
    room = max(0, (console.width - 60) // 12)
    others = [name for name in _METRICS if name in known and name != metric][:room]
    better = "higher" if direction == "Maximize" else "lower"
    table = Table(title=f"Candidates by {metric} on validation rows ({better} is better)", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("Candidate", no_wrap=True)
    for name in (metric, *others):
        table.add_column(name, justify="right")
    table.add_column("Latency", justify="right")
    for candidate in candidates[:_SHOWN]:
        values = [candidate["Value"], *(candidate["Metrics"].get(name) for name in others)]
        latency = candidate["Metrics"].get("InferenceLatency")
        rank = str(candidate["Rank"] or "-")
        label = candidate["Name"] if candidate["Usable"] else f"{candidate['Name']} ({candidate['Reason']})"
        cells = [*map(number, values), "" if latency is None else f"{latency * 1000:.1f} ms"]
        table.add_row(rank, Text(label), *cells, style="bold green" if candidate["Rank"] == 1 else "")
    console.print(table)
    if len(candidates) > _SHOWN:
        console.print(f"and {len(candidates) - _SHOWN} more in leaderboard.json", style="dim")


def number(value: float | None) -> str:
    """Four significant digits, or nothing."""
    return "" if value is None else f"{value:.4g}"


def metrics(values: Mapping[str, float | None]) -> str:
    """``Accuracy 0.97, F1macro 0.968``."""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items() if value is not None)


def _facts(result: Mapping[str, Any], folder: Path, command: Sequence[str]) -> list[tuple[str, str]]:
    quality, scoring, timing = result["Quality"], result["Scoring"], result["Timing"]
    facts = [("Problem", result.get("Decided") or result["ProblemType"])]
    if quality["Metrics"]:
        facts.append(("Quality", f"{metrics(quality['Metrics'])} on {quality['Rows']:,} rows the model had never seen"))
    facts.append(("Accepted", _accepted(scoring)))
    if scoring["Review"]:
        threshold = result.get("Confidence", {}).get("Threshold")
        sure = f", confidence below {threshold:g}" if threshold is not None else ""
        facts.append(("Review", f"{scoring['Review']:,} rows for a person to decide{sure}"))
    if note := scoring.get("Note"):
        facts.append(("Note", note))
    facts += [
        ("Endpoint", f"{result['Endpoint']['Name']} ({result['Endpoint']['Status']})"),
        ("Took", f"{timing['TotalSeconds']:.0f} s, of which the AutoML job {timing.get('AutoMLSeconds', 0):.0f} s"),
        ("Files", f"{folder}/accepted.csv, review.csv, result.json"),
        ("All files", result["Uri"]),
        ("Again", shlex.join(command)),
    ]
    return facts


def _accepted(scoring: Mapping[str, Any]) -> str:
    rows, accepted = scoring["Rows"], scoring["Accepted"]
    share = f" ({accepted / rows:.0%})" if rows else ""
    known = f", {metrics(scoring['Metrics'])}" if scoring.get("Metrics") else ""
    return f"{accepted:,} of {rows:,} rows{share}{known}"
