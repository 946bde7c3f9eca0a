"""The status document from the order to the end, whether the deployment is through or taken back."""

from datetime import timedelta
from typing import Any

import pytest

from automl.deployment import endpoint_status
from automl.deployment.endpoint_configs import Target
from automl.deployment.endpoints import EndpointSettings
from automl.deployment.rollback import RollBack
from tests.unit.endpoint_answers import INSTANCES, NOW, RUN_URI, SERVERLESS, endpoint

SETTINGS = EndpointSettings(kms_key_arn=None, minimum_wait_seconds=15, canary_wait_seconds=300, latency_alarm_seconds=5)


def new(previous: str, hosting: dict[str, Any] = SERVERLESS) -> dict[str, Any]:
    wanted = Target("model-1", RUN_URI, "rings", hosting)
    return endpoint_status.new_status(wanted, "new", previous, NOW, SETTINGS)


def refreshed(status: dict[str, Any], found: Any, after: float = 400) -> dict[str, Any]:
    return endpoint_status.refreshed_status(status, found, NOW + timedelta(seconds=after), 15)


def rolled_back(status: dict[str, Any], result: str, after: float = 400) -> dict[str, Any]:
    now = NOW + timedelta(seconds=after)
    return endpoint_status.rolled_back_status(status, RollBack(result, ()), now, 15)


def test_a_new_status_tells_create_from_update() -> None:
    created, updated = new(""), new("old")
    assert (created["Action"], created["Created"], created["Status"]) == ("Create", True, "Creating")
    assert (updated["Action"], updated["Created"], updated["PreviousConfigName"]) == ("Update", False, "old")
    assert (created["WaitSeconds"], created["Restoring"], created["FailedConfigName"]) == (15, False, "")


@pytest.mark.parametrize(
    ("previous", "hosting", "seconds"),
    [
        ("", SERVERLESS, 3600),
        ("", INSTANCES, 3600),
        ("old", SERVERLESS, 3600),
        # The update itself, all watches of the alarms, and SageMaker's own way back.
        ("old", INSTANCES, 3600 + 3 * 300 + 1800),
    ],
)
def test_the_deadline_leaves_time_for_the_canary(previous: str, hosting: dict[str, Any], seconds: int) -> None:
    assert new(previous, hosting)["DeadlineSeconds"] == seconds


def test_a_look_at_the_endpoint_shows_the_config_in_service() -> None:
    status = refreshed(new("old"), endpoint("InService", "old"))
    assert (status["Status"], status["ConfigInService"], status["ConfigName"]) == ("InService", "old", "new")
    assert (status["Polls"], status["ElapsedSeconds"], status["Seconds"], status["WaitSeconds"]) == (1, 400, 400.0, 20)


def test_a_rollback_without_a_reason_leads_to_the_alarms() -> None:
    """DescribeEndpoint promises a FailureReason for Failed only."""
    silent = refreshed(new("old", INSTANCES), endpoint("InService", "old"))
    assert "autopilot-flow-rings-5xx and autopilot-flow-rings-latency" in silent["FailureReason"]
    told = refreshed(new("old", INSTANCES), endpoint("InService", "old", FailureReason="an alarm went off. "))
    assert told["FailureReason"] == "an alarm went off"
    assert refreshed(new("old"), endpoint("Updating", "old"))["FailureReason"] == ""
    assert refreshed(new("old"), endpoint("InService", "new"))["FailureReason"] == ""


def test_failures_carry_their_reason() -> None:
    assert refreshed(new(""), endpoint("Failed", "new", FailureReason="no ping"))["FailureReason"] == "no ping"
    gone = refreshed(new(""), None)
    assert gone["Status"] == "Failed"
    assert "deleted while" in gone["FailureReason"]


@pytest.mark.parametrize(("previous", "found"), [("", None), ("old", endpoint("InService", "old"))])
def test_an_order_that_does_not_show_yet_is_no_failure(previous: str, found: Any) -> None:
    """The first look comes at once after the order, and would take what was before for a failed deployment."""
    first = refreshed(new(previous), found, 1)
    assert (first["Status"], first["FailureReason"]) == (new(previous)["Status"], "")
    assert (first["Polls"], first["ElapsedSeconds"]) == (1, 1)
    second = refreshed(first, found, 2)
    assert (second["Status"], bool(second["FailureReason"])) == ("InService" if found else "Failed", True)


def test_a_created_endpoint_that_is_taken_back_is_gone() -> None:
    status = rolled_back(refreshed(new(""), endpoint("Failed", "new")), "Deleted")
    assert (status["Status"], status["Restoring"], status["ConfigInService"]) == ("Deleted", False, "")


@pytest.mark.parametrize("result", ["Restoring", "Restored"])
def test_an_updated_endpoint_is_waited_for_with_a_deadline_of_its_own(result: str) -> None:
    status = rolled_back(refreshed(new("old", INSTANCES), endpoint("InService", "new"), 5000), result, 5000)
    assert (status["Status"], status["Restoring"], status["FailedConfigName"]) == (result, True, "new")
    assert (status["ConfigName"], status["PreviousConfigName"]) == ("new", "old")
    assert (status["Polls"], status["WaitSeconds"], status["DeadlineSeconds"]) == (0, 15, 3600)
    again = refreshed(status, endpoint("Updating", "new"), 5010)
    assert (again["Restoring"], again["ElapsedSeconds"]) == (True, 10)


@pytest.mark.parametrize("result", ["Restored", "InService"])  # again, the failed config leads nowhere any more
def test_the_call_that_finds_it_back_ends_the_waiting(result: str) -> None:
    waiting = rolled_back(new("old"), "Restoring", 100)
    back = refreshed(waiting, endpoint("InService", "old"), 160)
    assert back["FailureReason"] == ""
    status = rolled_back(back, result, 165)
    assert (status["Status"], status["Restoring"], status["FailedConfigName"]) == ("Restored", False, "")
    assert (status["ConfigInService"], status["Polls"], status["StartedAt"]) == ("old", 1, waiting["StartedAt"])


def test_an_endpoint_that_another_deployment_took_over_is_not_called_restored() -> None:
    taken = refreshed(rolled_back(new("old"), "Restoring", 100), endpoint("InService", "newer"), 160)
    status = rolled_back(taken, "InService", 165)
    assert (status["Status"], status["Restoring"], status["ConfigInService"]) == ("InService", False, "newer")


def test_an_endpoint_that_has_to_be_ordered_back_again_keeps_the_deadline() -> None:
    waiting = rolled_back(new("old"), "Restoring", 100)
    status = rolled_back(waiting, "Restoring", 900)
    assert (status["Restoring"], status["FailedConfigName"], status["StartedAt"]) == (True, "new", waiting["StartedAt"])
