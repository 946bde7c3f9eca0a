"""What a run came to, for people."""

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autoflow.results import ACCEPTED, REPORT, RESULT, REVIEW, SCORING
from autoflow.wording import comparison, cost, decision, metrics, number, percent, rate

_SHOWN = 10
"""Candidates in the printed leaderboard."""
_METRICS = ("Accuracy", "AUC", "BalancedAccuracy", "F1", "F1macro", "LogLoss", "RMSE", "MAE", "R2", "MSE")
"""Other metrics it can have columns for, the most telling first."""
_OF_TRUST = ("ECE", "Coverage")
"""Metrics that are told by themselves."""
_MAIN = ("Accuracy", "RMSE", "R2")
"""What people ask of the accepted rows."""
_REASONS = {
    "LowConfidence": "with too little confidence",
    "TargetNotPromised": "because no confidence promises the target",
    "WideInterval": "with too wide an interval",
    "NoInterval": "without an interval",
    "FilteredOut": "left out by the model's filter",
    "NotPredicted": "that could not be predicted",
}
_AGAIN = "Again"
_STYLES = {"Completed": "green", "Rejected": "yellow", "RolledBack": "yellow"}


def show(
    console: Console,
    result: Mapping[str, Any],
    leaderboard: Mapping[str, Any],
    folder: Path,
    command: Sequence[str],
) -> None:
    """Print leaderboard, outcome, quality, counts, endpoint, places, and how to repeat the run."""
    console.print()
    show_leaderboard(console, leaderboard)
    console.print()
    _print(console, _facts(result, folder, command))


def show_leaderboard(console: Console, leaderboard: Mapping[str, Any]) -> None:
    """Print the candidates, best first."""
    metric, direction = leaderboard["Metric"], leaderboard["Direction"]
    candidates = leaderboard["Candidates"]
    known = {name for candidate in candidates for name in candidate["Metrics"]}
    room = max(0, (console.width - 60) // 12)
    others = [name for name in _METRICS if name in known and name != metric][:room]
    better = "higher" if direction == "Maximize" else "lower"
    console.print(f"Candidates by {metric} on validation rows ({better} is better)", style="italic", highlight=False)
    table = Table()
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


def show_scoring(console: Console, scoring: Mapping[str, Any], folder: Path | None) -> None:
    """Print what another way to choose came to."""
    _print(console, _choice(scoring, scoring.get("Confidence", {})) + _scoring_places(scoring, folder))


def show_scored(
    console: Console, result: Mapping[str, Any], folder: Path, resume: str, command: Sequence[str] = ()
) -> None:
    """Print what a scoring came to.

    Args:
        console: where to.
        result: result.json of the scoring.
        folder: where its files are now.
        resume: the command that scores the parts that failed.
        command: that which repeats it.
    """
    console.print()
    _print(console, _scored_facts(result, folder, resume, command))


def _scored_facts(
    result: Mapping[str, Any], folder: Path, resume: str, command: Sequence[str]
) -> Iterator[tuple[str, str]]:
    engine = "by batch transform" if result["Engine"] == "BatchTransform" else f"on endpoint {result['EndpointName']}"
    yield "Model", f"{result['ModelName']} {engine}"
    yield "Rows", _throughput(result)
    if (quality := result.get("Quality", {})).get("Metrics"):
        yield "Quality", f"{metrics(quality['Metrics'])} on {quality['Rows']:,} rows whose truth is known"
    confidence = result.get("Confidence", {})
    for name, text in _choice(result, confidence, chosen_by_it=False):
        yield name, text + _reasons(result) if name == "Review" else text
    if result["IgnoredColumns"]:
        yield "Ignored", f"{', '.join(result['IgnoredColumns'])}: the model was not trained with this"
    if failed := result.get("FailedParts"):
        yield "Failed", _failed_parts(failed, result["Throughput"]["Parts"])
        yield "", f"The rest: {resume}"
    if "Cost" in result:
        yield "Cost", cost(result["Cost"])
    yield "Files", f"{folder}/{ACCEPTED}, {REVIEW}, {RESULT}"
    yield "All files", result["Files"]["Accepted"].removesuffix("accepted/")
    if command:
        yield _AGAIN, shlex.join(command)


def _throughput(result: Mapping[str, Any]) -> str:
    speed = result["Throughput"]
    parts = f"{speed['Parts']:,} {'part' if speed['Parts'] == 1 else 'parts'}"
    if failed := result.get("FailedParts", {}).get("Count"):
        parts = f"{speed['Parts'] - failed:,} of {parts}"
    told = f"{result['Rows']:,} in {parts}"
    if speed["RowsPerSecond"]:
        told += f", {rate(speed['RowsPerSecond'])} rows/s"
    return told


def _reasons(result: Mapping[str, Any]) -> str:
    reasons = [(_REASONS.get(reason, reason), count) for reason, count in result["ReviewReasons"].items()]
    if len(reasons) == 1:
        return f", {reasons[0][0]}"
    return ": " + ", ".join(f"{count:,} {reason}" for reason, count in reasons)


def _failed_parts(failed: Mapping[str, Any], parts: int) -> str:
    first = failed["Parts"][0]
    more = f", and {failed['Count'] - 1:,} more" if failed["Count"] > 1 else ""
    return (
        f"{failed['Count']:,} of {parts:,} parts, {failed['Rows']:,} rows: "
        f"part {first['Part']}, {first['Error']}: {first['Cause'].rstrip('.')}{more}"
    )


def _print(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    known = list(facts)
    indent = max(len(name) for name, _ in known) + 2
    for name, text in known:
        style = _STYLES.get(text.partition(":")[0], "")
        for position, line in enumerate(_lines(name, text, console.width - indent)):
            head = Text("" if position else name, style="bold")
            head.pad_right(indent - len(head))
            console.print(head + Text(line, style=style), soft_wrap=True)


def _lines(name: str, text: str, width: int) -> list[str]:
    """The text in lines of the width, except what people copy: a command, an address."""
    if name == _AGAIN or not name:
        return [text]
    return textwrap.wrap(text, max(20, width), break_long_words=False, break_on_hyphens=False)


def _facts(result: Mapping[str, Any], folder: Path, command: Sequence[str]) -> list[tuple[str, str]]:
    quality, scoring, timing = result["Quality"], result["Scoring"], result["Timing"]
    facts = [("Outcome", _outcome(result)), ("Problem", result.get("Decided") or result["ProblemType"])]
    measured = {name: value for name, value in quality["Metrics"].items() if name not in _OF_TRUST}
    if measured:
        facts.append(("Quality", f"{metrics(measured)} on {quality['Rows']:,} rows the model had never seen"))
    if compared := comparison(result.get("Champion", {})):
        facts.append(("Champion", compared))
    facts += _trust(result)
    alone = result["Outcome"] == "Completed" or not result.get("Champion", {}).get("Exists")
    facts += _choice(scoring, result.get("Confidence", {}), chosen_by_it=alone)
    facts.append(("Endpoint", f"{result['Endpoint']['Name']} ({result['Endpoint']['Status']})"))
    if package := result.get("Package"):
        facts.append(("Package", f"{package['Arn'].partition('model-package/')[2]} ({package['ApprovalStatus']})"))
    facts.append(
        ("Took", f"{timing['TotalSeconds']:.0f} s, of which the AutoML job {timing.get('AutoMLSeconds', 0):.0f} s")
    )
    facts.append(("Cost", cost(result["Cost"])))
    if result.get("Left"):
        facts.append(("Left", "; ".join(result["Left"])))
    if "Report" in result["Files"]:
        facts.append(("Report", f"{folder}/{REPORT}"))
    facts += [("Files", f"{folder}/{ACCEPTED}, {REVIEW}, {RESULT}"), ("All files", result["Uri"])]
    return facts + ([(_AGAIN, shlex.join(command))] if command else [])


def _outcome(result: Mapping[str, Any]) -> str:
    outcome, reason = result["Outcome"], result.get("Reason", "")
    if outcome == "Completed":
        return "Completed: the model serves" if result["Endpoint"]["Status"] == "InService" else "Completed"
    champion = result.get("Champion", {})
    serving = f". {champion['Run']} still serves" if champion.get("Run") else ""
    return f"{outcome}: {reason.rstrip('.')}{serving}"


def _trust(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was done for the confidence to mean something, and how well it does."""
    calibration, intervals = result.get("Calibration", {}), result.get("Intervals", {})
    before, after = calibration.get("ECEBefore"), calibration.get("ECEAfter")
    if before is not None and after is not None:
        if calibration["Method"] == "None":
            yield "ECE", f"{number(after)}, expected calibration error; the probabilities are the model's own"
        else:
            what = f"expected calibration error before and after {calibration['Method']}"
            yield "ECE", f"{number(before)} → {number(after)}, {what}"
    if intervals.get("Coverage") is not None:
        level = percent(intervals["Level"])
        yield "Intervals", f"{level} intervals hold {percent(intervals['Coverage'])} of the test rows' truth"


def _choice(
    scoring: Mapping[str, Any], confidence: Mapping[str, Any], *, chosen_by_it: bool = True
) -> list[tuple[str, str]]:
    """Which predictions are accepted, why, and how many.

    Args:
        scoring: the counts.
        confidence: a model's decision which predictions are accepted.
        chosen_by_it: whether that decision surely made the counts; when the model is rejected, the champion predicts.
    """
    facts = []
    if confidence.get("Precision") is not None:
        facts.append(("Promise", f"{decision(confidence)}; {_measured(confidence)}"))
    facts.append(("Accepted", _accepted(scoring)))
    if scoring["Review"]:
        why = _unsure(confidence) if chosen_by_it else ""
        rows = "1 row" if scoring["Review"] == 1 else f"{scoring['Review']:,} rows"
        facts.append(("Review", f"{rows} for a person to decide{why}"))
    facts += [("Note", note) for note in (confidence.get("Note"), scoring.get("Note")) if note]
    return facts


def _measured(confidence: Mapping[str, Any]) -> str:
    rows, coverage, precision = confidence["Rows"], confidence["Coverage"], confidence["Precision"]
    return f"on {rows:,} calibration rows, {percent(coverage)} pass and {percent(precision)} of these are right"


def _unsure(confidence: Mapping[str, Any]) -> str:
    if confidence.get("Threshold") is not None:
        return f", confidence below {number(confidence['Threshold'])}"
    return ", interval too wide" if "MaxIntervalWidth" in confidence else ""


def _accepted(scoring: Mapping[str, Any]) -> str:
    rows, accepted = scoring["Rows"], scoring["Accepted"]
    share = f" ({accepted / rows:.0%})" if rows else ""
    known = {name: value for name, value in scoring.get("Metrics", {}).items() if name in _MAIN}
    return ", ".join(filter(None, (f"{accepted:,} of {rows:,} rows{share}", metrics(known))))


def _scoring_places(scoring: Mapping[str, Any], folder: Path | None) -> list[tuple[str, str]]:
    if folder:
        return [("Files", f"{folder}/{ACCEPTED}, {REVIEW}, {SCORING}")]
    return [("In S3", scoring["Files"]["Accepted"]), ("", scoring["Files"]["Review"])]
