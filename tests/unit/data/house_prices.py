"""A dataset of houses in S3, and Transform Data at work on it."""

import csv
import io
import random
from collections.abc import Sequence
from typing import Any

from automl.data.transform import transform_data
from automl.run_files import RunFiles
from automl.storage import list_objects, read_bytes, write_json

RUN = RunFiles("s3://data-bucket/runs/sample-0a1b2c3d/")
HEADER = ["id", "city", "size", "rooms", "built", "price"]


def houses(rows: int = 900) -> list[dict[str, str]]:
    numbers = random.Random(7)
    return [
        {
            "id": f"h{row}",
            "city": numbers.choice(["Oslo", "Paris, France", "NA", 'The "Hague"']),
            "size": f"{numbers.uniform(20, 200):.2f}",
            "rooms": str(numbers.randint(1, 8)),
            "built": f"{numbers.randint(1900, 2020)}-01-31",
            "price": str(numbers.randint(100, 999)),
        }
        for row in range(rows)
    ]


def put(s3: Any, rows: Sequence[dict[str, str]], header: Sequence[str] = HEADER, key: str = "in/houses.csv") -> None:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, header, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    s3.put_object(Bucket="data-bucket", Key=key, Body=file.getvalue().encode())


def transform(s3: Any, **sections: Any) -> dict[str, Any]:
    request = {
        "Dataset": {"S3Uri": "s3://data-bucket/in/houses.csv", "TargetColumn": "price", **sections.pop("Dataset", {})},
        "Transform": {"Derive": {}, "Drop": [], "Calibration": 0.1, "Test": 0.1, **sections.pop("Transform", {})},
        **sections,
    }
    write_json(s3, RUN.request, request)
    return transform_data(s3, RUN)


def split(s3: Any, name: str) -> list[dict[str, str]]:
    return [
        row
        for stored in list_objects(s3, RUN.split(name))
        for row in csv.DictReader(io.StringIO(read_bytes(s3, stored.uri).decode(), newline=""))
    ]


def left(s3: Any) -> list[str]:
    return [stored.uri.removeprefix(RUN.uri) for stored in list_objects(s3, RUN.uri)]
