"""Peak memory and speed of Transform Data by input size: memory must stay flat.

Run it with ``.venv/bin/python benchmarks/transform_data.py [MEGABYTES …]``; each size runs in a process of its own, on
objects in a temporary folder instead of S3, so that only the function's own memory is measured.
"""

import io
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))

from automl.data.transform import transform_data
from automl.run_files import RunFiles

COLUMNS = ["Id", "City", "Day", "Flag", *(f"Number{index}" for index in range(8)), "Target"]
REQUEST = {
    "Dataset": {"S3Uri": "s3://bucket/data.csv", "TargetColumn": "Target", "IdColumn": "Id"},
    "Transform": {
        "Filter": "Number0 < 9.9",
        "Derive": {"Product": "Number1 * Number2", "Month": "EXTRACT(month FROM Day)"},
        "Drop": ["Flag"],
        "Calibration": 0.1,
        "Test": 0.1,
    },
    "Confidence": {},
}


class Folder:
    """The few S3 operations that are measured, on files."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self, key: str) -> Path:
        return self._path / key.replace("/", "_")

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803
        file = self._file(Key).open("rb")
        if Range:
            first, last = (int(number) for number in Range.removeprefix("bytes=").split("-"))
            file.seek(first)
            return {"Body": io.BytesIO(file.read(last - first + 1))}
        return {"Body": file}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        self._file(Key).write_bytes(Body)

    def head_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self._file(Key).stat()

    def get_paginator(self, name: str) -> "Folder":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        yield {"Contents": [{"Key": Prefix, "Size": self._file(Prefix).stat().st_size}]}


def write_data(path: Path, megabytes: int) -> None:
    """About that many megabytes of CSV with text, dates, quoted cells and missing values."""
    numbers = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        row = 0
        while file.tell() < megabytes * 1_000_000:
            for _ in range(10_000):
                cells = [f"{numbers.uniform(0, 10):.4f}" for _ in range(8)]
                city = numbers.choice(['"Paris, France"', "Oslo", "NA", "Rome"])
                day = f"2026-{numbers.randint(1, 12):02d}-{numbers.randint(1, 28):02d}"
                file.write(f"{row},{city},{day},{numbers.choice(['true', 'false'])},{','.join(cells)},{cells[3]}\n")
                row += 1


def measure(folder: str) -> None:
    """Run Transform Data on the folder and print what it took."""
    client: Any = Folder(Path(folder))
    client.put_object("bucket", "run/request.json", json.dumps(REQUEST).encode(), "")
    began = time.perf_counter()
    rows = transform_data(client, RunFiles("s3://bucket/run/"))["Rows"]["Read"]
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = (Path(folder) / "data.csv").stat().st_size / 1e6
    print(f"{size:6.0f} MB  {rows:10,} rows  {seconds:6.1f} s  {rows / seconds:9,.0f} rows/s  peak {peak:5.0f} MiB")


def main() -> None:
    """Measure every size given on the command line."""
    for megabytes in [int(argument) for argument in sys.argv[1:]] or [50, 400]:
        with tempfile.TemporaryDirectory() as folder:
            write_data(Path(folder) / "data.csv", megabytes)
            process = multiprocessing.get_context("spawn").Process(target=measure, args=(folder,))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
