import botocore.session
import pytest

from automl.errors import InvalidRequest
from automl.objectives import DEFAULT_OBJECTIVE, OBJECTIVES, check_objective, problem_type_of

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")


def allowed(shape: str) -> set[str]:
    return set(SAGEMAKER.shape_for(shape).metadata["enum"])


def test_all_objectives_and_problem_types_are_known_to_sagemaker() -> None:
    assert {metric for metrics in OBJECTIVES.values() for metric in metrics} <= allowed("AutoMLMetricEnum")
    assert set(OBJECTIVES) == allowed("ProblemType")


def test_the_default_objective_fits_its_problem_type() -> None:
    for problem_type, metric in DEFAULT_OBJECTIVE.items():
        check_objective(problem_type, metric)


def test_a_metric_of_another_problem_type_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidRequest, match=r"'AUC' does not fit Regression; choose one of MAE, MSE, R2, RMSE"):
        check_objective("Regression", "AUC")


def test_a_metric_of_one_problem_type_names_it() -> None:
    assert problem_type_of("R2") == "Regression"
    assert problem_type_of("F1macro") == "MulticlassClassification"
    assert problem_type_of("Accuracy") is None
