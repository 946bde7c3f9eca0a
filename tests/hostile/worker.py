"""A process that gives hostile files to the handlers, one after the other, and tells what became of each.

Reads names of cases from standard input and answers with one line of JSON for each: what Transform Data and Prepare
Rows did, how long it took, and the most memory that the process held meanwhile. It ends itself when that is more than
the function has, as Lambda would.
"""

import csv
import io
import json
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from automl.data.column_types import MISSING
from automl.data.recipe import from_request
from automl.run_files import RunFiles, ScoringFiles
from automl.storage import list_objects, read_bytes, read_json, write_json
from tests.hostile.corpus import CASES
from tests.hostile.files.case import FOLDER, IDENTITY, TARGET, Case, Read, Table

BUCKET = "data-bucket"
RUN, MODEL = RunFiles(f"s3://{BUCKET}/runs/hostile/"), RunFiles(f"s3://{BUCKET}/runs/model/")
OUTPUT = f"s3://{BUCKET}/scorings/hostile/"
MIB = 1024 * 1024
MEMORY = {"transform_data": 3008, "prepare_rows": 2048}
"""MiB that the functions have, as template.yaml says."""
TYPES = {IDENTITY: "string", "Area": "number", "City": "string", TARGET: "number"}
OUT_OF_MEMORY = 137
_LOOK_SECONDS = 0.02


class Context:
    """What Lambda tells a function about its invocation."""

    function_name = "function"
    memory_limit_in_mb = 3008
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    aws_request_id = "00000000-0000-0000-0000-000000000000"


CONTEXT: Any = Context()


def _status(what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def _watch(limit: int) -> None:
    while True:
        if _status("VmRSS") > limit:
            os._exit(OUT_OF_MEMORY)
        time.sleep(_LOOK_SECONDS)


def _measured(step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    began = time.monotonic()
    found: dict[str, Any]
    try:
        found = {"Error": None, **step()}
    except Exception as error:
        found = {"Error": type(error).__name__, "Cause": str(error)}
    return {**found, "Seconds": round(time.monotonic() - began, 2), "PeakMiB": _status("VmHWM") // MIB}


def _seen(cell: str) -> str | None:
    """A cell as it must arrive."""
    text = re.sub(r"\r\n|\r|\n", " ", cell)
    return None if text in MISSING else text


def _expected(table: Table, columns: tuple[str, ...], without: str | None = None) -> Counter[tuple[str | None, ...]]:
    places = [table.header.index(name) for name in columns]
    rows = ([_seen(cell) for cell in row] for row in table.rows)
    left = (row for row in rows if without is None or row[table.header.index(without)] is not None)
    return Counter(tuple(row[place] for place in places) for row in left)


def _records(s3: Any, folder: str) -> Iterator[list[list[str | None]]]:
    """The records of each CSV object of a folder, read without anything of ours; an empty cell is None."""
    for stored in list_objects(s3, folder):
        text = read_bytes(s3, stored.uri).decode()
        yield [[cell or None for cell in record] for record in csv.reader(io.StringIO(text, newline=""))]


def _rows(s3: Any, folder: str, columns: tuple[str, ...]) -> Iterator[tuple[str | None, ...]]:
    """Those cells of each row of CSV objects with a header."""
    for header, *records in _records(s3, folder):
        places = [header.index(name) for name in columns]
        yield from (tuple(record[place] for place in places) for record in records)


def _difference(wanted: Counter[Any], found: Counter[Any]) -> dict[str, int]:
    return {"Lost": (wanted - found).total(), "Added": (found - wanted).total()}


def learn(s3: Any, case: Case) -> dict[str, Any]:
    """Transform Data's outcome for the case."""
    import transform_data

    data = transform_data.handler({"Run": {"Name": "hostile", "Uri": RUN.uri}}, CONTEXT)
    profile = read_json(s3, RUN.profile)
    found: dict[str, Any] = {"Rows": profile["Rows"], "State": len(json.dumps(data))}
    assert isinstance(case.learnt, Read), "it was not refused"
    if table := case.learnt.table:
        columns = tuple(name for name in table.header if name != case.dataset.get("IdColumn"))
        splits = ("train", "calibration", "test")
        rows = Counter(row for split in splits for row in _rows(s3, RUN.split(split), columns))
        found |= _difference(_expected(table, columns, TARGET), rows)
    return found


def score(s3: Any, case: Case) -> dict[str, Any]:
    """Prepare Rows' outcome for the case."""
    import prepare_rows

    asked = {
        "Endpoint": {"Name": "hostile"},
        "Dataset": {"S3Uri": f"s3://{BUCKET}/{FOLDER}{case.uri}", **case.dataset},
        "OutputUri": OUTPUT,
    }
    serving = {
        "Name": "model",
        "ModelName": "model",
        "ModelUri": MODEL.uri,
        "Engine": "Endpoint",
        "EndpointName": "hostile",
        "Endpoint": {"Name": "hostile", "Serverless": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}},
        "MaxConcurrency": 5,
        "MaxPayloadBytes": 4_000_000,
    }
    execution = {"Id": "arn:execution", "Name": "hostile", "StartTime": "2026-11-22T00:00:00.000Z"}
    told = prepare_rows.handler({"Input": asked, "Serving": serving, "Execution": execution}, CONTEXT)
    found: dict[str, Any] = {"Rows": {"Read": told["Rows"], "Sent": told["Sent"], "Skipped": told["Skipped"]}}
    assert isinstance(case.scored, Read), "it was not refused"
    if table := case.scored.table:
        files = ScoringFiles(OUTPUT)
        ids = [row[0] for row in _rows(s3, files.keys_folder, ("Id",))]
        features = [record for part in _records(s3, files.features_folder) for record in part]
        rows = Counter((identity, *record) for identity, record in zip(ids, features, strict=True))
        found |= _difference(_expected(table, (IDENTITY, "Area", "City")), rows)
    return found


def _serve(s3: Any, case: Case) -> None:
    identity = case.dataset.get("IdColumn", IDENTITY)
    request = {"Dataset": {"TargetColumn": TARGET, "IdColumn": identity}, "Transform": {}}
    write_json(s3, MODEL.recipe, from_request(request, TYPES).document("Regression"))
    features = ["Area", "City"]
    write_json(s3, MODEL.model, {"ProblemType": "Regression", "ResponseKeys": ["prediction"], "Features": features})


def _disturbed(s3: Any, case: Case) -> Any:
    """A client of which the second look at an object finds that somebody was there since the first."""
    client, own = boto3.client("s3"), case.disturb
    looks: Counter[str] = Counter()

    def look(params: Mapping[str, Any], **_: Any) -> None:
        key = params["Key"]
        if key.startswith(FOLDER) and own:
            looks[key] += 1
            if looks[key] == 2:
                own(s3, key)

    client.meta.events.register("provide-client-params.s3.GetObject", look)
    client.meta.events.register("provide-client-params.s3.HeadObject", look)
    return client


def _run(case: Case, what: str) -> dict[str, Any]:
    import prepare_rows
    import transform_data

    with mock_aws():
        s3: Any = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for key, data in case.objects().items():
            s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}{key}", Body=data)
        _serve(s3, case)
        request = {
            "Dataset": {"S3Uri": f"s3://{BUCKET}/{FOLDER}{case.uri}", "TargetColumn": TARGET, **case.dataset},
            "Transform": {"Calibration": 0.1, "Test": 0.1, **case.transform},
            "Confidence": {},
        }
        write_json(s3, RUN.request, request)
        before = {stored.uri for stored in list_objects(s3, f"s3://{BUCKET}/")}
        client = _disturbed(s3, case)
        transform_data.S3 = prepare_rows.S3 = client
        found = _measured(lambda: {"transform_data": learn, "prepare_rows": score}[what](s3, case))
        left = {stored.uri for stored in list_objects(s3, f"s3://{BUCKET}/")} - before
        uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return {**found, "Left": sorted(left) + [item["Key"] for item in uploads]}


def main() -> None:
    """Answer until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a function logs
    threading.Thread(target=_watch, args=(max(MEMORY.values()) * MIB,), daemon=True).start()
    for line in sys.stdin:
        what, name = json.loads(line)
        print(json.dumps(_run(CASES[name], what)), file=answers, flush=True)


if __name__ == "__main__":
    main()
