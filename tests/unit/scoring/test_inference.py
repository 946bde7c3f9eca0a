"""The endpoint's side: which model, which requests, which answers."""

import ast
import csv
import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import EndpointFailed, PredictionMismatch, ServiceUnavailable
from automl.scoring.inference import answer_table, batches, invoke, parse_answer, predict

LABEL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\0"),
    min_size=1,
    max_size=8,
)
KEYS = ["predicted_label", "probability", "probabilities", "labels"]


@given(st.lists(LABEL, min_size=2, max_size=4, unique=True), st.integers(1, 5), st.sampled_from(["\n", "\r\n"]))
def test_quoted_lists_are_read_back(labels: list[str], rows: int, line_end: str) -> None:
    probabilities = [1 / len(labels)] * len(labels)
    record = [labels[0], repr(probabilities[0]), repr(probabilities), repr(labels)]
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=line_end).writerows([record] * rows)

    answers = parse_answer(file.getvalue().encode(), KEYS, rows)

    assert answers == [record] * rows
    assert ast.literal_eval(answers[0][3]) == labels


@given(st.lists(LABEL, min_size=3, max_size=5, unique=True))
def test_unquoted_lists_are_read_too(labels: list[str]) -> None:
    probabilities = [0.25] * len(labels)
    body = f"label,0.25,{probabilities!r},{labels!r}\n"

    assert parse_answer(body.encode(), KEYS, 1) == [["label", "0.25", repr(probabilities), repr(labels)]]


def test_a_space_after_the_comma_does_no_harm() -> None:
    body = b"no, 0.71, \"[0.71, 0.29]\", \"['no', 'yes']\"\n"

    assert parse_answer(body, KEYS, 1) == [["no", "0.71", "[0.71, 0.29]", "['no', 'yes']"]]


def test_a_regression_answers_one_number_per_line() -> None:
    assert parse_answer(b"1.5\n-2e3\n", ["prediction"], 2) == [["1.5"], ["-2e3"]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"1\n", "answered 1 records for 2 rows"),
        (b"1\n2\n3\n", "answered 3 records for 2 rows"),
        (b"", "answered 0 records for 2 rows"),
        (b"1\n2,3\n", "Record 1 of the endpoint's answer has 2 cells instead of 1"),
    ],
)
def test_answers_that_do_not_fit_are_refused(body: bytes, message: str) -> None:
    with pytest.raises(PredictionMismatch, match=message):
        parse_answer(body, ["prediction"], 2)


@given(st.lists(st.binary(max_size=9), max_size=30), st.integers(1, 25), st.integers(1, 7))
def test_requests_hold_all_records_in_order_within_the_limits(
    records: list[bytes], max_bytes: int, max_rows: int
) -> None:
    groups = list(batches(records, max_bytes, max_rows))

    assert [record for group in groups for record in group] == records
    for group in groups:
        assert 0 < len(group) <= max_rows
        assert len(group) == 1 or sum(len(record) + 1 for record in group) <= max_bytes


@given(st.integers(0, 400), st.integers(20, 3000), st.integers(1, 4), st.integers(1, 30))
def test_predictions_keep_their_order_and_answers_stay_small(
    rows: int, max_bytes: int, concurrency: int, width: int
) -> None:
    records = [str(number).encode() for number in range(rows)]
    sizes: list[tuple[int, int]] = []

    def send(body: bytes) -> bytes:
        answer = b"".join(record + b"." + b"0" * width + b"\n" for record in body.splitlines())
        sizes.append((len(body), len(answer)))
        return answer

    answers = predict(send, records, ["prediction"], concurrency, max_bytes)

    assert [float(record[0]) for record in answers] == list(range(rows))
    assert all(request <= max_bytes for request, _ in sizes)
    if rows > 50:
        assert sum(rows_sent for rows_sent, _ in sizes) == sum(len(record) + 1 for record in records)
        longest = max(len(str(rows)) + width + 2, 1)
        assert all(answer <= max(max_bytes, longest) * 1.3 for _, answer in sizes[1:])


def test_requests_run_side_by_side_up_to_the_concurrency() -> None:
    together = threading.Barrier(3, timeout=10)
    running, most = 0, 0
    lock = threading.Lock()

    def send(body: bytes) -> bytes:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if len(body.splitlines()) != 50:
            together.wait()
        with lock:
            running -= 1
        return body

    answers = predict(send, [b"1"] * (50 + 15_000), ["prediction"], 3, 100_000)

    assert len(answers) == 15_050
    assert most == 3


class Runtime:
    """Answers as told: an error code, or a body."""

    def __init__(self, *outcomes: str | bytes) -> None:
        self.outcomes = list(outcomes)

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        assert request["ContentType"] == request["Accept"] == "text/csv"
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, bytes):
            return {"Body": io.BytesIO(outcome)}
        code, _, status = outcome.partition(" ")
        answer: Any = {"Error": {"Code": code, "Message": "Received 500 from model"}}
        if status:
            answer["OriginalStatusCode"] = int(status)
        raise ClientError(answer, "InvokeEndpoint")


def call(*outcomes: str | bytes) -> tuple[Callable[[], bytes], list[float]]:
    waits: list[float] = []
    runtime: Any = Runtime(*outcomes)
    return lambda: invoke(runtime, "endpoint", b"1\n", waits.append), waits


def test_a_busy_endpoint_is_asked_again_with_growing_waits() -> None:
    send, waits = call("ThrottlingException", "ModelNotReadyException", "ServiceUnavailable", b"7\n")

    assert send() == b"7\n"
    assert waits == [1, 2, 4]


def test_an_endpoint_that_stays_busy_is_reported() -> None:
    send, waits = call(*["ThrottlingException"] * 20)

    with pytest.raises(ServiceUnavailable, match="'endpoint' stays busy"):
        send()

    assert 150 <= sum(waits) <= 200


def test_a_container_that_was_still_starting_is_asked_again() -> None:
    send, waits = call("ModelError 0", "ThrottlingException", "ModelError 0", b"7\n")

    assert send() == b"7\n"
    assert waits == [1, 2, 4]


def test_a_container_that_never_answers_is_given_up() -> None:
    send, waits = call(*["ModelError 0"] * 20)

    with pytest.raises(EndpointFailed, match="/aws/sagemaker/Endpoints/endpoint"):
        send()

    assert waits == [1, 2]


@pytest.mark.parametrize("outcome", ["ModelError", "ModelError 500", "ModelError 400"])
def test_a_model_that_breaks_is_not_asked_again(outcome: str) -> None:
    send, waits = call(outcome)

    with pytest.raises(EndpointFailed, match="/aws/sagemaker/Endpoints/endpoint"):
        send()

    assert waits == []


def test_other_errors_stay_as_they_are() -> None:
    send, _ = call("AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        send()


def test_answers_stand_beside_their_keys() -> None:
    table = answer_table(b'Row,Id,Truth\n4,"a,b",\n7,c,yes\n', ["prediction"], [["1"], ["2"]])

    assert table == b'Row,Id,Truth,prediction\n4,"a,b",,1\n7,c,yes,2\n'
    with pytest.raises(PredictionMismatch, match="1 answers for 2 rows"):
        answer_table(b"Row,Id,Truth\n4,,\n7,,\n", ["prediction"], [["1"]])
