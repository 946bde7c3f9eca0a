"""All hostile files by name."""

from tests.hostile.files import encodings, folders, headers, packed, records, values
from tests.hostile.files.case import Case, rows_of

CASES: dict[str, Case] = rows_of(
    [*encodings.CASES, *records.CASES, *headers.CASES, *values.CASES, *packed.CASES, *folders.CASES]
)
