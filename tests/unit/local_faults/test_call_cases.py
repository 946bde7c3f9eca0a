"""The cases of the fault tests are all calls that there are, each with each fault."""

import pytest

from tests.faults.call_cases import NEVER_MADE, RECOVERED, Deployed, Made, all_made, never_made
from tests.template import FUNCTIONS


@pytest.mark.parametrize(
    "made",
    [
        Made("TransformDataFunction", "s3", "GetObject"),
        Made("GetAutoMLJobFunction", "sagemaker", "ListCandidatesForAutoMLJob"),
        Made("InvokeEndpointFunction", "sagemaker-runtime", "InvokeEndpoint"),
        Made("AnswerApprovalFunction", "stepfunctions", "SendTaskSuccess"),
        Made("AutoMLStateMachine", "lambda", "Invoke", "CreateModelFunction"),
        Made("AutoMLStateMachine", "lambda", "Invoke", "WaitForApprovalFunction"),
        Made("AutoMLStateMachine", "stepfunctions", "StartExecution", "ScoringStateMachine"),
        Made("AutoMLStateMachine", "sns", "Publish"),
        Made("ScoringStateMachine", "lambda", "Invoke", "FilterPredictionsFunction"),
        Made("ScoringStateMachine", "s3", "GetObject"),
    ],
    ids=lambda made: made.name,
)
def test_calls_are_found_in_functions_and_state_machines(made: Made) -> None:
    assert made in all_made()


def test_every_function_calls_something() -> None:
    thinks_only = {"ExplainFailureFunction"}
    assert {made.caller for made in all_made()} >= set(FUNCTIONS) - thinks_only


def test_in_as_many_turns_as_there_are_kinds_each_call_meets_each() -> None:
    for made in all_made():
        assert {made.kind(turn) for turn in range(len(RECOVERED))} == set(RECOVERED)
    assert len({made.kind(0) for made in all_made()}) == len(RECOVERED), "a single turn has all kinds"


def test_the_fault_of_a_state_machines_call_is_about_one_function() -> None:
    made = Made("AutoMLStateMachine", "lambda", "Invoke", "CreateModelFunction")
    stack = Deployed({"AutoMLStateMachine": "arn"}, {"CreateModelFunction": "autoflow-CreateModelFun-1"})
    assert stack.rule(made, "Reset", Times=2) == {
        "Name": "AutoMLStateMachine lambda.Invoke of CreateModelFunction Reset",
        "Service": "lambda",
        "Operation": "Invoke",
        "Role": "arn",
        "Where": {"FunctionName": "*autoflow-CreateModelFun-1"},
        "Kind": "Reset",
        "Times": 2,
    }


def test_what_is_said_to_be_never_called_is_something_that_could_be() -> None:
    assert [part for part in NEVER_MADE if not any(part in made.name for made in all_made())] == []
    assert all(never_made(made) in {None, *NEVER_MADE.values()} for made in all_made())
