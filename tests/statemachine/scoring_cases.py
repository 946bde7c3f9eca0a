"""Paths through the scoring machine, and through the executions of its parts."""

from typing import Any

from tests.statemachine import answers
from tests.statemachine.answers import Json, result
from tests.statemachine.case import Answers, Case, fails

_PREPARE = "Receive Request > Predictions at Hand? > Find Model > Prepare Rows > Calibrate Anew? > How to Predict?"
_MEASURE = "Score Parts > Collect Parts > Truth Known? > Measure Predictions > Keep Endpoint?"
_END = "Scored? > Summarize Scoring > Scoring Succeeded"
_EXPLAINED = "Explain Failure > Scoring Failed"
_FAILED = f"Scored? > {_EXPLAINED}"
_DEPLOY = "Deploy Endpoint > Endpoint Deployed?"
_LOOK = "Wait for Transform Job > Get Transform Job > Transform Job Status?"
_TRANSFORM = f"{_PREPARE} > Create Transform Job > Transform Job Status? > {_LOOK}"

AFTER = {
    "Keep Endpoint?": f"Keep Endpoint? > {_FAILED}",
    "Explain Failure": _EXPLAINED,
    "Stop Transform Job": f"Stop Transform Job > Keep Endpoint? > {_FAILED}",
}
"""Where a path leads from a state that catches."""


def _serving(**changes: Any) -> Json:
    return result({**answers.SERVING, **changes})


def _rows(**changes: Any) -> Json:
    return result({**answers.ROWS, **changes})


_MISSING = _serving(Ready=False)
_TRANSFORMED: dict[str, Answers] = {"Prepare Rows": _rows(Engine="BatchTransform")}

SCORING = [
    Case("TruthIsKnown", "scoring", f"{_PREPARE} > {_MEASURE} > {_END}"),
    Case(
        "TruthIsUnknown",
        "scoring",
        f"{_PREPARE} > Score Parts > Collect Parts > Truth Known? > Truth Unknown > Keep Endpoint? > {_END}",
        answers={"Prepare Rows": _rows(HasTruth=False)},
    ),
    Case(
        "EveryPartIsFinished",
        "scoring",
        f"{_PREPARE} > {_MEASURE} > {_END}".replace("Score Parts > ", ""),
        answers={"Prepare Rows": _rows(PartsToScore=0)},
    ),
    Case(
        "NoRowPassesTheFilter",
        "scoring",
        f"{_PREPARE} > {_MEASURE} > {_END}",
        answers={"Prepare Rows": _rows(Sent=0), "Find Model": _MISSING},
    ),
    Case(
        "PredictionsAreAtHand",
        "scoring",
        "Receive Request > Predictions at Hand? > No Model Needed > Prepare Rows > Calibrate Anew? > Calibrate Model > "
        f"How to Predict? > {_MEASURE} > {_END}",
        answers={"Prepare Rows": _rows(Calibrate=True, Predicted=True)},
        input={"Predictions": "s3://data/runs/digits-0a1b2c3d/"},
    ),
    Case(
        "AnUploadIsScored",
        "scoring",
        f"{_PREPARE} > {_MEASURE} > {_END}".replace("Find Model", "Name Upload > Find Model"),
        input={"Endpoint": {"Name": "digits"}, "Upload": {"Bucket": "data", "Key": 'incoming/the "new" ones {}.csv'}},
    ),
    fails(
        Case(
            "AnUploadWithoutAKeyIsRefused",
            "scoring",
            f"Receive Request > Predictions at Hand? > Find Model > {_EXPLAINED}",
            answers={"Find Model": answers.raised("InvalidRequest", "Upload is no key of the execution input")},
            input={"Endpoint": {"Name": "digits"}, "Upload": {"Bucket": "data"}},
        ),
        "InvalidRequest",
        "Upload is no key",
    ),
    fails(
        Case(
            "AnUploadBesideADatasetIsNotForgotten",
            "scoring",
            f"Receive Request > Predictions at Hand? > Find Model > {_EXPLAINED}",
            answers={"Find Model": answers.raised("InvalidRequest", "Upload is no key of the execution input")},
            input={"Dataset": {"S3Uri": "s3://data/new.csv"}, "Upload": {"Bucket": "data", "Key": "incoming/new.csv"}},
        ),
        "InvalidRequest",
        "Upload is no key",
    ),
    Case(
        "EndpointIsMadeAndKept",
        "scoring",
        f"{_PREPARE} > {_DEPLOY} > {_MEASURE} > {_END}",
        answers={"Find Model": _MISSING},
    ),
    Case(
        "EndpointIsMadeAndRemoved",
        "scoring",
        f"{_PREPARE} > {_DEPLOY} > {_MEASURE} > Remove Endpoint > {_END}",
        answers={"Find Model": _serving(Ready=False, Keep=False)},
    ),
    Case(
        "AnotherScoringMadeTheEndpoint",
        "scoring",
        f"{_PREPARE} > {_DEPLOY} > Find Model > Prepare Rows > Calibrate Anew? > How to Predict? > {_MEASURE} > {_END}",
        answers={"Find Model": [_MISSING, _serving()], "Deploy Endpoint": answers.deployed("Superseded")},
    ),
    fails(
        Case(
            "TooManyPartsFailOnAnEndpointOfItsOwn",
            "scoring",
            f"{_PREPARE} > {_DEPLOY} > Score Parts > Collect Parts > Keep Endpoint? > Remove Endpoint > {_FAILED}",
            answers={
                "Find Model": _serving(Ready=False, Keep=False),
                "Collect Parts": answers.raised("PartsFailed", "1 of 2 parts were not scored"),
            },
        ),
        "PartsFailed",
        "1 of 2 parts were not scored",
    ),
    Case("PredictedByATransformJob", "scoring", f"{_TRANSFORM} > {_MEASURE} > {_END}", answers=_TRANSFORMED),
    Case(
        "TransformJobTakesLong",
        "scoring",
        f"{_TRANSFORM} > {_LOOK} > {_LOOK} > {_MEASURE} > {_END}",
        answers={
            **_TRANSFORMED,
            "Get Transform Job": [
                answers.transform_job("InProgress"),
                answers.transform_job("InProgress"),
                answers.transform_job("Completed"),
            ],
        },
    ),
    Case(
        "AllPartsWereTransformedBefore",
        "scoring",
        f"{_PREPARE} > Create Transform Job > Transform Job Status? > {_MEASURE} > {_END}",
        answers={**_TRANSFORMED, "Create Transform Job": result({"Name": "", "Status": "Completed"})},
    ),
    fails(
        Case(
            "SomebodyStopsTheTransformJob",
            "scoring",
            f"{_TRANSFORM} > {_LOOK} > Transform Job Failed > Keep Endpoint? > {_FAILED}",
            answers={
                **_TRANSFORMED,
                "Get Transform Job": [
                    answers.transform_job("Stopping"),
                    answers.transform_job("Stopped", FailureReason="somebody stopped it"),
                ],
            },
        ),
        "TransformJobFailed",
        "ended in Stopped: somebody stopped it",
    ),
    fails(
        Case(
            "TransformJobFails",
            "scoring",
            f"{_TRANSFORM} > Transform Job Failed > Keep Endpoint? > {_FAILED}",
            answers={
                **_TRANSFORMED,
                "Get Transform Job": answers.transform_job("Failed", FailureReason="no capacity"),
            },
        ),
        "TransformJobFailed",
        "Transform job new-0a1b2c3d ended in Failed: no capacity. See the log group",
    ),
    fails(
        Case(
            "TransformJobTakesTooLong",
            "scoring",
            f"{_TRANSFORM} > Transform Job Timed Out > Stop Transform Job > Keep Endpoint? > {_FAILED}",
            answers={**_TRANSFORMED, "Get Transform Job": answers.transform_job("InProgress", ElapsedSeconds=5400)},
        ),
        "TransformJobFailed",
        "is still InProgress after 5400 seconds and is stopped",
    ),
]

_PART: Json = {"Part": 0, "Rows": answers.ROWS, "Prediction": {}}

PARTS = [
    Case("AnEndpointIsAsked", "part", "Predict How? > Invoke Endpoint > Filter Predictions", input=_PART),
    Case(
        "ATransformJobHasAnswered",
        "part",
        "Predict How? > Read Transform Output > Filter Predictions",
        input={**_PART, "Rows": {**answers.ROWS, "Engine": "BatchTransform"}},
    ),
    Case(
        "PredictionsAreThere",
        "part",
        "Predict How? > Filter Predictions",
        input={**_PART, "Rows": {**answers.ROWS, "Predicted": True}},
    ),
]
