"""autoflow score, as a person runs it: rows go in, and predictions of a model that was learned before come out."""

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from autoflow.local.cloud import Cloud
from autoflow.local.deploy import PROJECT
from tests.local.conftest import AUTOFLOW, Cli, customers, read_csv, read_until, write_csv
from tests.local.scoring.conftest import Learnt
from tests.local.terminal import CTRL_C, Terminal

ROWS = 120_000
"""Of three parts, so that one is finished while others are not."""


def shuffled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Columns in another order, without the target, and one that the model does not know."""
    return [{"note": "x", **{name: row[name] for name in ("complaints", "plan", "customer", "months")}} for row in rows]


def objects(learnt: Learnt, prefix: str) -> dict[str, Any]:
    """Keys below the prefix, and when each was written."""
    pages = learnt.cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=learnt.bucket, Prefix=prefix)
    return {item["Key"]: item["LastModified"] for page in pages for item in page.get("Contents", [])}


def endpoints(learnt: Learnt, scoring: str) -> list[str]:
    """What a scoring has made to serve the model and has not taken away."""
    sagemaker = learnt.cloud.client("sagemaker")
    made = [one["EndpointName"] for one in sagemaker.list_endpoints(NameContains=scoring)["Endpoints"]]
    configs = sagemaker.list_endpoint_configs(NameContains=learnt.run)["EndpointConfigs"]
    return made + [one["EndpointConfigName"] for one in configs]


@dataclass(frozen=True)
class Stopped:
    """A scoring that was stopped by Ctrl-C while its parts were being scored."""

    status: int
    shown: str
    folder: Path
    uploads: dict[str, Any]
    """What was there before."""

    @property
    def name(self) -> str:
        """As the command says it is to be resumed."""
        found = re.search(r"score --resume (\S+)", self.shown)
        assert found, self.shown
        return found[1]


@pytest.fixture(scope="module")
def stopped(cloud: Cloud, learnt: Learnt, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    folder = tmp_path_factory.mktemp("score")
    write_csv(folder / "new.csv", shuffled(customers(ROWS, seed=3)))
    uploads = objects(learnt, "uploads/")
    with Terminal(folder, "score", "new.csv", "--endpoint", learnt.endpoint, "--port", str(cloud.port)) as terminal:
        terminal.until(r"[1-9]\d*,000 of 120,000 rows")
        terminal.press(CTRL_C)
        return Stopped(terminal.end(), terminal.shown, folder, uploads)


def test_the_terminal_shows_how_far_the_rows_are(stopped: Stopped) -> None:
    for told in (
        "120,000 rows in 3 parts; the model does not know note",
        "is made for it and is removed afterwards",
        "━ 0 of 120,000 rows",
        "0,000 of 120,000 rows",
    ):
        assert told in stopped.shown
    assert " 0:00 left" not in stopped.shown


def test_ctrl_c_leaves_nothing_but_the_finished_parts(stopped: Stopped, learnt: Learnt) -> None:
    assert stopped.status == 130, stopped.shown
    assert f"Removed: endpoint {stopped.name}" in stopped.shown
    assert "nothing of the scoring is left running. Finished parts stay" in stopped.shown
    assert endpoints(learnt, stopped.name) == []
    assert objects(learnt, "uploads/") == stopped.uploads
    assert {path.name for path in stopped.folder.iterdir()} == {"new.csv"}


def test_what_was_finished_is_not_scored_again(
    stopped: Stopped, cloud: Cloud, learnt: Learnt, cli: Cli, tmp_path: Path
) -> None:
    parts = f"scorings/{stopped.name}/parts/"
    finished = objects(learnt, parts)
    if len(finished) == 3:  # on a machine with many cores all may be finished at once, before anybody stops them
        last = max(finished)
        cloud.client("s3").delete_object(Bucket=learnt.bucket, Key=last)
        del finished[last]

    resumed = cli("score", "--resume", stopped.name, "--output", "out", "--json")

    assert resumed.status == 0, resumed.err
    result = resumed.document
    validate(result, json.loads((PROJECT / "schemas" / "scoring.schema.json").read_text()))
    assert f"of which {len(finished)} were finished before" in resumed.err
    assert f"{ROWS:,} of {ROWS:,} rows" in resumed.err
    after = objects(learnt, parts)
    assert len(after) == 3
    assert {key: after[key] for key in finished} == finished
    accepted, review = (read_csv(tmp_path / "out" / name) for name in ("accepted.csv", "review.csv"))
    assert (len(accepted), len(review)) == (result["Accepted"], result["Review"])
    truth = {row["customer"]: row["cancels"] for row in customers(ROWS, seed=3)}
    assert len(accepted) + len(review) == ROWS
    assert {row["customer"] for row in (*accepted, *review)} == truth.keys()
    assert sum(row["Prediction"] == truth[row["customer"]] for row in accepted) > 0.9 * len(accepted)
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == result
    assert endpoints(learnt, stopped.name) == []


def test_a_scoring_is_known_to_the_commands_that_know_runs(learnt: Learnt, cli: Cli, tmp_path: Path) -> None:
    write_csv(tmp_path / "few.csv", customers(60, seed=5))
    scored = cli("score", "few.csv", "--endpoint", learnt.endpoint, "--output", "out", "--json")
    assert scored.status == 0, scored.err
    assert scored.document["Quality"]["Rows"] == 60
    name = re.search(r"Scoring (\S+) in the", scored.err)[1]  # type: ignore[index]
    followed = cli("follow", name, "--output", "again", "--json")
    assert (followed.status, followed.document) == (0, scored.document), followed.err
    assert (tmp_path / "again" / "accepted.csv").read_bytes() == (tmp_path / "out" / "accepted.csv").read_bytes()
    stricter = cli("filter", name, "--min-confidence", "0.97", "--json")
    assert stricter.document["Accepted"] < scored.document["Accepted"], stricter.err
    assert "PrepareRows" in cli("logs", name).out
    shown = subprocess.run([AUTOFLOW, "status"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert re.search(rf"scoring +{name} +succeeded", shown)
    late = cli("stop", name)
    assert (late.status, "had ended (SUCCEEDED)" in late.err) == (1, True)


def test_an_endpoint_that_is_being_created_goes_with_the_scoring(cloud: Cloud, learnt: Learnt, tmp_path: Path) -> None:
    write_csv(tmp_path / "few.csv", customers(60, seed=5))
    command = f"score few.csv --endpoint {learnt.endpoint} --port {cloud.port}"
    process = subprocess.Popen(
        [AUTOFLOW, *command.split()],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        name = read_until(process, "Scoring ").split("Scoring ")[1].split()[0]
        sagemaker, end = cloud.client("sagemaker"), time.monotonic() + 120
        while not sagemaker.list_endpoints(NameContains=name)["Endpoints"]:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert f"Removed: endpoint {name}" in err
    assert endpoints(learnt, name) == []


ONE_ROW = "plan,complaints,months\nbasic,1,3\n"


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("", (), "data.csv is empty"),
        ("plan,complaints\nbasic,1\n", (), "data.csv lacks 'months'"),
        ("plan,complaints,months\nbasic,1,3\n", ("--level", "0.9"), "BinaryClassification"),
        (
            "plan,complaints,months\nbasic,1,3\n",
            ("--id-column", "custommer"),
            "'custommer' is not a column of data.csv",
        ),
    ],
)
def test_bad_input_is_one_clear_error_in_local_terms_and_leaves_nothing(
    learnt: Learnt, cli: Cli, tmp_path: Path, content: str, options: tuple[str, ...], told: str
) -> None:
    (tmp_path / "data.csv").write_text(content)
    before = objects(learnt, "uploads/")
    ended = cli("score", "data.csv", "--endpoint", learnt.endpoint, *options, "--json")
    assert ended.status == 2, ended.err
    assert told in ended.document["Cause"]
    assert ended.document["Scoring"]
    assert objects(learnt, "uploads/") == before
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv"}


def test_an_endpoint_that_is_misspelt_is_refused_with_the_nearest(learnt: Learnt, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    ended = cli("score", "data.csv", "--endpoint", learnt.endpoint[:-1], "--json")
    assert (ended.status, ended.document["Error"]) == (2, "InvalidUsage")
    assert f"did you mean '{learnt.endpoint}'?" in ended.document["Cause"]


def test_without_a_cloud_there_is_nothing_to_score_with(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    environment = {**os.environ, "AUTOFLOW_HOME": str(tmp_path / "home")}
    command = [str(AUTOFLOW), "score", "data.csv", "--port", "4599"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "no local cloud runs on port 4599" in ended.stderr
    assert "autoflow run" in ended.stderr
