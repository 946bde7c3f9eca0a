"""The execution input that a command line asks for."""

import json
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
    min_confidence: float | None = None
    max_runtime: int | None = None
    max_candidates: int | None = None


_PLACES = {
    "data": ("Dataset", "S3Uri"),
    "target": ("Dataset", "TargetColumn"),
    "id_column": ("Dataset", "IdColumn"),
    "delimiter": ("Dataset", "Delimiter"),
    "score": ("Scoring", "S3Uri"),
    "problem_type": ("Problem", "Type"),
    "objective": ("Problem", "ObjectiveMetric"),
    "min_confidence": ("Confidence", "Threshold"),
    "max_runtime": ("AutoML", "MaxRuntimeSeconds"),
    "max_candidates": ("AutoML", "MaxCandidates"),
}


def build(options: Options, file: Path | None = None) -> Request:
    """The request of the file with the options put over it.

    ``Dataset.S3Uri`` and ``Scoring.S3Uri`` are as they were given, so they may be local paths.

    Raises:
        UsageError: the file is not a JSON object, or there is no dataset or no target.
    """
    request = _read(file) if file else {}
    for field in fields(options):
        value = getattr(options, field.name)
        if value is None:
            continue
        section, key = _PLACES[field.name]
        if not isinstance(request.setdefault(section, {}), dict):
            raise UsageError(f"{file}: {section} must be a JSON object, not {json.dumps(request[section])}")
        request[section][key] = value
    dataset = request.get("Dataset")
    if not isinstance(dataset, dict) or not dataset.get("S3Uri"):
        raise UsageError("no data: name a file, a folder or an s3:// URI, or give Dataset.S3Uri in --input")
    if not dataset.get("TargetColumn"):
        raise UsageError("no target: name the column to predict with --target, or Dataset.TargetColumn in --input")
    return request


def _read(file: Path) -> Request:
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}, line {error.lineno}, column {error.colno}: not JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not text in UTF-8: {error.reason} at byte {error.start}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{file}: the request must be a JSON object, {{…}}")
    return document
