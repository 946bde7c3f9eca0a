"""Paths through the machine that cleans up after executions which could not do it themselves."""

from tests.statemachine import answers
from tests.statemachine.answers import Json, settled
from tests.statemachine.case import Case, fails

_SETTLE = "Settle Execution > What to Do?"
_TELL = "Notify Failure > All Removed?"
_DONE = "Describe Clean Up > Clean Up Succeeded"
_INPUT: Json = {"ExecutionArn": "arn:execution"}
AFTER = {"Not Settled": f"Not Settled > {_TELL} > Something Left"}
"""How a path goes on after a Catch."""


def _settles(name: str, path: str, *looks: Json) -> Case:
    """What Settle Execution says, look by look."""
    return Case(name, "cleanup", f"Receive Event > {path}", answers={"Settle Execution": list(looks)}, input=_INPUT)


CLEANUP = [
    _settles("NothingIsLeftButToTell", f"{_SETTLE} > {_TELL} > {_DONE}", settled("Tell")),
    _settles("NothingIsToBeDone", f"{_SETTLE} > {_DONE}", settled("Nothing")),
    _settles(
        "EverythingIsRemovedAndTold",
        f"{_SETTLE} > Clean Up > {_SETTLE} > {_TELL} > {_DONE}",
        settled("CleanUp"),
        settled("Tell"),
    ),
    _settles(
        "WhatWasToldIsRemovedInSilence",
        f"{_SETTLE} > Clean Up > {_SETTLE} > {_DONE}",
        settled("CleanUp"),
        settled("Nothing"),
    ),
    _settles(
        "WhatIsBeingCreatedIsWaitedFor",
        f"{_SETTLE} > Clean Up"
        + f" > {_SETTLE} > Wait for Leftovers > Clean Up" * 2
        + f" > {_SETTLE} > {_TELL} > {_DONE}",
        settled("CleanUp"),
        settled("Wait"),
        settled("Wait"),
        settled("Tell"),
    ),
    fails(
        _settles(
            "SomethingHasToStay",
            f"{_SETTLE} > Clean Up > {_SETTLE} > {_TELL} > Something Left",
            settled("CleanUp"),
            settled("Tell", Left=1, Cause="Left behind, to be removed by hand: endpoint digits: in use"),
        ),
        answers.ENDED["Error"],
        "to be removed by hand: endpoint digits",
    ),
]
