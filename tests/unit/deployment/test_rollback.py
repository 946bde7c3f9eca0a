"""Taking a deployment back, from every state in which it can be."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from automl.deployment import rollback
from automl.deployment.rollback import RollBack
from automl.errors import EndpointBusy, EndpointFailed
from tests.unit.endpoint_answers import INSTANCES, RUN_TAG, Answers, previous_tag, scaling_tag

AFTER_OLD = previous_tag("old")
TO_OLD = {"EndpointConfigName": "old"}


def roll_back(answers: Answers) -> RollBack:
    return rollback.roll_back(answers.services, "rings", "new")


@pytest.mark.parametrize("status", ["Creating", "InService", "Failed"])
def test_an_endpoint_that_was_created_is_deleted_with_its_config(answers: Answers, status: str) -> None:
    answers.config("new", RUN_TAG).endpoint(status, "new").endpoint_tags(RUN_TAG).deleted().config_deleted("new")
    assert roll_back(answers) == RollBack("Deleted", ("endpoint rings", "endpoint config new"))


def test_what_was_created_on_instances_goes_with_alarms_and_auto_scaling(answers: Answers) -> None:
    answers.config("new", RUN_TAG, scaling_tag("2-4/1000"), hosting=INSTANCES).endpoint("InService", "new")
    answers.endpoint_tags(RUN_TAG).scaling_removed().deleted().alarms_deleted().config_deleted("new")
    assert roll_back(answers) == RollBack("Deleted", ("endpoint rings", "endpoint config new"))


def test_an_endpoint_that_was_updated_is_ordered_back_to_its_former_config(answers: Answers) -> None:
    """Our config must be there until it is back."""
    answers.config("new", RUN_TAG, AFTER_OLD).endpoint("InService", "new").config("old", RUN_TAG).updated("old")
    assert roll_back(answers) == RollBack("Restoring", ())


@pytest.mark.parametrize(("running", "more"), [(2, {}), (1, {}), (3, {"RetainAllVariantProperties": True})])
def test_a_fleet_that_has_grown_does_not_shrink_on_its_way_back(
    answers: Answers, running: int, more: dict[str, Any]
) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD, hosting=INSTANCES).endpoint("InService", "new", instances=running)
    answers.config("old", RUN_TAG, hosting=INSTANCES).updated("old", **more)
    assert roll_back(answers) == RollBack("Restoring", ())


def test_auto_scaling_does_not_stand_in_the_way_back(answers: Answers) -> None:
    """Registered just before, it would make SageMaker refuse another instance type."""
    answers.config("new", RUN_TAG, AFTER_OLD, scaling_tag("2-4/1000"), hosting=INSTANCES).endpoint("InService", "new")
    answers.config("old", RUN_TAG, hosting={**INSTANCES, "InstanceType": "ml.c5.large"}).scaling_removed()
    answers.updated("old")
    assert roll_back(answers) == RollBack("Restoring", ())


def test_an_order_that_was_given_is_not_given_again(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD).endpoint("Updating", "new", PendingDeploymentSummary=TO_OLD)
    assert roll_back(answers) == RollBack("Restoring", ())


def test_once_the_former_config_is_back_ours_goes(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD).endpoint("InService", "old").config("old", RUN_TAG)
    answers.config_deleted("new")
    assert roll_back(answers) == RollBack("Restored", ("endpoint config new",))


def test_the_former_model_gets_the_auto_scaling_that_it_had(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD, hosting=INSTANCES).endpoint("InService", "old")
    answers.config("old", RUN_TAG, scaling_tag("1-3/500"), hosting=INSTANCES).scaling_configured(1, 3, 500)
    answers.config_deleted("new")
    assert roll_back(answers).status == "Restored"


def test_the_former_model_does_not_inherit_auto_scaling(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD, scaling_tag("2-4/1000"), hosting=INSTANCES).endpoint("InService", "old")
    answers.config("old", RUN_TAG, hosting=INSTANCES).scaling_refused(
        "deregister_scalable_target", "ObjectNotFoundException"
    )
    answers.config_deleted("new")
    assert roll_back(answers).status == "Restored"


def test_auto_scaling_that_cannot_come_back_is_told_and_tried_again(answers: Answers) -> None:
    """Our config, which leads to it, stays until it is done."""
    answers.config("new", RUN_TAG, AFTER_OLD, hosting=INSTANCES).endpoint("InService", "old")
    answers.config("old", RUN_TAG, scaling_tag("1-3/500"), hosting=INSTANCES)
    answers.scaling_refused("register_scalable_target", "ConcurrentUpdateException", "another update is pending")
    with pytest.raises(EndpointBusy, match="another update is pending"):
        roll_back(answers)


def test_an_endpoint_that_went_on_to_another_config_stays(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD).endpoint("InService", "newer").config_deleted("new")
    assert roll_back(answers) == RollBack("InService", ("endpoint config new",))


def test_an_endpoint_that_leaves_the_former_config_is_not_called_restored(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD)
    answers.endpoint("Updating", "old", PendingDeploymentSummary={"EndpointConfigName": "newer"}).config_deleted("new")
    assert roll_back(answers) == RollBack("Updating", ("endpoint config new",))


def test_nothing_there_is_nothing_to_do(answers: Answers) -> None:
    answers.no_config("new").endpoint()
    assert roll_back(answers) == RollBack("Deleted", ())


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_things_that_vanish_meanwhile_are_no_error(answers: Answers, code: str) -> None:
    """Where a statement asks for a tag, IAM denies what SageMaker would not find."""
    answers.config("new", RUN_TAG).endpoint("InService", "new").endpoint_tags(RUN_TAG)
    answers.refused("delete_endpoint", code=code).endpoint()
    answers.refused("delete_endpoint_config", code=code).no_config("new")
    assert roll_back(answers).status == "Deleted"


def test_an_endpoint_without_our_tag_stays(answers: Answers) -> None:
    answers.config("new", RUN_TAG).endpoint("InService", "new").endpoint_tags()
    assert roll_back(answers) == RollBack("InService", ())


def test_an_update_that_is_under_way_is_busy(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD)
    answers.endpoint("Updating", "old", PendingDeploymentSummary={"EndpointConfigName": "new"})
    with pytest.raises(EndpointBusy, match="'old' can be put back when that has ended"):
        roll_back(answers)


def test_a_config_in_service_stays_while_someone_else_updates_the_endpoint(answers: Answers) -> None:
    answers.config("new", RUN_TAG)
    answers.endpoint("Updating", "new", PendingDeploymentSummary={"EndpointConfigName": "newer"})
    with pytest.raises(EndpointBusy, match="its config 'new' can be deleted when that has ended"):
        roll_back(answers)


def test_an_endpoint_that_cannot_be_deleted_now_is_busy(answers: Answers) -> None:
    answers.config("new", RUN_TAG).endpoint("Creating", "new").endpoint_tags(RUN_TAG)
    answers.refused("delete_endpoint", "Cannot delete while creating").endpoint("Creating", "new")
    with pytest.raises(EndpointBusy, match="Cannot delete while creating; delete it later"):
        roll_back(answers)


def test_a_former_config_that_is_gone_cannot_be_put_back(answers: Answers) -> None:
    answers.config("new", RUN_TAG, AFTER_OLD).endpoint("InService", "new").no_config("old")
    answers.refused("update_endpoint", "Could not find endpoint configuration old.")
    with pytest.raises(EndpointFailed, match="could not get its config 'old' back"):
        roll_back(answers)


def test_missing_permission_is_not_taken_for_absence(answers: Answers) -> None:
    answers.refused("describe_endpoint_config", "not authorized", "AccessDeniedException")
    with pytest.raises(ClientError, match="not authorized"):
        roll_back(answers)
