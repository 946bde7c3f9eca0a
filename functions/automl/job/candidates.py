"""The candidates of an AutoML job: listed, ranked under the request's constraints, and written down for people."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from automl.errors import NoUsableCandidate
from automl.objectives import direction_of

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_PAGE = 100

Candidate = Mapping[str, Any]


@dataclass(frozen=True)
class Ranked:
    """A candidate with its objective value, its latency in seconds, and why it cannot be used (empty when it can)."""

    candidate: Candidate
    value: float | None
    latency: float | None
    obstacle: str

    @property
    def name(self) -> str:
        """The candidate's name."""
        return str(self.candidate["CandidateName"])


def list_candidates(sagemaker: "SageMakerClient", job_name: str) -> list[dict[str, Any]]:
    """All candidates of the job, however many pages there are."""
    paginator = sagemaker.get_paginator("list_candidates_for_auto_ml_job")
    pages = paginator.paginate(AutoMLJobName=job_name, PaginationConfig={"PageSize": _PAGE})
    return [dict(candidate) for page in pages for candidate in page["Candidates"]]


def count_finished(candidates: Iterable[Candidate]) -> int:
    """How many candidates have completed."""
    return sum(candidate["CandidateStatus"] == "Completed" for candidate in candidates)


def with_best(candidates: list[dict[str, Any]], description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidates, and the job's BestCandidate in place of its list entry: it alone has the reports' locations."""
    best = description.get("BestCandidate")
    if not best:
        return candidates
    return [dict(best), *(one for one in candidates if one["CandidateName"] != best["CandidateName"])]


def metric_name(datum: Mapping[str, Any]) -> str:
    """StandardMetricName before MetricName, which older jobs fill with names like ``validation:f1``."""
    return str(datum.get("StandardMetricName") or datum.get("MetricName", ""))


def metrics_of(candidate: Candidate) -> dict[str, float]:
    """Every finite metric of the candidate by name; a validation value wins over one of another set."""
    metrics: dict[str, float] = {}
    data = candidate.get("CandidateProperties", {}).get("CandidateMetrics", [])
    for datum in sorted(data, key=lambda datum: datum.get("Set") == "Validation"):
        if math.isfinite(datum.get("Value", math.nan)):
            metrics[metric_name(datum)] = datum["Value"]
    return metrics


def direction(candidates: Iterable[Candidate], metric: str) -> str:
    """``Maximize`` or ``Minimize``: what SageMaker says of the objective, else what the metric's nature is."""
    for candidate in candidates:
        kind = candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("Type")
        if kind:
            return str(kind)
    return direction_of(metric)


def rank(candidates: Iterable[Candidate], objective_direction: str, max_latency: float | None) -> list[Ranked]:
    """Usable candidates, best first, then the others by name.

    Ties go to the lower latency, then to fewer containers, then to the name, so the choice is always the same.
    """
    judged = [_judge(candidate, max_latency) for candidate in candidates]
    sign = 1 if objective_direction == "Minimize" else -1

    def order(one: Ranked) -> tuple[bool, float, float, int, str]:
        usable = not one.obstacle
        return (
            not usable,
            sign * one.value if usable and one.value is not None else 0.0,
            one.latency if usable and one.latency is not None else math.inf,
            len(one.candidate.get("InferenceContainers", [])),
            one.name,
        )

    return sorted(judged, key=order)


def _judge(candidate: Candidate, max_latency: float | None) -> Ranked:
    value = candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("Value")
    latency = metrics_of(candidate).get("InferenceLatency")
    obstacle = ""
    if candidate["CandidateStatus"] != "Completed":
        reason = candidate.get("FailureReason", "")
        obstacle = f"{candidate['CandidateStatus']}{f': {reason}' if reason else ''}"
    elif value is None or not math.isfinite(value):
        obstacle = "no objective value"
        value = None
    elif not candidate.get("InferenceContainers"):
        obstacle = "no inference containers"
    elif max_latency is not None and latency is None:
        obstacle = "latency not measured"
    elif max_latency is not None and latency is not None and latency > max_latency:
        obstacle = f"latency of {latency:.3g} s is above {max_latency:g} s"
    return Ranked(candidate, value, latency, obstacle)


def partial_failures(description: Mapping[str, Any]) -> list[str]:
    """What went wrong in a job that ended all the same, as SageMaker says it."""
    return [reason.get("PartialFailureMessage", "") for reason in description.get("PartialFailureReasons", [])]


def select(ranked: list[Ranked], job_name: str, partial_failures: Sequence[str] = ()) -> Ranked:
    """The best usable candidate.

    Raises:
        NoUsableCandidate: there is none; the message counts the reasons.
    """
    if ranked and not ranked[0].obstacle:
        return ranked[0]
    if not ranked:
        said = f" ({'; '.join(message.rstrip('.') for message in partial_failures)})" if partial_failures else ""
        raise NoUsableCandidate(
            f"AutoML job {job_name!r} has no candidate{said}; raise AutoML.MaxRuntimeSeconds and start again"
        )
    reasons = "; ".join(f"{one.name}: {one.obstacle}" for one in ranked[:5])
    more = f"; and {len(ranked) - 5} more" if len(ranked) > 5 else ""
    raise NoUsableCandidate(
        f"None of the {len(ranked)} candidates of AutoML job {job_name!r} can be used ({reasons}{more}). "
        "Relax Selection.MaxInferenceLatencySeconds if it is set, or raise AutoML.MaxRuntimeSeconds, and start again"
    )


def summary(best: Ranked, ranked: list[Ranked], metric: str, objective_direction: str) -> dict[str, Any]:
    """The chosen candidate as the state data carry it, with the numbers of candidates considered and usable."""
    return {
        "Name": best.name,
        "Metric": metric_name(best.candidate["FinalAutoMLJobObjectiveMetric"]) or metric,
        "Value": best.value,
        "Direction": objective_direction,
        "Containers": len(best.candidate["InferenceContainers"]),
        "Considered": len(ranked),
        "Usable": sum(not one.obstacle for one in ranked),
    }


def leaderboard(
    job_name: str,
    metric: str,
    objective_direction: str,
    constraints: Mapping[str, Any],
    ranked: list[Ranked],
    partial_failures: Sequence[str] = (),
) -> dict[str, Any]:
    """The leaderboard.json document."""
    document: dict[str, Any] = {
        "Job": job_name,
        "Metric": metric,
        "Direction": objective_direction,
        "Constraints": dict(constraints),
        "Candidates": [_row(position, one) for position, one in enumerate(ranked, start=1)],
    }
    if partial_failures:
        document["PartialFailures"] = list(partial_failures)
    return document


def _row(position: int, one: Ranked) -> dict[str, Any]:
    candidate = one.candidate
    created, ended = candidate.get("CreationTime"), candidate.get("EndTime")
    return {
        "Rank": None if one.obstacle else position,
        "Name": one.name,
        "Status": candidate["CandidateStatus"],
        "Usable": not one.obstacle,
        "Reason": one.obstacle,
        "Value": one.value,
        "Metrics": metrics_of(candidate),
        "Containers": len(candidate.get("InferenceContainers", [])),
        "Seconds": round((ended - created).total_seconds(), 3) if created and ended else None,
    }


def as_json(value: Any) -> Any:
    """A candidate as SageMaker describes it, with times as ISO 8601 text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value
