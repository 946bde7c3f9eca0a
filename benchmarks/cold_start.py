"""What a function's start costs: the import of its handler in a new interpreter, and the size of its package.

Run: ``python -m benchmarks.cold_start [--build FOLDER] [--functions …]``. The packages are those of ``sam build``,
which is run if the folder is not there (it needs Python 3.13 with pip on the PATH). As on Lambda, a function sees its
own folder, its layers and its environment variables, and can write no bytecode. An import is measured inside the
interpreter, so the interpreter's own start is not in it; clients are made, nothing is called.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import table
from tests.packaging.sam_build import NATIVE, ROOT, SAM, Build

GOAL_MILLISECONDS = 250
GOAL_BYTES = 15_000_000
HEAVY = {"numpy", "plotly", "polars", "scipy", "sklearn"}
"""A function that imports none of them is light, and has to keep the goal."""
START = """
import json, sys, time
paths, module, heavy = json.loads(sys.argv[1])
sys.path[:0] = paths
begin = time.perf_counter(), time.process_time()
__import__(module).handler
end = time.perf_counter(), time.process_time()
print(json.dumps([1000 * (end[0] - begin[0]), 1000 * (end[1] - begin[1]), sorted(sys.modules.keys() & set(heavy))]))
"""
ON_LAMBDA = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "LAMBDA_TASK_ROOT": "/var/task",
}
"""With the task root Powertools traces, as it does there."""
SHOWN = 12


def start(build: Build, function: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Import the function's handler in a new interpreter: -I and -S hide this environment, -B forbids new bytecode."""
    module = build.functions()[function]["Handler"].removesuffix(".handler")
    asked = json.dumps([[str(path) for path in build.search_path(function)], module, sorted(HEAVY)])
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", *options, "-c", START, asked],
        env=build.environment(function) | ON_LAMBDA,
        capture_output=True,
        text=True,
        check=True,
    )


@dataclass(frozen=True)
class Start:
    """One start: milliseconds that passed, those of the processor, and which heavy packages were imported."""

    passed: float
    processor: float
    heavy: list[str]


def measured(build: Build, function: str) -> Start:
    """One start of the function."""
    return Start(*json.loads(start(build, function).stdout))


def files(build: Build, function: str) -> Iterator[Path]:
    """Everything in the function's package and its layers."""
    for folder in build.search_path(function):
        yield from (path for path in folder.rglob("*") if path.is_file())


def forget(paths: Iterable[Path]) -> None:
    """Drop the files from the system's page cache, so that the next start reads them from the disk."""
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def zipped(folder: Path) -> int:
    """Bytes of the folder as SAM packs it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return len(packed.getvalue())


def slowest_imports(build: Build, function: str) -> str:
    """What ``-X importtime`` says of one start, as a table of the packages that took longest by themselves."""
    own: dict[str, int] = {}
    said = start(build, function, "-X", "importtime").stderr.splitlines()
    for line in (line for line in said if line.startswith("import time:")):
        microseconds, _, name = line.removeprefix("import time:").split("|")
        if microseconds.strip().isdigit():
            package = ".".join(name.strip().split(".")[: 2 if name.strip().startswith("automl") else 1])
            own[package] = own.get(package, 0) + int(microseconds)
    longest = sorted(own.items(), key=lambda item: -item[1])[:SHOWN]
    return table(["package", "ms by itself"], [[name, f"{taken / 1000:.1f}"] for name, taken in longest])


def clean(build: Build) -> None:
    """Remove bytecode that earlier imports left in the functions' folders: the package that is deployed has none."""
    for function in build.functions():
        for path in (build.folder / function).rglob("*.pyc"):
            path.unlink()


def measure(build: Build, names: list[str], repetitions: int) -> None:
    """Print the table of the functions, and where the slowest light one and the slowest of all spend their time."""
    clean(build)
    cold: dict[str, Start] = {}
    for name in names:
        forget(files(build, name))
        cold[name] = measured(build, name)
    warm: dict[str, list[Start]] = {name: [] for name in names}
    for _ in range(repetitions):
        for name in names:
            warm[name].append(measured(build, name))
    median = {name: statistics.median(one.passed for one in warm[name]) for name in names}
    processor = {name: statistics.median(one.processor for one in warm[name]) for name in names}
    heavy = {name: cold[name].heavy for name in names}
    packed: dict[Path, int] = {}
    rows, missed = [], []
    for name in sorted(names, key=lambda name: (bool(heavy[name]), name)):
        folders = build.search_path(name)
        packed |= {folder: zipped(folder) for folder in folders if folder not in packed}
        size = sum(path.stat().st_size for path in files(build, name))
        misses = not heavy[name] and (median[name] >= GOAL_MILLISECONDS or size >= GOAL_BYTES)
        missed += [name] if misses else []
        kind = ", ".join(heavy[name]) or "light"
        times = [f"{value:.0f}" for value in (median[name], processor[name], cold[name].passed)]
        sizes = [f"{size / 1e6:.1f}", f"{sum(packed[folder] for folder in folders) / 1e6:.1f}"]
        rows.append([name.removesuffix("Function"), kind, *times, *sizes])
    header = ["function", "imports", "import, ms", "processor, ms", "from the disk, ms", "unzipped, MB", "zipped, MB"]
    print(table(header, rows))
    print(
        f"\nMedians of {repetitions}, all functions in turn; the package lies in the page cache, but not before the one"
    )
    print("start that is 'from the disk'. Python's standard library is in the cache throughout.")
    print(
        f"Light functions that miss {GOAL_MILLISECONDS} ms or {GOAL_BYTES / 1e6:.0f} MB: {', '.join(missed) or 'none'}"
    )
    slowest = sorted(names, key=median.__getitem__, reverse=True)
    for name in dict.fromkeys([*[name for name in slowest if not heavy[name]][:1], slowest[0]]):
        print(f"\n{name}, one start under -X importtime (which slows it down):\n")
        print(slowest_imports(build, name))


def main() -> None:
    """Build unless there is a build, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / ".aws-sam" / "build", help="folder that sam build made")
    parser.add_argument("--repetitions", type=int, default=5, help="starts of each function, besides the first")
    parser.add_argument("--functions", nargs="*", help="logical names in template.yaml; all unless given")
    arguments = parser.parse_args()
    if not arguments.build.exists():
        command = ["build", "--build-dir", arguments.build.resolve(), "--parameter-overrides", f"Architecture={NATIVE}"]
        variables = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
        subprocess.run([SAM, *command], cwd=ROOT, env=variables, check=True, stdout=sys.stderr)
    build = Build(arguments.build.resolve(), NATIVE)
    measure(build, arguments.functions or list(build.functions()), arguments.repetitions)


if __name__ == "__main__":
    main()
