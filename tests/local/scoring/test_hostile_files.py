"""The worst of the hostile files (tests/hostile/files), through the command line: one sentence, and nothing is left."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoflow.local.cloud import Cloud
from tests.faults.orphans import orphans, snapshot
from tests.hostile.corpus import CASES
from tests.hostile.files.case import Refused
from tests.local.conftest import Cli, Ended, customers, write_csv
from tests.local.scoring.conftest import Learnt

TO_LEARN_FROM = [
    "gzip of 8 GB of rows",
    "gzip of a quote that is open for 4 GB",
    "100,000 columns",
    "Parquet with a footer of 4 GB",
    "a formula in the identity, 0",
    "UTF-16 little-endian without a mark",
]


@dataclass(frozen=True)
class Holdings:
    """What a command may not add to."""

    objects: frozenset[str]
    jobs: int

    @classmethod
    def of(cls, learnt: Learnt) -> "Holdings":
        """Objects that hold data, and AutoML jobs."""
        pages = learnt.cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=learnt.bucket)
        keys = (item["Key"] for page in pages for item in page.get("Contents", []))
        data = re.compile(r"uploads/|runs/[^/]+/(data|rows|predictions|accepted|review)/|scorings/[^/]+/.*part-")
        jobs = learnt.cloud.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]
        return cls(frozenset(filter(data.match, keys)), len(jobs))


def check_refused(cloud: Cloud, learnt: Learnt, command: Callable[[], Ended], says: str) -> None:
    before, things = Holdings.of(learnt), snapshot(cloud)

    ended = command()

    assert (ended.status, ended.document["Outcome"]) == (2, "Failed"), ended.err
    assert re.search(says, ended.document["Cause"]), ended.document["Cause"]
    assert "\n" not in ended.document["Cause"]
    assert "Traceback" not in ended.err + ended.out
    assert Holdings.of(learnt) == before
    assert orphans(cloud, things) == []


@pytest.mark.parametrize("name", TO_LEARN_FROM)
def test_a_hostile_file_to_learn_from_is_one_sentence(
    cli: Cli, cloud: Cloud, learnt: Learnt, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    (tmp_path / case.uri).write_bytes(case.objects()[case.uri])
    options = ["--id-column", case.dataset["IdColumn"]] if "IdColumn" in case.dataset else []
    assert isinstance(case.learnt, Refused)

    command = ("run", case.uri, "--target", "Price", *options, "--max-runtime", "30", "--json")
    check_refused(cloud, learnt, lambda: cli(*command, timeout=600), case.learnt.says)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-40] + b'"' + data[-40:], r"new\.csv: row \d+ \(line \d+\) has a quote"),
        (
            lambda data: data.replace(b"c-00007", b"=cmd|' /C calc'!A0"),
            "a spreadsheet would run as a formula in row 7 ",
        ),
        (lambda data: data.decode().encode("utf-16"), "new.csv is encoded in UTF-16; convert it"),
    ],
    ids=["a quote that never closes", "a formula in the identity", "UTF-16"],
)
def test_hostile_rows_to_score_are_one_sentence(
    cli: Cli, cloud: Cloud, learnt: Learnt, tmp_path: Path, damage: Callable[[bytes], bytes], says: str
) -> None:
    path = write_csv(tmp_path / "new.csv", customers(60_000))
    path.write_bytes(damage(path.read_bytes()))

    command = ("score", "new.csv", "--endpoint", learnt.endpoint, "--json")
    check_refused(cloud, learnt, lambda: cli(*command, timeout=600), says)
