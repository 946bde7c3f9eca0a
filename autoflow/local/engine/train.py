"""Training worker: ``python -m autoflow.local.engine.train``, one process for one AutoML job.

Reads the job (one JSON line) from standard input and lives until its work is done or standard input ends. Reports
events on standard output, one JSON document per line: ``phase``, ``resolved``, ``candidate``, ``unfinished``,
``explanation``, ``insights``, and at last ``done`` or ``failed``. To stop it, kill its process group: everything it
reported is on disk.
"""

import contextlib
import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor

from autoflow.local.engine import best_candidate, candidates, ending, fitting, metrics, owner, tables, target
from autoflow.local.engine.job import Job, Reports

_REPORT_SHARE = 0.1
_REPORT_SECONDS = 3.0
"""Time for explaining and measuring the best candidate: a tenth of the job's limit, at most this many seconds."""
_ENSEMBLE_SECONDS = 1.5
_GRACE_SECONDS = 1.0
"""How long a fit may go on after its limit before it is killed."""


def main() -> None:
    """Entry point."""
    reports = Reports(os.dup(sys.stdout.fileno()))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(PermissionError):
        os.setpgid(0, 0)
    os.nice(5)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    job = Job.from_line(line)
    # AutoGluon asks for a GPU before every fit, and says each time that torch is not there.
    logging.getLogger("autogluon.common.utils.resource_utils").setLevel(logging.CRITICAL)
    try:
        _run(job, reports)
    except tables.UnusableData as error:
        reports.send("failed", reason=str(error))
    except Exception as error:
        traceback.print_exc()
        reports.send("failed", reason=f"{type(error).__name__}: {error}"[:1000])


def _run(job: Job, reports: Reports) -> None:
    reports.send("phase", phase="analyzing")
    train, validation, columns, problem = _read(job)
    metric = job.metric or metrics.DEFAULT[problem]
    reports.send("resolved", problem=problem, metric=metric)
    predictor = TabularPredictor(
        label=job.target,
        problem_type=problem,
        eval_metric=metrics.AUTOGLUON[metric],
        path=str(job.folder / "predictor"),
        positive_class=target.ordered(train[job.target].unique())[1] if problem == "binary" else None,
        verbosity=2,
    )
    reports.send("phase", phase="training")
    report_seconds = _REPORT_SECONDS
    fit_seconds = None
    if job.deadline is not None:
        left = job.deadline - time.time()
        report_seconds = min(_REPORT_SECONDS, _REPORT_SHARE * left)
        fit_seconds = left - report_seconds - _ENSEMBLE_SECONDS
    finished = fitting.Candidates(job, problem, metric, columns, reports)
    planned = fitting.plan(job, problem)
    started = time.time()
    outcome = _fit_in_child(job, predictor, planned, train, validation, finished, fit_seconds)
    unused = None if fit_seconds is None else started + fit_seconds - time.time()
    owner.end_with(sys.stdin.fileno(), signal_group=True)
    predictor, fitted, failed = fitting.load(predictor)
    skipped = len(fitted) + len(failed) < sum(map(len, planned.values()))
    ended = ending.judge(outcome, unused, skipped, job.seconds_per_model)
    if not fitted and not ended.out_of_time:
        reason = ended.broken or next(iter(failed.values()), "")
        if not reason and job.seconds_per_model is not None:
            reason = f"no candidate can be trained in {job.seconds_per_model:g} s, the limit of each"
        raise tables.UnusableData(
            f"No model could be trained on this data: {reason or 'see the log of the training worker'}"
        )
    if ended.broken or ended.out_of_time:
        reports.send("unfinished", reason=ended.broken or "the job's time was over")
    if 1 < len(fitted) < job.max_candidates:
        finished = fitting.Candidates(job, problem, metric, columns, reports)
        for name in predictor.fit_weighted_ensemble(name_suffix="", num_gpus=0):
            finished.add(predictor, name, train.drop(columns=[job.target]).head(1))
    if fitted:
        best_candidate.report(job, predictor, train, metric, report_seconds, reports)
    reports.send("done", out_of_time=ended.out_of_time)


def _read(job: Job) -> tuple[pd.DataFrame, pd.DataFrame | None, tuple[tables.Column, ...], str]:
    texts = [name for name, kind in job.kinds.items() if kind != "numeric"]
    features, truth = tables.read_files([Path(path) for path in job.train], job.target, texts, job.file_format)
    columns = tables.describe_columns(features, job.features, job.kinds)
    problem = job.problem or target.decide_problem(truth)
    usable = target.usable_rows(truth, problem)
    target.require_learnable(usable, problem)
    train = tables.typed(features.loc[usable.index], columns).assign(**{job.target: usable})
    if not job.validation:
        return train, None, columns, problem
    features, truth = tables.read_files([Path(path) for path in job.validation], job.target, texts, job.file_format)
    if missing := {column.name for column in columns} - set(features.columns):
        raise tables.UnusableData(f"The validation data lacks the columns {', '.join(sorted(missing))}")
    usable = target.usable_rows(truth, problem)
    if problem != "regression":
        usable = usable[usable.isin(set(train[job.target]))]
    if not len(usable):
        raise tables.UnusableData(f"The validation data has no row with a valid value of {job.target!r}")
    validation = tables.typed(features.loc[usable.index], columns).assign(**{job.target: usable})
    return train, validation, columns, problem


def _fit_in_child(
    job: Job,
    predictor: TabularPredictor,
    planned: candidates.Models,
    train: pd.DataFrame,
    validation: pd.DataFrame | None,
    finished: fitting.Candidates,
    seconds: float | None,
) -> int | None:
    """Fit in a process of its own: its exit status, or None when it did not end in time and was killed.

    Must be called before this process has used a thread pool: those do not survive the fork.
    """
    if seconds is not None and seconds <= 0:
        return None
    child_end, parent_end = os.pipe()
    parent_watch, child_watch = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(child_end)
        os.close(child_watch)
        owner.end_with(parent_watch)
        status = 1
        try:
            fitting.fit_base_models(job, predictor, planned, train, validation, finished, seconds)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            logging.shutdown()
            sys.stderr.flush()
            os._exit(status)
    os.close(parent_end)
    os.close(parent_watch)
    outcome = owner.wait_for(
        child, child_end, sys.stdin.fileno(), None if seconds is None else seconds + _GRACE_SECONDS
    )
    if outcome is None and job.deadline is not None and not fitting.any_finished(predictor):
        # One candidate is worth the time that was set aside for reports.
        outcome = owner.wait_for(child, child_end, sys.stdin.fileno(), max(0.0, job.deadline - time.time()))
    if outcome is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(child_end)
    os.close(child_watch)
    return outcome


if __name__ == "__main__":
    main()
