"""Data on its way up, results on their way down."""

import csv
import fcntl
import json
import time
from pathlib import Path

import pytest

from autoflow import demo, results, upload
from autoflow.errors import CommandError, UsageError
from autoflow.stack import Stack, in_aws
from autoflow.upload import Uploads
from tests.unit.cli.conftest import BUCKET, keys


def put(stack: Stack, key: str, body: str) -> None:
    stack.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())


def test_a_file_goes_up_under_its_own_name_and_is_taken_back(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "my data.csv"
    file.write_text("a,b\n1,2\n")
    uploads, told = Uploads(stack), []
    uri = uploads.put(str(file), lambda sent, total: told.append((sent, total)))
    assert uri.startswith(f"s3://{BUCKET}/uploads/")
    assert keys(stack) == [uri.removeprefix(f"s3://{BUCKET}/")]
    assert uploads.in_local_terms(f"{uri} is empty") == f"{file} is empty"
    assert told[-1] == (8, 8)
    uploads.delete()
    assert keys(stack) == []


def test_a_folder_goes_up_with_its_visible_files(stack: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "deep/c.csv", ".DS_Store"):
        (folder / name).write_text("x")
    uploads = Uploads(stack)
    uri = uploads.put(str(folder))
    prefix = uri.removeprefix(f"s3://{BUCKET}/")
    assert prefix.endswith("/parts/")
    assert keys(stack) == [prefix + name for name in ("a.csv", "b.csv", "deep/c.csv")]
    assert uploads.in_local_terms(f"{uri}deep/c.csv, row 3") == f"{folder}/deep/c.csv, row 3"


def test_files_of_the_same_name_do_not_replace_each_other(stack: Stack, tmp_path: Path) -> None:
    uploads = Uploads(stack)
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rows.csv").write_text(folder)
    first, second = (uploads.put(str(tmp_path / folder / "rows.csv")) for folder in ("old", "new"))
    assert first != second
    assert len(keys(stack)) == 2


def test_what_is_in_s3_stays_there(stack: Stack) -> None:
    assert Uploads(stack).put("s3://other/key") == "s3://other/key"
    assert keys(stack) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [("nowhere.csv", "nowhere.csv: no such file or folder"), ("https://x/y.csv", "only files, folders and s3:// URIs")],
)
def test_what_cannot_be_uploaded_is_refused(data: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        upload.check(data)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the folder has no files"):
        upload.check(str(tmp_path))


def test_parts_become_one_file_with_one_header(stack: Stack, tmp_path: Path) -> None:
    put(stack, "runs/r/accepted/part-00000.csv", "Row,Prediction\n0,a\n1,b\n")
    put(stack, "runs/r/accepted/part-00001.csv", "Row,Prediction\n")
    put(stack, "runs/r/accepted/part-00002.csv", "Row,Prediction\n7,c\n")
    put(stack, "runs/r/review/part-00000.csv", "Row,Prediction,Reason\n")
    base = f"s3://{BUCKET}/runs/r/"
    result = {"Run": "r", "Files": {"Accepted": f"{base}accepted/", "Review": f"{base}review/"}}
    results.download(stack, result, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert (folder / "accepted.csv").read_text() == "Row,Prediction\n0,a\n1,b\n7,c\n"
    assert (folder / "review.csv").read_text() == "Row,Prediction,Reason\n"
    assert json.loads((folder / "result.json").read_text()) == result
    assert sorted(path.name for path in folder.iterdir()) == ["accepted.csv", "result.json", "review.csv"]


def test_many_parts_are_read_at_once_and_written_in_their_order(stack: Stack, tmp_path: Path) -> None:
    for part in range(20):
        put(stack, f"a/part-{part:05d}.csv", f"Row,Prediction\n{part},x\n")
    stack.client("s3").meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: time.sleep(0.02 * ("0.csv" in params["url_path"]))
    )
    results.download(stack, {"Files": {"Accepted": f"s3://{BUCKET}/a/"}}, tmp_path)
    rows = [f"{part},x" for part in range(20)]
    assert (tmp_path / "accepted.csv").read_text().splitlines() == ["Row,Prediction", *rows]


def test_a_download_that_breaks_leaves_the_earlier_file_whole(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "accepted.csv").write_text("earlier")
    with pytest.raises(Exception, match="NoSuchBucket"):
        results.download(stack, {"Files": {"Accepted": "s3://not-there/a/"}}, tmp_path)
    assert (tmp_path / "accepted.csv").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["accepted.csv"]


def test_results_appear_together_or_not_at_all(stack: Stack, tmp_path: Path) -> None:
    put(stack, "runs/r/accepted/part-00000.csv", "Row,Prediction\n0,a\n")
    files = {"Accepted": f"s3://{BUCKET}/runs/r/accepted/", "Report": f"s3://{BUCKET}/runs/r/gone.html"}
    with pytest.raises(Exception, match="NoSuchKey"):
        results.download(stack, {"Files": files}, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_command_had_half_written_is_removed_and_what_another_one_writes_is_not(tmp_path: Path) -> None:
    left, others = tmp_path / ".accepted.csv.4711.unfinished", tmp_path / ".review.csv.4712.unfinished"
    left.touch()
    with others.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        results.check(tmp_path)
    assert list(tmp_path.iterdir()) == [others]


def test_a_folder_that_cannot_be_written_is_named(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"cannot write the results to .*file.* s3://b/runs/r/$"):
        results.download(stack, {"Files": {}, "Uri": "s3://b/runs/r/"}, tmp_path / "file")


def test_the_digits_are_all_there_with_names(tmp_path: Path) -> None:
    path = demo.write_digits(tmp_path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1797
    assert len(rows[0]) == 66
    assert len({row["image"] for row in rows}) == 1797
    assert {row["digit"] for row in rows} == set("0123456789")
    assert all(0 <= int(row["pixel_3_4"]) <= 16 for row in rows)


def test_the_demo_can_be_repeated_with_run(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from autoflow.cli import app
    from autoflow.request import Options, build

    words = demo.command(tmp_path / "digits.csv", 45)
    options = dict(zip(words[2::2], words[3::2], strict=True))
    made = build(
        Options(
            data=words[1],
            target=options["--target"],
            id_column=options["--id-column"],
            min_confidence=float(options["--min-confidence"]),
            max_runtime=int(options["--max-runtime"]),
            max_candidates=int(options["--max-candidates"]),
        )
    )
    assert made == demo.request(tmp_path / "digits.csv", 45)
    # And it is a command line that autoflow takes: it fails at the missing file alone.
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 2
    assert "digits.csv: no such file" in ended.output


@pytest.mark.parametrize("words", [["--max-runtime", "soon"], ["--bogus"], ["b.csv"], ["--target"]])
def test_options_that_cannot_be_read_are_a_json_document_too(words: list[str]) -> None:
    from typer.testing import CliRunner

    from autoflow.cli import app

    ended = CliRunner().invoke(app, ["run", "--json", "a.csv", *words])
    assert ended.exit_code == 2
    document = json.loads(ended.stdout)
    assert (document["Outcome"], document["Error"]) == ("Failed", "InvalidUsage")
    assert words[0] in document["Cause"]


def test_a_stack_is_found_by_its_outputs(stack: Stack) -> None:
    cloudformation = stack.client("cloudformation")
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {
            "AutoMLStateMachineArn": {"Value": "arn"},
            "ScoringStateMachineArn": {"Value": "arn-2"},
            "DataBucketName": {"Value": BUCKET},
        },
    }
    cloudformation.create_stack(StackName="prod", TemplateBody=json.dumps(template))
    found = in_aws("prod")
    assert (found.bucket, found.machine, found.local) == (BUCKET, "arn", False)
    assert found.title == "stack prod in eu-west-1"
    assert [logical for logical, _ in found.resources("AWS::SNS::Topic")] == ["Topic"]


def test_a_stack_that_is_not_there_or_not_ours_is_refused(stack: Stack) -> None:
    with pytest.raises(UsageError, match=r"no stack 'prod' in eu-west-1.*sam deploy"):
        in_aws("prod")
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    stack.client("cloudformation").create_stack(StackName="other", TemplateBody=json.dumps(template))
    with pytest.raises(UsageError, match="not an autopilot-flow stack"):
        in_aws("other")


def test_missing_credentials_are_bad_usage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UsageError, match="aws configure"):
        in_aws("prod")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UsageError, match="nobody"):
        in_aws("prod")
