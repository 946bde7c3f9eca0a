"""The documents about a job's best candidate: what drives its predictions, and how good they are."""

import json
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor
from numpy.typing import NDArray

from autoflow.local.engine import explanation, insights, metrics
from autoflow.local.engine.fitting import predict_validation
from autoflow.local.engine.job import Job, Reports


def report(
    job: Job, predictor: TabularPredictor, train: pd.DataFrame, metric: str, seconds: float, reports: Reports
) -> None:
    """Write ``analysis.json`` and ``statistics.json`` of the best candidate and report each.

    A document that cannot be made is reported as ``unexplained`` or ``unmeasured``; the candidates stay good.

    Args:
        job: what to do.
        predictor: fitted.
        train: training rows with the target.
        metric: objective, by its AutoML name.
        seconds: time for both documents together.
        reports: is told about them.
    """
    problem = predictor.problem_type
    truth = np.asarray(predictor._trainer.load_y_val())
    best = _best(predictor, problem, metric, truth)
    reports.send("phase", phase="explaining")
    try:
        outcome = explanation.explain(_raw_predict(predictor, best), train.drop(columns=[job.target]), 0.8 * seconds)
        names = [str(name) for name in train.columns if name != job.target]
        file = _write(job.folder / "analysis.json", explanation.analysis(outcome, names))
        reports.send("explanation", file=file)
    except Exception as error:
        traceback.print_exc()
        reports.send("unexplained", reason=f"{type(error).__name__}: {error}"[:1000])
    reports.send("phase", phase="measuring")
    try:
        predicted = predict_validation(predictor._trainer, best)
        document = insights.statistics(problem, truth, predicted, _labels(predictor, predicted))
        reports.send("insights", file=_write(job.folder / "statistics.json", document))
    except Exception as error:
        traceback.print_exc()
        reports.send("unmeasured", reason=f"{type(error).__name__}: {error}"[:1000])


def _best(predictor: TabularPredictor, problem: str, metric: str, truth: NDArray[Any]) -> str:
    """The first of the best models, as the owner of this worker chooses it too."""
    best, best_value = "", float("nan")
    for name in predictor.model_names():
        value = metrics.measure(problem, truth, predict_validation(predictor._trainer, name))[metric]
        if not best or metrics.is_better(metric, value, best_value):
            best, best_value = name, value
    return best


def _raw_predict(predictor: TabularPredictor, model: str) -> explanation.Predict:
    """Predictions for typed feature rows: the number, the positive class's probability, or that of every class."""
    predictor.persist([model], with_ancestors=True, max_memory=None)

    def predict(rows: pd.DataFrame) -> NDArray[np.float64]:
        if predictor.problem_type == "regression":
            return np.asarray(predictor.predict(rows, model=model), dtype=np.float64)[:, None]
        probabilities = predictor.predict_proba(rows, model=model)
        if predictor.problem_type == "binary":
            return np.asarray(probabilities[predictor.positive_class], dtype=np.float64)[:, None]
        return np.asarray(probabilities, dtype=np.float64)

    return predict


def _labels(predictor: TabularPredictor, predicted: NDArray[np.float64]) -> list[str]:
    if predictor.problem_type == "regression":
        return []
    cleaner = predictor._learner.label_cleaner
    return [str(label) for label in cleaner.inverse_transform(pd.Series(range(predicted.shape[1])))]


def _write(path: Path, document: dict[str, Any]) -> str:
    path.write_text(json.dumps(document))
    return str(path)
