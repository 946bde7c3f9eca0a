"""Least privilege, proven by use: what roles asked for while all other tests ran, against their deployed policies."""

import pytest

from tests.access import exceptions, policies_in_use
from tests.access.conftest import Deployed
from tests.access.policies_in_use import Evidence, Seen

LINE = "\n"


@pytest.fixture(scope="session")
def evidence(seen: list[Seen], deployed: Deployed) -> Evidence:
    return Evidence(deployed.rights, seen)


def test_every_call_was_allowed(evidence: Evidence) -> None:
    found = exceptions.unexpected(policies_in_use.not_allowed(evidence))
    assert not found, LINE.join(found)


def test_every_action_and_every_resource_of_a_statement_is_used(evidence: Evidence) -> None:
    found = exceptions.unexpected(policies_in_use.never_used(evidence))
    assert not found, LINE.join(found)


def test_a_wildcard_stands_only_where_something_varies(evidence: Evidence) -> None:
    found = exceptions.unexpected(policies_in_use.too_wide(evidence))
    assert not found, LINE.join(found)


def test_every_condition_stops_what_does_not_fulfil_it(evidence: Evidence) -> None:
    found = exceptions.unexpected(policies_in_use.idle_conditions(evidence))
    assert not found, LINE.join(found)


def test_every_exception_is_needed(evidence: Evidence) -> None:
    judges = (
        policies_in_use.not_allowed,
        policies_in_use.never_used,
        policies_in_use.too_wide,
        policies_in_use.idle_conditions,
    )
    findings = [finding for judge in judges for finding in judge(evidence)]
    always = [row for row in exceptions.EXPECTED if not row.sometimes]
    assert [row for row in always if not any(finding in row for finding in findings)] == []
