"""Asking an endpoint: batches within its limits, patience when it is busy, and rows that it cannot answer."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import EndpointFailed, PredictionMismatch, ServiceUnavailable
from automl.scoring.answers import AnswerReader
from automl.scoring.batch_size import BatchSize, experience_of
from automl.scoring.concurrency import Limiter
from automl.scoring.inference import Inquirer, Prediction, RowsRefused, invoke

NUMBERS = AnswerReader(["prediction"], "Regression")
Send = Callable[[bytes], bytes]


def predict(
    send: Send, records: list[bytes], at_once: int = 1, max_bytes: int = 10**6, seconds: float = 0.01
) -> tuple[list[str | None], list[int]]:
    """Answers and the positions of rows without one."""
    size = BatchSize(max_bytes, len(records), at_once)
    prediction = Prediction(lambda body, silences: (send(body), seconds), NUMBERS, records, size, at_once)
    return list(prediction.lines()), sorted(prediction.failed)


class Model:
    """Answers a number with the number; breaks on the rows that it is told, and counts requests."""

    def __init__(self, *broken: int, answer: str = "") -> None:
        self.broken = {str(number).encode() for number in broken}
        self.answer = answer
        self.requests = 0

    def __call__(self, body: bytes) -> bytes:
        self.requests += 1
        rows = body.splitlines()
        if not self.answer and self.broken.intersection(rows):
            raise RowsRefused("container said: no")
        return b"".join((self.answer.encode() if row in self.broken else row + b"\n") for row in rows)


def numbers(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


@given(st.integers(0, 1500), st.integers(20, 9000), st.integers(1, 4), st.integers(1, 30))
def test_predictions_keep_their_order_and_answers_stay_small(
    rows: int, max_bytes: int, at_once: int, width: int
) -> None:
    sizes: list[tuple[int, int]] = []

    def send(body: bytes) -> bytes:
        answer = b"".join(record + b"." + b"0" * width + b"\n" for record in body.splitlines())
        sizes.append((len(body), len(answer)))
        return answer

    lines, _ = predict(send, numbers(rows), at_once, max_bytes)

    assert [float(line or "nan") for line in lines] == list(range(rows))
    assert all(request <= max_bytes for request, _ in sizes)
    if rows > 500:
        longest = max(len(str(rows)) + width + 2, 1)
        assert all(answer <= max(max_bytes, longest) * 1.3 for _, answer in sizes[1:])


def test_requests_run_side_by_side_up_to_the_concurrency() -> None:
    together = threading.Barrier(3, timeout=10)

    def send(body: bytes) -> bytes:
        if len(body.splitlines()) != 500:
            together.wait()  # never passes unless three are under way
        return body

    lines, _ = predict(send, [b"1"] * 15_500, 3)

    assert len(lines) == 15_500


@given(
    st.integers(60, 3_000).flatmap(
        lambda rows: st.tuples(st.just(rows), st.sets(st.integers(5, rows - 1), max_size=min(20, rows // 4)))
    ),
    st.sampled_from(["", "x\n", "1\n1\n", "nan\n"]),
    st.integers(1, 4),
)
def test_rows_that_cannot_be_answered_are_found_and_all_others_are_answered(
    rows: tuple[int, set[int]], answer: str, at_once: int
) -> None:
    """Whether the container breaks on such a row, answers it unreadably, or with two records."""
    count, broken = rows
    model = Model(*broken, answer=answer)

    lines, failed = predict(model, numbers(count), at_once)

    assert failed == sorted(broken)
    assert lines == [None if number in broken else str(number) for number in range(count)]


def test_one_bad_row_costs_few_requests() -> None:
    model = Model(7_777)

    _, failed = predict(model, numbers(40_000))

    assert failed == [7_777]
    assert model.requests < 45


@pytest.mark.parametrize("answer", ["", "x\n", "1,2\n"])
def test_a_model_that_answers_nothing_is_given_up_after_few_requests(answer: str) -> None:
    model = Model(*range(50_000), answer=answer)

    with pytest.raises((EndpointFailed, PredictionMismatch), match="of a part with 50000 rows cannot be predicted"):
        predict(model, numbers(50_000))

    assert model.requests <= 12


def test_more_bad_rows_than_a_hundredth_fail_the_part() -> None:
    good, bad = Model(*range(100, 40_100, 100)), Model(*range(100, 40_100, 99))

    assert len(predict(good, numbers(40_101))[1]) == 400
    with pytest.raises(EndpointFailed, match=r"402 of the first rows of a part with 40101 rows.*container said: no"):
        predict(bad, numbers(40_101))


def test_a_part_of_which_no_row_is_answered_fails_however_small_it_is() -> None:
    with pytest.raises(EndpointFailed, match="container said: no"):
        predict(Model(0), numbers(1))
    with pytest.raises(PredictionMismatch, match="answered 2 records for 1 rows"):
        predict(Model(0, answer="1\n1\n"), numbers(1))


def test_answers_that_outgrow_the_endpoint_make_batches_smaller() -> None:
    requests = []

    def send(body: bytes) -> bytes:
        requests.append(body.count(b"\n"))
        if requests[-1] > 1_000:
            raise RowsRefused("the response is too large")
        return body

    lines, failed = predict(send, numbers(20_000))

    assert (len(lines), failed) == (20_000, [])
    assert requests[-1] <= 1_000
    assert len([rows for rows in requests if rows > 1_000]) < 8


def test_a_further_part_of_a_scoring_begins_with_what_the_first_one_taught() -> None:
    batches: dict[str, list[int]] = {"a": [], "b": []}

    def score(scoring: str) -> None:
        def ask(body: bytes, silences: int) -> tuple[bytes, float]:
            batches[scoring].append(body.count(b"\n"))
            return body, 0.01

        records = numbers(2_000)
        size = BatchSize(10**6, len(records), 1, experience_of(f"s3://bucket/{scoring}/", "endpoint"))
        assert None not in list(Prediction(ask, NUMBERS, records, size, 1).lines())

    for scoring in ("a", "a", "b"):
        score(scoring)
    assert batches == {"a": [500, 1_500, 2_000], "b": [500, 1_500]}


def test_slow_answers_make_batches_smaller() -> None:
    requests = []

    def send(body: bytes) -> bytes:
        requests.append(body.count(b"\n"))
        return body

    size = BatchSize(10**6, 2_000, 1)
    prediction = Prediction(
        lambda body, silences: (send(body), 0.04 * body.count(b"\n")), NUMBERS, numbers(2_000), size, 1
    )

    assert len(list(prediction.lines())) == 2_000
    assert requests[0] == 500
    assert max(requests[1:]) == 250  # ten seconds


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
        if code == "lost":
            raise EndpointConnectionError(endpoint_url="https://endpoint")
        answer: Any = {"Error": {"Code": code, "Message": "Received 500 from model"}}
        if status:
            answer["OriginalStatusCode"] = int(status)
        raise ClientError(answer, "InvokeEndpoint")


def call(*outcomes: str | bytes, silences: int = 2) -> tuple[Callable[[], bytes], list[float], Limiter]:
    """A request without chance: the factor of its waits is 1."""
    waits: list[float] = []
    runtime: Any = Runtime(*outcomes)
    limiter = Limiter(4)
    inquirer = Inquirer(runtime, "endpoint", limiter, waits.append, lambda: 0.5)
    return lambda: inquirer.ask(b"1\n", silences)[0], waits, limiter


def test_a_busy_endpoint_is_asked_again_with_growing_waits() -> None:
    send, waits, _ = call("ThrottlingException", "ModelNotReadyException", "ServiceUnavailable", b"7\n")

    assert send() == b"7\n"
    assert waits == [1, 2, 4]


def test_an_endpoint_that_stays_busy_is_reported() -> None:
    send, waits, _ = call(*["ThrottlingException"] * 20)

    with pytest.raises(ServiceUnavailable, match="'endpoint' stays busy"):
        send()

    assert 150 <= sum(waits) <= 200


def test_a_container_that_was_still_starting_is_asked_again() -> None:
    send, waits, _ = call("ModelError 0", "ThrottlingException", "ModelError 0", b"7\n")

    assert send() == b"7\n"
    assert waits == [1, 2, 4]


def test_a_container_that_is_silent_on_many_rows_is_asked_for_fewer() -> None:
    send, waits, _ = call("ModelError 0", silences=0)

    with pytest.raises(RowsRefused):
        send()

    assert waits == []


def test_requests_at_once_follow_what_the_endpoint_takes() -> None:
    send, _, limiter = call("ThrottlingException", "ThrottlingException", b"7\n")

    send()

    assert limiter.limit == 2


def test_requests_and_their_seconds_are_counted() -> None:
    runtime: Any = Runtime("ThrottlingException", b"7\n")
    inquirer = Inquirer(runtime, "endpoint", Limiter(1), lambda seconds: None)

    answer, seconds = inquirer.ask(b"1\n")

    assert (answer, inquirer.requests) == (b"7\n", 2)
    assert inquirer.seconds >= seconds > 0


def test_a_container_that_never_answers_is_given_up() -> None:
    send, waits, _ = call(*["ModelError 0"] * 20)

    with pytest.raises(RowsRefused, match="/aws/sagemaker/Endpoints/endpoint"):
        send()

    assert waits == [1, 2]


def test_a_container_that_is_silent_on_few_rows_is_broken() -> None:
    requests = []

    def send(body: bytes) -> bytes:
        requests.append(body.count(b"\n"))
        raise RowsRefused("no answer", silent=True)

    with pytest.raises(EndpointFailed, match="no answer"):
        predict(send, numbers(40_000))

    assert requests == [500, 250, 125, 62, 31]


@pytest.mark.parametrize("outcome", ["ModelError", "ModelError 500", "ModelError 400"])
def test_a_model_that_breaks_is_not_asked_again(outcome: str) -> None:
    send, waits, _ = call(outcome)

    with pytest.raises(RowsRefused, match="/aws/sagemaker/Endpoints/endpoint"):
        send()
    runtime: Any = Runtime(outcome)
    with pytest.raises(EndpointFailed, match="/aws/sagemaker/Endpoints/endpoint"):
        invoke(runtime, "endpoint", b"1\n")

    assert waits == []


def test_a_lost_connection_is_made_again() -> None:
    send, waits, limiter = call("lost", "lost", b"7\n")

    assert send() == b"7\n"
    assert waits == [1, 2]
    assert limiter.limit == 4


def test_other_errors_stay_as_they_are() -> None:
    send, _, _ = call("AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        send()
