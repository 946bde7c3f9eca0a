"""What a step takes: seconds, processor seconds and peak memory of a whole process tree; medians and tables of them."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
_SAMPLE_SECONDS = 0.03
_SAMPLING_SHARE = 0.02
"""Of one processor's time at most: looking at the memory of several processes takes milliseconds."""


class TooMuchMemory(Exception):
    """The step needed more memory than it may have, and was ended."""


class StepFailed(Exception):
    """The step's process ended with an error; the message is what it wrote last."""


@dataclass(frozen=True)
class Run:
    """One run of a step, or the medians of several.

    ``seconds`` pass from call to return, without start of the process and imports. ``processor`` seconds are those of
    all cores. ``peak`` is in bytes: the largest sum over the process and its children of the memory that is resident,
    sampled up to thirty times a second; shared pages count once (PSS) where there are children. ``value`` is what the
    step returned.
    """

    seconds: float
    processor: float
    peak: int
    value: Any = None


def alone(
    step: Callable[..., Any],
    *arguments: Any,
    python: Path | None = None,
    most_memory: int | None = None,
) -> Run:
    """Run a step in a new process.

    Args:
        step: a function of a module; in another environment it is found by its name.
        arguments: for the step, of types that JSON knows, as its value must be.
        python: interpreter; this one when None.
        most_memory: bytes at which the process is ended.

    Raises:
        TooMuchMemory: it needed more than ``most_memory``.
        StepFailed: it raised an error.
    """
    main = sys.modules["__main__"]
    spec = main.__spec__ if step.__module__ == "__main__" else None
    module = spec.name if spec else step.__module__
    paths = os.pathsep.join([str(ROOT), str(ROOT / "functions")])
    with tempfile.TemporaryDirectory() as folder:
        result, errors = Path(folder) / "result.json", Path(folder) / "errors.txt"
        command = [str(python or sys.executable), "-m", "benchmarks.alone", module, step.__name__]
        with errors.open("w") as file:
            process = psutil.Popen(
                [*command, json.dumps(arguments), str(result)],
                env={**os.environ, "PYTHONPATH": paths},
                stderr=file,
                stdout=subprocess.DEVNULL,
            )
            peak = _watch(process, most_memory)
        if process.returncode:
            last = errors.read_text().strip().rpartition("\n")[2]
            raise StepFailed(f"{module}.{step.__name__} ended with {process.returncode}: {last}")
        found = json.loads(result.read_text())
    return Run(found["seconds"], found["processor"], max(peak, found["peak"]), found["value"])


def _watch(process: psutil.Popen, most_memory: int | None) -> int:
    peak = 0
    while process.poll() is None:
        began = time.perf_counter()
        peak = max(peak, _resident(process))
        looked = time.perf_counter() - began
        if most_memory is not None and peak > most_memory:
            for child in process.children(recursive=True):
                child.kill()
            process.kill()
            process.wait()
            raise TooMuchMemory(f"more than {most_memory / MIB:,.0f} MiB")
        time.sleep(max(_SAMPLE_SECONDS, looked / _SAMPLING_SHARE))
    return peak


def _resident(process: psutil.Popen) -> int:
    try:
        children = process.children(recursive=True)
        if not children:
            return int(process.memory_info().rss)
        return sum(_proportional(member) for member in (process, *children))
    except psutil.Error:  # it has just ended
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.uss))
    except psutil.Error:
        return 0


def interleaved(
    contenders: Mapping[str, Callable[[], Run]], repetitions: int, fewer: Mapping[str, int] | None = None
) -> dict[str, list[Run]]:
    """Run every contender once, then every one again, so that what else the machine does strikes all of them.

    One that needs too much memory is not run again and has no runs. Each run is told on the standard error output.
    ``fewer`` has the repetitions of contenders that are too slow for all.
    """
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    failed: set[str] = set()
    for number in range(repetitions):
        for name, contender in contenders.items():
            if name in failed or number >= (fewer or {}).get(name, repetitions):
                continue
            try:
                run = contender()
            except TooMuchMemory as error:
                failed.add(name)
                runs[name].clear()
                print(f"{name}: {error}", file=sys.stderr, flush=True)
                continue
            runs[name].append(run)
            took = f"{run.seconds:.1f} s, {run.processor:.1f} s of processors, {run.peak / MIB:,.0f} MiB"
            print(f"{name}: {took}", file=sys.stderr, flush=True)
    return runs


def median(runs: Sequence[Run]) -> Run:
    """The medians, each of its own, with the last run's value."""
    return Run(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.processor for run in runs),
        int(statistics.median(run.peak for run in runs)),
        runs[-1].value,
    )


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
