"""What a training worker is told, and what it tells: one JSON document per line."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One AutoML job, in words of files and columns."""

    work: str
    """Empty folder of this job; the worker writes nowhere else."""
    train: list[str]
    """Files of training rows."""
    target: str
    validation: list[str] = field(default_factory=list)
    """Files of validation rows; empty: a part of the training rows is held out."""
    file_format: str = "csv"
    """``csv`` (gzip or not) or ``parquet``."""
    features: list[str] | None = None
    """Columns to learn from; None: all but the target."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Column → numeric, categorical, text or datetime, where the data's own type is not wanted."""
    problem: str | None = None
    """binary, multiclass or regression; None: decided from the target."""
    metric: str | None = None
    """AutoML name of the objective; None: the problem's default."""
    validation_fraction: float | None = None
    max_candidates: int = 10
    algorithms: list[str] = field(default_factory=list)
    deadline: float | None = None
    """Unix time at which the job must be over."""
    seconds_per_model: float | None = None

    @property
    def folder(self) -> Path:
        """``work`` as a path."""
        return Path(self.work)

    def to_line(self) -> bytes:
        """For the worker's standard input."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Job":
        """What :meth:`to_line` wrote."""
        return cls(**json.loads(line))


class Reports:
    """The worker's side of the line protocol. Nothing else may write to this file descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def send(self, event: str, **content: Any) -> None:
        """Tell the owner that something happened."""
        data = json.dumps({"event": event, **content}).encode() + b"\n"
        while data:
            data = data[os.write(self._fd, data) :]
