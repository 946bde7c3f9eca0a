"""Does a promised confidence hold on rows that nobody has seen?

``python -m benchmarks.confidence FOLDER``: FOLDER holds the data sets named below; the others come with scikit-learn.
Each is split at random many times into rows that train, calibrate and check, and the functions that the Lambdas call
calibrate and judge. Prints Markdown tables of promised precision, of calibration errors and of intervals.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))  # as Lambda has it

from automl.proof.calibrate import calibration_of
from automl.proof.evaluation import describe
from automl.proof.scored import Scored, collect
from automl.scoring.answers import Answer
from automl.scoring.calibration_map import CalibrationMap

TARGET, CERTAINTY, LEVEL = 0.95, 0.9, 0.9
TRAIN, CALIBRATION = 0.3, 0.2

Table = tuple[NDArray[np.float64], NDArray[Any]]
Document = dict[str, Any]


@dataclass(frozen=True)
class Split:
    """What one split of a data set came to: calibration.json and the check rows as Evaluate Model sees them."""

    calibration: Document
    scored: Scored

    @property
    def confidence(self) -> Document:
        decision: Document = self.calibration["Confidence"]
        return decision

    def measures(self) -> Document:
        return describe(self.scored, self.calibration, self.confidence)


def read(path: Path, target: str, *, delimiter: str = ",", drop: tuple[str, ...] = ()) -> Table:
    """Features as numbers, texts by their order in the alphabet, and the target as text."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=delimiter))
    names = [name for name in rows[0] if name != target and name not in drop]
    columns = [_column([row[name] for row in rows]) for name in names]
    return np.column_stack(columns), np.array([row[target] for row in rows])


def _column(cells: list[str]) -> NDArray[np.float64]:
    try:
        return np.array([float(cell or "nan") for cell in cells])
    except ValueError:
        encoded: NDArray[np.float64] = OrdinalEncoder().fit_transform(np.array(cells)[:, None])[:, 0]
        return encoded


def classifiers(seed: int) -> BaseEstimator:
    """A model of another kind with every split."""
    kinds: list[BaseEstimator] = [
        HistGradientBoostingClassifier(max_iter=60, random_state=seed),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(100, random_state=seed),
        GaussianNB(),
    ]
    return kinds[seed % len(kinds)]


def regressors(seed: int) -> BaseEstimator:
    """A model of another kind with every split."""
    kinds: list[BaseEstimator] = [
        HistGradientBoostingRegressor(max_iter=60, random_state=seed),
        RandomForestRegressor(60, random_state=seed),
        make_pipeline(SimpleImputer(), StandardScaler(), LinearRegression()),
    ]
    return kinds[seed % len(kinds)]


def splits(table: Table, count: int, confidence: Document, *, regression: bool) -> Iterator[Split]:
    """Train, calibrate and score on random splits of the rows."""
    features, targets = table
    problem_type = "Regression" if regression else "MulticlassClassification"
    if not regression and len(np.unique(targets)) == 2:
        problem_type = "BinaryClassification"
    for seed in range(count):
        stratify = None if regression else targets
        train, rest = train_test_split(np.arange(len(targets)), train_size=TRAIN, random_state=seed, stratify=stratify)
        share = CALIBRATION / (1 - TRAIN)
        calibrate, check = train_test_split(rest, train_size=share, random_state=seed)
        model: Any = regressors(seed) if regression else classifiers(seed)
        model.fit(features[train], targets[train].astype(float) if regression else targets[train])
        answers = _answers(model, features, regression=regression)
        known = list(zip(targets[calibrate].tolist(), answers(calibrate), strict=True))
        document = calibration_of([(str(truth), answer) for truth, answer in known], problem_type, confidence)
        keys = ({"Row": str(row), "Truth": str(targets[row])} for row in check)
        records = zip(keys, answers(check), strict=True)
        calibration = CalibrationMap.from_document(document)
        yield Split(document, collect(records, problem_type, calibration, document["Confidence"]))


def _answers(
    model: Any, features: NDArray[np.float64], *, regression: bool
) -> Callable[[NDArray[np.int_]], Iterator[Answer]]:
    def answer(rows: NDArray[np.int_]) -> Iterator[Answer]:
        if regression:
            yield from (Answer(repr(value)) for value in model.predict(features[rows]).tolist())
            return
        labels = tuple(str(label) for label in model.classes_)
        for probabilities in model.predict_proba(features[rows]).tolist():
            yield Answer(labels[int(np.argmax(probabilities))], labels, tuple(probabilities))

    return answer


def classifications(folder: Path) -> dict[str, Table]:
    """Data sets with classes."""
    made = datasets.make_classification(9000, 20, n_informative=8, n_classes=2, flip_y=0.04, random_state=1)
    four = datasets.make_classification(9000, 20, n_informative=8, n_classes=4, flip_y=0.04, random_state=2)
    return {
        "bank.csv": read(folder / "bank.csv", "y", delimiter=";"),
        "digits": datasets.load_digits(return_X_y=True),
        "breast_cancer": datasets.load_breast_cancer(return_X_y=True),
        "make_classification, 2": made,
        "make_classification, 4": four,
        "make_hastie_10_2": datasets.make_hastie_10_2(9000, random_state=3),
    }


def regressions(folder: Path) -> dict[str, Table]:
    """Data sets with numbers."""
    draw = np.random.default_rng(4)
    features = draw.uniform(size=(6000, 5))
    wider = 10 * features[:, 0] + draw.normal(size=6000) * (0.2 + 3 * features[:, 0])
    drop = ("instant", "dteday", "casual", "registered")
    return {
        "abalone.csv": read(folder / "abalone.csv", "Rings"),
        "bike_rentals.csv": read(folder / "bike_rentals.csv", "cnt", drop=drop),
        "diabetes": datasets.load_diabetes(return_X_y=True),
        "make_friedman1": datasets.make_friedman1(6000, noise=1.0, random_state=5),
        "noise that grows": (features, wider),
    }


def promised_precision(name: str, done: list[Split]) -> str:
    """One line: how often the promise was made and broken on the check rows."""
    promised = [split for split in done if split.confidence["Threshold"] is not None]
    precisions, coverages = [], []
    for split in promised:
        accepted = split.scored.accepted
        coverages.append(accepted.mean())
        precisions.append(split.scored.correct[accepted].mean())
    missed = sum(precision < TARGET for precision in precisions)
    spread = f"{np.mean(precisions):.3f} | {min(precisions):.3f}" if promised else "- | -"
    cover = f"{np.mean(coverages):.2f}" if promised else "-"
    accuracy = np.mean([split.scored.correct.mean() for split in done])
    return (
        f"| {name} | {done[0].calibration['Rows']} | {len(done[0].scored)} | {accuracy:.3f} | {len(promised)} of "
        f"{len(done)} | **{missed}** | {spread} | {cover} |"
    )


def calibration_errors(name: str, done: list[Split]) -> str:
    """One line: ECE and log loss of the check rows before and after."""
    measured = [split.measures()["Calibration"] for split in done]
    columns = [
        np.mean([one[measure][when]["Value"] for one in measured])
        for measure in ("ECE", "LogLoss")
        for when in ("Before", "After")
    ]
    methods = sorted({one["Method"] for one in measured}, key=[one["Method"] for one in measured].count, reverse=True)
    counts = ", ".join(f"{method} {sum(one['Method'] == method for one in measured)}" for method in methods)
    return f"| {name} | {done[0].calibration['Rows']} | " + " | ".join(f"{v:.3f}" for v in columns) + f" | {counts} |"


def coverage(name: str, done: list[Split]) -> str:
    """One line: coverage of the intervals on the check rows, overall and in the worst fifth of the predictions."""
    covered, widths, worst, regions = [], [], [], []
    for split in done:
        scored = split.scored
        inside = (scored.lower <= scored.truths) & (scored.truths <= scored.upper)
        covered.append(inside.mean())
        widths.append(np.mean(scored.upper - scored.lower))
        worst.append(min(inside[part].mean() for part in np.array_split(np.argsort(scored.predictions), 5)))
        regions.append(len(split.calibration["Intervals"]["Regions"]))
    return (
        f"| {name} | {done[0].calibration['Rows']} | {len(done[0].scored)} | {np.mean(regions):.0f} | "
        f"**{np.mean(covered):.3f}** | {min(covered):.3f} to {max(covered):.3f} | {np.mean(worst):.3f} | "
        f"{np.mean(widths):.4g} |"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the data sets are")
    parser.add_argument("--splits", type=int, default=20, help="random splits of each data set")
    options = parser.parse_args()
    tables, numbers = classifications(options.folder), regressions(options.folder)
    print(f"Precision {TARGET} promised at certainty {CERTAINTY}; {options.splits} splits, models of four kinds\n")
    print("| data set | calibration rows | check rows | accuracy | promised | missed | precision | worst | coverage |")
    print("|---|---|---|---|---|---|---|---|---|")
    asked = {"TargetPrecision": TARGET, "Certainty": CERTAINTY}
    for name, table in tables.items():
        print(promised_precision(name, list(splits(table, options.splits, asked, regression=False))), flush=True)
    print("\nCalibration on the check rows, mean of the splits\n")
    print("| data set | calibration rows | ECE before | after | log loss before | after | methods |")
    print("|---|---|---|---|---|---|---|")
    for name, table in tables.items():
        print(calibration_errors(name, list(splits(table, options.splits, {}, regression=False))), flush=True)
    print(f"\nIntervals of level {LEVEL}; {options.splits} splits, models of three kinds\n")
    print("| data set | calibration rows | check rows | regions | coverage | from, to | worst fifth | mean width |")
    print("|---|---|---|---|---|---|---|---|")
    for name, table in numbers.items():
        print(coverage(name, list(splits(table, options.splits, {"Level": LEVEL}, regression=True))), flush=True)


if __name__ == "__main__":
    main()
