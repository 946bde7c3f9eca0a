"""What the report reads: files that are there, files that are not, Autopilot's explanation, the history."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from automl.report import documents
from automl.report.documents import Documents
from tests.report.samples import EXECUTION, EXPLAINABILITY, START, URI, analysis, classification, history

MakeStub = Callable[[Any], Stubber]


def candidate(location: str | None) -> dict[str, Any]:
    properties = {"CandidateArtifactLocations": {"Explainability": location}} if location else {}
    return {"CandidateName": "trial-1", "CandidateProperties": properties}


def put(s3: Any, name: str, document: Any) -> None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    s3.put_object(Bucket="data-bucket", Key=f"{URI}{name}".removeprefix("s3://data-bucket/"), Body=body)


@pytest.fixture
def sfn(stub: MakeStub) -> Any:
    client = boto3.client("stepfunctions")
    events = [{"id": number, "previousEventId": 0, **event} for number, event in enumerate(history(), 1)]
    expected = {"executionArn": EXECUTION, "includeExecutionData": True, "maxResults": 200}
    histories = stub(client)
    for _ in ("phases", "cost"):
        histories.add_response("get_execution_history", {"events": events}, expected)
    return client


def read(s3: Any, sfn: Any) -> Documents:
    state = {"Run": {"Uri": URI}, "Execution": {"Id": EXECUTION}, "Job": {"AutoMLSeconds": 12.0}}
    return documents.read(s3, sfn, boto3.client("lambda"), state, START)


def test_everything_that_is_there_is_read(data_bucket: Any, sfn: Any) -> None:
    run = classification()
    for name, document in run.files.items():
        put(data_bucket, name, document)
    put(data_bucket, "candidate.json", candidate(EXPLAINABILITY))
    put(data_bucket, "autopilot/sample/documentation/explainability/output/trial-1/analysis.json", analysis(["a"], 2))
    found = read(data_bucket, sfn)
    assert found.evaluation.content == run.files["evaluation.json"]
    assert found.calibration.content == run.files["calibration.json"]
    assert found.importance.content == {"a": 0.31}
    assert found.phases.content is not None
    assert found.phases.content[-1].name == "Write Report"
    assert found.cost.content is not None
    assert found.cost.content["StateTransitions"] == sum(one["type"].endswith("StateEntered") for one in history())
    assert found.cost.content["NotIncluded"][0] == "the AutoML job of 12 s: its instances are not told"
    assert found.previous.content is None
    assert found.previous.missing == "previous.json is not in the run's folder: Find Previous Model did not write it."


def test_what_is_missing_or_damaged_says_why(data_bucket: Any, sfn: Any) -> None:
    put(data_bucket, "evaluation.json", b"{")
    put(data_bucket, "profile.json", [1])
    found = read(data_bucket, sfn)
    assert found.evaluation.missing.startswith("evaluation.json is not JSON: ")
    assert found.profile.missing == "profile.json does not hold a JSON object."
    assert found.importance.missing == (
        "candidate.json is not in the run's folder: Select Best Candidate did not write it."
    )
    empty = (found.request, found.leaderboard, found.calibration, found.evaluation, found.profile, found.importance)
    assert all(one.content is None and one.missing for one in empty)


@pytest.mark.parametrize(
    ("location", "document", "why"),
    [
        (None, None, "Autopilot explained another candidate"),
        (EXPLAINABILITY, None, f"There is no analysis.json below {EXPLAINABILITY}"),
        (EXPLAINABILITY, {"version": "1.0", "explanations": {}}, "names no feature"),
        (EXPLAINABILITY, b"{", "analysis.json is not JSON"),
    ],
)
def test_a_model_that_is_not_explained_says_why(
    data_bucket: Any, sfn: Any, location: str | None, document: Any, why: str
) -> None:
    put(data_bucket, "candidate.json", candidate(location))
    if document is not None:
        put(data_bucket, "autopilot/sample/documentation/explainability/output/analysis.json", document)
    importance = read(data_bucket, sfn).importance
    assert importance.content is None
    assert why in importance.missing


def test_a_history_that_may_not_be_read_is_no_failure(data_bucket: Any, stub: MakeStub) -> None:
    client = boto3.client("stepfunctions")
    refusals = stub(client)
    for _ in ("phases", "cost"):
        refusals.add_client_error("get_execution_history", "AccessDeniedException", "not authorized")
    found = read(data_bucket, client)
    for part in (found.phases, found.cost):
        assert part.content is None
        assert "not authorized" in part.missing


def test_s3_that_fails_is_asked_again_by_the_machine(stub: MakeStub) -> None:
    s3 = boto3.client("s3")
    stub(s3).add_client_error("get_object", "SlowDown", "Please reduce your request rate")
    with pytest.raises(ClientError, match="SlowDown"):
        read(s3, boto3.client("stepfunctions"))


def test_importance_is_the_mean_over_labels_and_the_largest_first() -> None:
    document = {
        "explanations": {
            "kernel_shap": {
                "label0": {"global_shap_values": {"a": 0.1, "b": 0.4, "c": -0.2}},
                "label1": {"global_shap_values": {"a": 0.2, "b": 0.6}},
            }
        }
    }
    assert documents.mean_importance(document) == pytest.approx({"b": 0.5, "a": 0.15, "c": 0.1})
    assert list(documents.mean_importance(document)) == ["b", "a", "c"]
    assert documents.mean_importance({}) == {}
