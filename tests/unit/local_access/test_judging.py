"""What is wrong with a role's policies is seen in what the role asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from autoflow.local.access.policies import Ask, Keys, Rights, statements
from tests.access import exceptions, policies_in_use
from tests.access.policies_in_use import Evidence, Names, Seen

BUCKET = "arn:aws:s3:::autoflow-<DataBucket>"
TAGGED: Keys = frozenset({("aws:requesttag/run", ("r",))})


def seen(
    *asked: tuple[str, str], role: str = "Role", keys: Keys = frozenset(), denied: str | None = None
) -> list[Seen]:
    return [Seen(role, Ask(action, resource, keys), denied) for action, resource in asked]


def rights(*bodies: dict[str, Any], policy: str = "own") -> Rights:
    return Rights(statements(policy, {"Statement": [{"Effect": "Allow", **body} for body in bodies]}))


def found(judge: Any, allowed: Rights | dict[str, Rights], asked: list[Seen]) -> list[str]:
    roles = allowed if isinstance(allowed, dict) else {"Role": allowed}
    return [f"{finding.action} {finding.what}" for finding in judge(Evidence(roles, asked))]


READ = {"Action": "s3:GetObject", "Resource": f"{BUCKET}/runs/*"}


def test_a_call_that_no_policy_allows_or_that_was_refused() -> None:
    write = seen(("s3:PutObject", f"{BUCKET}/runs/a"))
    (finding,) = found(policies_in_use.not_allowed, rights(READ), write)
    assert "no identity-based policy allows" in finding
    refused = seen(("s3:GetObject", f"{BUCKET}/runs/a"), denied="User: … is not authorized")
    assert found(policies_in_use.not_allowed, rights(READ), refused)
    assert not found(policies_in_use.not_allowed, rights(READ), seen(("s3:GetObject", f"{BUCKET}/runs/a")))


def test_an_action_and_a_resource_that_nobody_asked_for() -> None:
    broad = {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": [f"{BUCKET}/runs/*", f"{BUCKET}/uploads/*"]}
    judged = found(policies_in_use.never_used, rights(broad), seen(("s3:GetObject", f"{BUCKET}/runs/a")))
    assert judged == ["s3:PutObject never used", f"s3:GetObject,s3:PutObject {BUCKET}/uploads/* never used"]
    assert found(policies_in_use.never_used, rights(READ), []) == ["s3:GetObject never used"]


def test_who_shares_a_policy_may_look_at_what_the_others_look_at_and_no_more() -> None:
    together = rights({"Action": ["s3:ListBucket", "s3:PutObject"], "Resource": "*"}, policy="autoflow-<Shared>")
    roles = {"One": together, "Other": together}
    asked = seen(("s3:ListBucket", BUCKET), ("s3:PutObject", f"{BUCKET}/a"), role="One")
    assert found(policies_in_use.never_used, roles, asked) == ["s3:PutObject never used"]


@pytest.mark.parametrize(
    ("used", "complaint"),
    [
        (["a/request.json", "b/request.json"], "…/request.json"),
        (["a/data/train/x.csv", "b/data/test/y.csv"], "/data/…"),
        (["a/request.json", "b/result.json"], None),
        (["a/part-00000.csv", "b/part-00000.csv"], None),
        (["a", "b"], None),
        (["churn"], "stood for churn only"),
        (["run-1"], None),
    ],
)
def test_a_wildcard_for_what_never_varied(used: list[str], complaint: str | None) -> None:
    asked = seen(*(("s3:GetObject", f"{BUCKET}/runs/{one}") for one in used))
    judged = found(policies_in_use.too_wide, rights(READ), asked)
    assert len(judged) == bool(complaint)
    assert all(complaint and complaint in one for one in judged)


def test_each_action_of_a_statement_has_wildcards_of_its_own() -> None:
    both = {"Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": f"{BUCKET}/runs/*"}
    asked = seen(
        ("s3:PutObject", f"{BUCKET}/runs/a/request.json"),
        ("s3:PutObject", f"{BUCKET}/runs/b/data/x.csv"),
        ("s3:DeleteObject", f"{BUCKET}/runs/a/data/x.csv"),
        ("s3:DeleteObject", f"{BUCKET}/runs/b/data/y.csv"),
    )
    (finding,) = found(policies_in_use.too_wide, rights(both), asked)
    assert finding.startswith("s3:DeleteObject")
    assert "/data/…" in finding


def test_a_condition_that_another_statement_makes_idle() -> None:
    create = {"Action": "sagemaker:CreateModel", "Resource": "*"}
    tagged = {**create, "Condition": {"Null": {"aws:RequestTag/run": "false"}}}
    asked = seen(("sagemaker:CreateModel", "*"), keys=TAGGED)
    assert not found(policies_in_use.idle_conditions, rights(tagged), asked)
    (finding,) = found(policies_in_use.idle_conditions, rights(tagged, create), asked)
    assert "aws:RequestTag/run stops nothing" in finding


def test_generated_names_of_any_stack_become_logical_ids() -> None:
    names = Names(frozenset({"DataBucket", "GetEndpointFunction", "GetEndpointFunctionRole", "NotificationTopic"}))
    for given, generic in (
        ("s3:::autoflow-databucket-0a1b2c3d/runs/a", "s3:::autoflow-<DataBucket>/runs/a"),
        ("iam::1:role/autoflow-GetEndpointFunc-0a1b2c3d", "iam::1:role/autoflow-<GetEndpointFunctionRole>"),
        ("lambda:r:1:function:autoflow-GetEndpointFunc-0a1b2c3d", "lambda:r:1:function:autoflow-<GetEndpointFunction>"),
        ("sns:r:1:topic-0a1b2c3d", "sns:r:1:<NotificationTopic>"),
        ("s3:::autoflow-somethingelse-0a1b2c3d/x", "s3:::autoflow-somethingelse-0a1b2c3d/x"),
    ):
        assert names.generic(given) == generic


def test_records_of_the_stacks_roles_are_read_and_half_a_line_is_none(tmp_path: Path) -> None:
    role = "arn:aws:iam::1:role/autoflow-GetEndpointFunctionRo-0a1b2c3d"
    line = {"Known": True, "Action": "s3:GetObject", "Resource": "*", "Keys": {"a": ["b"]}, "Denied": None}
    lines = [json.dumps({"Role": name, **line}) for name in (role, role, "arn:aws:iam::1:role/somebody")]
    (tmp_path / "mark-1.jsonl").write_text("\n".join(lines) + "\n" + lines[0][:40])
    (one,) = policies_in_use.read(tmp_path, Names(frozenset({"GetEndpointFunctionRole"})))
    assert one == Seen("GetEndpointFunctionRole", Ask("s3:GetObject", "*", frozenset({("a", ("b",))})), None)


def test_every_exception_has_a_reason() -> None:
    assert all(len(row.reason) > 40 for row in exceptions.EXPECTED)
