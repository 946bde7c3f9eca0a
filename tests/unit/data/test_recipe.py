"""The recipe: the same rows and features in training and in scoring, or a clear refusal."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.dataset import Batch, Dataset, Source
from automl.data.recipe import Recipe, from_document, from_request
from automl.errors import InvalidDataset, InvalidRequest
from automl.storage import StoredObject

TYPES = {"Id": "string", "Sex": "string", "Length": "number", "Age": "integer", "Born": "date", "Rings": "integer"}


def recipe(**transform: Any) -> Recipe:
    request = {"Dataset": {"TargetColumn": "Rings", "IdColumn": "Id"}, "Transform": transform}
    return from_request(request, TYPES)


def batch(**columns: list[str | None]) -> Batch:
    return Batch(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), 100, "s3://bucket/data.csv")


def rows(**changes: list[str | None]) -> Batch:
    columns: dict[str, list[str | None]] = {
        "Id": ["x", "y", "z"],
        "Sex": ["M", None, "F"],
        "Length": ["0.50", " 1e1", None],
        "Age": ["007", "3", "4"],
        "Born": ["2020-01-31", None, "2021/02/03"],
        "Rings": ["1", "2", "3"],
    }
    return batch(**{**columns, **changes})


def test_untouched_columns_keep_their_text_and_derived_ones_are_shortest() -> None:
    made = recipe(
        Derive={"Quarter": "Length / 4", "Big": "Age > 3", "Month": "EXTRACT(month FROM Born)"}, Drop=["Born"]
    )

    passes, features = made.apply(rows(), training=True)

    assert made.features == ("Sex", "Length", "Age", "Quarter", "Big", "Month")
    assert features.columns == list(made.features)
    assert features.rows() == [
        ("M", "0.50", "007", "0.125", "true", "1"),
        (None, " 1e1", "3", "2.5", "false", None),
        ("F", None, "4", None, "true", "2"),
    ]
    assert passes.all()


def test_rows_whose_condition_is_unknown_do_not_pass() -> None:
    passes, features = recipe(Filter="Length < 5").apply(rows(), training=True)

    assert passes.to_list() == [True, False, False]
    assert features.height == 3


def test_a_filter_on_the_target_applies_in_training_only() -> None:
    made = recipe(Filter="Rings > 1")
    scored = Batch(rows().frame.drop("Rings"), 0, "s3://bucket/data.csv")

    assert made.apply(rows(), training=True)[0].to_list() == [False, True, True]
    assert made.apply(scored, training=False)[0].to_list() == [True, True, True]
    assert made.document("Regression")["FilterUsesTarget"] is True


@given(st.permutations(list(TYPES)))
def test_the_order_of_columns_does_not_matter_and_extra_ones_are_dropped(order: list[str]) -> None:
    made = recipe(Filter="Length < 5 OR Age = 4", Derive={"Double": "Length * 2"})
    shuffled = rows().frame.with_columns(Extra=pl.lit("x")).select("Extra", *order)

    passes, features = made.apply(Batch(shuffled, 0, "s3://bucket/data.csv"), training=True)

    assert passes.to_list() == made.apply(rows(), training=True)[0].to_list()
    assert features.equals(made.apply(rows(), training=True)[1])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1, max_size=20))
def test_derived_numbers_survive_the_way_through_text(values: list[float | None]) -> None:
    texts = [None if value is None else repr(value) for value in values]
    made = from_request({"Dataset": {"TargetColumn": "y"}, "Transform": {"Derive": {"z": "x + 0.0"}}}, {
        "x": "number", "y": "string"
    })  # fmt: skip

    _, features = made.apply(batch(x=texts, y=["t"] * len(texts)), training=True)

    assert [None if text is None else float(text) for text in features["z"]] == [
        None if value is None else value + 0.0 for value in values
    ]


def test_results_that_are_not_finite_are_missing() -> None:
    _, features = recipe(Derive={"Inverse": "1 / Length", "Root": "SQRT(Length)"}).apply(
        rows(Length=["0", "-1", "4"]), training=True
    )

    assert features["Inverse"].to_list() == [None, "-1.0", "0.25"]
    assert features["Root"].to_list() == ["0.0", None, "2.0"]


def test_a_derived_text_is_one_line() -> None:
    assert recipe(Derive={"Note": "CONCAT(Sex, '\n', 'x')"}).apply(rows(), training=True)[1]["Note"][0] == "M x"


def test_a_cell_of_another_type_is_named_where_an_expression_needs_it() -> None:
    bad = rows(Length=["0.5", "n.n.", "x"])

    with pytest.raises(InvalidDataset, match=r"'Length' has a cell that is no number in row 101 \(counted from 0\)"):
        recipe(Filter="Length > 0").apply(bad, training=False)

    assert recipe(Drop=["Age"]).apply(bad, training=False)[1]["Length"].to_list() == ["0.5", "n.n.", "x"]


def test_the_row_on_which_an_expression_fails_is_found() -> None:
    sexes: list[str | None] = ["1", "2", "three", "4", "five"]
    columns: dict[str, list[str | None]] = {name: [None] * 5 for name in TYPES}
    columns["Sex"] = sexes

    with pytest.raises(InvalidDataset, match=r"'CAST\(Sex AS INTEGER\) > 0' fails in row 102 ") as caught:
        recipe(Filter="CAST(Sex AS INTEGER) > 0").apply(batch(**columns), training=True)

    assert "three" not in str(caught.value)


@given(st.lists(st.booleans(), min_size=1, max_size=70).filter(any))
def test_the_first_failing_row_is_found_by_halving(bad: list[bool]) -> None:
    columns: dict[str, list[str | None]] = {name: [None] * len(bad) for name in TYPES}
    columns["Sex"] = ["x" if flag else "1" for flag in bad]

    with pytest.raises(InvalidDataset, match=rf"fails in row {100 + bad.index(True)} "):
        recipe(Filter="CAST(Sex AS INTEGER) > 0").apply(batch(**columns), training=True)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"Drop": ["length"]}, r"Transform.Drop has 'length', which is not a column; did you mean 'Length'\?"),
        ({"Derive": {"Length": "Age * 2"}}, "'Length'] is a column of the dataset; choose another name"),
        ({"Derive": {"Old": "Rings > 9"}}, "'Old'] uses the target 'Rings'"),
        ({"Derive": {"x": "lenght * 2"}}, r"Transform.Derive\['x'\] .* did you mean 'Length'\?"),
        ({"Filter": "Length * 2"}, "is no condition"),
        ({"Drop": ["Sex", "Length", "Age", "Born"]}, "Nothing is left to learn from"),
    ],
)
def test_recipes_that_cannot_be_cooked_are_refused(transform: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        recipe(**transform)


def test_a_recipe_survives_its_document() -> None:
    made = recipe(Filter="Length < 5", Derive={"Quarter": "Length / 4"}, Drop=["Born"])

    restored = from_document(json.loads(json.dumps(made.document("Regression"))))

    assert restored == made
    assert restored.apply(rows(), training=False)[1].equals(made.apply(rows(), training=False)[1])


def test_a_dataset_without_a_training_column_cannot_be_scored() -> None:
    made = recipe(Drop=["Age"], Derive={"Year": "EXTRACT(year FROM Born)"}, Filter="Age > 3 OR Rings > 1")

    def dataset(*columns: str) -> Dataset:
        return Dataset("s3://bucket/new.csv", (Source(StoredObject("s3://bucket/new.csv", 1), columns),), None)  # type: ignore[arg-type]

    assert made.check_scorable(dataset("Extra", "Born", "Length", "Sex")) == ("Extra",)
    with pytest.raises(InvalidDataset, match=r"new.csv lacks 'Length' \(is it 'length' there\?\), which the model was"):
        made.check_scorable(dataset("Born", "length", "Sex"))
    with pytest.raises(InvalidDataset, match=r"lacks 'Sex', 'Length', 'Born', which .*; add the columns$"):
        made.check_scorable(dataset("Width", "Height"))
    with pytest.raises(InvalidDataset, match=r"it has the one column 'Born;Length;Sex'; if .* give its delimiter$"):
        made.check_scorable(dataset("Born;Length;Sex"))
    with pytest.raises(InvalidDataset, match="lacks 'Age'"):
        recipe(Drop=["Age"], Filter="Age > 3").check_scorable(dataset("Born", "Length", "Sex"))
    alike = from_request(
        {"Dataset": {"TargetColumn": "Rings"}, "Transform": {}},
        {"Sales 2023": "number", "Sales 2024": "number", "Rings": "integer"},
    )
    with pytest.raises(InvalidDataset, match="lacks 'Sales 2024', which the model was trained with"):
        alike.check_scorable(dataset("Sales 2023"))
