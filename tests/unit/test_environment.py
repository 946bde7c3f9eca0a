from dataclasses import dataclass

import pytest

from automl import environment


@dataclass(frozen=True)
class Settings:
    role: str
    key: str | None
    count: int
    confidence: float | None
    keep: bool
    subnets: tuple[str, ...]


COMPLETE = {"ROLE": "r", "KEY": "", "COUNT": "3", "CONFIDENCE": "0.9", "KEEP": "True", "SUBNETS": "a, b,"}


def test_variables_become_typed_fields() -> None:
    assert environment.read(Settings, COMPLETE) == Settings("r", None, 3, 0.9, True, ("a", "b"))


def test_empty_means_none_or_no_names_only_where_the_type_says_so() -> None:
    read = environment.read(Settings, {**COMPLETE, "CONFIDENCE": "", "SUBNETS": ""})
    assert read.confidence is None
    assert read.subnets == ()


@pytest.mark.parametrize(
    ("name", "value"), [("ROLE", ""), ("COUNT", "many"), ("COUNT", ""), ("KEEP", "yes"), ("CONFIDENCE", "high")]
)
def test_a_malformed_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(RuntimeError, match=f"{name} is '{value}' but must be .*template.yaml"):
        environment.read(Settings, {**COMPLETE, name: value})


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(RuntimeError, match=f"{name} is missing"):
        environment.read(Settings, {key: value for key, value in COMPLETE.items() if key != name})
