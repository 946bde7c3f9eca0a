"""calibration.json and evaluation.json of scikit-learn models, made by the code that makes them in a run."""

import functools
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.naive_bayes import GaussianNB

from automl.objectives import BINARY, MULTICLASS, REGRESSION
from automl.proof.calibrate import calibration_of
from automl.proof.comparison import compare
from automl.proof.evaluation import describe
from automl.proof.gate import judge
from automl.proof.scored import Scored, collect
from automl.scoring.answers import Answer
from automl.scoring.calibration_map import CalibrationMap

Document = dict[str, Any]
Records = list[tuple[str, Answer]]


@functools.cache
def binary(target: float = 0.95) -> tuple[Document, Document]:
    """Noisy labels, an overconfident model, and a champion that has seen fewer rows."""
    x, y = make_classification(
        4000, 20, n_informative=6, n_redundant=8, n_clusters_per_class=1, flip_y=0.02, class_sep=0.8, random_state=5
    )
    labels = np.array(["no", "yes"])
    wanted = {"TargetPrecision": target, "Certainty": 0.9}
    model = GaussianNB().fit(x[:2000], y[:2000])
    calibration = calibration_of(_classified(model, labels, x[2000:3000], y[2000:3000]), BINARY, wanted)
    former = GaussianNB().fit(x[:60], y[:60])
    scored = _scored(_classified(model, labels, x[3000:], y[3000:]), BINARY, calibration)
    theirs = _scored(_classified(former, labels, x[3000:], y[3000:]), BINARY, {})
    compared = compare(scored, theirs, "AUC", 0.0)
    champion = {
        "Run": "sample-older",
        "Model": "sample-older",
        "PackageArn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package/sample/2",
        "Scored": True,
        "Reason": "",
        "Rows": len(theirs),
        "Metrics": describe(theirs, {}, {})["Accepted"]["Metrics"],
        "Comparison": compared,
        "FormerTest": compare(scored.take(np.arange(300)), theirs.take(np.arange(300)), "AUC", 0.0),
    }
    return _documents(scored, calibration, {"Minimum": {"AUC": 0.8}}, champion)


@functools.cache
def digits() -> tuple[Document, Document]:
    """Ten classes, a threshold that was asked for, no champion."""
    x, y = load_digits(return_X_y=True)
    labels = np.array([f"digit {number}" for number in range(10)])
    model = RandomForestClassifier(20, max_depth=6, random_state=1).fit(x[:900], y[:900])
    calibration = calibration_of(_classified(model, labels, x[900:1300], y[900:1300]), MULTICLASS, {"Threshold": 0.8})
    return _documents(_scored(_classified(model, labels, x[1300:], y[1300:]), MULTICLASS, calibration), calibration)


@functools.cache
def regression() -> tuple[Document, Document]:
    """A regression below its minimum."""
    x, y = make_friedman1(2500, noise=1.5, random_state=2)
    model = RandomForestRegressor(20, random_state=1).fit(x[:1500], y[:1500])

    def answered(rows: slice) -> Records:
        return [(str(truth), Answer(str(said))) for truth, said in zip(y[rows], model.predict(x[rows]), strict=True)]

    wanted = {"Level": 0.9, "MaxIntervalWidth": {"Absolute": 7.5}}
    calibration = calibration_of(answered(slice(1500, 2000)), REGRESSION, wanted)
    scored = _scored(answered(slice(2000, 2500)), REGRESSION, calibration)
    return _documents(scored, calibration, {"Minimum": {"R2": 0.9, "RMSE": 4.0}})


def _classified(model: Any, labels: Any, x: Any, y: Any) -> Records:
    probabilities, names = model.predict_proba(x), tuple(labels.tolist())
    said = labels[probabilities.argmax(axis=1)]
    return [
        (str(truth), Answer(str(one), names, tuple(row.tolist())))
        for truth, one, row in zip(labels[y], said, probabilities, strict=True)
    ]


def _scored(records: Records, problem_type: str, calibration: Document) -> Scored:
    keyed = (({"Row": str(row), "Truth": truth}, answer) for row, (truth, answer) in enumerate(records))
    decided = calibration.get("Confidence", {})
    return collect(keyed, problem_type, CalibrationMap.from_document(calibration or None), decided)


def _documents(
    scored: Scored, calibration: Document, gate: Document | None = None, champion: Document | None = None
) -> tuple[Document, Document]:
    calibration = {"Model": "sample-0a1b2c3d", **calibration}
    body = describe(scored, calibration, calibration["Confidence"])
    values = {name: metric["Value"] for name, metric in body["Metrics"].items()}
    evaluation = {
        "Run": "sample-0a1b2c3d",
        "Model": "sample-0a1b2c3d",
        **body,
        **({"Champion": champion} if champion else {}),
        "Gate": judge(gate or {}, values, body.get("Omitted", {}), champion),
    }
    return calibration, evaluation
