import re
from collections.abc import Callable

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import runs

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
JOB_NAME = SAGEMAKER.shape_for("AutoMLJobName").metadata
CONFIG_NAME = SAGEMAKER.shape_for("EndpointConfigName").metadata
ARN = "arn:aws:states:eu-central-1:123456789012:execution:automl:"


def execution(name: str, start: str = "2026-11-21T06:00:00Z") -> dict[str, str]:
    return {"Id": ARN + name, "Name": name, "StartTime": start}


@given(name=st.text(max_size=80), start=st.text(max_size=30))
def test_a_run_name_is_a_valid_job_name_in_lower_case(name: str, start: str) -> None:
    run = runs.run_name(execution(name, start))
    assert re.fullmatch(JOB_NAME["pattern"], run)
    assert len(run) <= JOB_NAME["max"]
    assert run == run.lower()
    assert "--" not in run


@given(name=st.text(max_size=80))
def test_the_same_execution_always_has_the_same_run(name: str) -> None:
    assert runs.run_name(execution(name)) == runs.run_name(execution(name))


def test_another_execution_of_the_same_name_is_another_run() -> None:
    names = {
        runs.run_name(execution("weekly", "2026-11-21T06:00:00Z")),
        runs.run_name(execution("weekly", "2026-11-28T06:00:00Z")),
        runs.run_name({**execution("weekly"), "Id": "arn:other:weekly"}),
    }
    assert len(names) == 3


def test_names_are_readable_and_stable_across_releases() -> None:
    assert runs.run_name(execution("Abalone rings_2026!")).rpartition("-")[0] == "abalone-rings-2026"
    assert runs.run_name(execution("weekly")) == "weekly-bcf6227c"


@given(model=st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?", fullmatch=True), execution_id=st.text())
def test_a_config_name_is_valid_for_any_model_name(model: str, execution_id: str) -> None:
    name = runs.config_name(model, execution_id)
    assert re.fullmatch(CONFIG_NAME["pattern"], name)
    assert len(name) <= CONFIG_NAME["max"]


def test_every_deployment_has_its_own_config() -> None:
    assert runs.config_name("model", "one") != runs.config_name("model", "two")


@pytest.mark.parametrize("endpoint_name", [runs.staging_name, runs.champion_staging_name])
def test_staging_endpoints_of_the_longest_run_can_be_named(endpoint_name: Callable[[str], str]) -> None:
    assert len(endpoint_name("r" * runs.NAME_LENGTH)) <= 63
