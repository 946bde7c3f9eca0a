"""Paths through the scoring machine."""

from tests.statemachine import answers
from tests.statemachine.answers import result
from tests.statemachine.case import Case, fails

_PART = "Predictions at Hand? > Invoke Endpoint > Filter Predictions"
_SCORE = f"Receive Request > Prepare Rows > Calibrate Anew? > Score Parts > {_PART} > {_PART} > Truth Known?"
_MEASURE = "Measure Predictions > Summarize Scoring > Scoring Succeeded"


SCORING = [
    Case("TruthIsKnown", "scoring", f"{_SCORE} > {_MEASURE}"),
    Case(
        "TruthIsUnknown",
        "scoring",
        f"{_SCORE} > Truth Unknown > Summarize Scoring > Scoring Succeeded",
        answers={"Prepare Rows": result({**answers.ROWS, "HasTruth": False})},
    ),
    Case(
        "NothingToScore",
        "scoring",
        f"{_SCORE} > {_MEASURE}".replace(f"{_PART} > ", ""),
        answers={"Prepare Rows": result({**answers.ROWS, "Parts": [], "Rows": 0})},
    ),
    Case(
        "PredictionsAreAtHand",
        "scoring",
        f"{_SCORE} > {_MEASURE}".replace("Calibrate Anew?", "Calibrate Anew? > Calibrate Model").replace(
            "Invoke Endpoint > ", ""
        ),
        answers={"Prepare Rows": result({**answers.ROWS, "Calibrate": True, "Predicted": True})},
    ),
    fails(
        Case(
            "OnePartFails",
            "scoring",
            f"Receive Request > Prepare Rows > Calibrate Anew? > Score Parts > {_PART} > "
            "Predictions at Hand? > Invoke Endpoint > Scoring Failed",
            answers={"Invoke Endpoint": [result({}), answers.raised("PredictionMismatch", "2 rows, 1 answer")]},
        ),
        "PredictionMismatch",
        "2 rows, 1 answer",
    ),
]
