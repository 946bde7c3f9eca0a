"""The models of one job: which ones are tried, and the archive that a finished one becomes."""

import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autogluon.tabular import TabularPredictor
from autogluon.tabular.configs.hyperparameter_configs import get_hyperparameter_config

from autoflow.local.engine.tables import Column, save_columns

Models = dict[str, list[dict[str, Any]]]
"""AutoGluon's ``hyperparameters``: model family → settings of each model."""

ALGORITHMS: Mapping[str, str] = {
    "lightgbm": "GBM",
    "catboost": "CAT",
    "xgboost": "XGB",
    "randomforest": "RF",
    "extra-trees": "XT",
    "linear-learner": "LR",
}
"""Algorithms that can be trained here, by their AutoML names. The neural networks are not: they need torch."""

_ORDER_OF_WORTH = ("GBMXT", "CAT", "XTEntr", "XTMSE", "XGB", "GBM", "RFGini", "RFMSE", "GBMLarge", "XTGini", "RFEntr")
"""Which models to keep when fewer are allowed than there are: unlike ones first, as their ensemble gains most."""


def choose_models(problem: str, algorithms: Sequence[str], limit: int) -> Models:
    """AutoGluon's own default models for the problem type, at most ``limit`` of them.

    Args:
        problem: ``binary``, ``multiclass`` or ``regression``.
        algorithms: AutoML names to choose from; empty means all.
        limit: how many models.
    """
    wanted = {ALGORITHMS[name] for name in algorithms if name in ALGORITHMS} or {*ALGORITHMS.values()} - {"LR"}
    defaults: dict[str, Any] = get_hyperparameter_config("default")
    ranked: list[tuple[int, str, dict[str, Any]]] = []
    for family in sorted(wanted):
        settings = defaults.get(family, {})
        for setting in settings if isinstance(settings, list) else [settings]:
            arguments = setting.get("ag_args", {})
            if problem in arguments.get("problem_types", [problem]):
                name = family + arguments.get("name_suffix", "")
                rank = _ORDER_OF_WORTH.index(name) if name in _ORDER_OF_WORTH else len(_ORDER_OF_WORTH)
                ranked.append((rank, family, setting))
    chosen: Models = {}
    for _, family, setting in sorted(ranked, key=lambda item: item[0])[:limit]:
        chosen.setdefault(family, []).append(setting)
    return chosen


def pack(job: Path, model: str, needs: Sequence[str], columns: Sequence[Column], archive: Path) -> None:
    """Write ``archive`` (tar.gz): an AutoGluon predictor that holds this model and those it needs, and nothing else.

    Args:
        job: folder of the job's predictor; it is not changed.
        model: AutoGluon's name of the model, which becomes the predictor's best.
        needs: AutoGluon's names of all models that take part in its predictions.
        columns: input columns, for the endpoint.
        archive: file to write.
    """
    folder = archive.parent / "predictor"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    for name in ("predictor.pkl", "learner.pkl", "version.txt", "metadata.json", "models/trainer.pkl"):
        if (job / name).exists():
            shutil.copyfile(job / name, folder / name)
    for name in needs:
        shutil.copytree(job / "models" / name, folder / "models" / name, copy_function=os.link)
    predictor = TabularPredictor.load(str(folder), verbosity=0)
    predictor.delete_models(models_to_keep=[model], dry_run=False, delete_from_disk=False)
    predictor.set_model_best(model, save_trainer=True)
    save_columns(folder / "columns.json", columns)
    partial = archive.with_suffix(".part")
    # Level 1: four times faster than the default, and the archive is a tenth larger.
    with tarfile.open(partial, "w:gz", compresslevel=1) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    partial.replace(archive)
    shutil.rmtree(folder)
