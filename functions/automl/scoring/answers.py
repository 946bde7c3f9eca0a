"""What a record of an endpoint's answer says: the prediction, and the probability of each label."""

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass

from automl.errors import PredictionMismatch
from automl.objectives import REGRESSION

_DIFFERENT_LABELS = 64
"""Spellings of the labels that are remembered; a model has one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction; for a classification its labels and their probabilities, when the model gives them."""

    prediction: str
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()

    @property
    def predicted(self) -> bool:
        """Whether the endpoint could answer the row at all."""
        return bool(self.prediction or self.probabilities)


NOT_PREDICTED = Answer("")
"""Of a row that the endpoint could not answer: all cells are empty."""


class AnswerReader:
    """Reads the records of one model.

    The label with the largest of ``probabilities``, paired with ``labels``, is the prediction: ``probability`` means
    different things in Autopilot's modes.

    Args:
        keys: of the response, in the order of a record's cells.
        problem_type: of the model.
    """

    def __init__(self, keys: Sequence[str], problem_type: str) -> None:
        self.keys = tuple(keys)
        places = {key: place for place, key in enumerate(keys)}
        self._is_number = problem_type == REGRESSION
        self._probabilities = None if self._is_number else places.get("probabilities")
        self._labels = places.get("labels")
        if self._probabilities is None or self._labels is None:
            self._prediction = places["prediction" if self._is_number else "predicted_label"]
        self._known: dict[str, tuple[str, ...]] = {}

    def read(self, cells: Sequence[str]) -> Answer:
        """What one record says.

        Args:
            cells: one for each of the keys.

        Raises:
            PredictionMismatch: a cell is not what its key promises.
        """
        if not any(cells):
            return NOT_PREDICTED
        if self._is_number:
            return Answer(_finite(cells[self._prediction]))
        if self._probabilities is None:
            return Answer(cells[self._prediction])
        probabilities = _numbers(cells[self._probabilities])
        if self._labels is None:
            return Answer(cells[self._prediction], (), probabilities)
        text = cells[self._labels]
        labels = self._known.get(text) or self._learn(text)
        if len(labels) != len(probabilities):
            raise PredictionMismatch(
                f"The endpoint answered {len(probabilities)} probabilities for {len(labels)} labels; "
                "deploy the model again"
            )
        return Answer(labels[probabilities.index(max(probabilities))], labels, probabilities)

    def can_read(self, cells: Sequence[str]) -> bool:
        """Whether the record says a prediction."""
        try:
            return self.read(cells).predicted
        except PredictionMismatch:
            return False

    def _learn(self, text: str) -> tuple[str, ...]:
        labels = _list(text)
        if len(self._known) < _DIFFERENT_LABELS:
            self._known[text] = labels
        return labels


def finite(text: str) -> float | None:
    """The finite number that a cell says, if it says one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _finite(text: str) -> str:
    if finite(text) is not None:
        return text.strip()
    raise PredictionMismatch("The endpoint answered a prediction that is no number; see the endpoint's log group")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(map(float, text.strip().removeprefix("[").removesuffix("]").split(",")))
    except ValueError:
        numbers = ()
    # Only sums of finite numbers are finite; a sum that is not may be of very large ones.
    if not numbers or not (math.isfinite(sum(numbers)) or all(map(math.isfinite, numbers))):
        raise PredictionMismatch(
            "The endpoint answered probabilities that are no list of numbers; see the endpoint's log group"
        )
    return numbers


def _list(text: str) -> tuple[str, ...]:
    """The labels of ``['a', 'b']``, Python's notation of a list, which is not JSON."""
    try:
        labels = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        labels = None
    if not isinstance(labels, Sequence) or isinstance(labels, str) or not labels:
        raise PredictionMismatch("The endpoint answered labels that are no list; see the endpoint's log group")
    return tuple(str(label) for label in labels)
