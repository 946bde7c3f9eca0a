"""Policies decide as IAM's user guide says."""

from typing import Any

import pytest

from autoflow.local.access.policies import (
    Ask,
    Keys,
    Rights,
    UnknownPolicyElement,
    refusal,
    statements,
)

READ = Ask("s3:GetObject", "arn:aws:s3:::data/runs/a/result.json")


def rights(*bodies: dict[str, Any], boundary: list[dict[str, Any]] | None = None) -> Rights:
    limits = None if boundary is None else statements("boundary", {"Statement": boundary})
    return Rights(statements("own", {"Statement": list(bodies)}), limits)


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def keys(**values: str | tuple[str, ...]) -> Keys:
    """``aws_RequestTag`` for ``aws:RequestTag``."""
    return frozenset(
        (name.replace("_", ":").lower(), (value,) if isinstance(value, str) else value)
        for name, value in values.items()
    )


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow("s3:GetObject", "arn:aws:s3:::data/runs/*"), True),
        (allow("s3:getobject", "arn:aws:s3:::data/runs/*"), True),
        (allow(["s3:PutObject", "s3:Get*"], ["arn:aws:s3:::other/*", "arn:aws:s3:::data/*/result.json"]), True),
        (allow("s3:GetObject", "arn:aws:s3:::data/runs/?/result.json"), True),
        (allow("s3:GetObject", "arn:aws:s3:::DATA/runs/*"), False),
        (allow("s3:GetObject", "arn:aws:s3:::data/runs"), False),
        (allow("s3:GetObjectAcl", "*"), False),
        ({"Effect": "Allow", "NotAction": "logs:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::data/runs/*"}, False),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::data/uploads/*"}, True),
    ],
)
def test_actions_and_resources_are_matched(statement: dict[str, Any], allowed: bool) -> None:
    assert (refusal(rights(statement), READ) is None) == allowed


@pytest.mark.parametrize(
    ("condition", "given", "allowed"),
    [
        ({"Null": {"aws:tag": "false"}}, {"aws_tag": "run"}, True),
        ({"Null": {"aws:tag": "false"}}, {}, False),
        ({"Null": {"aws:tag": "true"}}, {}, True),
        ({"StringEquals": {"aws:tag": ["a", "b"]}}, {"aws_tag": "b"}, True),
        ({"StringEquals": {"aws:tag": "a"}}, {"aws_tag": "A"}, False),
        ({"StringEquals": {"aws:tag": "a"}}, {}, False),
        ({"StringEquals": {"AWS:Tag": "a"}}, {"aws_tag": "a"}, True),
        ({"StringEqualsIgnoreCase": {"aws:tag": "a"}}, {"aws_tag": "A"}, True),
        ({"StringEqualsIfExists": {"aws:tag": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:tag": "a"}}, {"aws_tag": "b"}, False),
        ({"StringNotEquals": {"aws:tag": "a"}}, {}, True),
        ({"StringNotEquals": {"aws:tag": ["a", "b"]}}, {"aws_tag": "b"}, False),
        ({"StringNotEquals": {"aws:tag": ["a", "b"]}}, {"aws_tag": "c"}, True),
        ({"StringLike": {"aws:tag": "a*"}}, {"aws_tag": "abc"}, True),
        ({"StringNotLike": {"aws:tag": "a*"}}, {"aws_tag": "abc"}, False),
        ({"ArnLike": {"aws:tag": "arn:aws:sns:*:topic"}}, {"aws_tag": "arn:aws:sns:r:1:topic"}, True),
        ({"Bool": {"aws:tag": True}}, {"aws_tag": "true"}, True),
        ({"Bool": {"aws:tag": "true"}}, {}, False),
        ({"ForAllValues:StringEquals": {"aws:tag": ["a", "b"]}}, {"aws_tag": ("a", "b")}, True),
        ({"ForAllValues:StringEquals": {"aws:tag": ["a", "b"]}}, {"aws_tag": ("a", "c")}, False),
        ({"ForAllValues:StringEquals": {"aws:tag": "a"}}, {}, True),
        ({"ForAnyValue:StringEquals": {"aws:tag": "a"}}, {"aws_tag": ("c", "a")}, True),
        ({"ForAnyValue:StringEquals": {"aws:tag": "a"}}, {}, False),
        ({"StringEquals": {"aws:tag": "a"}, "Bool": {"aws:tls": "true"}}, {"aws_tag": "a"}, False),
    ],
)
def test_all_conditions_must_hold(condition: dict[str, Any], given: dict[str, Any], allowed: bool) -> None:
    ask = Ask(READ.action, READ.resource, keys(**given))
    assert (refusal(rights(allow("s3:*", Condition=condition)), ask) is None) == allowed


def test_nothing_is_allowed_that_no_statement_allows() -> None:
    assert refusal(rights(), READ) == "because no identity-based policy allows the s3:GetObject action"


def test_an_explicit_deny_wins() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::data/runs/*"}
    assert refusal(rights(allow("s3:*"), deny), READ) == "with an explicit deny in an identity-based policy"
    assert refusal(rights(allow("s3:*"), deny), Ask("s3:GetObject", "arn:aws:s3:::data/uploads/a")) is None


def test_a_boundary_allows_nothing_itself_and_bounds_what_is_allowed() -> None:
    logs = allow("logs:*", "arn:aws:logs:*:*:log-group:/aws/lambda/stack-*")
    bounded = rights(allow(["logs:*", "s3:*"]), boundary=[logs])
    own = Ask("logs:PutLogEvents", "arn:aws:logs:r:1:log-group:/aws/lambda/stack-f:log-stream:s")
    assert refusal(bounded, own) is None
    assert refusal(bounded, READ) == "because no permissions boundary allows the s3:GetObject action"
    assert (
        refusal(rights(boundary=[logs]), own) == "because no identity-based policy allows the logs:PutLogEvents action"
    )
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    limited = rights(allow("*"), boundary=[allow("*"), deny])
    assert refusal(limited, READ) == "with an explicit deny in a permissions boundary"


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:*", "arn:aws:s3:::data/${aws:PrincipalTag/team}/*"),
        allow("s3:*", Condition={"NumericLessThan": {"s3:max-keys": "10"}}),
        allow("s3:*", Unheard="of"),
    ],
)
def test_what_is_not_evaluated_is_no_decision(statement: dict[str, Any]) -> None:
    """A policy that this evaluator does not understand must neither allow nor deny."""
    ask = Ask(READ.action, READ.resource, keys(**{"s3_max-keys": "5"}))
    with pytest.raises(UnknownPolicyElement):
        refusal(rights(statement), ask)
