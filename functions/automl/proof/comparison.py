"""Champion and challenger on the same rows: by how much the challenger is better, and how sure that is."""

from typing import Any

import numpy as np

from automl.objectives import LOWER_IS_BETTER, direction_of
from automl.proof.bootstrap import LEVEL, Rows, Statistics, bounds, resample
from automl.proof.metrics import values_of
from automl.proof.scored import Floats, Scored


class NotComparable(Exception):
    """Two scorings cannot be compared; the message says why."""


def compare(challenger: Scored, champion: Scored, metric: str, margin: float) -> dict[str, Any]:
    """``Comparison`` of evaluation.json.

    Rows are paired by their number. The bootstrap is paired: a selection of rows is the same for both models, so that
    what makes a row hard for both does not count as a difference.

    Args:
        challenger: its answers.
        champion: its answers to the same rows, or to some of them.
        metric: the objective.
        margin: that the gate asks for.

    Raises:
        NotComparable: the scorings share no row, or the metric is not defined for one of them.
    """
    _, first, second = np.intersect1d(challenger.rows, champion.rows, assume_unique=True, return_indices=True)
    if not len(first):
        raise NotComparable("the two models answered no row in common")
    challenger, champion = challenger.take(first), champion.take(second)
    values = [_value(scored, metric, name) for scored, name in ((challenger, "new"), (champion, "former"))]
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    statistics = Statistics(challenger, [metric]), Statistics(champion, [metric])

    def difference(rows: Rows) -> Floats:
        return sign * (statistics[0](rows) - statistics[1](rows))

    ends = bounds(resample(len(first), difference)[0]) if len(first) > 1 else (None, None)
    return {
        "Metric": metric,
        "Direction": direction_of(metric),
        "Challenger": values[0],
        "Champion": values[1],
        "Difference": sign * (values[0] - values[1]),
        "Lower": ends[0],
        "Upper": ends[1],
        "IntervalLevel": LEVEL,
        "Rows": len(first),
        "Margin": margin,
    }


def _value(scored: Scored, metric: str, name: str) -> float:
    values, omitted = values_of(scored)
    if metric not in values:
        raise NotComparable(f"{metric} of the {name} model is not defined: {omitted.get(metric, 'nobody measures it')}")
    return values[metric]
