"""Is a run's model as good as AutoGluon used directly on the same training rows with the same time limit?

``python -m benchmarks.quality FOLDER``: FOLDER holds the data sets named below. Each goes through the whole workflow
in the local cloud with its columns shuffled and renamed; then AutoGluon (``medium_quality``) is trained on the run's
own training rows and asked about the run's own test rows. Prints a Markdown table.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoflow.local import cloud
from autoflow.stack import Stack, in_local_cloud


@dataclass(frozen=True)
class DataSet:
    """A data set, its target, the columns to drop and the metric to compare."""

    file: str
    delimiter: str
    target: str
    drop: tuple[str, ...]
    metric: str
    bigger_is_better: bool


DATA_SETS = (
    DataSet("abalone.csv", ",", "Rings", (), "RMSE", bigger_is_better=False),
    DataSet("bank.csv", ";", "y", (), "AUC", bigger_is_better=True),
    DataSet("bike_rentals.csv", ",", "cnt", ("casual", "registered"), "R2", bigger_is_better=True),
)


def disguise(data_set: DataSet, source: Path, folder: Path) -> tuple[Path, str, list[str]]:
    """Write the data set with its columns shuffled and renamed: the file and the new names of both."""
    with source.open(newline="") as stream:
        header, *rows = csv.reader(stream, delimiter=data_set.delimiter)
    order = list(range(len(header)))
    random.Random(data_set.file).shuffle(order)
    names = {header[column]: f"column {position}" for position, column in enumerate(order)}
    path = folder / data_set.file
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=data_set.delimiter)
        writer.writerow([names[header[column]] for column in order])
        writer.writerows([row[column] for column in order] for row in rows)
    return path, names[data_set.target], [names[column] for column in data_set.drop]


def through_the_workflow(
    path: Path, target: str, drop: list[str], limit: int, folder: Path, port: int
) -> dict[str, Any]:
    """The run's result.json, from the command line that everybody uses."""
    request = folder / "request.json"
    request.write_text(json.dumps({"Transform": {"Drop": drop}} if drop else {}))
    command = [
        str(Path(sys.executable).with_name("autoflow")),
        "run",
        str(path),
        "--target",
        target,
        "--max-runtime",
        str(limit),
    ]
    command += ["--port", str(port)]
    command += ["--input", str(request), "--output", str(folder / "out"), "--json"]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return result


DIRECT = """
import json, sys
import pandas as pd
from autogluon.tabular import TabularPredictor
train, test, target, metric, limit, folder = sys.argv[1:]
train, test = (pd.concat(map(pd.read_csv, json.loads(files)), ignore_index=True) for files in (train, test))
kind = "binary" if metric == "AUC" else "regression"
name = {"RMSE": "root_mean_squared_error", "AUC": "roc_auc", "R2": "r2"}[metric]
predictor = TabularPredictor(label=target, path=folder, problem_type=kind, eval_metric=name, verbosity=0)
predictor.fit(train, presets="medium_quality", time_limit=float(limit))
print(json.dumps(abs(predictor.evaluate(test, silent=True)[name])))
"""


def directly(files: dict[str, list[str]], target: str, metric: str, limit: int, folder: Path) -> float:
    """AutoGluon's metric on the run's test rows, trained on the run's training rows in a process of its own."""
    arguments = [
        json.dumps(files["train"]),
        json.dumps(files["test"]),
        target,
        metric,
        str(limit),
        str(folder / "direct"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", DIRECT, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return float(done.stdout.splitlines()[-1])


def download(stack: Stack, run: str, split: str, folder: Path) -> list[str]:
    """The files of one split of a run, on this machine."""
    s3 = stack.client("s3")
    files = []
    for item in s3.list_objects_v2(Bucket=stack.bucket, Prefix=f"runs/{run}/data/{split}/")["Contents"]:
        path = folder / item["Key"].replace("/", "-")
        s3.download_file(stack.bucket, item["Key"], str(path))
        files.append(str(path))
    return files


def compare(data_set: DataSet, source: Path, limit: int, stack: Stack, port: int) -> str:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, target, drop = disguise(data_set, source, folder)
        started = time.monotonic()
        result = through_the_workflow(path, target, drop, limit, folder, port)
        seconds = time.monotonic() - started
        ours = float(result["Quality"]["Metrics"][data_set.metric])
        files = {split: download(stack, result["Run"], split, folder) for split in ("train", "test")}
        theirs = directly(files, target, data_set.metric, limit, folder)
    gap = (theirs - ours) / theirs if data_set.bigger_is_better else (ours - theirs) / theirs
    outside = result["Timing"]["TotalSeconds"] - result["Timing"]["AutoMLSeconds"]
    return (
        f"| {data_set.file} | {data_set.metric} | {result['Quality']['Rows']} | {ours:.4f} | {theirs:.4f} | {gap:+.1%} "
        f"| {seconds:.0f} | {result['Timing']['AutoMLSeconds']:.0f} | {outside:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with " + ", ".join(data_set.file for data_set in DATA_SETS))
    parser.add_argument("--max-runtime", type=int, default=120, help="seconds for both sides")
    options = parser.parse_args()
    with cloud.temporary() as here:
        stack = in_local_cloud(here.port, lambda text: None)
        print("| data | metric | test rows | workflow | directly | behind | run, s | AutoML, s | outside it, s |")
        print("|---|---|---|---|---|---|---|---|---|")
        for data_set in DATA_SETS:
            row = compare(data_set, options.folder / data_set.file, options.max_runtime, stack, here.port)
            print(row, flush=True)


if __name__ == "__main__":
    main()
