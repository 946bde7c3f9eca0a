"""Transform Data as a whole: what it writes, and what it decides."""

import csv
import io
import json
from typing import Any

import jsonschema
import polars as pl
import pytest

from automl.data import csv_source, splitter
from automl.data.column_types import clean_text
from automl.data.dataset import Batch
from automl.data.recipe import from_document
from automl.data.split import assign, row_hashes
from automl.errors import InvalidDataset, InvalidRequest
from automl.schema import load
from automl.storage import delete_prefix, list_objects, read_bytes, read_json
from tests.unit.data.house_prices import HEADER, RUN, houses, left, put, split, transform


def test_a_dataset_becomes_model_ready_splits(data_bucket: Any) -> None:
    source = houses()
    put(data_bucket, source)

    data = transform(
        data_bucket,
        Dataset={"IdColumn": "id"},
        Transform={"Filter": "size > 30", "Derive": {"per_room": "size / rooms"}, "Drop": ["built"]},
        Confidence={"Threshold": 0.9, "IsDefault": True},
    )

    train, calibration, test = (split(data_bucket, name) for name in ("train", "calibration", "test"))
    kept = [row for row in source if float(row["size"]) > 30]
    rows = data["Rows"]
    assert rows == {
        "Read": 900,
        "FilteredOut": 900 - len(kept),
        "WithoutTarget": 0,
        "Train": len(train),
        "Calibration": len(calibration),
        "Test": len(test),
    }
    assert len(train) + len(calibration) + len(test) == len(kept)
    assert list(train[0]) == ["city", "size", "rooms", "per_room", "price"]
    assert list(test[0]) == [*HEADER, "__row__"]
    held_out = {int(row["__row__"]) for row in (*calibration, *test)}
    trained = [row for number, row in enumerate(source) if number not in held_out and float(row["size"]) > 30]
    assert [(row["size"], row["rooms"], row["price"]) for row in train] == [
        (row["size"], row["rooms"], row["price"]) for row in trained
    ]
    assert all(float(row["per_room"]) == pytest.approx(float(row["size"]) / float(row["rooms"])) for row in train)
    for row in test:
        raw = {**source[int(row["__row__"])], "__row__": row["__row__"]}
        assert row == {**raw, "city": "" if raw["city"] == "NA" else raw["city"]}
    assert data["ProblemType"] == "Regression"
    assert data["Confidence"] == {"Level": 0.9}
    held_out_rows = {"TargetColumn": "price", "Delimiter": ",", "RowColumn": "__row__", "IdColumn": "id"}
    assert data["Test"] == {"Dataset": {"S3Uri": RUN.split("test"), **held_out_rows}, "OutputUri": RUN.uri}
    assert data["Calibration"] == {
        "Dataset": {"S3Uri": RUN.split("calibration"), **held_out_rows},
        "OutputUri": f"{RUN.uri}proof/calibration/",
    }
    assert "Scoring" not in data


def test_the_profile_tells_no_value_of_the_id_column(data_bucket: Any) -> None:
    put(data_bucket, [{**house, "id": str(7_000_000 + number)} for number, house in enumerate(houses())])

    transform(data_bucket, Dataset={"IdColumn": "id"})

    columns = {column["Name"]: column for column in read_json(data_bucket, RUN.profile)["Columns"]}
    assert columns["id"].keys() == {"Name", "Type", "Missing", "Distinct", "DistinctIsApproximate"}
    assert columns["size"]["Minimum"] < columns["size"]["Maximum"]


def test_documents_fit_their_schemas_and_smoke_rows_are_training_rows(data_bucket: Any) -> None:
    put(data_bucket, houses())

    data = transform(data_bucket, Transform={"Filter": "price > 200", "Drop": ["id"]})

    recipe, profile = read_json(data_bucket, RUN.recipe), read_json(data_bucket, RUN.profile)
    jsonschema.validate(recipe, load("recipe"))
    jsonschema.validate(profile, load("profile"))
    assert recipe["FilterUsesTarget"] is True
    assert recipe["Features"] == ["city", "size", "rooms", "built"]
    assert recipe["Columns"]["built"] == "date"
    assert profile["Problem"]["Decided"] == data["Decided"]
    smoke = list(csv.reader(io.StringIO(read_bytes(data_bucket, RUN.smoke_rows).decode(), newline="")))
    train = split(data_bucket, "train")
    assert smoke == [[row[name] for name in recipe["Features"]] for row in train[:5]]


def test_a_row_keeps_its_split_whatever_the_order_of_columns_and_rows_and_its_identity(data_bucket: Any) -> None:
    source = houses()
    put(data_bucket, source)
    transform(data_bucket, Dataset={"IdColumn": "id"})
    before = {row["size"] + row["price"] for row in split(data_bucket, "test")}

    renamed = [{**row, "id": f"other {row['id']}"} for row in reversed(source)]
    put(data_bucket, renamed, list(reversed(HEADER)))
    transform(data_bucket, Dataset={"IdColumn": "id"})

    assert {row["size"] + row["price"] for row in split(data_bucket, "test")} == before


def test_parts_have_headers_and_hold_all_rows(data_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(data_bucket, houses(400), key="in/houses.csv/1.csv")
    put(data_bucket, houses(900)[400:], key="in/houses.csv/2.csv")
    monkeypatch.setattr(splitter, "PART_BYTES", 5_000)

    data = transform(data_bucket)

    objects = [uri for uri in left(data_bucket) if uri.startswith("data/train/")]
    assert objects == ["data/train/part-00000.csv", "data/train/part-00001.csv"]
    assert len(split(data_bucket, "train")) == data["Rows"]["Train"]


LATE = {
    "nothing": {},
    "a used column is wider": {"size": "1e2"},
    "a used column is text, which the condition refuses": {"size": "large"},
    "another column is text": {"rooms": "many"},
    "another column is wider": {"rooms": "2.5"},
    "the target is wider": {"price": "99.5"},
    "the target is spelt in another way": {"price": "500.0"},
    "the row is left out": {"size": "5"},
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE.keys())
def test_a_late_row_changes_what_becomes_of_the_first_ones(
    late: dict[str, str], data_bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = houses(1500)
    rows[1490] |= late
    put(data_bucket, rows)
    recipe = {"Filter": "size > 10", "Derive": {"each": "size / 2", "name": "CONCAT(city, 1)"}}
    outcomes = []

    for block_bytes in (4096, 2**24):  # many blocks, of which one has the late row, and one that has all rows
        monkeypatch.setattr(csv_source, "BLOCK_BYTES", block_bytes)
        delete_prefix(data_bucket, RUN.uri)
        try:
            state: Any = transform(data_bucket, Transform=recipe)
        except InvalidRequest as error:
            state = str(error)
        files = {uri: read_bytes(data_bucket, f"{RUN.uri}{uri}") for uri in left(data_bucket)}
        profile = json.loads(files.pop("profile.json", b'{"Columns": []}'))
        for column in profile["Columns"]:  # the sum of floats depends on their order
            column["Mean"] = pytest.approx(column.get("Mean"))
        outcomes.append([state, files, profile])

    assert outcomes[0] == outcomes[1]


def test_rows_without_a_target_are_left_out_and_counted(data_bucket: Any) -> None:
    rows = houses(1000)
    for number, bad in enumerate(["", "NA", "inf", "nan"] * 10):
        rows[number * 5]["price"] = bad
    put(data_bucket, rows)

    data = transform(data_bucket)

    assert data["Rows"]["WithoutTarget"] == 40
    assert all(row["price"].isdigit() for name in ("train", "test", "calibration") for row in split(data_bucket, name))


def test_rows_to_score_are_checked_before_anything_is_paid_for(data_bucket: Any) -> None:
    put(data_bucket, houses())
    put(data_bucket, houses(3), ["id", "size", "rooms", "built", "extra"], "in/new.csv")
    scoring = {"S3Uri": "s3://data-bucket/in/new.csv"}

    data = transform(data_bucket, Scoring=scoring, Transform={"Drop": ["city"]})

    assert data["Scoring"] == {"Dataset": scoring, "OutputUri": RUN.uri}
    assert data["Test"]["OutputUri"] == f"{RUN.uri}proof/test/"
    with pytest.raises(InvalidDataset, match=r"in/new\.csv lacks 'city', which the model was trained with"):
        transform(data_bucket, Scoring=scoring)
    with pytest.raises(InvalidDataset, match=r"no object at s3://data-bucket/in/none\.csv"):
        transform(data_bucket, Scoring={"S3Uri": "s3://data-bucket/in/none.csv"})


def test_a_run_without_calibration_rows_has_none_to_score(data_bucket: Any) -> None:
    put(data_bucket, houses())

    data = transform(data_bucket, Transform={"Calibration": 0}, Gate={"Minimum": {"Coverage": 0.8}})

    assert "Calibration" not in data
    assert data["Confidence"] == {}


def test_the_fingerprint_is_of_the_rows_not_of_their_order_or_identity(data_bucket: Any) -> None:
    source = houses()
    put(data_bucket, source)
    first = transform(data_bucket, Dataset={"IdColumn": "id"})["Fingerprint"]

    put(data_bucket, [{**row, "id": f"other {row['id']}"} for row in reversed(source)], list(reversed(HEADER)))
    second = transform(data_bucket, Dataset={"IdColumn": "id"})["Fingerprint"]
    put(data_bucket, [*source, source[0], source[0]])
    third = transform(data_bucket, Dataset={"IdColumn": "id"})["Fingerprint"]

    assert first == second
    assert third == read_json(data_bucket, RUN.profile)["Fingerprint"]
    assert first["Dataset"] != third["Dataset"]
    assert first["Dataset"] != first["Test"]


def test_a_single_feature_with_missing_values_keeps_one_record_per_row(data_bucket: Any) -> None:
    put(data_bucket, houses(), ["city", "price"])

    data = transform(data_bucket, Transform={"Calibration": 0})

    first = read_bytes(data_bucket, RUN.smoke_rows).decode().splitlines()
    assert len(first) == 5
    assert all(first)
    assert data["Rows"]["Calibration"] == 0
    assert not list(list_objects(data_bucket, RUN.split("calibration")))


def test_texts_that_no_training_row_has_are_kept_from_the_model(data_bucket: Any) -> None:
    source = houses()
    put(data_bucket, source)
    transform(data_bucket)
    [first, second, *_] = split(data_bucket, "test")
    unlucky = next(
        {**first, "size": mark}
        for mark in ("?", "n.n.", "-", "x", "tba", "unknown", "none", "..", "na", "n", "m", "o", "p", "q", "r")
        if _is_test_row(data_bucket, {**first, "size": mark})
    )
    put(data_bucket, [*(row for row in source if row["id"] != first["id"]), unlucky])

    transform(data_bucket)

    recipe = read_json(data_bucket, RUN.recipe)
    assert recipe["Columns"]["size"] == "string"
    assert recipe["Numbers"] == ["size"]
    made = from_document(recipe)
    batch = Batch(pl.DataFrame([unlucky, second]), 0, "s3://data-bucket/x.csv")
    assert made.apply(batch, training=False)[1]["size"].to_list() == [unlucky["size"], second["size"]]
    assert made.to_score(batch)[1]["size"].to_list() == [None, second["size"]]


def _is_test_row(s3: Any, row: dict[str, str]) -> bool:
    frame = clean_text(pl.DataFrame([{name: row[name] for name in HEADER}]))
    return bool(assign(row_hashes(frame), 0.1, 0.1).item() == "test")


@pytest.mark.parametrize(
    ("spellings", "labels"),
    [
        (["1", "1", "1.0", "0", "0", "-0"], {"1", "0"}),
        (["true", "true", "True", "FALSE", "false", "false"], {"true", "false"}),
        (["yes", "yes", " yes", "no ", "no", "no"], {"yes", "no"}),
    ],
)
def test_a_class_has_one_spelling(data_bucket: Any, spellings: list[str], labels: set[str]) -> None:
    put(data_bucket, [{**row, "price": spellings[number % 6]} for number, row in enumerate(houses())])

    data = transform(data_bucket)

    assert data["ProblemType"] == "BinaryClassification"
    assert {row["price"] for row in split(data_bucket, "train")} == labels
    assert {row["price"] for row in split(data_bucket, "test")} == set(spellings)


def test_rows_without_target_are_told(data_bucket: Any) -> None:
    put(
        data_bucket,
        [{**row, "price": ["None", "low", "high", "low"][number % 4]} for number, row in enumerate(houses())],
    )

    data = transform(data_bucket)

    assert data["Rows"]["WithoutTarget"] == 225
    assert data["Decided"].endswith(
        "225 rows without target (empty, or a marker such as NA, null or None) are left out"
    )


def test_sums_beyond_the_largest_number_are_left_out_of_the_profile(data_bucket: Any) -> None:
    put(data_bucket, [{**row, "size": f"1.{number}e308"} for number, row in enumerate(houses())])

    transform(data_bucket)

    column = next(item for item in read_json(data_bucket, RUN.profile)["Columns"] if item["Name"] == "size")
    assert "Mean" not in column
    assert column["Maximum"] > 1e308
