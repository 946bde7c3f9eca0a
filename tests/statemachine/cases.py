"""Named executions: what each Task answers, and the path and the end that this must lead to."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.statemachine import answers
from tests.statemachine.answers import endpoint, job, result, throw
from tests.statemachine.definitions import MACHINES, State, tasks
from tests.statemachine.definitions import state as find

Json = dict[str, Any]
Answers = Json | list[Json]


@dataclass(frozen=True)
class Case:
    """One mock-config case. ``answers`` overrides the usual ones: for every call, or call by call."""

    name: str
    machine: str
    path: str
    """States entered, ``>`` between them."""
    status: str = "SUCCEEDED"
    error: str | None = None
    cause: str | None = None
    """A part of the Cause."""
    answers: dict[str, Answers] = field(default_factory=dict)
    origin: tuple[str, str] = ("", "")
    """Error, and a part of the Cause, that Clean Up is told."""
    real: tuple[str, ...] = ()
    """Tasks that are not mocked."""

    @property
    def id(self) -> str:
        return f"{self.machine}: {self.name}"

    @property
    def states(self) -> list[str]:
        return self.path.split(" > ")

    def mocked(self) -> dict[str, dict[str, Json]]:
        """State → call number → answer."""
        chosen = {**answers.USUAL[self.machine], **self.answers}
        return {state: _numbered(value) for state, value in chosen.items() if state not in self.real}


def _numbered(value: Answers) -> dict[str, Json]:
    if isinstance(value, dict):
        return {"0-99": value}
    return {str(number): answer for number, answer in enumerate(value)}


_LEARN = "Receive Request > Validate Request > Transform Data > Create AutoML Job > Get AutoML Job > AutoML Job Status?"
_AGAIN = "Wait for AutoML Job > Get AutoML Job > AutoML Job Status?"
_PROVE = (
    "Select Best Candidate > Create Model > Deploy Model > Score Test Split > Other Rows to Score? > Keep Endpoint?"
)
_PUBLISH = "Publish Results > Notify Success > Return Result > Run Succeeded"
_FAIL = "Clean Up > Notify Failure > Run Failed"
_AFTER = {
    "Clean Up": _FAIL,
    "Clean Up Failed": "Clean Up Failed > Notify Failure > Run Failed",
    "Return Result": "Return Result > Run Succeeded",
    "Remove Endpoint": "Remove Endpoint > Deployment Failed",
}
_SERVE = "Receive Request > Create Endpoint > Get Endpoint > Endpoint Status?"
_LOOK = "Wait for Endpoint > Get Endpoint > Endpoint Status?"
_SERVED = "Test Endpoint > Describe Deployment > Endpoint in Service"
_BACK = "Remove Endpoint > Deployment Failed"
_PART = "Invoke Endpoint > Filter Predictions"
_SCORE = f"Receive Request > Prepare Rows > Score Parts > {_PART} > {_PART} > Truth Known?"


def _learns(name: str, path: str, **answers: Answers) -> Case:
    return Case(name, "automl", path, answers={key.replace("_", " "): value for key, value in answers.items()})


def _fails(case: Case, error: str, cause: str) -> Case:
    """The case with a failed end. The automl machine tells what Clean Up made of it."""
    told = (answers.FAILURE["Error"], answers.FAILURE["Cause"]) if case.machine == "automl" else (error, cause)
    return replace(case, status="FAILED", error=told[0], cause=told[1], origin=(error, cause))


def _job_ends(name: str, seen: list[Json], path: str) -> Case:
    return Case(name, "automl", f"{_LEARN} > {path}", answers={"Get AutoML Job": seen})


def _endpoint_ends(name: str, seen: list[Json], path: str) -> Case:
    return Case(name, "deployment", f"{_SERVE} > {path}", answers={"Get Endpoint": seen})


AUTOML = [
    Case("JobCompletes", "automl", f"{_LEARN} > {_PROVE} > {_PUBLISH}"),
    _job_ends(
        "JobIsPolled",
        [job("InProgress"), job("InProgress"), job("Completed")],
        f"{_AGAIN} > {_AGAIN} > {_PROVE} > {_PUBLISH}",
    ),
    _job_ends(
        "JobIsStoppedByPersonWithCandidate",
        [job("InProgress"), job("Stopping"), job("Stopped", HasCandidate=True)],
        f"{_AGAIN} > {_AGAIN} > {_PROVE} > {_PUBLISH}",
    ),
    _fails(
        _job_ends("JobIsStoppedWithoutCandidate", [job("Stopped")], f"AutoML Job Stopped > {_FAIL}"),
        "AutoMLJobFailed",
        "was stopped before it had a candidate",
    ),
    _fails(
        _job_ends("JobFails", [job("Failed", FailureReason="{bad} 'data'")], f"AutoML Job Failed > {_FAIL}"),
        "AutoMLJobFailed",
        "digits-0a1b2c3d failed: {bad} 'data'",
    ),
    _job_ends(
        "JobPastDeadlineKeepsItsCandidate",
        [
            job("InProgress", ElapsedSeconds=5400),
            job("Stopping", ElapsedSeconds=5401),
            job("Stopped", HasCandidate=True),
        ],
        f"Stop AutoML Job > {_AGAIN} > {_AGAIN} > {_PROVE} > {_PUBLISH}",
    ),
    _job_ends(
        "JobPastDeadlineCompletesAnyway",
        [job("InProgress", ElapsedSeconds=6000), job("Completed", ElapsedSeconds=6100)],
        f"Stop AutoML Job > {_AGAIN} > {_PROVE} > {_PUBLISH}",
    ),
    _job_ends("JobCompletedLateIsStillUsed", [job("Completed", ElapsedSeconds=99999)], f"{_PROVE} > {_PUBLISH}"),
    _fails(
        _job_ends(
            "JobIsAbandoned",
            [job("InProgress", ElapsedSeconds=5500), job("Stopping", ElapsedSeconds=9000)],
            f"Stop AutoML Job > {_AGAIN} > AutoML Job Timed Out > {_FAIL}",
        ),
        "AutoMLJobTimedOut",
        "within 9000 seconds",
    ),
    _fails(
        _job_ends("JobStatusIsUnknown", [job("Paused")], f"AutoML Job Status Unknown > {_FAIL}"),
        "AutoMLJobFailed",
        "unknown status Paused",
    ),
    _learns(
        "OtherRowsAreScored",
        f"{_LEARN} > {_PROVE}".replace("Keep Endpoint?", f"Score Dataset > Keep Endpoint? > {_PUBLISH}"),
        Transform_Data=result(answers.OTHER_ROWS),
    ),
    _learns(
        "EndpointIsNotKept",
        f"{_LEARN} > {_PROVE} > Remove Endpoint > {_PUBLISH}",
        Validate_Request=result(answers.run(keep=False)),
    ),
    _fails(
        _learns(
            "RequestIsInvalid",
            f"Receive Request > Validate Request > {_FAIL}",
            Validate_Request=answers.raised("InvalidRequest", "unknown key Datset"),
        ),
        "InvalidRequest",
        "unknown key Datset",
    ),
]
DEPLOYMENT = [
    Case("EndpointComesIntoService", "deployment", f"{_SERVE} > {_SERVED}"),
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
    _fails(
        _endpoint_ends(
            "EndpointIsRolledBack",
            [
                endpoint("Updating", ConfigInService="old"),
                endpoint("RollingBack"),
                endpoint("InService", ConfigInService="old"),
            ],
            f"{_LOOK} > {_LOOK} > Endpoint Rolled Back > {_BACK}",
        ),
        "EndpointFailed",
        "Endpoint digits is back on old",
    ),
    *(
        _fails(
            _endpoint_ends(
                f"EndpointIs{status}", [endpoint(status, FailureReason="no {image}")], f"Endpoint Failed > {_BACK}"
            ),
            "EndpointFailed",
            f"Endpoint digits ended in {status}: no {{image}}",
        )
        for status in ("Failed", "OutOfService", "UpdateRollbackFailed")
    ),
    _fails(
        _endpoint_ends(
            "EndpointTakesTooLong",
            [endpoint("Creating"), endpoint("Creating", ElapsedSeconds=3600)],
            f"{_LOOK} > Endpoint Timed Out > {_BACK}",
        ),
        "EndpointFailed",
        "still Creating after 3600 seconds",
    ),
    _fails(
        Case(
            "EndpointDoesNotAnswer",
            "deployment",
            f"{_SERVE} > Test Endpoint > {_BACK}",
            answers={"Test Endpoint": answers.raised("EndpointFailed", "answers nonsense")},
        ),
        "EndpointFailed",
        "answers nonsense",
    ),
]
SCORING = [
    Case("TruthIsKnown", "scoring", f"{_SCORE} > Evaluate Model > Summarize Scoring > Scoring Succeeded"),
    Case(
        "TruthIsUnknown",
        "scoring",
        f"{_SCORE} > Truth Unknown > Summarize Scoring > Scoring Succeeded",
        answers={"Prepare Rows": result({**answers.ROWS, "HasTruth": False})},
    ),
    Case(
        "NothingToScore",
        "scoring",
        f"{_SCORE} > Evaluate Model > Summarize Scoring > Scoring Succeeded".replace(f"{_PART} > ", ""),
        answers={"Prepare Rows": result({**answers.ROWS, "Parts": [], "Rows": 0})},
    ),
    _fails(
        Case(
            "OnePartFails",
            "scoring",
            f"Receive Request > Prepare Rows > Score Parts > {_PART} > Invoke Endpoint > Scoring Failed",
            answers={"Invoke Endpoint": [result({}), answers.raised("PredictionMismatch", "2 rows, 1 answer")]},
        ),
        "PredictionMismatch",
        "2 rows, 1 answer",
    ),
]
PATHS = [*AUTOML, *DEPLOYMENT, *SCORING]


NESTED = [
    replace(AUTOML[0], name="NestedForReal", real=("Deploy Model", "Score Test Split", "Notify Success")),
    _fails(
        Case(
            "NestedFailsForReal",
            "automl",
            f"{_LEARN} > Select Best Candidate > Create Model > Deploy Model > {_FAIL}",
            real=("Deploy Model", "Notify Failure"),
        ),
        "States.TaskFailed",
        "Endpoint digits ended in Failed: no {image}",
    ),
]


def through(machine: str, state: str) -> Case:
    """A case whose path leads through the state; a state that none reaches is not covered."""
    for case in PATHS:
        if case.machine == machine and state in case.states:
            return case
    raise LookupError(f"no case in PATHS reaches {state!r} of {machine}; add one")


def _usual(case: Case, state: str) -> list[Json]:
    """Answers of the state's calls in the case."""
    value = case.answers.get(state, answers.USUAL[case.machine][state])
    return value if isinstance(value, list) else [value] * case.states.count(state)


def _camel(state: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in state.split())


def recoveries() -> list[Case]:
    """Paths on which every Task first fails with each error that any of its retriers names; together all Tasks.

    The path must be the same as without the failures. One retry of those that wait for minutes is enough.
    """
    found = []
    for machine in MACHINES:
        left = {state.name: state.body for state in tasks(machine)}
        while left:
            base = through(machine, next(iter(left)))
            changed = dict(base.answers)
            for name in [name for name in left if name in base.states]:
                errors = [throw(error) for retrier in left.pop(name)["Retry"] for error in retrier["ErrorEquals"]]
                changed[name] = [*errors, *_usual(base, name)]
            found.append(replace(base, name=f"{base.name}AfterRetries", answers=changed))
    return found


def exhaustions() -> list[Case]:
    """Per Task: the standard retry's error once more than it retries."""
    found = []
    for machine in MACHINES:
        for state in tasks(machine):
            retrier = state.body["Retry"][-1]
            errors = [throw(retrier["ErrorEquals"][0])] * (retrier["MaxAttempts"] + 1)
            found.append(_caught(machine, state, "GivesUp", errors))
    return found


def catches() -> list[Case]:
    """Per Task: an error that nobody retries."""
    return [
        _caught(machine, state, f"Throws{error.replace('.', '')}", [throw(error)])
        for machine in MACHINES
        for state in tasks(machine)
        for error in ("States.Timeout", "Sandbox.Timedout")
    ]


def _caught(machine: str, state: State, name: str, errors: list[Json]) -> Case:
    """The case in which the state's first call ends with the last of the errors."""
    base = through(machine, state.name)
    before = base.states[: base.states.index(state.name) + 1]
    catching = state if state.outer is None else find(machine, state.outer)
    target = catching.body["Catch"][0]["Next"]
    path = " > ".join([*before, _AFTER.get(target, target)])
    case = replace(base, name=_camel(state.name) + name, path=path, answers={**base.answers, state.name: errors})
    if target == "Return Result":
        return case
    if target == "Clean Up Failed":
        return replace(case, error=base.origin[0], cause=errors[-1]["Throw"]["Cause"])
    if state.name in ("Remove Endpoint", "Notify Failure") and base.status == "FAILED":
        return case
    return _fails(case, errors[-1]["Throw"]["Error"], errors[-1]["Throw"]["Cause"])
