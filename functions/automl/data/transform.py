"""Transform Data: from the request's dataset to a checked, split, model-ready copy of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl.data.ahead import Behind
from automl.data.dataset import Dataset, open_dataset
from automl.data.guess import Guess
from automl.data.parts import csv_records
from automl.data.problem import MINIMUM_TRAINING_ROWS, MISSING_IS, Problem, check_usable, confidence, decide
from automl.data.profile import Profile, empty_profile
from automl.data.recipe import Recipe, from_request
from automl.data.reserved_columns import ROW_COLUMN, check_columns, check_identity
from automl.data.spelling import Spellings
from automl.data.split import CALIBRATION, TEST, TRAIN
from automl.data.splitter import Splitter, new_splitter
from automl.errors import InvalidDataset, InvalidRequest
from automl.objectives import check_gate
from automl.run_files import RunFiles
from automl.storage import delete_prefix, read_json, write_bytes, write_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def transform_data(s3: "S3Client", run: RunFiles) -> dict[str, Any]:
    """Profile, check, split and write the dataset of the run's request.json; what the state machine goes on with.

    Writes data/{train,calibration,test}/part-*.csv, recipe.json, profile.json and smoke.csv. Rows stream through once;
    a second time where later rows change what the first ones let expect.

    Raises:
        InvalidDataset: the dataset, or the rows to score, cannot be used; nothing is left in data/.
        InvalidRequest: the recipe, the problem, the confidence or the gate does not fit the dataset.
    """
    request = read_json(s3, run.request)
    dataset = _open(s3, request["Dataset"])
    scoring = _open(s3, request["Scoring"]) if request.get("Scoring") else None
    _check_roles(dataset, request["Dataset"])
    try:
        return _transform(s3, run, request, dataset, scoring)
    except (InvalidDataset, InvalidRequest):
        delete_prefix(s3, run.data)
        raise


def _transform(
    s3: "S3Client", run: RunFiles, request: Mapping[str, Any], dataset: Dataset, scoring: Dataset | None
) -> dict[str, Any]:
    profile, spellings = empty_profile(dataset.columns), Spellings()
    with Guess(s3, run, request, dataset) as guess:
        for batch in dataset.batches():
            spellings.add(batch.frame[request["Dataset"]["TargetColumn"]])
            profile.add(batch)
            guess.add(batch, profile, spellings)
    recipe = from_request(request, profile.types)
    if scoring:
        recipe.check_scorable(scoring)
    if profile.rows < MINIMUM_TRAINING_ROWS:
        raise InvalidDataset(
            f"{dataset.uri} has {profile.rows:,} rows, but an AutoML job needs at least {MINIMUM_TRAINING_ROWS} in the "
            "training split alone; add rows"
        )
    if scoring:
        for batch in scoring.batches():
            recipe.to_score(batch)
    splitter = guess.result(recipe, spellings) or _split(s3, run, request, dataset, recipe, spellings)
    return _finish(s3, run, request, dataset, profile, splitter)


def _open(s3: "S3Client", request: Mapping[str, Any]) -> Dataset:
    dataset = open_dataset(s3, request["S3Uri"], request.get("Delimiter"))
    check_columns(dataset)
    return dataset


def _check_roles(dataset: Dataset, request: Mapping[str, Any]) -> None:
    dataset.require(request["TargetColumn"], "Dataset.TargetColumn")
    if id_column := request.get("IdColumn"):
        dataset.require(id_column, "Dataset.IdColumn")
        check_identity(id_column)


def _split(
    s3: "S3Client", run: RunFiles, request: Mapping[str, Any], dataset: Dataset, recipe: Recipe, spellings: Spellings
) -> Splitter:
    splitter = new_splitter(s3, run, request, dataset, recipe, spellings)
    with Behind(splitter.write) as writing:
        for batch in dataset.batches():
            writing.add(splitter.split(batch, recipe.types))
    return splitter


def _finish(
    s3: "S3Client",
    run: RunFiles,
    request: Mapping[str, Any],
    dataset: Dataset,
    profile: Profile,
    splitter: Splitter,
) -> dict[str, Any]:
    splitter.close()
    rows = splitter.rows(profile.rows)
    _check_rows(dataset.uri, rows, splitter)
    asked = request.get("Problem", {})
    problem = decide(splitter.target, asked.get("Type"), asked.get("ObjectiveMetric"))
    check_gate(problem.type, request.get("Gate", {}).get("Minimum", {}))
    fingerprint = {name: item.hex() for name, item in splitter.fingerprints.items()}
    recipe = splitter.recipe
    state = _state(run, request, recipe, problem, rows)
    numbers = tuple(name for name in recipe.texts if name in splitter.maybe_numbers)
    write_json(s3, run.recipe, replace(recipe, numbers=numbers).document(problem.type))
    columns = [column.document(with_values=column.name != recipe.id_column) for column in profile.columns.values()]
    write_json(s3, run.profile, _profile_document(dataset, columns, problem, rows, fingerprint))
    assert splitter.smoke is not None, "there are training rows"
    write_bytes(s3, run.smoke_rows, csv_records(splitter.smoke))
    return {**state, "Fingerprint": fingerprint}


def _check_rows(uri: str, rows: Mapping[str, int], splitter: Splitter) -> None:
    if not splitter.target.rows:
        raise InvalidDataset(
            f"{uri} has no row with a value in {splitter.recipe.target!r} that passes the Filter; "
            "check Transform.Filter and Dataset.TargetColumn"
        )
    check_usable(splitter.target)
    if rows["Train"] < MINIMUM_TRAINING_ROWS:
        why = f": {MISSING_IS}" if rows["WithoutTarget"] else ""
        lost = f" ({rows['FilteredOut']:,} filtered out, {rows['WithoutTarget']:,} without target{why})"
        raise _too_few(uri, rows["Train"], rows["Read"], lost)
    if not rows["Test"]:
        raise InvalidDataset(f"{uri}: no row falls into the test split; raise Transform.Test or add rows")
    if len(splitter.train_values) < 2:
        raise InvalidDataset(
            f"{splitter.target.place} has the same value in every training row; there is nothing to learn: "
            "add rows with other values"
        )


def _too_few(uri: str, train: int, read: int, lost: str = "") -> InvalidDataset:
    return InvalidDataset(
        f"{uri} gives {train:,} training rows of {read:,} rows read{lost}, but an AutoML job needs at least "
        f"{MINIMUM_TRAINING_ROWS}; add rows, or relax Transform.Filter, Transform.Test and Transform.Calibration"
    )


def _profile_document(
    dataset: Dataset,
    columns: list[dict[str, Any]],
    problem: Problem,
    rows: Mapping[str, int],
    fingerprint: Mapping[str, str],
) -> dict[str, Any]:
    size = {"Objects": len(dataset.sources), "Bytes": dataset.size, "Rows": rows["Read"]}
    return {
        "Dataset": {"S3Uri": dataset.uri, **size},
        "Problem": {"Type": problem.type, "ObjectiveMetric": problem.objective, "Decided": problem.decided},
        "Rows": dict(rows),
        "Fingerprint": dict(fingerprint),
        "Columns": columns,
    }


def _state(
    run: RunFiles, request: Mapping[str, Any], recipe: Recipe, problem: Problem, rows: Mapping[str, int]
) -> dict[str, Any]:
    scoring = request.get("Scoring")
    state = {
        "ProblemType": problem.type,
        "ObjectiveMetric": problem.objective,
        "Decided": problem.decided,
        "Rows": dict(rows),
        "TrainUri": run.split(TRAIN),
        "Confidence": confidence(request.get("Confidence", {}), problem.type, rows["Calibration"]),
        "Test": {
            "Dataset": _held_out(run, TEST, recipe),
            "OutputUri": run.proof_of(TEST) if scoring else run.uri,
        },
    }
    if rows["Calibration"]:
        state["Calibration"] = {
            "Dataset": _held_out(run, CALIBRATION, recipe),
            "OutputUri": run.proof_of(CALIBRATION),
        }
    if scoring:
        state["Scoring"] = {"Dataset": scoring, "OutputUri": run.uri}
    return state


def _held_out(run: RunFiles, split: str, recipe: Recipe) -> dict[str, str]:
    """A split that the model did not learn from, as the scoring machine takes it."""
    dataset = {"S3Uri": run.split(split), "TargetColumn": recipe.target, "Delimiter": ",", "RowColumn": ROW_COLUMN}
    return {**dataset, "IdColumn": recipe.id_column} if recipe.id_column else dataset
