"""Why a fit ended: its work was done, its time was over, or something broke."""

import signal
from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """Neither of the two: the work was done."""

    out_of_time: bool = False
    """The job's limit, not a model's own, kept models from being fitted."""
    broken: str = ""
    """What went wrong."""


def judge(outcome: int | None, left: float | None, skipped: bool, seconds_per_model: float | None) -> Ending:
    """Why a fit in a process of its own ended.

    Args:
        outcome: exit status of the process; None: it was killed because it did not end in time.
        left: seconds of the fit's time that it did not use; None: it had no limit.
        skipped: whether models were neither fitted nor failed.
        seconds_per_model: limit of each model.
    """
    if outcome is None:
        return Ending(out_of_time=True)
    if outcome < 0:
        return Ending(
            broken=f"the fit was ended by signal {-outcome} ({signal.strsignal(-outcome)}); perhaps memory ran out"
        )
    if outcome > 0:
        # AutoGluon raises an error when nothing is left of its time before the first model.
        over = left is not None and left <= 0
        return Ending(over, "" if over else "the fit ended with an error, see the log of the training worker")
    # With a whole model's own limit still left, that limit is why models were skipped.
    for_want_of_time = skipped and left is not None and (seconds_per_model is None or left < seconds_per_model)
    return Ending(out_of_time=for_want_of_time)
