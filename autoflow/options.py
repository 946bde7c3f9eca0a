"""Options that commands share, and how their values are read."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

_CHOICE = "Which predictions are accepted without a person"
_GATE = "Whether the model comes into service"
_HOW = "How they are predicted"
_PLACE = "Where"


class Approval(StrEnum):
    """Who lets a model that passed the gate come into service."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class Engine(StrEnum):
    """What asks the model."""

    ENDPOINT = "endpoint"
    BATCH_TRANSFORM = "batch-transform"

    @property
    def request(self) -> str:
        """As a request has it."""
        return {Engine.ENDPOINT: "Endpoint", Engine.BATCH_TRANSFORM: "BatchTransform"}[self]


class Width(dict[str, float]):
    """``{"Absolute": 3}`` or ``{"Relative": 0.2}``, as a request has it."""


class Bound(NamedTuple):
    """What a metric must be at least as good as."""

    metric: str
    value: float


def width(text: str) -> Width:
    """``3`` → ``{"Absolute": 3}``; ``20%`` → ``{"Relative": 0.2}``.

    Raises:
        typer.BadParameter: the text is neither.
    """
    relative = text.strip().endswith("%")
    number = _number(text.strip().removesuffix("%"))
    if number is None or number <= 0:
        raise typer.BadParameter(f"{text!r} is no width; write a number like 3, or a share of the prediction like 20%.")
    return Width(Relative=number / 100) if relative else Width(Absolute=number)


def bound(text: str) -> Bound:
    """``R2=0.5`` → ``Bound("R2", 0.5)``.

    Raises:
        typer.BadParameter: the text is something else.
    """
    metric, _, value = text.partition("=")
    number = _number(value)
    if not metric.strip() or number is None:
        raise typer.BadParameter(f"{text!r} is no bound; write METRIC=VALUE, like R2=0.5 or RMSE=3.")
    return Bound(metric.strip(), number)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


MinConfidence = Annotated[
    float | None,
    typer.Option(help="Those whose probability is at least this.", rich_help_panel=_CHOICE),
]
TargetPrecision = Annotated[
    float | None,
    typer.Option(help="As many as can be while this share of them is right.", rich_help_panel=_CHOICE),
]
Certainty = Annotated[
    float | None,
    typer.Option(help="How sure that promise must be; default: 0.9.", rich_help_panel=_CHOICE),
]
MaxIntervalWidth = Annotated[
    Width | None,
    typer.Option(
        help="Of a regression: those whose interval is at most so wide, like 3 or 20% of the prediction.",
        parser=width,
        metavar="WIDTH",
        rich_help_panel=_CHOICE,
    ),
]
Level = Annotated[
    float | None,
    typer.Option(help="Share of new rows whose truth the intervals hold; default: 0.9.", rich_help_panel=_CHOICE),
]
Minimum = Annotated[
    list[Bound] | None,
    typer.Option(
        help="Bound that a metric must keep on test rows, like R2=0.5 or RMSE=3; may be repeated.",
        parser=bound,
        metavar="METRIC=VALUE",
        rich_help_panel=_GATE,
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(help="By how much to beat the model in service, in the objective metric.", rich_help_panel=_GATE),
]
NoChampion = Annotated[
    bool, typer.Option("--no-champion", help="It need not beat the model in service.", rich_help_panel=_GATE)
]
Approvals = Annotated[
    Approval | None,
    typer.Option("--approval", case_sensitive=False, help="Manual: it waits for a person.", rich_help_panel=_GATE),
]
EndpointName = Annotated[
    str | None,
    typer.Option(help="Endpoint that runs share, one champion after the other.", rich_help_panel=_GATE),
]
ScoredData = Annotated[str | None, typer.Argument(help="File, folder of files, or s3:// URI with rows to predict.")]
IdColumn = Annotated[str | None, typer.Option(help="Column that identifies a row.")]
TruthColumn = Annotated[
    str | None, typer.Option("--target", help="Column with the truth, when its name is not that of the training data.")
]
Delimiter = Annotated[str | None, typer.Option(help="Of the CSV, when it cannot be detected.")]
ScoringEndpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        help="Whose model predicts; made for the scoring when it is not there. Needed when there are several.",
        rich_help_panel=_HOW,
    ),
]
ScoringEngine = Annotated[
    Engine | None,
    typer.Option("--engine", help="What asks the model; batch-transform for very many rows.", rich_help_panel=_HOW),
]
KeepEndpoint = Annotated[
    bool | None,
    typer.Option(
        "--keep/--no-keep",
        help="Whether an endpoint that the scoring had to make stays; default: as the model's run said.",
        rich_help_panel=_HOW,
    ),
]
Tolerate = Annotated[
    float | None,
    typer.Option(
        min=0, max=100, metavar="PERCENT", help="Share of parts that may fail; default: 0.", rich_help_panel=_HOW
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Score only what this scoring did not finish; without DATA.", rich_help_panel=_HOW
    ),
]
Detach = Annotated[
    bool,
    typer.Option("--detach", help="Start it, print its name, and leave it to itself.", rich_help_panel=_PLACE),
]
Output = Annotated[
    Path | None, typer.Option(help="Folder for the results; default: the run's name.", rich_help_panel=_PLACE)
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print result.json, and nothing else, on stdout.", rich_help_panel=_PLACE),
]
StackName = Annotated[
    str | None,
    typer.Option("--stack", help="Deployed stack to use instead of the local cloud.", rich_help_panel=_PLACE),
]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the local cloud.", rich_help_panel=_PLACE)]
Run = Annotated[str, typer.Argument(help="Name of the run or of its execution, or how it begins.")]
RunOrScoring = Annotated[
    str, typer.Argument(help="Name of the run, the scoring, or its execution, or how it begins.", metavar="RUN")
]
Comment = Annotated[str, typer.Option(help="Why; it stays with the model package.")]
