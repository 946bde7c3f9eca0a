"""Invoke Endpoint and Filter Predictions against the model's own predict, and against the usual loops.

``.venv/bin/python -m benchmarks.scoring`` trains a real ensemble on a local cloud, serves it there and scores rows in
parts, as the scoring machine does: several processes at once, each asks the endpoint through boto3 and filters what
it was answered. Rows and results are files of a temporary folder instead of S3. ``--growth ROWS …`` scores several
numbers of rows, one after the other; ``--labels NUMBER`` shows the memory of a part whose answers are long.
"""

import argparse
import dataclasses
import functools
import io
import json
import math
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import boto3
import numpy as np
import psutil
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))

from autoflow.local import cloud as host
from autoflow.local.cloud import Cloud
from automl.clients import RUNTIME_CONFIG
from automl.run_files import ScoringFiles
from automl.scoring.inference import score_part
from automl.scoring.predictions import filter_part
from benchmarks.measuring import MIB, Run, alone, interleaved, median, table

FEATURES = [*(f"number{index}" for index in range(16)), *(f"text{index}" for index in range(4))]
PART_ROWS = 50_000
ENDPOINT = "measured"
KEYS = ["predicted_label", "probability", "probabilities", "labels"]
_SERVICES = ("cloudwatch", "events", "iam", "kms", "logs", "s3", "sagemaker", "sagemaker-runtime", "sqs", "sts")
_BUCKET = "measured-rows"
_ROLE = "arn:aws:iam::000000000000:role/SageMaker"
_TRAIN_ROWS = 20_000
_CONCURRENCY = 4
"""Requests at once that one instance is given, and so parts at once, each with one request at a time."""
_SAMPLED_ROWS = 200


class Folder:
    """The few S3 operations that are used, on files."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self, key: str) -> Path:
        return self._path / key.replace("/", "_")

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": self._file(Key).open("rb")}

    def put_object(self, Bucket: str, Key: str, Body: Any, **_: Any) -> None:  # noqa: N803
        self._file(Key).write_bytes(Body if isinstance(Body, bytes) else Body.read())

    def upload_fileobj(self, file: Any, Bucket: str, Key: str, **_: Any) -> None:  # noqa: N803
        with self._file(Key).open("wb") as target:
            while data := file.read(8 * MIB):
                target.write(data)


def records(count: int, seed: int) -> list[list[str]]:
    """Rows of 16 numbers, 4 texts and a truth that follows from some of them."""
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(count, 16)).round(4)
    colours, letters = draw.choice(["red", "green", "blue", "white"], count), draw.choice(list("abcdefghij"), count)
    sizes, flags = draw.choice(["s", "m", "l", ""], count), draw.choice(["yes", "no"], count)
    signal = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (colours == "red") + 0.5 * (flags == "yes")
    truths = signal + draw.normal(size=count) > 0.4
    return [
        [*map(repr, row), *texts, "true" if truth else "false"]
        for row, texts, truth in zip(
            numbers.tolist(), zip(colours, letters, sizes, flags, strict=True), truths, strict=True
        )
    ]


def key_of(uri: str) -> str:
    """Of an object's URI."""
    return uri.removeprefix("s3://bucket/")


def write_rows(folder: Path, count: int) -> None:
    """The files of Prepare Rows."""
    files, s3 = ScoringFiles("s3://bucket/"), Folder(folder)
    for part, first in enumerate(range(0, count, PART_ROWS)):
        rows = records(min(PART_ROWS, count - first), part)
        features = "".join(",".join(row[:-1]) + "\n" for row in rows)
        keys = "".join(f"{number},id-{number},{row[-1]}\n" for number, row in enumerate(rows, first))
        for name, text in (
            (files.features(part), features),
            (files.keys(part), f"Row,Id,Truth\n{keys}"),
            (files.skipped(part), "Row,Id,Truth,Reason\n"),
        ):
            s3.put_object("", key_of(name), text.encode())


def rows_document(parts: int, parts_at_once: int, concurrency: int) -> dict[str, Any]:
    """``$.Rows`` of the scoring."""
    return {
        "PredictionsUri": "s3://bucket/",
        "OutputUri": "s3://bucket/",
        "PartCount": parts,
        "PartsToScore": parts,
        "PartsAtOnce": parts_at_once,
        "EndpointName": ENDPOINT,
        "ProblemType": "BinaryClassification",
        "ResponseKeys": KEYS,
        "Confidence": {"Threshold": 0.8},
        "CalibrationUri": "",
        "Calibrate": False,
        "IdColumn": "id",
        "MaxConcurrency": concurrency,
        "MaxPayloadBytes": 6 * 1024 * 1024,
    }


@functools.cache
def _runtime(url: str) -> Any:
    """A client as Invoke Endpoint makes it, of the local cloud."""
    session: Any = boto3.Session("test", "test", region_name=host.REGION)
    return session.client("sagemaker-runtime", endpoint_url=url, config=RUNTIME_CONFIG.merge(Config(proxies={})))


def train(cloud: Cloud, folder: Path) -> None:
    """A job of the local SageMaker; its best model behind an endpoint, and its files in the folder."""
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    s3.create_bucket(Bucket=_BUCKET)
    rows = "".join(",".join(row) + "\n" for row in [[*FEATURES, "truth"], *records(_TRAIN_ROWS, -1 % 2**32)])
    s3.put_object(Bucket=_BUCKET, Key="train/rows.csv", Body=rows.encode())
    sagemaker.create_auto_ml_job_v2(
        AutoMLJobName=ENDPOINT,
        AutoMLJobInputDataConfig=[
            {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{_BUCKET}/train/"}}}
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{_BUCKET}/out/"},
        RoleArn=_ROLE,
        AutoMLProblemTypeConfig={
            "TabularJobConfig": {
                "TargetAttributeName": "truth",
                "Mode": "ENSEMBLING",
                "ProblemType": "BinaryClassification",
                "CompletionCriteria": {"MaxCandidates": 6, "MaxAutoMLJobRuntimeInSeconds": 120},
            }
        },
        AutoMLJobObjective={"MetricName": "F1"},
    )
    job = _when(lambda: sagemaker.describe_auto_ml_job_v2(AutoMLJobName=ENDPOINT), "AutoMLJobStatus", "Completed")
    container = job["BestCandidate"]["InferenceContainers"][0]
    container["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = ",".join(KEYS)
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    with tarfile.open(fileobj=io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) as archive:
        archive.extractall(folder / "model", filter="data")
    sagemaker.create_model(ModelName=ENDPOINT, Containers=[container], ExecutionRoleArn=_ROLE)
    variant = {"VariantName": "all", "ModelName": ENDPOINT, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=ENDPOINT, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
    _when(lambda: sagemaker.describe_endpoint(EndpointName=ENDPOINT), "EndpointStatus", "InService")


def _when(describe: Callable[[], dict[str, Any]], key: str, wanted: str) -> dict[str, Any]:
    while True:
        description = describe()
        if description[key] == wanted:
            return description
        if description[key] in {"Failed", "Stopped"}:
            raise RuntimeError(str(description.get("FailureReason")))
        time.sleep(0.5)


class _Watch:
    """Seconds and processor seconds, of this process and its children that have ended, from its making on."""

    def __init__(self) -> None:
        self._began, self._processor = time.perf_counter(), sum(os.times()[:4])

    def read(self, times: float = 1.0) -> list[float]:
        seconds, processor = time.perf_counter() - self._began, sum(os.times()[:4]) - self._processor
        return [seconds * times, processor * times]


def predict_in_process(folder: str, parts: int) -> list[float]:
    """The limit: the model's own predict on all rows, which are a frame in memory already."""
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    from autoflow.local.engine import tables

    model, files, s3 = Path(folder) / "model", ScoringFiles("s3://bucket/"), Folder(Path(folder))
    columns = tables.load_columns(model / "columns.json")
    predictor = TabularPredictor.load(str(model), verbosity=0, require_version_match=True)
    predictor.persist("best", max_memory=None)
    bodies = (s3.get_object("", key_of(files.features(part)))["Body"].read() for part in range(parts))
    frame = pd.concat([tables.read_request(body, columns) for body in bodies], ignore_index=True)
    predictor.predict_proba(frame.head(1_000))
    watch = _Watch()
    predictor.predict_proba(frame)
    return watch.read()


def score(folder: str, url: str, parts: int, parts_at_once: int, concurrency: int) -> list[float]:
    """All parts, as a Distributed Map over two functions."""
    rows = rows_document(parts, parts_at_once, concurrency)
    watch = _Watch()
    with ProcessPoolExecutor(parts_at_once, get_context("fork")) as pool:
        for _ in pool.map(_score_part, [(folder, url, rows, part) for part in range(parts)]):
            pass
    return watch.read()


def _score_part(work: tuple[str, str, dict[str, Any], int]) -> None:
    folder, url, rows, part = work
    s3: Any = Folder(Path(folder))
    answers = score_part(_runtime(url), s3, rows, part)
    counts = filter_part(s3, rows, part)
    assert counts["Rows"] == answers.rows


def one_by_one(folder: str, url: str, count: int) -> list[float]:
    """The usual loop, a request for each row, for that many rows: measured on some."""
    body = Folder(Path(folder)).get_object("", key_of(ScoringFiles("s3://bucket/").features(0)))["Body"].read()
    client = _runtime(url)
    rows = body.split(b"\n")[: _SAMPLED_ROWS + 1]
    client.invoke_endpoint(EndpointName=ENDPOINT, ContentType="text/csv", Body=rows[-1])
    watch = _Watch()
    for row in rows[:_SAMPLED_ROWS]:
        client.invoke_endpoint(EndpointName=ENDPOINT, ContentType="text/csv", Body=row)["Body"].read().decode()
    return watch.read(count / _SAMPLED_ROWS)


def timed(cloud: Cloud, step: Callable[..., Any], *arguments: Any) -> Run:
    """A step in a process of its own, with the times that it measured itself, without its preparations.

    The cloud's processors, which are the endpoint's, are added, in the proportion in which a sample stands for all.
    """
    before = _processor(cloud)
    run = alone(step, *arguments)
    seconds, processor = run.value
    share = seconds / run.seconds if step is one_by_one else 1.0
    return dataclasses.replace(run, seconds=seconds, processor=processor + share * (_processor(cloud) - before))


def _processor(cloud: Cloud) -> float:
    tree = [psutil.Process(cloud.pid), *psutil.Process(cloud.pid).children(recursive=True)]
    return float(sum(sum(member.cpu_times()[:2]) for member in tree))


def compare(folder: Path, cloud: Cloud, count: int, repetitions: int) -> str:
    """The table of all contenders."""
    write_rows(folder, count)
    parts = math.ceil(count / PART_ROWS)
    at_once = min(parts, _CONCURRENCY)
    contenders = {
        "the model's own predict, in process": lambda: timed(cloud, predict_in_process, str(folder), parts),
        "invoke and filter": lambda: timed(cloud, score, str(folder), cloud.url, parts, at_once, _CONCURRENCY),
        "invoke and filter, one request at a time": lambda: timed(cloud, score, str(folder), cloud.url, parts, 1, 1),
        "one request per row": lambda: timed(cloud, one_by_one, str(folder), cloud.url, count),
    }
    medians = {name: median(runs) for name, runs in interleaved(contenders, repetitions).items()}
    limit = next(iter(medians.values()))
    lines = [
        (
            name,
            f"{run.seconds:,.1f}",
            f"{count / run.seconds:,.0f}",
            f"{run.seconds / limit.seconds:,.2f}",
            f"{run.processor / limit.processor:,.2f}",
            f"{run.peak / MIB:,.0f}",
        )
        for name, run in medians.items()
    ]
    header = ("", f"seconds for {count:,} rows", "rows/s", "of the limit's time", "of its processors' time", "peak MiB")
    return table(header, lines)


def growth(folder: Path, cloud: Cloud, counts: Sequence[int]) -> str:
    """The table of several numbers of rows; the time of the start, which is that of very few rows, is told apart."""
    write_rows(folder, 1)
    start = median([timed(cloud, score, str(folder), cloud.url, 1, 1, _CONCURRENCY) for _ in range(3)]).seconds
    lines = []
    for count in counts:
        write_rows(folder, count)
        parts = math.ceil(count / PART_ROWS)
        at_once = min(parts, _CONCURRENCY)
        run = timed(cloud, score, str(folder), cloud.url, parts, at_once, _CONCURRENCY)
        state = len(json.dumps(rows_document(parts, at_once, _CONCURRENCY)))
        lines.append(
            (
                f"{count:,}",
                f"{parts:,}",
                f"{run.seconds:,.1f}",
                f"{(run.seconds - start) / count * 1e6:,.1f}",
                f"{run.peak / MIB:,.0f}",
                f"{state:,}",
            )
        )
    header = ("rows", "parts", "seconds", "seconds per million rows, without the start", "peak MiB", "bytes of $.Rows")
    return f"{table(header, lines)}\n\nThe start, which is the time of one row: {start:.2f} s"


class _ManyLabels:
    """An endpoint whose model has many labels."""

    def __init__(self, count: int) -> None:
        draw = np.random.default_rng(0)
        names = [f"label number {number}" for number in range(count)]
        shares = [share.tolist() for share in draw.dirichlet([0.1] * count, size=50)]
        lines = [f'{names[0]},{max(share)!r},"{share}","{names}"\n'.encode() for share in shares]
        self._lines = lines

    def invoke_endpoint(self, EndpointName: str, Body: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        rows = Body.count(b"\n")
        answer = b"".join(self._lines[row % len(self._lines)] for row in range(rows))
        return {"Body": io.BytesIO(answer)}


def ask_many_labels(folder: str, labels: int) -> float:
    """Megabytes of the predictions of one part whose answers are long."""
    s3: Any = Folder(Path(folder))
    score_part(cast("Any", _ManyLabels(labels)), s3, rows_document(1, 1, 1), 0)
    return (Path(folder) / key_of(ScoringFiles("s3://bucket/").predictions(0)).replace("/", "_")).stat().st_size / 1e6


def filter_many_labels(folder: str) -> int:
    """Rows of that part, filtered."""
    s3: Any = Folder(Path(folder))
    return int(filter_part(s3, rows_document(1, 1, 1), 0)["Rows"])


def memory(folder: Path, labels: int) -> str:
    """The table of a part of a model with many labels."""
    write_rows(folder, PART_ROWS)
    asked, filtered = alone(ask_many_labels, str(folder), labels), alone(filter_many_labels, str(folder))
    lines = [
        ("Invoke Endpoint", f"{asked.seconds:,.1f}", f"{asked.peak / MIB:,.0f}"),
        ("Filter Predictions", f"{filtered.seconds:,.1f}", f"{filtered.peak / MIB:,.0f}"),
    ]
    return table((f"{PART_ROWS:,} rows, {labels} labels, {asked.value:,.0f} MB", "seconds", "peak MiB"), lines)


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--growth", type=int, nargs="+", metavar="ROWS", help="numbers of rows, instead of contenders")
    parser.add_argument("--labels", type=int, help="of a model whose answers are long: memory, instead of contenders")
    options = parser.parse_args()
    if options.labels:
        with tempfile.TemporaryDirectory() as name:
            print(memory(Path(name), options.labels))
        return
    with tempfile.TemporaryDirectory() as name, host.temporary(services=_SERVICES) as cloud:
        folder = Path(name)
        train(cloud, folder)
        if options.growth:
            print(growth(folder, cloud, options.growth))
        else:
            print(compare(folder, cloud, options.rows, options.repetitions))


if __name__ == "__main__":
    main()
