"""Paths through the deployment machine."""

from dataclasses import replace
from typing import Any

from tests.statemachine import answers
from tests.statemachine.answers import endpoint, throw
from tests.statemachine.case import Answers, Case, Json, fails

_SERVE = "Receive Request > Create Endpoint > Get Endpoint > Endpoint Status?"
_LOOK = "Wait for Endpoint > Get Endpoint > Endpoint Status?"
_SERVED = "Test Endpoint > Auto Scaling? > Describe Deployment > Endpoint in Service"
_BACK = "Roll Back Endpoint > Deployment Taken Back?"
_EXPLAINED = "Explain Failure > Deployment Failed"
_GIVE_UP = f"{_BACK} > {_EXPLAINED}"
_RESTORE = f"{_BACK} > Get Endpoint > Endpoint Status? > Former Model in Service?"
_WAIT_FOR_FORMER = f"{_LOOK} > Former Model in Service?"
_RESTORED = f"{_BACK} > Describe Rollback > Former Model Serves"
AFTER = {
    "Rollback Under Way?": f"Rollback Under Way? > {_GIVE_UP}",
    "Roll Back Endpoint": _GIVE_UP,
    "Explain Failure": _EXPLAINED,
    "Deployment Superseded": "Deployment Superseded > Nothing Deployed",
}
"""How a path goes on after a Catch."""


def _endpoint_ends(name: str, seen: list[Json], path: str, back: list[Json] | None = None) -> Case:
    changed: dict[str, Answers] = {"Get Endpoint": seen, **({"Roll Back Endpoint": back} if back else {})}
    return Case(name, "deployment", f"{_SERVE} > {path}", answers=changed)


def _restores(name: str, seen: list[Json], path: str) -> Case:
    """A deployment that failed on an endpoint with a former model: ``seen`` while and after it is put back."""
    before = endpoint("Failed", PreviousConfigName="old", FailureReason="no {image}")
    back = [
        endpoint("Restoring", PreviousConfigName="old", Restoring=True, Reason="the image is missing"),
        endpoint("Restored", PreviousConfigName="old", Restoring=False, Reason="the image is missing"),
    ]
    return _endpoint_ends(name, [before, *seen], f"Endpoint Failed > {_RESTORE} > {path}", back)


def _restoring(status: str, **changes: Any) -> Json:
    return endpoint(status, PreviousConfigName="old", Restoring=True, Reason="the image is missing", **changes)


DEPLOYMENT = [
    Case(
        "EndpointComesIntoService",
        "deployment",
        f"{_SERVE} > {_SERVED}",
        outcome=("InService", ""),
        input={"Model": {"Name": "digits-0a1b2c3d"}, "Endpoint": {"Name": "digits"}},
    ),
    _endpoint_ends(
        "EndpointIsPolled",
        [endpoint("Creating"), endpoint("SystemUpdating"), endpoint("InService")],
        f"{_LOOK} > {_LOOK} > {_SERVED}",
    ),
    _endpoint_ends(
        "EndpointIsUpdated",
        [endpoint("Updating", Action="Update", ConfigInService="old"), endpoint("InService", Action="Update")],
        f"{_LOOK} > {_SERVED}",
    ),
    Case(
        "EndpointScales",
        "deployment",
        f"{_SERVE} > {_SERVED}".replace("Auto Scaling?", "Auto Scaling? > Configure Auto Scaling"),
        input={"Endpoint": {"InstanceType": "ml.m5.large", "AutoScaling": {"MaxInstanceCount": 4}}},
        outcome=("InService", ""),
    ),
    *(
        fails(
            _endpoint_ends(
                f"EndpointIs{status}", [endpoint(status, FailureReason="no {image}")], f"Endpoint Failed > {_GIVE_UP}"
            ),
            "EndpointFailed",
            f"Endpoint digits ended in {status}: no {{image}}",
        )
        for status in ("Failed", "OutOfService", "UpdateRollbackFailed")
    ),
    fails(
        _endpoint_ends(
            "EndpointTakesTooLong",
            [endpoint("Creating"), endpoint("Creating", ElapsedSeconds=3600)],
            f"{_LOOK} > Endpoint Timed Out > {_GIVE_UP}",
        ),
        "EndpointFailed",
        "still Creating after 3600 seconds",
    ),
    fails(
        Case(
            "EndpointDoesNotAnswer",
            "deployment",
            f"{_SERVE} > Test Endpoint > {_GIVE_UP}",
            answers={"Test Endpoint": answers.raised("EndpointFailed", "answers nonsense")},
        ),
        "EndpointFailed",
        "answers nonsense",
    ),
    Case(
        "ChampionHasChanged",
        "deployment",
        "Receive Request > Create Endpoint > Deployment Superseded > Nothing Deployed",
        answers={"Create Endpoint": answers.raised("ChampionChanged", "another deployment came first")},
        input={"Model": {"Name": "m"}, "Endpoint": {"Name": "digits"}, "Replaces": "old"},
        outcome=("Superseded", "another deployment changed the endpoint after the model had been judged"),
    ),
    replace(
        _endpoint_ends(
            "SageMakerRollsBack",
            [
                endpoint("Updating", PreviousConfigName="old", ConfigInService="old"),
                endpoint("RollingBack", PreviousConfigName="old"),
                endpoint("InService", PreviousConfigName="old", ConfigInService="old", FailureReason="an alarm"),
                _restoring("InService", ConfigInService="old"),
            ],
            f"{_LOOK} > {_LOOK} > Endpoint Rolled Back > {_RESTORE} > {_RESTORED}",
            [_restoring("Restored"), endpoint("InService", PreviousConfigName="old", Reason="an alarm went off")],
        ),
        outcome=("RolledBack", "an alarm went off"),
    ),
    replace(
        _restores(
            "FormerModelComesBack",
            [
                _restoring("InService"),
                _restoring("Updating", ConfigInService="old"),
                _restoring("InService", ConfigInService="old"),
            ],
            f"{_WAIT_FOR_FORMER} > {_WAIT_FOR_FORMER} > {_RESTORED}",
        ),
        outcome=("RolledBack", "the image is missing"),
    ),
    *(
        fails(
            _restores(f"FormerModel{name}", [answer], f"Former Model Lost > {_EXPLAINED}"),
            "EndpointFailed",
            "Endpoint digits did not get its former config old back",
        )
        for name, answer in {
            "IsLost": _restoring("UpdateRollbackFailed", FailureReason="no {capacity}"),
            "TakesTooLong": _restoring("Updating", ElapsedSeconds=3600),
        }.items()
    ),
    fails(
        replace(
            _restores("FormerModelIsOutOfSight", [throw("States.Timeout", "no answer")], ""),
            path=f"{_SERVE} > Endpoint Failed > {_BACK} > Get Endpoint > Rollback Under Way? > {_EXPLAINED}",
        ),
        "States.Timeout",
        "no answer",
    ),
]
