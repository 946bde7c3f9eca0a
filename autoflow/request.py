"""The execution input that a command line asks for."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from autoflow.errors import UsageError

Request = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What was said on the command line about the request; None: nothing."""

    data: str | None = None
    target: str | None = None
    id_column: str | None = None
    delimiter: str | None = None
    score: str | None = None
    problem_type: str | None = None
    objective: str | None = None
    max_runtime: int | None = None
    max_candidates: int | None = None
    min_confidence: float | None = None
    target_precision: float | None = None
    certainty: float | None = None
    max_interval_width: Mapping[str, float] | None = None
    level: float | None = None
    minimum: Mapping[str, float] | None = None
    margin: float | None = None
    must_beat_champion: bool | None = None
    approval: str | None = None
    endpoint_name: str | None = None
    engine: str | None = None
    keep: bool | None = None
    tolerate: float | None = None


_PLACES = {
    "data": ("Dataset", "S3Uri"),
    "target": ("Dataset", "TargetColumn"),
    "id_column": ("Dataset", "IdColumn"),
    "delimiter": ("Dataset", "Delimiter"),
    "score": ("Scoring", "S3Uri"),
    "problem_type": ("Problem", "Type"),
    "objective": ("Problem", "ObjectiveMetric"),
    "max_runtime": ("AutoML", "MaxRuntimeSeconds"),
    "max_candidates": ("AutoML", "MaxCandidates"),
    "min_confidence": ("Confidence", "Threshold"),
    "target_precision": ("Confidence", "TargetPrecision"),
    "certainty": ("Confidence", "Certainty"),
    "max_interval_width": ("Confidence", "MaxIntervalWidth"),
    "level": ("Confidence", "Level"),
    "minimum": ("Gate", "Minimum"),
    "margin": ("Gate", "Margin"),
    "must_beat_champion": ("Gate", "MustBeatChampion"),
    "approval": ("Approval",),
    "endpoint_name": ("Endpoint", "Name"),
    "engine": ("Engine",),
    "keep": ("Endpoint", "Keep"),
    "tolerate": ("ToleratedFailurePercentage",),
}

_WAYS = (
    ("min_confidence",),
    ("target_precision", "certainty"),
    ("max_interval_width", "level"),
)
"""Options that choose the predictions to accept; those of two lines do not go together."""


def build(options: Options, file: Path | None = None) -> Request:
    """The request of the file with the options put over it.

    ``Dataset.S3Uri`` and ``Scoring.S3Uri`` are as they were given, so they may be local paths.

    Raises:
        UsageError: the file is not a JSON object, there is no dataset or no target, or options contradict each other.
    """
    request = _read(file) if file else {}
    _check_values(options)
    way = _way(options)
    if options.margin is not None and options.must_beat_champion is False:
        raise UsageError("--margin says by how much to beat the champion, --no-champion that it need not; give one")
    if way and isinstance(request.get("Confidence"), dict):
        # An option replaces another way of choosing, and adds to its own.
        keys = {_PLACES[name][1] for name in way}
        request["Confidence"] = {key: value for key, value in request["Confidence"].items() if key in keys}
    for field in fields(options):
        value = getattr(options, field.name)
        if value is not None:
            _put(request, _PLACES[field.name], value, file)
    _check_certainty(options, request.get("Confidence"))
    dataset = request.get("Dataset")
    if not isinstance(dataset, dict) or not dataset.get("S3Uri"):
        raise UsageError("no data: name a file, a folder or an s3:// URI, or give Dataset.S3Uri in --input")
    if not dataset.get("TargetColumn"):
        raise UsageError("no target: name the column to predict with --target, or Dataset.TargetColumn in --input")
    return request


def confidence(options: Options) -> Request:
    """The section ``Confidence`` alone, for predictions that are there.

    Raises:
        UsageError: the options say nothing about it, or contradict each other.
    """
    _check_values(options)
    if not _way(options):
        raise UsageError(
            "nothing to filter by: give --min-confidence or --target-precision, "
            "for a regression --max-interval-width or --level"
        )
    section: Request = of_options(options)["Confidence"]
    return section


def of_options(options: Options) -> Request:
    """A request of the options alone. ``Dataset.S3Uri`` is as it was given.

    Raises:
        UsageError: the options contradict each other.
    """
    _check_values(options)
    _way(options)
    request: Request = {}
    for field in fields(options):
        if (value := getattr(options, field.name)) is not None:
            _put(request, _PLACES[field.name], value, None)
    _check_certainty(options, request.get("Confidence", {}))
    return request


def check_local(request: Request) -> None:
    """See before anything is started whether the local cloud has what is asked for.

    Raises:
        UsageError: it has not.
    """
    endpoint = request.get("Endpoint")
    if isinstance(endpoint, dict) and "AutoScaling" in endpoint:
        raise UsageError(
            "the local cloud has no Application Auto Scaling: leave Endpoint.AutoScaling out here, "
            "and try it in an AWS account with --stack"
        )


def _check_values(options: Options) -> None:
    """JSON has no NaN and no infinity, and UTF-8 no half of a character, which is what other bytes come as."""
    for field in fields(options):
        value = getattr(options, field.name)
        option = f"--{field.name.replace('_', '-')}"
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{option} is {value}; give a number")
        if isinstance(value, str) and not _is_text(value):
            raise UsageError(f"{option} is {value!r}, which is no text in UTF-8; write it in UTF-8")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _way(options: Options) -> tuple[str, ...]:
    """Names of the options that choose as the given ones do; empty when none is given."""
    given = [name for names in _WAYS for name in names if getattr(options, name) is not None]
    ways = [names for names in _WAYS if set(names) & set(given)]
    if len(ways) > 1:
        named = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"{named} choose the predictions to accept in different ways; give one of them")
    return ways[0] if ways else ()


def _check_certainty(options: Options, section: Any) -> None:
    if options.certainty is not None and "TargetPrecision" not in section:
        raise UsageError("--certainty is that of a --target-precision; give that, too")


def _put(request: Request, place: tuple[str, ...], value: Any, file: Path | None) -> None:
    *sections, key = place
    for section in sections:
        inner = request.setdefault(section, {})
        if not isinstance(inner, dict):
            raise UsageError(f"{file}: {section} must be a JSON object, not {json.dumps(inner)}")
        request = inner
    # Bounds of several metrics add up.
    if key == "Minimum" and isinstance(before := request.get(key), dict):
        value = {**before, **value}
    request[key] = value


def _read(file: Path) -> Request:
    try:
        text = file.read_text(encoding="utf-8-sig")
        document = json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_key_once)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not text in UTF-8: {error.reason} at byte {error.start}") from error
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        why = "it has too many layers of lists or objects" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{file} is no request: {why}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{file}: the request must be a JSON object, {{…}}")
    return document


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number that JSON has")


def _each_key_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:100]!r} is there twice")
    return document
