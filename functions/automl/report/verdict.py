"""The first thing a person asks: what became of the run, why, and what may be relied on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl.objectives import REGRESSION
from automl.report.blocks import Checks, Fact
from automl.report.documents import Documents
from automl.report.wording import NO_BREAK, NOTHING, count, estimate, number, share

State = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """``tone`` is good, bad or mixed and is told in words too."""

    tone: str
    outcome: str
    headline: str
    reason: str
    condition: str
    """What has to be read before the promises; empty when they hold."""
    promises: list[str]
    rows: str
    """What became of the rows that were to be scored."""
    facts: list[Fact]
    checks: Checks


def verdict(state: State, documents: Documents) -> Verdict:
    """What became of the run."""
    outcome = (state.get("Outcome") or {}).get("Name") or "Unknown"
    reason = (state.get("Outcome") or {}).get("Reason") or ""
    evaluation = documents.evaluation.content or {}
    return Verdict(
        tone={"Completed": "good", "Rejected": "mixed", "RolledBack": "bad"}.get(outcome, "mixed"),
        outcome={"RolledBack": "Rolled back"}.get(outcome, outcome),
        headline=_headline(outcome, state),
        reason=reason,
        condition="" if outcome == "Completed" else "Had the new model been in service, this would have held:",
        promises=promises(decision(state, documents), evaluation, str(_problem(state))),
        rows=_own_rows(state, outcome),
        facts=[fact for fact in (_quality(state, evaluation), _accepted(evaluation), _champion(evaluation)) if fact]
        + [_endpoint(state, outcome)],
        checks=_checks(state, evaluation),
    )


def _problem(state: State) -> str:
    return str((state.get("Data") or {}).get("ProblemType", ""))


def _headline(outcome: str, state: State) -> str:
    endpoint = (state.get("Deployment") or {}).get("Endpoint") or {}
    champion = state.get("Champion") or {}
    match outcome:
        case "Completed" if endpoint.get("Status") == "Deleted":
            return "The new model proved itself; its endpoint was removed when the rows were scored, as asked"
        case "Completed" if champion.get("Exists"):
            return "The new model proved itself and has taken the former one's place"
        case "Completed":
            return "The new model proved itself and is in service"
        case "Rejected" if champion.get("InService"):
            return "The new model was not accepted; the model in service stays"
        case "Rejected":
            return "The new model was not accepted and is not in service"
        case "RolledBack":
            return "The new model failed in service; the former one is back"
        case _:
            return "The run has ended"


def decision(state: State, documents: Documents) -> Mapping[str, Any]:
    """Which predictions are accepted: as calibrated, else as requested."""
    calibrated = (documents.calibration.content or {}).get("Confidence")
    return (
        calibrated
        or (state.get("Calibration") or {}).get("Confidence")
        or state.get("Data", {}).get("Confidence")
        or {}
    )


def promises(decided: Mapping[str, Any], evaluation: Mapping[str, Any], problem_type: str) -> list[str]:
    """What may be expected of new rows, in sentences."""
    if problem_type == REGRESSION:
        return _interval_promises(decided, evaluation)
    if not problem_type:
        return []
    accepted = evaluation.get("Chosen") or {}
    seen = f" On the test rows: {_observed(accepted)}." if accepted.get("Precision") is not None else ""
    note = [str(decided["Note"])] if decided.get("Note") else []
    if "TargetPrecision" in decided:
        target, certainty = share(decided["TargetPrecision"]), share(decided.get("Certainty"))
        if decided.get("Threshold") is None:
            said = f"No threshold can promise {target} precision with {certainty} certainty: every row goes to review."
            return [said, *note]
        return [
            f"Of new rows, about {share(decided.get('Coverage'), 0)} are answered at ≥{NO_BREAK}{target} precision, "
            f"certain at {certainty}; the others go to review.{seen}",
            *note,
        ]
    if decided.get("Threshold") is not None:
        threshold = share(decided["Threshold"])
        return [
            f"Predictions with a confidence of at least {threshold} are accepted, the others go to review.{seen}",
            *note,
        ]
    accuracy = ((evaluation.get("Metrics") or {}).get("Accuracy") or {}).get("Value")
    right = f"; {share(accuracy)} of the test rows were predicted right" if accuracy is not None else ""
    return [f"Every prediction is accepted{right}.", *note]


def _observed(accepted: Mapping[str, Any]) -> str:
    return f"{share(accepted.get('Coverage'))} accepted, {share(accepted['Precision'])} of them right"


def _interval_promises(decided: Mapping[str, Any], evaluation: Mapping[str, Any]) -> list[str]:
    intervals = evaluation.get("Intervals") or {}
    said = []
    level = intervals.get("Level") or decided.get("Level")
    seen = (intervals.get("Coverage") or {}).get("Value")
    if level is not None and seen is not None:
        said.append(
            f"The truth of {share(level)} of new rows lies inside their interval "
            f"(on the test rows: {share(seen)}; mean width {number(intervals.get('MeanWidth'), 3)})."
        )
    elif not intervals:
        said.append("Predictions come without intervals, as the model was not calibrated.")
    width = decided.get("MaxIntervalWidth") or {}
    coverage = (evaluation.get("Accepted") or {}).get("Coverage")
    if width:
        limit = number(width["Absolute"]) if "Absolute" in width else f"{share(width['Relative'])} of the prediction"
        rows = f"; of the test rows, {share(coverage)} are" if coverage is not None else ""
        said.append(f"Predictions whose interval is no wider than {limit} are accepted{rows}. The others go to review.")
    elif intervals:
        said.append("Every prediction that has an interval is accepted.")
    return [*said, *([str(decided["Note"])] if decided.get("Note") else [])]


def _own_rows(state: State, outcome: str) -> str:
    scoring = (state.get("Scoring") or {}).get("Scoring")
    if not scoring:
        return ""
    model = "this model" if outcome == "Completed" else "the model that stayed in service"
    return (
        f"Of the {count(scoring['Rows'], 'row')} to score, {model} answered {scoring['Accepted']:,}; "
        f"{scoring['Review']:,} go to review."
    )


def _quality(state: State, evaluation: Mapping[str, Any]) -> Fact | None:
    metrics = evaluation.get("Metrics") or {}
    name = (state.get("Data") or {}).get("ObjectiveMetric")
    found = metrics.get(name)
    if not name or not found or found.get("Value") is None:
        return None
    value, interval = estimate(found["Value"], found.get("Lower"), found.get("Upper"))
    return Fact(f"{name} on {count(found['Rows'], 'test row')}", value, f"95{NO_BREAK}%: {interval}")


def _accepted(evaluation: Mapping[str, Any]) -> Fact | None:
    accepted = evaluation.get("Accepted")
    if not accepted or accepted.get("Coverage") is None:
        return None
    metrics = accepted.get("Metrics") or {}
    detail = "of the test rows"
    if metrics.get("Accuracy") is not None:
        detail += f"; {share(metrics['Accuracy'])} of them right"
    elif metrics.get("RMSE") is not None:
        detail += f"; their RMSE is {number(metrics['RMSE'])}"
    return Fact("Accepted without review", share(accepted["Coverage"]), detail)


def _champion(evaluation: Mapping[str, Any]) -> Fact | None:
    if not evaluation:
        return None
    champion = evaluation.get("Champion")
    if not champion:
        return Fact("Former model", "none", "nothing to compare with")
    compared = champion.get("Comparison")
    if not compared:
        return Fact("Former model", "not compared", "the reason is below")
    difference, interval = estimate(compared["Difference"], compared.get("Lower"), compared.get("Upper"))
    word = "better" if compared["Difference"] > 0 else "worse" if compared["Difference"] < 0 else "different"
    return Fact(
        f"{compared['Metric']} against the former model",
        f"{difference.removeprefix('-')} {word}",
        f"95{NO_BREAK}%: {interval} (positive is better)",
    )


def _endpoint(state: State, outcome: str) -> Fact:
    endpoint = (state.get("Deployment") or {}).get("Endpoint") or {}
    wanted = ((state.get("Run") or {}).get("Endpoint") or {}).get("Name")
    if outcome == "Completed":
        status = str(endpoint.get("Status", ""))
    elif outcome == "RolledBack" or (state.get("Champion") or {}).get("InService"):
        status = "the former model is in service"
    else:
        status = "not deployed"
    return Fact("Endpoint", str(endpoint.get("Name") or wanted or NOTHING), status)


def _checks(state: State, evaluation: Mapping[str, Any]) -> Checks:
    found = [(bool(one["Passed"]), str(one["Text"])) for one in (evaluation.get("Gate") or {}).get("Checks", [])]
    approval = state.get("Approval")
    if approval:
        words = f"{approval['Status']} by a person" + (f": {approval['Reason']}" if approval.get("Reason") else "")
        found.append((approval["Status"] == "Approved", words))
    return Checks(found)
