"""Rows whose truth is known, for tests of what is learned and measured from them."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from automl.proof.scored import Record
from automl.scoring.answers import Answer

REGRESSION, BINARY, MULTICLASS = "Regression", "BinaryClassification", "MulticlassClassification"
YES_NO = ("no", "yes")


def binary(*rows: tuple[str, float]) -> list[Record]:
    """Truth and probability of ``yes``."""
    return numbered((truth, of_yes(p)) for truth, p in rows)


def of_yes(p: float) -> Answer:
    return Answer("yes" if p > 0.5 else "no", YES_NO, (1 - p, p))


def numbered(rows: Iterable[tuple[str, Answer]]) -> list[Record]:
    """Truths and answers in the order of the dataset."""
    return [({"Row": str(row), "Truth": truth}, answer) for row, (truth, answer) in enumerate(rows)]


def drawn_binary(rows: int, seed: int, *, sharpness: float = 1.0, shift: float = 0.0) -> list[tuple[str, Answer]]:
    """Truths drawn with known probabilities; the model exaggerates their log odds by the sharpness."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-1, 2, rows)
    truths = draw.random(rows) < 1 / (1 + np.exp(-odds))
    answered = 1 / (1 + np.exp(-sharpness * odds - shift))
    return [(YES_NO[int(truth)], of_yes(p)) for truth, p in zip(truths, answered.tolist(), strict=True)]


def drawn_multiclass(rows: int, seed: int, labels: Sequence[str], sharpness: float) -> list[tuple[str, Answer]]:
    """As :func:`drawn_binary`, of several labels."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(0, 1.5, (rows, len(labels)))
    truths = [draw.choice(len(labels), p=_softmax(row)) for row in odds]
    answers = [_softmax(sharpness * row).tolist() for row in odds]
    return [
        (labels[truth], Answer(labels[int(np.argmax(p))], tuple(labels), tuple(p)))
        for truth, p in zip(truths, answers, strict=True)
    ]


def _softmax(row: NDArray[np.float64]) -> NDArray[np.float64]:
    powers: NDArray[np.float64] = np.exp(row - row.max())
    return powers / powers.sum()


def numbers(rows: int, seed: int, noise: float = 1.0) -> list[tuple[str, Answer]]:
    """Predictions of numbers whose error grows with the prediction."""
    draw = np.random.default_rng(seed)
    predictions = draw.uniform(1, 10, rows)
    truths = predictions + draw.normal(0, 0.2 * noise * predictions)
    return [(repr(t), Answer(repr(p))) for t, p in zip(truths.tolist(), predictions.tolist(), strict=True)]
