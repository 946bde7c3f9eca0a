"""What can be set as a fault, and which calls meet it."""

from typing import Any

import pytest

from autoflow.local.faults.rules import Call, InvalidRule, Rule, Rules

ROLE = "arn:aws:iam::000000000000:role/create-model"
CREATE = Call("sagemaker", "CreateModel", ROLE)
RULE = {"Service": "sagemaker", "Operation": "CreateModel", "Kind": "Throttled"}


def meetings(rules: Rules, *calls: Call) -> list[str | None]:
    return [rule.name if (rule := rules.meet(call, {"ModelName": "m-1"})) else None for call in calls]


def test_a_fault_happens_once_to_the_first_call_it_is_about() -> None:
    rules = Rules()
    rules.add([{**RULE, "Name": "busy", "Role": ROLE}])
    others = Call("sagemaker", "CreateModel", None), Call("sagemaker", "DescribeModel", ROLE)
    assert meetings(rules, *others, CREATE, CREATE) == [None, None, "busy", None]


def test_a_fault_of_nobody_in_particular_is_everybodys() -> None:
    rules = Rules()
    rules.add([{**RULE, "Times": 2}])
    expected = "sagemaker.CreateModel Throttled"
    assert meetings(rules, CREATE, Call("sagemaker", "CreateModel", None), CREATE) == [expected, expected, None]


def test_calls_pass_first_and_one_call_meets_one_fault() -> None:
    rules = Rules()
    rules.add([{**RULE, "Name": "second", "After": 1}, {**RULE, "Name": "first"}])
    assert meetings(rules, CREATE, CREATE, CREATE) == ["first", "second", None]


def test_a_fault_can_be_about_calls_with_certain_parameters() -> None:
    rules = Rules()
    rules.add(
        [{**RULE, "Name": "n", "Where": {"ModelName": "n-*"}}, {**RULE, "Name": "m", "Where": {"ModelName": "m-*"}}]
    )
    assert meetings(rules, CREATE) == ["m"]
    rules.clear()
    rules.add([{**RULE, "Where": {"EndpointName": "m-*"}}])
    assert meetings(rules, CREATE) == [None]


def test_what_happened_can_be_read_until_it_is_forgotten() -> None:
    rules = Rules()
    rules.add([RULE])
    meetings(rules, CREATE, CREATE)
    (rule,) = rules.document["Rules"]
    assert (rule["Kind"], rule["Seen"], rule["Fired"]) == ("Throttled", 1, 1)
    rules.clear()
    assert rules.document == {"Rules": []}


def test_a_fault_that_waits_for_long_only_sees_calls() -> None:
    rules = Rules()
    rules.add([{**RULE, "After": 1000}, {**RULE, "Name": "now"}])
    assert meetings(rules, CREATE, CREATE) == ["now", None]
    assert [rule["Seen"] for rule in rules.document["Rules"]] == [2, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Service": "sagemakr"}, "Service: botocore knows no 'sagemakr'"),
        ({"Operation": "create_model"}, "Operation: sagemaker has no 'create_model'; take the API's name"),
        ({"Kind": "Burnt"}, "Kind: 'Burnt' is not one of"),
        ({"Kind": "Twice"}, "Kind: only lambda.Invoke is received twice"),
        ({"Times": 0}, "Times: 0 is less than the minimum"),
        ({"Role": ""}, "Role: "),
        ({"Seconds": "2"}, "Seconds: '2' is not of type 'number'"),
        ({"Until": 3}, "the rule: Additional properties are not allowed ('Until' was unexpected)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_happen_is_refused_with_the_reason(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRule) as raised:
        Rule.parse({**RULE, **change})
    assert said in str(raised.value)


@pytest.mark.parametrize("document", [None, [], "x", {}], ids=["none", "list", "text", "empty"])
def test_what_is_no_rule_is_refused(document: Any) -> None:
    with pytest.raises(InvalidRule, match="the rule: "):
        Rule.parse(document)


def test_of_several_faults_all_are_set_or_none() -> None:
    rules = Rules()
    with pytest.raises(InvalidRule):
        rules.add([RULE, {**RULE, "Kind": "Burnt"}])
    assert rules.document["Rules"] == []
