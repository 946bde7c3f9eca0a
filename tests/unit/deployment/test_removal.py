"""Removing endpoints for good: the run's own, and those of its proof."""

import pytest

from automl.deployment import removal, staging
from automl.deployment.removal import Removal
from automl.errors import EndpointBusy
from tests.unit.endpoint_answers import INSTANCES, RUN_TAG, Answers, previous_tag, scaling_tag


def remove(answers: Answers) -> Removal:
    return removal.remove(answers.services, "rings", "new")


def test_the_endpoint_goes_with_its_config_although_it_was_an_update(answers: Answers) -> None:
    answers.config("new", RUN_TAG, previous_tag("old")).endpoint("InService", "new").endpoint_tags(RUN_TAG)
    answers.deleted().config_deleted("new")
    assert remove(answers) == Removal("Deleted", ("endpoint rings", "endpoint config new"))


def test_alarms_and_auto_scaling_go_too(answers: Answers) -> None:
    answers.config("new", RUN_TAG, scaling_tag("2-4/1000"), hosting=INSTANCES).endpoint("InService", "new")
    answers.endpoint_tags(RUN_TAG).scaling_removed().deleted().alarms_deleted().config_deleted("new")
    assert remove(answers).status == "Deleted"


@pytest.mark.parametrize("status", ["", "Deleting"])
def test_an_interrupted_removal_is_completed(answers: Answers, status: str) -> None:
    answers.config("new", RUN_TAG, hosting=INSTANCES)
    if status:
        answers.endpoint(status, "new")  # which may have lost its tags
    else:
        answers.endpoint()
    answers.alarms_deleted().config_deleted("new")
    assert remove(answers) == Removal("Deleted", ("endpoint config new",))


def test_a_completed_removal_is_nothing_to_do(answers: Answers) -> None:
    answers.no_config("new").endpoint()
    assert remove(answers) == Removal("Deleted", ())


def test_the_endpoint_of_a_later_deployment_stays(answers: Answers) -> None:
    answers.config("new", RUN_TAG).endpoint("InService", "newer").config_deleted("new")
    assert remove(answers) == Removal("InService", ("endpoint config new",))


def test_the_config_that_a_later_deployment_is_replacing_stays(answers: Answers) -> None:
    answers.config("new", RUN_TAG)
    answers.endpoint("Updating", "new", PendingDeploymentSummary={"EndpointConfigName": "newer"})
    assert remove(answers) == Removal("Updating", ())


def test_what_is_not_ours_stays(answers: Answers) -> None:
    answers.config("new").endpoint("InService", "new").endpoint_tags()
    assert remove(answers) == Removal("InService", ())


def test_a_config_without_our_tag_stays(answers: Answers) -> None:
    answers.config("new").endpoint("InService", "new").endpoint_tags(RUN_TAG).deleted()
    assert remove(answers) == Removal("Deleted", ("endpoint rings",))


def test_an_endpoint_that_is_changing_is_busy(answers: Answers) -> None:
    answers.config("new", RUN_TAG).endpoint("Updating", "new").endpoint_tags(RUN_TAG)
    answers.refused("delete_endpoint", "Cannot delete in-progress endpoint").endpoint("Updating", "new")
    with pytest.raises(EndpointBusy, match="Cannot delete in-progress endpoint; delete it later"):
        remove(answers)


def test_both_endpoints_of_the_proof_are_removed(answers: Answers) -> None:
    for name, hosting in (("run-1-staging", None), ("run-1-champion", INSTANCES)):
        answers.endpoint("InService", f"{name}-config", name=name).config(f"{name}-config", RUN_TAG, hosting=hosting)
        answers.endpoint_tags(RUN_TAG, name=name).deleted(name)
        if hosting:
            answers.alarms_deleted(name)
        answers.config_deleted(f"{name}-config")
    assert staging.remove(answers.services, "run-1", {}) == [
        "endpoint run-1-staging",
        "endpoint config run-1-staging-config",
        "endpoint run-1-champion",
        "endpoint config run-1-champion-config",
    ]


def test_endpoints_of_the_proof_that_are_not_there_are_no_error(answers: Answers) -> None:
    answers.endpoint(name="run-1-staging").endpoint(name="run-1-champion")
    assert staging.remove(answers.services, "run-1", {}) == []


def test_the_config_of_an_endpoint_of_the_proof_that_somebody_deleted_is_removed(answers: Answers) -> None:
    state = {"Staging": {"Endpoint": {"ConfigName": "left"}}, "ChampionStaging": {"Endpoint": {"ConfigName": "gone"}}}
    answers.endpoint(name="run-1-staging").config("left", RUN_TAG).config_deleted("left")
    answers.endpoint(name="run-1-champion").no_config("gone")
    assert staging.remove(answers.services, "run-1", state) == ["endpoint config left"]


def test_a_staging_endpoint_that_failed_halfway_is_removed(answers: Answers) -> None:
    """What it was being brought to is its config."""
    pending = {"EndpointConfigName": "second"}
    answers.endpoint("Failed", "first", name="run-1-staging", PendingDeploymentSummary=pending)
    answers.config("second", RUN_TAG).endpoint_tags(RUN_TAG, name="run-1-staging").deleted("run-1-staging")
    answers.config_deleted("second").endpoint(name="run-1-champion")
    assert staging.remove(answers.services, "run-1", {}) == ["endpoint run-1-staging", "endpoint config second"]
