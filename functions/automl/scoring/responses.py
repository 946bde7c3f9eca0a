"""An endpoint's answer to some rows: one CSV record per row, checked, and set beside the rows' keys."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched

from automl.errors import PredictionMismatch
from automl.scoring.answers import AnswerReader

Record = list[str]

_LINES_PER_CHUNK = 1_000
_FEWEST_TO_GIVE_UP, _SHARE_TO_GIVE_UP = 20, 0.01


def most_without_answer(rows: int) -> float:
    """How many of a part's rows may have no answer before the part counts as failed."""
    return max(_FEWEST_TO_GIVE_UP, _SHARE_TO_GIVE_UP * rows)


def parse_answer(body: bytes, keys: Sequence[str], rows: int) -> list[Record]:
    """The answer's records: ``rows`` lists of ``len(keys)`` texts, in the order of the keys.

    List-valued cells come back as their text, for example ``[0.29, 0.71]``, whether the container quoted them or not.

    Raises:
        PredictionMismatch: the answer has another number of records, or a record another number of cells.
    """
    lines = _lines(body, rows)
    return _in_bulk(lines, keys) or [_cells(line, keys, number) for number, line in enumerate(lines)]


def answer_lines(body: bytes, reader: AnswerReader, rows: int) -> list[str | None]:
    """The answer's records as CSV lines; None for a row whose cells are not what their keys promise.

    Raises:
        PredictionMismatch: see :func:`parse_answer`.
    """
    lines = _lines(body, rows)
    records = _in_bulk(lines, reader.keys)
    if records is None:
        records = [_cells(line, reader.keys, number) for number, line in enumerate(lines)]
        lines = [_line(record) for record in records]
    return [line if told else None for line, told in zip(lines, reader.readable(records), strict=True)]


def _lines(body: bytes, rows: int) -> list[str]:
    text = body.decode("utf-8", errors="replace")
    lines = text.split("\n")
    if "\r" in text:
        lines = [line.rstrip("\r") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) != rows:
        raise PredictionMismatch(
            f"The endpoint answered {len(lines)} records for {rows} rows; "
            "score again, and if it stays so, deploy the model again"
        )
    return lines


def _in_bulk(lines: Sequence[str], keys: Sequence[str]) -> list[Record] | None:
    """The records if each line is one by itself, as it should be; else None, and each needs a closer look."""
    try:
        records = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    alone = len(records) == len(lines) and set(map(len, records)) <= {len(keys)}
    return records if alone else None


def _cells(line: str, keys: Sequence[str], number: int) -> Record:
    try:
        cells = next(csv.reader([line]), [""])
    except csv.Error:
        cells = []
    if len(cells) != len(keys):
        cells = _split_outside_brackets(line)
    if len(cells) != len(keys):
        raise PredictionMismatch(
            f"Record {number} of the endpoint's answer has {len(cells)} cells instead of {len(keys)} "
            f"({', '.join(keys)}); check SAGEMAKER_INFERENCE_OUTPUT of the model's containers"
        )
    return cells


def _split_outside_brackets(line: str) -> Record:
    """Split at commas that are neither quoted nor inside a Python list, as in ``b,0.7,[0.3, 0.7],['a', 'b']``."""
    cells: Record = []
    start, in_list, quote, escaped = 0, False, "", False
    for position, character in enumerate(line):
        if escaped:
            escaped = False
        elif quote:
            escaped = in_list and character == "\\"
            quote = "" if character == quote else quote
        elif character == '"' or (in_list and character == "'"):
            quote = character
        elif character == "[":
            in_list = True
        elif character == "]":
            in_list = False
        elif character == "," and not in_list:
            cells.append(line[start:position])
            start = position + 1
    cells.append(line[start:])
    return [_unquoted(cell.strip()) for cell in cells]


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell


def _line(record: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(record)
    return text.getvalue()


def predictions_table(keys_csv: bytes, response_keys: Sequence[str], lines: Iterable[str | None]) -> Iterator[bytes]:
    """The raw predictions file in pieces: each row's key record (``Row,Id,Truth``) beside the endpoint's answer to it.

    Args:
        keys_csv: with a header.
        response_keys: columns of the answers.
        lines: the answers; None leaves the cells of one empty.

    Raises:
        PredictionMismatch: there are more or fewer answers than keys.
    """
    header, *keys = key_lines(keys_csv)
    yield f"{header},{_line(response_keys)}\n".encode()
    nothing = "," * (len(response_keys) - 1)
    rest = iter(keys)
    answered = 0
    for some in batched(lines, _LINES_PER_CHUNK, strict=False):
        answered += len(some)
        yield "".join(
            [f"{key},{nothing if line is None else line}\n" for line, key in zip(some, rest, strict=False)]
        ).encode()
    if answered != len(keys):
        raise PredictionMismatch(f"{answered} answers for {len(keys)} rows; score again")


def key_lines(keys_csv: bytes) -> list[str]:
    """The records of a keys file with its header, each as CSV without line end."""
    text = keys_csv.decode()
    if '"' not in text:
        return text.split("\n")[:-1]
    return [_line(record) for record in csv.reader(io.StringIO(text, newline=""))]
