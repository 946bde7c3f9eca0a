"""What a record of an endpoint's answer says: the prediction, and the probability of each label."""

import ast
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from automl.errors import PredictionMismatch
from automl.objectives import REGRESSION


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction; for a classification its labels and their probabilities, when the model gives them."""

    prediction: str
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()


def read_answer(record: Mapping[str, str], problem_type: str) -> Answer:
    """Read one record, given as response key → cell.

    The label with the largest of ``probabilities``, paired with ``labels``, is the prediction: ``probability`` means
    different things in Autopilot's modes.

    Raises:
        PredictionMismatch: a cell is not what its key promises.
    """
    if problem_type == REGRESSION:
        return Answer(_finite(record["prediction"], "prediction"))
    if "probabilities" not in record:
        return Answer(record["predicted_label"])
    probabilities = _numbers(record["probabilities"])
    if "labels" not in record:
        return Answer(record["predicted_label"], (), probabilities)
    labels = _labels(record["labels"])
    if len(labels) != len(probabilities):
        raise PredictionMismatch(
            f"The endpoint answered {len(probabilities)} probabilities for {len(labels)} labels; deploy the model again"
        )
    return Answer(labels[probabilities.index(max(probabilities))], labels, probabilities)


def finite(text: str) -> float | None:
    """The finite number that a cell says, if it says one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _finite(text: str, key: str) -> str:
    if finite(text) is not None:
        return text.strip()
    raise PredictionMismatch(f"The endpoint answered a {key} that is no number; see the endpoint's log group")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(cell) for cell in text.strip().removeprefix("[").removesuffix("]").split(","))
    except ValueError:
        numbers = ()
    if not numbers or not all(math.isfinite(number) for number in numbers):
        raise PredictionMismatch(
            "The endpoint answered probabilities that are no list of numbers; see the endpoint's log group"
        )
    return numbers


@functools.lru_cache(maxsize=64)
def _labels(text: str) -> tuple[str, ...]:
    """The labels of ``['a', 'b']``, Python's notation of a list, which is not JSON."""
    try:
        labels = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        labels = None
    if not isinstance(labels, Sequence) or isinstance(labels, str) or not labels:
        raise PredictionMismatch("The endpoint answered labels that are no list; see the endpoint's log group")
    return tuple(str(label) for label in labels)
