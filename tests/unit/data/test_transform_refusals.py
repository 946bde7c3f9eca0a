"""What Transform Data refuses: in which words, and that nothing is left then."""

import json
from typing import Any

import pytest

from automl.errors import InvalidDataset, InvalidRequest
from tests.unit.data.house_prices import HEADER, houses, left, put, transform


def with_price(rows: list[dict[str, str]], price: str, every: int) -> list[dict[str, str]]:
    return [{**row, "price": price if number % every else row["price"]} for number, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "sections", "message"),
    [
        (houses(499), {}, "has 499 rows, but an AutoML job needs at least 500"),
        (houses(550), {}, r"gives \d+ training rows of 550 rows read \(0 filtered out, 0 without target\)"),
        (houses(), {"Transform": {"Filter": "size > 100"}}, r"training rows of 900 rows read \(\d+ filtered out"),
        (with_price(houses(), "5", 1000), {"Transform": {"Filter": "price = 5"}}, "same value in every row"),
        (with_price(houses(), "", 3), {}, "'price' is missing in 600 of 900 rows"),
        (houses(), {"Transform": {"Filter": "size < 0"}}, "no row with a value in 'price' that passes the Filter"),
        (houses(), {"Dataset": {"TargetColumn": "Price"}}, r"'Price' is not a column .* did you mean 'price'\?"),
        (houses(), {"Dataset": {"IdColumn": "key"}}, "Dataset.IdColumn 'key' is not a column"),
        (houses(), {"Problem": {"Type": "BinaryClassification"}}, "needs two"),
        (houses(), {"Dataset": {"TargetColumn": "id"}}, "too many to be classes"),
    ],
)
def test_unusable_datasets_are_refused_and_nothing_is_left(
    data_bucket: Any, rows: list[dict[str, str]], sections: dict[str, Any], message: str
) -> None:
    put(data_bucket, rows)

    with pytest.raises(InvalidDataset, match=message):
        transform(data_bucket, **json.loads(json.dumps(sections)))

    assert left(data_bucket) == ["request.json"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"Confidence": {"Threshold": 0.9, "IsDefault": False}},
            "Confidence.Threshold cannot be used with a regression",
        ),
        (
            {"Confidence": {"TargetPrecision": 0.9, "Certainty": 0.9}, "Transform": {"Calibration": 0.00001}},
            "TargetPrecision cannot be used with a regression",
        ),
        (
            {"Confidence": {"MaxIntervalWidth": {"Absolute": 5}}, "Transform": {"Calibration": 0.00001}},
            "no row falls into the calibration split",
        ),
        ({"Gate": {"Minimum": {"R2": 0, "AUC": 0.7}}}, "Gate.Minimum has 'AUC', which a Regression is not judged by"),
        ({"Problem": {"ObjectiveMetric": "Accuracy"}}, "'Accuracy' does not fit Regression"),
        ({"Transform": {"Filter": "sise > 1"}}, r"did you mean 'size'\?"),
    ],
)
def test_requests_that_do_not_fit_the_data_are_refused_and_nothing_is_left(
    data_bucket: Any, sections: dict[str, Any], message: str
) -> None:
    put(data_bucket, houses())

    with pytest.raises(InvalidRequest, match=message):
        transform(data_bucket, **json.loads(json.dumps(sections)))

    assert left(data_bucket) == ["request.json"]


def test_a_column_with_our_name_is_refused(data_bucket: Any) -> None:
    put(data_bucket, [{**row, "__row__": "1"} for row in houses()], [*HEADER, "__row__"])

    with pytest.raises(InvalidDataset, match="a name this project uses; rename the column"):
        transform(data_bucket)


def test_a_test_split_without_rows_is_refused(data_bucket: Any) -> None:
    put(data_bucket, houses())

    with pytest.raises(InvalidDataset, match=r"no row falls into the test split; raise Transform\.Test"):
        transform(data_bucket, Transform={"Test": 0.00001})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "has a header but no rows"),
        ("Oslo,1,2,2001-01-01\n", "row 0 .* has 4 cells"),
        ('"Oslo","1,5",2,2001-01-01,1\n', "'size' has a cell that is no number in row 0 .*rows.csv.* like 1234.5"),
    ],
)
def test_rows_to_score_are_read_before_anything_is_paid_for(data_bucket: Any, rows: str, message: str) -> None:
    put(data_bucket, houses())
    body = f"city,size,rooms,built,id\n{rows}".encode()
    data_bucket.put_object(Bucket="data-bucket", Key="in/rows.csv", Body=body)

    with pytest.raises(InvalidDataset, match=message):
        transform(data_bucket, Scoring={"S3Uri": "s3://data-bucket/in/rows.csv"}, Dataset={"IdColumn": "id"})

    assert left(data_bucket) == ["request.json"]


def test_rows_lost_to_a_class_named_like_a_marker_are_explained(data_bucket: Any) -> None:
    put(data_bucket, [{**row, "price": "None" if number % 2 else "high"} for number, row in enumerate(houses(1000))])

    with pytest.raises(InvalidDataset, match=r"500 without one \(empty, or a marker such as NA, null or None\)"):
        transform(data_bucket)

    prices = ["None", "low", "high"]
    put(data_bucket, [{**row, "price": prices[number % 3]} for number, row in enumerate(houses())])
    with pytest.raises(InvalidDataset, match=r"300 without target: empty, or a marker such as NA, null or None\)"):
        transform(data_bucket)


def test_an_identity_named_like_a_result_is_refused(data_bucket: Any) -> None:
    put(data_bucket, [{**row, "Prediction": row["id"]} for row in houses()], [*HEADER, "Prediction"])

    with pytest.raises(InvalidRequest, match="'Prediction' has the name of a column of the results; rename it"):
        transform(data_bucket, Dataset={"IdColumn": "Prediction"})
