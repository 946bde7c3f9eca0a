"""Time and peak memory of Calibrate Model and Evaluate Model by size: a function has 2,048 MB and 900 seconds.

``python -m benchmarks.evaluate_model [ROWSxLABELS …]``, 1 label being a regression. Each step runs in a process of its
own, on objects in a temporary folder instead of S3, so that only the function's own memory is measured.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))  # as Lambda has it

from automl.proof.calibrate import calibrate
from automl.proof.evaluation import evaluate
from automl.run_files import RunFiles, ScoringFiles
from automl.storage import write_json
from benchmarks.folder import Folder

RUN = RunFiles("s3://bucket/run/")
PART_ROWS = 50_000
SIZES = ["1000000x2", "100000x100", "1000000x1"]
PROBLEM_TYPES = {1: "Regression", 2: "BinaryClassification"}
OBJECTIVES = {1: "RMSE", 2: "AUC"}


def write_scoring(client: Any, path: Path, uri: str, rows: int, labels: int, confidence: Mapping[str, Any]) -> None:
    """Predictions of a model that exaggerates, in parts as the scoring machine leaves them."""
    draw = np.random.default_rng(rows)
    files = ScoringFiles(uri)
    parts = range(-(-rows // PART_ROWS))
    names = str([f"label-{number}" for number in range(labels)])
    keys = ["prediction"] if labels == 1 else ["predicted_label", "probabilities", "labels"]
    for part in parts:
        key = files.predictions(part).partition("bucket/")[2].replace("/", "_")
        with (path / key).open("w") as file:
            file.write(",".join(["Row", "Id", "Truth", *keys]) + "\n")
            for row in range(part * PART_ROWS, min(rows, (part + 1) * PART_ROWS)):
                odds = draw.normal(0, 2, labels)
                if labels == 1:
                    file.write(f"{row},,{odds[0] + draw.normal()},{odds[0]}\n")
                    continue
                truth = int(np.argmax(odds + draw.gumbel(size=labels)))
                sure = np.exp(2 * (odds - odds.max()))
                probabilities = (sure / sure.sum()).tolist()
                label = int(np.argmax(odds))
                file.write(f'{row},,label-{truth},label-{label},"{probabilities}","{names}"\n')
        write_json(client, files.finished(part), {"Part": part})
    document = {
        "PredictionsUri": uri,
        "PartCount": len(parts),
        "Rows": rows,
        "ResponseKeys": keys,
        "ProblemType": PROBLEM_TYPES.get(labels, "MulticlassClassification"),
        "CalibrationUri": RUN.calibration,
        "Calibrate": True,
        "Confidence": confidence,
    }
    write_json(client, files.rows, document)


def run_calibrate(client: Any, labels: int) -> None:
    """Calibrate Model, with a promised precision where there is one."""
    asked = {"Level": 0.9} if labels == 1 else {"TargetPrecision": 0.9, "Certainty": 0.9}
    write_json(client, RUN.calibration, calibrate(client, RUN.uri, asked))


def run_evaluate(client: Any, labels: int) -> None:
    """Evaluate Model, with a champion to compare with: the same answers, read and resampled once more."""
    champion = {"Exists": True, "Comparable": True, "Reason": "", "OutputUri": RUN.proof_of("test")}
    state = {
        "Run": {"Name": "run", "Uri": RUN.uri},
        "Data": {"Test": {"OutputUri": RUN.proof_of("test")}, "ObjectiveMetric": OBJECTIVES.get(labels, "Accuracy")},
        "Model": {"Name": "run"},
        "Champion": {**champion, "Run": "former", "ModelName": "former", "PackageArn": ""},
        "ChampionScoring": {"Scoring": {}},
    }
    write_json(client, RUN.evaluation, evaluate(client, state))


def measure(name: str, step: Callable[[Any, int], None], folder: str, size: str) -> None:
    """Run one step and print what it took."""
    rows, labels = (int(number) for number in size.split("x"))
    began, busy = time.perf_counter(), time.process_time()
    step(Folder(Path(folder)), labels)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | {rows:,} | {labels} | {seconds:.0f} s | {busy:.0f} s | {peak:,.0f} MiB |", flush=True)


def main() -> None:
    """Measure every size given on the command line."""
    print("| function | rows | labels | time | processor | peak memory |\n|---|---|---|---|---|---|", flush=True)
    for size in sys.argv[1:] or SIZES:
        rows, labels = (int(number) for number in size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            client: Any = Folder(Path(folder))
            write_json(client, RUN.request, {})
            for name in ("calibration", "test"):
                write_scoring(client, Path(folder), RUN.proof_of(name), rows, labels, {})
            steps = (("Calibrate Model", run_calibrate), ("Evaluate Model", run_evaluate))
            for name, step in steps:
                process = multiprocessing.get_context("spawn").Process(target=measure, args=(name, step, folder, size))
                process.start()
                process.join()


if __name__ == "__main__":
    main()
