"""Sections about the run: what was asked, its data, its candidates, its time and its files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from automl.report import charts
from automl.report.blocks import Block, Charts, Fact, Facts, Missing, Table, Text, numeric
from automl.report.documents import Document, Documents
from automl.report.timeline import Phase
from automl.report.wording import NOTHING, count, duration, moment, number, share, size

State = Mapping[str, Any]


def asked(state: State, request: Document, previous: Document) -> list[Block]:
    """The request as it was resolved, and what the run before it handed on."""
    data = state.get("Data") or {}
    blocks: list[Block] = []
    if data.get("Decided"):
        blocks.append(
            Text(f"{data.get('ProblemType', '')}, judged by {data.get('ObjectiveMetric', '')}: {data['Decided']}.")
        )
    if (previous.content or {}).get("Found"):
        blocks.append(Text(f"It began with what run {(previous.content or {}).get('Run', '')} had learned."))
    if request.content is None:
        blocks.append(Missing(request.missing))
    else:
        dataset = request.content["Dataset"]
        rows = [[name, value] for name, value in _flat(request.content)]
        caption = "The request, with everything that was left out filled in"
        blocks.insert(0, Text(f"To predict {dataset['TargetColumn']}, learning from {dataset['S3Uri']}."))
        blocks.append(Table(caption, ["Setting", "Value"], rows, folded=True))
    return blocks


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, Mapping):
            yield f"{prefix}{key}", "{}"
        elif isinstance(value, list):
            yield f"{prefix}{key}", ", ".join(map(str, value)) or "none"
        else:
            yield f"{prefix}{key}", {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def data(target: str, profile: Document) -> list[Block]:
    """What the dataset holds and how it was split."""
    if profile.content is None:
        return [Missing(profile.missing)]
    dataset, rows, columns = (profile.content[key] for key in ("Dataset", "Rows", "Columns"))
    parts = [
        Fact("Rows read", number(rows["Read"]), f"{count(dataset['Objects'], 'object')}, {size(dataset['Bytes'])}"),
        Fact("Left out", number(rows["FilteredOut"] + rows["WithoutTarget"]), _left_out(rows)),
        *(
            Fact(name, number(rows[name]), purpose)
            for name, purpose in (
                ("Train", "learnt from"),
                ("Calibration", "confidence set by"),
                ("Test", "judged on, never learnt from"),
            )
        ),
    ]
    blocks: list[Block] = [Facts(parts)]
    known = next((one for one in columns if one["Name"] == target and one.get("TopValues")), None)
    if known:
        blocks.append(Charts([charts.target(known)]))
    blocks.append(_columns(columns, dataset["Rows"], target))
    return blocks


def _left_out(rows: Mapping[str, int]) -> str:
    return f"{rows['FilteredOut']:,} by the filter, {rows['WithoutTarget']:,} without target"


def _columns(columns: Sequence[Mapping[str, Any]], rows: int, target: str) -> Table:
    lines = [
        [
            f"{one['Name']} (target)" if one["Name"] == target else one["Name"],
            one["Type"],
            f"{one['Missing']:,} ({share(one['Missing'] / rows)})" if one["Missing"] else "0",
            ("≈ " if one["DistinctIsApproximate"] else "") + f"{one['Distinct']:,}",
            _range(one),
            number(one["Mean"]) if one.get("Mean") is not None else NOTHING,
        ]
        for one in columns
    ]
    strong = next((row for row, one in enumerate(columns) if one["Name"] == target), None)
    caption = f"The {count(len(columns), 'column')} of the dataset"
    heads = ["Column", "Type", "Missing", "Distinct", "Range or most frequent", "Mean"]
    return Table(caption, heads, lines, numeric(2, 3) | {5}, strong)


def _range(column: Mapping[str, Any]) -> str:
    if column.get("Minimum") is not None:
        return f"{number(column['Minimum'])} to {number(column['Maximum'])}"
    top = column.get("TopValues") or []
    total = sum(one["Count"] for one in top)
    return ", ".join(f"{one['Value']} ({share(one['Count'] / total, 0)})" for one in top[:3]) or NOTHING


def candidates(state: State, leaderboard: Document) -> list[Block]:
    """The candidates and why this one was chosen."""
    if leaderboard.content is None:
        return [Missing(leaderboard.missing)]
    board = leaderboard.content
    chosen = str((state.get("Candidate") or {}).get("Name", ""))
    found = board["Candidates"]
    usable = sum(one["Usable"] for one in found)
    limit = (board["Constraints"] or {}).get("MaxInferenceLatencySeconds")
    words = f"The job {board['Job']} trained {count(len(found), 'candidate')}, of which {usable:,} can be used"
    words += f" (a prediction may take {number(limit)} s at most)." if limit is not None else "."
    blocks: list[Block] = [Text(words)]
    if any(one["Value"] is not None for one in found):
        blocks.append(Charts([charts.leaderboard(board, chosen)]))
    others = sorted({name for one in found for name in one["Metrics"]} - {board["Metric"], "InferenceLatency"})
    lines = [
        [
            one["Name"],
            NOTHING if one["Rank"] is None else str(one["Rank"]),
            number(one["Value"]),
            *(number(one["Metrics"].get(name)) for name in others),
            number(one["Metrics"].get("InferenceLatency"), 3),
            duration(one["Seconds"]),
            one["Reason"] or ("chosen" if one["Name"] == chosen else ""),
        ]
        for one in found
    ]
    heads = ["Candidate", "Rank", board["Metric"], *others, "Latency (s)", "Trained", "Remark"]
    strong = next((row for row, one in enumerate(found) if one["Name"] == chosen), None)
    caption = "All candidates, on Autopilot's own validation rows"
    blocks.append(Table(caption, heads, lines, numeric(1, len(heads) - 2), strong, folded=True))
    return blocks


def history(state: State, documents: Documents) -> list[Block]:
    """What happened when."""
    phases = documents.phases.content
    if not phases:
        return [Missing(documents.phases.missing)]
    lines = [[one.name, moment(one.start), _took(one), str(one.visits)] for one in phases]
    total = (max(one.end for one in phases) - phases[0].start).total_seconds()
    return [
        Text(f"From {moment(phases[0].start)}, {duration(total)} until this report was begun."),
        Charts([charts.phases(phases)]),
        Table("The steps in order", ["Step", "Began", "Took", "Times"], lines, numeric(2, 3), folded=True),
        *_tidied(state),
    ]


def _tidied(state: State) -> Iterator[Text]:
    found: dict[str, list[str]] = {"Removed": [], "Left": []}
    for key in ("StagingRemoved", "Retired"):
        for fate, names in found.items():
            names += (state.get(key) or {}).get(fate) or []
    if found["Removed"]:
        yield Text(f"Removed again, as nobody needs it any more: {', '.join(found['Removed'])}.")
    if found["Left"]:
        yield Text(f"Could not be removed yet: {', '.join(found['Left'])}.")


def _took(phase: Phase) -> str:
    return duration(phase.seconds) if phase.ended else "running"


def files(state: State) -> list[Block]:
    """Where everything is."""
    uri = str((state.get("Run") or {}).get("Uri", ""))
    package = state.get("Package") or {}
    scored = (state.get("Scoring") or state.get("Test") or {}).get("Scoring") or {}
    rows = [
        ["Request", f"{uri}request.json", "what was asked, resolved"],
        ["Profile", f"{uri}profile.json", "what the dataset holds"],
        ["Leaderboard", f"{uri}leaderboard.json", "all candidates"],
        ["Calibration", f"{uri}calibration.json", "what confidence and intervals are made by"],
        ["Evaluation", f"{uri}evaluation.json", "every number of this page about the model's quality"],
        ["Result", f"{uri}result.json", "what the execution returned"],
        *([name, str(place), "of the rows that were scored"] for name, place in (scored.get("Files") or {}).items()),
    ]
    if package.get("Arn"):
        rows.append(["Model package", str(package["Arn"]), f"version {package.get('Version', '')} in the registry"])
    execution = (state.get("Execution") or {}).get("Id")
    if execution:
        rows.append(["Execution", str(execution), "in Step Functions"])
    return [Table("The run's files and traces", ["What", "Where", "Holds"], rows)]
