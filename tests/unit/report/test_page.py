"""report.html as text: its structure, that nothing in it is markup by accident, and what its verdict says."""

import base64
import functools
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import boto3
import pytest
import write_report
from botocore.stub import Stubber
from jsonschema import Draft202012Validator

from automl import schema
from automl.report import figure, page, verdict
from automl.report.documents import Source
from tests.report.samples import COST, EXECUTION, SAMPLES, START, UGLY, URI, classification, history, regression, ugly

MOST_BYTES = 6_000_000
SECTIONS = [
    *("asked", "data", "candidates", "quality", "errors", "trust", "drivers", "champion", "history", "cost", "files")
]


class Elements(HTMLParser):
    """The elements of a page as a browser's tokenizer sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        (self.scripts if self._inside == "script" else self.texts).append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@functools.cache
def parsed_page(html: str) -> Elements:
    return Elements(html)


@pytest.fixture(scope="module", params=SAMPLES)
def html(request: pytest.FixtureRequest) -> str:
    run = SAMPLES[request.param]()
    return page.render(run.state, run.documents, START)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_what_the_functions_write(name: str) -> None:
    for file, document in SAMPLES[name]().files.items():
        if file != "analysis.json":
            errors = list(Draft202012Validator(schema.load(file.removesuffix(".json"))).iter_errors(document))
            assert errors == [], file


def test_one_file_with_every_section_and_nothing_from_elsewhere(html: str) -> None:
    assert len(html.encode()) < MOST_BYTES
    parsed = parsed_page(html)
    assert "could not be drawn" not in html
    assert [one["id"] for one in parsed.all("section")] == ["verdict", *SECTIONS]
    assert not any({"src", "srcset", "data"} & set(attributes) for _, attributes in parsed.elements)
    links = [one["href"] for _, one in parsed.elements if "href" in one]
    assert [link for link in links if not link.startswith(("#", "data:,"))] == []
    assert [tag for tag, _ in parsed.elements if tag in {"iframe", "object", "embed", "form", "img"}] == []


def test_names_of_elements_are_unique_and_all_that_point_to_them_find_one(html: str) -> None:
    parsed = parsed_page(html)
    names = [one["id"] for _, one in parsed.elements if "id" in one]
    assert len(names) == len(set(names))
    pointers = [one[key] for _, one in parsed.elements for key in ("aria-labelledby",) if key in one]
    pointers += [one["href"][1:] for one in parsed.all("a")]
    assert set(pointers) <= set(names)


def test_headings_tables_and_charts_speak_to_those_who_cannot_see(html: str) -> None:
    parsed = parsed_page(html)
    tags = [tag for tag, _ in parsed.elements]
    levels = [int(tag[1]) for tag in tags if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert tags.count("table") == tags.count("caption") > 0
    plots = [one for one in parsed.all("div") if one.get("class") == "plot"]
    assert len(plots) == tags.count("figcaption")
    assert all(one["role"] == "img" and len(one["aria-label"]) > 20 for one in plots)
    assert parsed.all("html") == [{"lang": "en"}]


def test_only_the_page_s_own_scripts_may_run(html: str) -> None:
    parsed = parsed_page(html)
    kinds = [one.get("type", "") for one in parsed.all("script")]
    assert kinds == ["application/json", "", ""]
    policy = next(one["content"] for one in parsed.all("meta") if "http-equiv" in one)
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in parsed.scripts[1:]]
    assert hashes == allowed
    assert policy.startswith("default-src 'none'; ")
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)


def test_ugly_names_stay_names() -> None:
    run = ugly()
    parsed = Elements(page.render(run.state, run.documents, START))
    assert UGLY in parsed.texts
    assert "alert('x')" not in "".join(parsed.scripts[1:])
    charts = json.loads(parsed.scripts[0])["charts"]
    texts = [one for chart in charts for key, one in strings(chart) if key in {"text", "ticktext", "hovertext"}]
    assert any("&lt;script&gt;" in one for one in texts)
    assert {tag for one in texts for tag in re.findall(r"<[^>]*>", one)} <= {"<br>"}


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from strings(one, name)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one, key)


def test_every_colour_of_a_chart_has_one_for_the_dark(html: str) -> None:
    figures = json.loads(parsed_page(html).scripts[0])
    colours = {one for key, one in strings(figures["charts"]) if key.lower().endswith("color") or key == "colorscale"}
    assert colours <= {*figures["dark"], "rgba(0,0,0,0)"}
    assert len(set(figures["dark"].values())) == len(figures["dark"])


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("cell", [figure.LEAST, figure.STRONG])
@pytest.mark.parametrize("dark", [False, True])
def test_counts_are_readable_on_the_palest_and_the_strongest_cell(cell: str, dark: bool) -> None:
    one, two = (luminance(figure.LIGHT_TO_DARK[role] if dark else role) for role in (figure.INK, cell))
    assert (max(one, two) + 0.05) / (min(one, two) + 0.05) >= 4.5


def test_a_document_that_is_not_as_it_should_be_costs_its_section_only() -> None:
    run = classification()
    found = replace(run.documents, profile=Source({"Dataset": {}}))
    html = page.render(run.state, found, START)
    assert html.count("This section could not be drawn") == 1
    assert "KeyError(&#39;Rows&#39;)" in html
    assert 'id="chart-leaderboard"' in html


HEADLINES: list[tuple[dict[str, Any], str]] = [
    ({"Champion": {"Exists": True}}, "has taken the former one's place"),
    ({"Champion": {"Exists": False}}, "proved itself and is in service"),
    ({"Deployment": {"Endpoint": {"Name": "e", "Status": "Deleted"}}}, "its endpoint was removed"),
    (
        {"Outcome": {"Name": "Rejected", "Reason": "too weak"}, "Champion": {"InService": True}},
        "the model in service stays",
    ),
    ({"Outcome": {"Name": "Rejected", "Reason": "too weak"}, "Champion": {}}, "was not accepted and is not in service"),
    ({"Outcome": {"Name": "RolledBack", "Reason": "5xx"}}, "failed in service; the former one is back"),
    ({"Outcome": {}}, "The run has ended"),
]


@pytest.mark.parametrize(("changes", "headline"), HEADLINES)
def test_the_verdict_says_what_became_of_the_run(changes: dict[str, Any], headline: str) -> None:
    run = classification()
    found = verdict.verdict({**run.state, **changes}, run.documents)
    assert headline in found.headline
    assert found.reason == changes.get("Outcome", {}).get("Reason", "")
    assert bool(found.condition) == (changes.get("Outcome", {"Name": "Completed"}).get("Name") != "Completed")


CHOSEN = {"Chosen": {"Threshold": 0.83, "Coverage": 0.71, "Precision": 0.962, "Lower": 0.93, "Upper": 0.98}}
INTERVALS = {
    "Intervals": {"Level": 0.9, "Coverage": {"Value": 0.897}, "MeanWidth": 6.4},
    "Accepted": {"Coverage": 0.72},
}
PROMISES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (
        {"TargetPrecision": 0.95, "Certainty": 0.9, "Threshold": 0.83, "Coverage": 0.712},
        CHOSEN,
        "BinaryClassification",
        "Of new rows, about 71 % are answered at ≥ 95 % precision, certain at 90 %; the others go to review. "
        "On the test rows: 71 % accepted, 96.2 % of them right.",
    ),
    (
        {"TargetPrecision": 0.99, "Certainty": 0.9, "Threshold": None, "Note": "Give more rows."},
        {},
        "BinaryClassification",
        "No threshold can promise 99 % precision with 90 % certainty: every row goes to review. Give more rows.",
    ),
    (
        {"Threshold": 0.8},
        {},
        "MulticlassClassification",
        "Predictions with a confidence of at least 80 % are accepted, the others go to review.",
    ),
    (
        {},
        {"Metrics": {"Accuracy": {"Value": 0.87}}},
        "BinaryClassification",
        "Every prediction is accepted; 87 % of the test rows were predicted right.",
    ),
    (
        {"Level": 0.9},
        INTERVALS,
        "Regression",
        "The truth of 90 % of new rows lies inside their interval (on the test rows: 89.7 %; mean width 6.4). "
        "Every prediction that has an interval is accepted.",
    ),
    (
        {"Level": 0.9, "MaxIntervalWidth": {"Relative": 0.2}},
        INTERVALS,
        "Regression",
        "The truth of 90 % of new rows lies inside their interval (on the test rows: 89.7 %; mean width 6.4). "
        "Predictions whose interval is no wider than 20 % of the prediction are accepted; of the test rows, 72 % are. "
        "The others go to review.",
    ),
    (
        {"Level": 0.9, "Note": "No prediction has an interval: too few rows."},
        {},
        "Regression",
        "Predictions come without intervals, as the model was not calibrated. "
        "No prediction has an interval: too few rows.",
    ),
    ({}, {}, "", ""),
]


@pytest.mark.parametrize(("decided", "evaluation", "problem_type", "said"), PROMISES)
def test_the_promise_in_words(
    decided: dict[str, Any], evaluation: dict[str, Any], problem_type: str, said: str
) -> None:
    found = " ".join(verdict.promises(decided, evaluation, problem_type))
    assert found.replace("\u00a0", " ") == said


def test_rows_to_score_are_told_and_who_answered_them() -> None:
    run = classification()
    scoring = {"Scoring": {"Scoring": {"Rows": 1200, "Accepted": 853, "Review": 347}}}
    said = verdict.verdict({**run.state, **scoring}, run.documents).rows.replace("\u00a0", " ")
    assert said == "Of the 1,200 rows to score, this model answered 853; 347 go to review."
    rejected = {**scoring, "Outcome": {"Name": "Rejected", "Reason": "too weak"}}
    assert (
        "the model that stayed in service answered 853"
        in verdict.verdict({**run.state, **rejected}, run.documents).rows
    )
    assert verdict.verdict(run.state, run.documents).rows == ""


def test_approval_the_run_before_and_what_was_removed_are_told() -> None:
    run = classification()
    more = {
        "Approval": {"Status": "Rejected", "Reason": "not on a Friday"},
        "StagingRemoved": {"Removed": ["endpoint sample-staging"]},
        "Retired": {"Removed": ["model sample-older"], "Left": ["endpoint config c: still in use"]},
    }
    found = replace(run.documents, previous=Source({"Found": True, "Run": "sample-older"}))
    html = page.render({**run.state, **more}, found, START)
    assert "Rejected by a person: not on a Friday" in html
    assert "It began with what run sample-older had learned." in html
    assert "Removed again, as nobody needs it any more: endpoint sample-staging, model sample-older." in html
    assert "Could not be removed yet: endpoint config c: still in use." in html


def test_the_endpoint_of_a_model_that_lost_is_the_former_one_s() -> None:
    run = classification()
    outcomes = {"Completed": "InService", "RolledBack": "the former model is in service"}
    for outcome, status in outcomes.items():
        found = verdict.verdict({**run.state, "Outcome": {"Name": outcome, "Reason": ""}}, run.documents)
        assert (found.facts[-1].value, found.facts[-1].detail) == ("sample", status)
    rejected = {**run.state, "Outcome": {"Name": "Rejected", "Reason": "weak"}, "Champion": {"InService": False}}
    assert verdict.verdict(rejected, run.documents).facts[-1].detail == "not deployed"


def test_a_champion_that_could_not_be_compared_says_why() -> None:
    run = regression()
    reason = "The champion, older, could not be scored: its container does not start"
    content = run.documents.evaluation.content or {}
    champion = {"Run": "older", "Model": "older", "PackageArn": "arn", "Scored": False, "Reason": reason}
    found = replace(run.documents, evaluation=Source({**content, "Champion": champion}))
    html = page.render(run.state, found, START)
    assert reason in html
    assert "not compared" in html
    assert 'id="chart-comparison"' not in html


def test_the_handler_writes_the_page(
    data_bucket: Any, stub: Callable[[Any], Stubber], lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = classification()
    for name, document in run.files.items():
        key = f"{URI}{name}".removeprefix("s3://data-bucket/")
        data_bucket.put_object(Bucket="data-bucket", Key=key, Body=json.dumps(document).encode())
    events = [{"id": number, "previousEventId": 0, **event} for number, event in enumerate(history(), 1)]
    steps = boto3.client("stepfunctions")
    expected = {"executionArn": EXECUTION, "includeExecutionData": True, "maxResults": 200}
    histories = stub(steps)
    for _ in ("phases", "cost"):
        histories.add_response("get_execution_history", {"events": events}, expected)
    monkeypatch.setattr(write_report, "S3", data_bucket)
    monkeypatch.setattr(write_report, "STEP_FUNCTIONS", steps)
    assert write_report.handler({"State": run.state}, lambda_context) == {"Uri": f"{URI}report.html"}
    written = data_bucket.get_object(Bucket="data-bucket", Key="runs/sample-0a1b2c3d/report.html")
    assert written["ContentType"] == "text/html; charset=utf-8"
    assert 'id="chart-comparison"' in written["Body"].read().decode()


def test_the_cost_is_told_with_what_it_leaves_out() -> None:
    run = classification()
    html = page.render(run.state, run.documents, START).replace("\u00a0", " ")
    for words in (
        "About $0.0045 on AWS up to this report",
        "118 state transitions",
        "61 requests, 41.7 GB-seconds",
        "12 s of requests",
        "Nothing that the run leaves behind costs while it is idle.",
        "Not included: the AutoML job of 2911 s",
    ):
        assert words in html
    assert "Transform jobs" not in html


@pytest.mark.parametrize(
    ("hourly", "words"),
    [
        (0.46, "The endpoint that is kept costs $0.46 more every hour until it is removed."),
        (None, "The endpoint that is kept costs more every hour; the price table does not know how much."),
    ],
)
def test_what_goes_on_costing_is_told(hourly: float | None, words: str) -> None:
    run = classification()
    documents = replace(run.documents, cost=Source({**COST, "EndpointUSDPerHour": hourly}))
    assert words in page.render(run.state, documents, START)
