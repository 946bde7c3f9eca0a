"""Base models: fitted one after the other by AutoGluon, each reported and archived as soon as it is finished."""

import logging
import os
import shutil
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.common.loaders import load_pkl
from autogluon.core.callbacks import AbstractCallback
from autogluon.tabular import TabularPredictor
from autogluon.tabular.models.rf.rf_model import RFModel
from numpy.typing import NDArray

from autoflow.local.engine import candidates, metrics
from autoflow.local.engine.job import Job, Reports
from autoflow.local.engine.tables import Column

GOOD_TRAINER = "trainer.good.pkl"
"""Copy of AutoGluon's state after the last finished model: the one to trust when a fit is interrupted."""

_autogluon = logging.getLogger("autogluon")

_CELLS_WORTH_THREADS = 2_000_000
"""Measured on two cores that are not idle: 100,000 cells are fitted twice as fast with one thread as with two."""


class Candidates:
    """Measures a finished model on the validation rows, archives it and reports it."""

    def __init__(self, job: Job, problem: str, metric: str, columns: Sequence[Column], reports: Reports) -> None:
        self._job = job
        self._problem = problem
        self._metric = metric
        self._columns = columns
        self._reports = reports
        self._started = time.time()

    def add(self, predictor: TabularPredictor, name: str, sample: pd.DataFrame) -> None:
        """Report the model that was just fitted.

        Args:
            predictor: of the job.
            name: AutoGluon's name of the model.
            sample: a raw row, to measure how long one prediction takes.
        """
        trainer = predictor._trainer
        predicted = predict_validation(trainer, name)
        values = metrics.measure(self._problem, np.asarray(trainer.load_y_val()), predicted)
        latency = _seconds_for_one(predictor, name, sample)
        folder = self._job.folder / "candidates" / name
        folder.mkdir(parents=True)
        archive = folder / "model.tar.gz"
        # Loading the packed predictor silences AutoGluon; the log must go on.
        verbosity = _autogluon.level
        candidates.pack(Path(predictor.path), name, trainer.get_minimum_model_set(name), self._columns, archive)
        _autogluon.setLevel(verbosity)
        self._reports.send(
            "candidate",
            model=name,
            archive=str(archive),
            metric=self._metric,
            value=values[self._metric],
            metrics=values,
            latency=latency,
            started=self._started,
            ended=time.time(),
        )
        self._started = time.time()


def predict_validation(trainer: Any, name: str) -> NDArray[np.float64]:
    """Regression: numbers, shape (n,); classification: probabilities of AutoGluon's classes, shape (n, classes)."""
    rows = trainer.load_X_val()
    predicted = np.asarray(trainer.get_model_pred_proba_dict(X=rows, models=[name], use_val_cache=True)[name])
    if trainer.problem_type == "binary":
        return np.column_stack([1 - predicted, predicted])
    return predicted


def _seconds_for_one(predictor: TabularPredictor, name: str, row: pd.DataFrame) -> float:
    """Median time of a prediction for one raw row with the models in memory, in seconds."""
    predictor.persist([name], with_ancestors=True, max_memory=None)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        predictor.predict(row, model=name)
        times.append(time.perf_counter() - start)
    predictor.unpersist()
    return statistics.median(times[1:])


class _OneByOne(AbstractCallback):  # type: ignore[misc]
    def __init__(self, predictor: TabularPredictor, finished: Candidates, sample: pd.DataFrame) -> None:
        super().__init__()
        self._predictor = predictor
        self._finished = finished
        self._sample = sample

    def _after_model_fit(self, trainer: Any, model_names: list[str], stack_name: str = "core", level: int = 1) -> bool:
        learner = self._predictor._learner
        self._predictor._trainer = learner.trainer = trainer
        # AutoGluon's state on disk must not hold this callback, which belongs to the fit and not to the model.
        callbacks, trainer.callbacks = trainer.callbacks, []
        trainer.save()
        trainer.callbacks = callbacks
        for name in model_names:
            self._finished.add(self._predictor, name, self._sample)
        folder = Path(trainer.path)
        shutil.copyfile(folder / trainer.trainer_file_name, folder / "trainer.part")
        (folder / "trainer.part").replace(folder / GOOD_TRAINER)
        return False


def plan(job: Job, problem: str) -> candidates.Models:
    """The base models to fit: one candidate is left for their ensemble, when there are enough for one."""
    count = job.max_candidates - 1 if job.max_candidates > 2 else job.max_candidates
    return candidates.choose_models(problem, job.algorithms, count)


def any_finished(predictor: TabularPredictor) -> bool:
    """Whether a fit in another process has finished a model."""
    return (Path(predictor.path) / "models" / GOOD_TRAINER).exists()


def load(predictor: TabularPredictor) -> tuple[TabularPredictor, list[str], dict[str, str]]:
    """What a fit in another process left on disk: the predictor, the fitted models, and why others could not be fitted.

    A fit that was killed leaves the models that it had finished. Models that ran out of time do not count as failed.
    """
    folder = Path(predictor.path) / "models"
    if not _is_whole(folder / "trainer.pkl"):
        if not any_finished(predictor):
            return predictor, [], {}
        shutil.copyfile(folder / GOOD_TRAINER, folder / "trainer.pkl")
    predictor = TabularPredictor.load(predictor.path, verbosity=2)
    predictor._trainer._fit_cleanup()
    failed = {
        name: f"{error['exc_type']}: {error['exc_str']}"
        for name, error in predictor._trainer._models_failed_to_train_errors.items()
        if error["exc_type"] != "TimeLimitExceeded"
    }
    return predictor, predictor.model_names(), failed


def _is_whole(path: Path) -> bool:
    try:
        load_pkl.load(path=str(path), verbose=False)
    except Exception:
        return False
    return True


def threads_for(rows: pd.DataFrame) -> int:
    """Threads to fit with: on little data, threads wait for each other longer than they work."""
    return 1 if rows.size < _CELLS_WORTH_THREADS else os.cpu_count() or 1


def let_forests_keep_time() -> None:
    """Let forests estimate their time from a few trees, and become smaller or be left out.

    AutoGluon's forests of a binary problem or a regression do so only when the forest might need much memory.
    """
    forest: Any = RFModel
    if not callable(forest._expected_mem_usage):
        raise AttributeError("RFModel._expected_mem_usage has changed")
    forest._expected_mem_usage = lambda self, trees, bytes_per_tree: 1.0


def fit_base_models(
    job: Job,
    predictor: TabularPredictor,
    planned: candidates.Models,
    rows: pd.DataFrame,
    validation: pd.DataFrame | None,
    finished: Candidates,
    time_limit: float | None,
) -> None:
    """Fit the models that the job asks for and report each one.

    Args:
        job: what to do.
        predictor: new, not fitted.
        planned: the models.
        rows: training rows, typed, with the target.
        validation: validation rows, typed, with the target; None: a part of ``rows`` is held out.
        finished: is told about each model.
        time_limit: seconds for all models together.
    """
    sample = rows.drop(columns=[predictor.label]).head(1)
    per_model = {}
    if job.seconds_per_model is not None:
        per_model = {"max_time_limit": job.seconds_per_model}
        let_forests_keep_time()
    predictor.fit(
        rows,
        tuning_data=validation,
        presets="medium_quality",
        hyperparameters=planned,
        time_limit=time_limit,
        holdout_frac=None if validation is not None else job.validation_fraction,
        fit_weighted_ensemble=False,
        calibrate_decision_threshold=False,
        ag_args_fit=per_model,
        num_cpus=threads_for(rows),
        num_gpus=0,
        callbacks=[_OneByOne(predictor, finished, sample)],
        raise_on_no_models_fitted=False,
    )
