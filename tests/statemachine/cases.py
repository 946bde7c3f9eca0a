"""All paths, and what each Retry and each Catch makes of them."""

from dataclasses import replace

from tests.statemachine import answers, automl_cases, cleanup_cases, deployment_cases, scoring_cases
from tests.statemachine.answers import throw
from tests.statemachine.case import Case, Json, fails
from tests.statemachine.definitions import MACHINES, PART, State, tasks

PATHS = [
    *automl_cases.AUTOML,
    *deployment_cases.DEPLOYMENT,
    *scoring_cases.SCORING,
    *scoring_cases.PARTS,
    *cleanup_cases.CLEANUP,
]
AFTER = {
    "automl": automl_cases.AFTER,
    "deployment": deployment_cases.AFTER,
    "scoring": scoring_cases.AFTER,
    "cleanup": cleanup_cases.AFTER,
}


def through(machine: str, state: str) -> Case:
    """A case whose path leads through the state; a state that none reaches is not covered."""
    for case in PATHS:
        if case.machine == machine and state in case.states:
            return case
    raise LookupError(f"no case in PATHS reaches {state!r} of {machine}; add one")


def usual(case: Case, state: str) -> list[Json]:
    """Answers of the state's calls in the case."""
    value = case.answers.get(state, answers.USUAL[case.machine][state])
    return value if isinstance(value, list) else [value] * case.states.count(state)


def camel(state: str) -> str:
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
                changed[name] = [*errors, *usual(base, name)]
            found.append(replace(base, name=f"{base.name}AfterRetries", answers=changed))
    return found


def caught(base: Case, state: State, name: str, errors: list[Json]) -> Case:
    """The case under another name, when the state's first call ends with the last of the errors."""
    machine = base.machine
    before = base.states[: base.states.index(state.name) + 1]
    thrown = errors[-1]["Throw"]
    if machine == PART:
        path = " > ".join(before)
        case = replace(base, name=name, path=path, answers={**base.answers, state.name: errors})
        return fails(case, thrown["Error"], thrown["Cause"])
    target: str = _catcher(state, thrown["Error"])["Next"]
    path = " > ".join([*before, AFTER[machine].get(target, target)])
    case = replace(base, name=name, path=path, answers={**base.answers, state.name: errors})
    if target == "Approval Timed Out":
        return replace(case, outcome=("Rejected", "Nobody approved"))
    if target == "Deployment Superseded":
        return replace(case, outcome=("Superseded", "another deployment changed the endpoint"))
    if path.endswith("Run Succeeded"):
        return case
    if target in ("Clean Up Failed", "Deployment Failed", "Scoring Failed"):
        return replace(case, error=base.origin[0], cause=base.origin[1])
    if state.name in ("Roll Back Endpoint", "Notify Failure", "Stop Transform Job") and base.status == "FAILED":
        return case
    return fails(replace(case, outcome=("", "")), thrown["Error"], thrown["Cause"])


def _catcher(state: State, error: str) -> Json:
    catchers: list[Json] = state.body["Catch"]
    return next(one for one in catchers if {error, "States.ALL"} & set(one["ErrorEquals"]))
