"""What a record of an endpoint's answer says: the prediction, and the probability of each label."""

import ast
import contextlib
import json
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from automl.errors import PredictionMismatch
from automl.objectives import REGRESSION

_NO_NUMBERS = re.compile(r"[^-+.,\d\[\] eE]", re.ASCII)
"""Such as in NaN and true, which JSON knows."""
_MOST = 1 + 1e-6
"""Of a probability: softmax in floats of 32 bits may give a little more than 1."""
_DIFFERENT_LABELS = 64
"""Spellings of the labels that are remembered; a model has one."""


class Answer(NamedTuple):
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
        first: how many cells of other things a record begins with.
    """

    def __init__(self, keys: Sequence[str], problem_type: str, first: int = 0) -> None:
        self.keys = tuple(keys)
        self._first = first
        places = {key: place for place, key in enumerate(keys, first)}
        self._is_number = problem_type == REGRESSION
        self._probabilities = None if self._is_number else places.get("probabilities")
        self._labels = places.get("labels")
        if self._probabilities is None or self._labels is None:
            self._prediction = places["prediction" if self._is_number else "predicted_label"]
        self._telling = self._prediction if self._probabilities is None else self._probabilities
        """Empty when a record says nothing."""
        self._known: dict[str, tuple[str, ...]] = {}

    def read(self, cells: Sequence[str]) -> Answer:
        """What one record says.

        Args:
            cells: one for each of the keys, after those of other things.

        Raises:
            PredictionMismatch: a cell is not what its key promises.
        """
        if not cells[self._telling] and not any(cells[self._first :]):
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

    def read_all(self, records: Sequence[Sequence[str]]) -> list[Answer]:
        """:meth:`read` of each record, faster for many.

        Raises:
            PredictionMismatch: see :meth:`read`.
        """
        numbers = self._all_probabilities(records)
        if numbers is None or self._labels is None:
            return [self.read(record) for record in records]
        known, place = self._known, self._labels
        answers = []
        for record, some in zip(records, numbers, strict=True):
            labels = known.get(record[place])
            if labels is None or len(labels) != len(some):
                answers.append(self.read(record))
            else:
                answers.append(Answer(labels[some.index(max(some))], labels, (*some,)))
        return answers

    def readable(self, records: Sequence[Sequence[str]]) -> list[bool]:
        """Of each record, whether it says a prediction."""
        numbers = self._all_probabilities(records)
        if numbers is not None and self._labels is not None:
            spellings = {record[self._labels] for record in records}
            # The labels of one spelling, so that all records must have as many numbers.
            if len(spellings) == 1 and set(map(len, numbers)) == {len(self._known.get(spellings.pop(), ()))}:
                return [True] * len(records)
        with contextlib.suppress(PredictionMismatch):
            return [answer.predicted for answer in self.read_all(records)]
        return [self._can_read(record) for record in records]

    def _can_read(self, record: Sequence[str]) -> bool:
        try:
            return self.read(record).predicted
        except PredictionMismatch:
            return False

    def _all_probabilities(self, records: Sequence[Sequence[str]]) -> list[list[float]] | None:
        """The numbers of each record, if all are lists of finite numbers as JSON writes them, too: read at once."""
        if self._probabilities is None:
            return None
        place = self._probabilities
        texts = [record[place] for record in records]
        lists = f"[{','.join(texts)}]"
        each_is_one = {text[:1] for text in texts} == {"["} and {text[-1:] for text in texts} == {"]"}
        if not each_is_one or not lists.count("[") == lists.count("]") == len(texts) + 1 or _NO_NUMBERS.search(lists):
            return None
        try:
            numbers: list[list[float]] = json.loads(lists, parse_int=float)
        except ValueError:
            return None
        inside = all(numbers) and min(map(min, numbers)) >= 0 and max(map(max, numbers)) <= _MOST
        return numbers if inside else None

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
        numbers = (*map(float, text.strip().removeprefix("[").removesuffix("]").split(",")),)
    except ValueError:
        numbers = ()
    if not numbers or not all(0 <= number <= _MOST for number in numbers):
        raise PredictionMismatch(
            "The endpoint answered probabilities that are no list of numbers from 0 to 1; see the endpoint's log group"
        )
    return numbers


def _list(text: str) -> tuple[str, ...]:
    """The labels of ``['a', 'b']``, Python's notation of a list, which is not JSON."""
    try:
        labels = ast.literal_eval(text.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        labels = None
    if not isinstance(labels, list | tuple) or not labels:
        raise PredictionMismatch("The endpoint answered labels that are no list; see the endpoint's log group")
    return tuple(str(label) for label in labels)
