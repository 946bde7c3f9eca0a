"""Paths through the main machine."""

from dataclasses import replace

from tests.statemachine import answers
from tests.statemachine.answers import job, result, succeeded, throw
from tests.statemachine.case import Answers, Case, Json, fails

_LEARN = (
    "Receive Request > Validate Request > Transform Data > Find Previous Model > "
    "Create AutoML Job > Get AutoML Job > AutoML Job Status?"
)
_AGAIN = "Wait for AutoML Job > Get AutoML Job > AutoML Job Status?"
_STAGE = (
    "Select Best Candidate > Create Model > Deploy to Staging > Calibration Rows? > Score Calibration Split > "
    "Calibrate Model > Score Test Split > Find Champion > Champion to Score?"
)
_COMPARE = "Score Champion > Former Test Rows?"
_JUDGE = "Evaluate Model > Remove Staging > Model Accepted?"
_REGISTER = "Register Model > Approval Needed?"
_DEPLOY = "Deploy Model > Deployment Outcome?"
_ACCEPT = f"{_REGISTER} > {_DEPLOY} > Model in Service"
_CLOSE = "Rows to Score? > Retire Model > Keep Endpoint?"
_PUBLISH = "Write Report > Publish Results > Notify Success > Return Result > Run Succeeded"
_PROVE = f"{_STAGE} > {_JUDGE} > {_ACCEPT} > {_CLOSE}"
_FAIL = "Clean Up > Notify Failure > Run Failed"
_REFUSED = f"Model Approved? > Model Not Approved > {_CLOSE} > {_PUBLISH}"
AFTER = {
    "Clean Up": _FAIL,
    "Clean Up Failed": "Clean Up Failed > Notify Failure > Run Failed",
    "Champion Not Scored": f"Champion Not Scored > {_JUDGE} > {_ACCEPT} > {_CLOSE} > {_PUBLISH}",
    "Former Test Rows Not Scored": f"Former Test Rows Not Scored > {_JUDGE} > {_ACCEPT} > {_CLOSE} > {_PUBLISH}",
    "Approval Timed Out": f"Approval Timed Out > {_REFUSED}",
    "Publish Results": _PUBLISH.removeprefix("Write Report > "),
    "Return Result": "Return Result > Run Succeeded",
}
"""How a path goes on after a Catch."""


def _learns(name: str, path: str, **answers: Answers) -> Case:
    return Case(name, "automl", path, answers={key.replace("_", " "): value for key, value in answers.items()})


def _job_ends(name: str, seen: list[Json], path: str) -> Case:
    return Case(name, "automl", f"{_LEARN} > {path}", answers={"Get AutoML Job": seen})


def _judged(name: str, path: str, outcome: str, reason: str, **answers: Answers) -> Case:
    """A run that ends well, whatever became of its model."""
    return replace(_learns(name, f"{_LEARN} > {_STAGE} > {path} > {_PUBLISH}", **answers), outcome=(outcome, reason))


AUTOML = [
    Case("JobCompletes", "automl", f"{_LEARN} > {_PROVE} > {_PUBLISH}", outcome=("Completed", "")),
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
    fails(
        _job_ends("JobIsStoppedWithoutCandidate", [job("Stopped")], f"AutoML Job Stopped > {_FAIL}"),
        "AutoMLJobFailed",
        "was stopped before it had a candidate",
    ),
    fails(
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
    fails(
        _job_ends(
            "JobIsAbandoned",
            [job("InProgress", ElapsedSeconds=5500), job("Stopping", ElapsedSeconds=9000)],
            f"Stop AutoML Job > {_AGAIN} > AutoML Job Timed Out > {_FAIL}",
        ),
        "AutoMLJobTimedOut",
        "within 9000 seconds",
    ),
    fails(
        _job_ends("JobStatusIsUnknown", [job("Paused")], f"AutoML Job Status Unknown > {_FAIL}"),
        "AutoMLJobFailed",
        "unknown status Paused",
    ),
    _learns(
        "ThereAreNoCalibrationRows",
        f"{_LEARN} > {_PROVE} > {_PUBLISH}".replace("Score Calibration Split > ", ""),
        Transform_Data=result({key: value for key, value in answers.DATA.items() if key != "Calibration"}),
    ),
    _judged(
        "OtherRowsAreScored",
        f"{_JUDGE} > {_ACCEPT} > {_CLOSE}".replace("Retire Model", "Score Dataset > Retire Model"),
        "Completed",
        "",
        Transform_Data=result(answers.OTHER_ROWS),
    ),
    _judged(
        "EndpointIsNotKept",
        f"{_JUDGE} > {_ACCEPT} > {_CLOSE} > Remove Endpoint",
        "Completed",
        "",
        Validate_Request=result(answers.run(keep=False)),
    ),
    _judged(
        "ChampionIsBeaten",
        f"{_COMPARE} > {_JUDGE} > {_ACCEPT} > {_CLOSE}",
        "Completed",
        "",
        Find_Champion=result(answers.CHAMPION),
    ),
    _judged(
        "ChampionIsBeatenOnItsOwnTestRowsToo",
        f"{_COMPARE} > Score Former Test Split > {_JUDGE} > {_ACCEPT} > {_CLOSE}",
        "Completed",
        "",
        Find_Champion=result({**answers.CHAMPION, "FormerTest": answers.FORMER_TEST}),
    ),
    _judged(
        "ChampionHasNoEndpoint",
        f"Deploy Champion > {_COMPARE} > {_JUDGE} > {_ACCEPT} > {_CLOSE}",
        "Completed",
        "",
        Find_Champion=result({**answers.CHAMPION, "InService": False}),
    ),
    _judged(
        "ModelIsNotGoodEnough",
        f"{_JUDGE} > Model Rejected > {_CLOSE}",
        "Rejected",
        "R2 0.1 is below 0.5",
        Evaluate_Model=result(answers.NOT_GOOD_ENOUGH),
        Transform_Data=result(answers.OTHER_ROWS),
        Validate_Request=result(answers.run(keep=False)),
    ),
    _judged(
        "ChampionScoresTheRowsOfARejectedModel",
        f"{_COMPARE} > {_JUDGE} > Model Rejected > {_CLOSE}".replace("Retire Model", "Score Dataset > Retire Model"),
        "Rejected",
        "R2 0.1 is below 0.5",
        Evaluate_Model=result(answers.NOT_GOOD_ENOUGH),
        Transform_Data=result(answers.OTHER_ROWS),
        Find_Champion=result(answers.CHAMPION),
    ),
    _judged(
        "ApprovalIsGiven",
        f"{_JUDGE} > {_REGISTER} > Wait for Approval > Model Approved? > {_DEPLOY} > Model in Service > {_CLOSE}",
        "Completed",
        "",
        Validate_Request=result(answers.run(approval="Manual")),
    ),
    _judged(
        "ApprovalIsRefused",
        f"{_JUDGE} > {_REGISTER} > Wait for Approval > Model Approved? > Model Not Approved > {_CLOSE}",
        "Rejected",
        "was rejected: not on a Friday",
        Validate_Request=result(answers.run(approval="Manual")),
        Wait_for_Approval=answers.answered("Rejected", "package/digits/2 was rejected: not on a Friday"),
    ),
    _judged(
        "ApprovalCannotBeRead",
        f"{_JUDGE} > {_REGISTER} > Wait for Approval > Model Approved? > Approval Unreadable > {_CLOSE}",
        "Rejected",
        "The answer about model package arn:package/digits/2 has no Status and Reason",
        Validate_Request=result(answers.run(approval="Manual")),
        Wait_for_Approval={"Return": {"Approved": True}},
    ),
    _judged(
        "NobodyApproves",
        f"{_JUDGE} > {_REGISTER} > Wait for Approval > Approval Timed Out > Model Approved? > Model Not Approved > "
        f"{_CLOSE}",
        "Rejected",
        "Nobody approved or rejected model package arn:package/digits/2 within 604800 seconds",
        Validate_Request=result(answers.run(approval="Manual")),
        Wait_for_Approval=throw("States.Timeout"),
    ),
    _judged(
        "ModelIsRolledBack",
        f"{_COMPARE} > {_JUDGE} > {_REGISTER} > {_DEPLOY} > Model Rolled Back > {_CLOSE}",
        "RolledBack",
        "the alarm went off",
        Find_Champion=result(answers.CHAMPION),
        Deploy_Model=answers.deployed("RolledBack", "the alarm went off", PreviousConfigName="former"),
    ),
    _judged(
        "ModelIsSuperseded",
        f"{_COMPARE} > {_JUDGE} > {_REGISTER} > {_DEPLOY} > Model Superseded > {_CLOSE}",
        "Rejected",
        "another deployment came first",
        Find_Champion=result(answers.CHAMPION),
        Deploy_Model=succeeded(
            {"Endpoint": {"Name": "digits"}, "Outcome": "Superseded", "Reason": "another deployment came first"}
        ),
    ),
    Case(
        "EverythingFailsAtLength",
        "automl",
        f"{_LEARN} > {_STAGE} > Deploy Champion > Champion Not Scored > {_JUDGE} > {_REGISTER} > Deploy Model > "
        "Clean Up > Clean Up Failed > Notify Failure > Run Failed",
        status="FAILED",
        error="States.TaskFailed",
        cause=answers.LONG_CAUSE,
        origin=("States.TaskFailed", answers.LONG_CAUSE),
        answers={
            "Find Champion": result({**answers.CHAMPION, "InService": False}),
            **dict.fromkeys(
                ("Deploy Champion", "Deploy Model", "Clean Up", "Notify Failure"),
                throw("States.TaskFailed", answers.LONG_CAUSE),
            ),
        },
    ),
    fails(
        _learns(
            "RequestIsInvalid",
            f"Receive Request > Validate Request > {_FAIL}",
            Validate_Request=answers.raised("InvalidRequest", "unknown key Datset"),
        ),
        "InvalidRequest",
        "unknown key Datset",
    ),
]
NESTED = [
    replace(
        AUTOML[0],
        name="NestedForReal",
        real=(
            *("Deploy to Staging", "Score Calibration Split", "Score Test Split", "Score Champion"),
            *("Deploy Model", "Notify Success"),
        ),
        path=f"{_LEARN} > {_STAGE} > {_COMPARE} > {_JUDGE} > {_ACCEPT} > {_CLOSE} > {_PUBLISH}",
        answers={"Find Champion": result(answers.CHAMPION)},
    ),
    fails(
        Case(
            "NestedFailsForReal",
            "automl",
            f"{_LEARN} > Select Best Candidate > Create Model > Deploy to Staging > {_FAIL}",
            real=("Deploy to Staging", "Notify Failure"),
        ),
        "States.TaskFailed",
        answers.EXPLAINED["Cause"],
    ),
]
