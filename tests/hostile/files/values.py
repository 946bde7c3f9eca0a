"""Cells: numbers of other places, dates, formulas, markup; and targets that nothing can be learnt from."""

from collections.abc import Callable
from typing import Any

from tests.hostile.files.case import HONEST, Case, Read, Refused, Table, honest, read, refused


def _grouped(number: float, group: str, point: str) -> str:
    return f"{number * 100:,.2f}".replace(",", "_").replace(".", point).replace("_", group)


def _indian(number: float) -> str:
    whole = str(int(number * 1_000))
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail])


def _digits(zero: int) -> Callable[[float], str]:
    return lambda number: "".join(chr(zero + int(one)) for one in str(int(number * 100)))


NOTATIONS: dict[str, Callable[[float], str]] = {
    "German 1.234,56": lambda number: _grouped(number, ".", ","),
    "Swiss 1'234.56": lambda number: _grouped(number, "'", "."),
    "Swiss with a typographic apostrophe": lambda number: _grouped(number, "\u2019", "."),
    "French 1 234,56 with no-break spaces": lambda number: _grouped(number, "\u00a0", ","),
    "French 1 234,56 with narrow no-break spaces": lambda number: _grouped(number, "\u202f", ","),
    "English 1,234.56": lambda number: _grouped(number, ",", "."),
    "Indian 12,34,567": _indian,
    "Arabic-Indic digits": _digits(0x0660),
    "Devanagari digits": _digits(0x0966),
    "full-width digits": _digits(0xFF10),
    "decimal commas": lambda number: f"{number:.2f}".replace(".", ","),
    "thousands that may be fractions, 1,234": lambda number: f"{int(number * 100):,}",
    "percent": lambda number: f"{number:.1f}%",
    "dollars": lambda number: f"${number:.2f}",
    "euros": lambda number: f"{number:.2f} €",
    "a trailing minus": lambda number: f"{number:.2f}-",
    "accountants' parentheses": lambda number: f"({number:.2f})",
    "hexadecimal": lambda number: hex(int(number * 100)),
    "underscores": lambda number: f"{int(number * 100):_}",
    "a Unicode minus": lambda number: f"\u2212{number:.2f}",
}
SIGNS = {"scientific": "{:.3e}", "signed": "{:+.2f}", "zeros in front": "{:010.2f}", "spaces around": "  {:.2f} "}
ODD_NUMBERS = ["inf", "-inf", "Infinity", "1e400", "-1e400"]
FORMULAS = ["=cmd|' /C calc'!A0", "=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0",
            '=HYPERLINK("http://example.com/?"&A1)', "\t=1+1", "\uff1d1+1"]  # fmt: skip
TEXTS = [
    *FORMULAS,
    "<script>alert(1)</script>",
    "'; DROP TABLE x; --",
    "\x1b[31mred",
    "${jndi:ldap://x}",
    "../..",
    "\u202eabc",
]
HARMLESS = ["-5", "+49 170 123", "@home", "-", "+", "- a", "a=b", "100-200", "-1.5e-3", "#N"]


def _as(column: str, write: Callable[[float], str]) -> Table:
    return HONEST.with_cells(column, lambda _, text: write(float(text)))


def _target(cell: Callable[[int], str]) -> Table:
    return HONEST.with_cells("Price", lambda row, _: cell(row))


def _data(table: Table) -> bytes:
    return table.csv().encode()


def _read(name: str, column: str, cell: Callable[[int, str], str], **more: Any) -> Case:
    """It is read as it is written."""
    table = HONEST.with_cells(column, cell)
    return read(name, _data(table), table, **more)


def _no_target(name: str, cell: Callable[[int], str], says: str) -> Case:
    return refused(name, _data(_target(cell)), says, scored=None)


def _of_many_places() -> Table:
    table = HONEST
    for name, write in NOTATIONS.items():
        table = table.with_column(name, lambda row, write=write: write(float(HONEST.rows[row][1])))  # type: ignore[misc]
    return table


def _formula(number: int, text: str) -> Case:
    table = HONEST.with_cells("Id", lambda row, old: text if row == 37 else old)
    return refused(f"a formula in the identity, {number}", _data(table), FORMULA, dataset=WITH_IDENTITY)


def _not_finite(row: int, old: str) -> str:
    return ODD_NUMBERS[row % 5] if row % 9 == 0 else old


NUMBERS_ELSEWHERE = "holds numbers that are not written like 1234.56"
FORMULA = "has a cell that a spreadsheet would run as a formula in row 37"
WITH_IDENTITY = {"IdColumn": "Id"}
ONE_TEXT = Refused("'Area' has a cell that is no number in row 700")
NO_NUMBER = Refused("'Area' has a cell that is no number in row 0")
SLASHED = ["2026-01-31", "31/01/2026", "1/31/26", "31. Jan 2026"]
IMPOSSIBLE = ["2026-02-30", "0000-00-00", "9999-12-31"]
CASES: list[Case] = [
    read("features in numbers of many places", lambda: _data(_of_many_places()), _of_many_places()),
    *(
        Case(f"a number in {name}", lambda write=write: {"data.csv": _data(_as("Area", write))}, None, NO_NUMBER)  # type: ignore[misc]
        for name, write in NOTATIONS.items()
    ),
    *(
        refused(f"the target in {name}", _data(_as("Price", write)), NUMBERS_ELSEWHERE, scored=None)
        for name, write in NOTATIONS.items()
    ),
    *(
        _read(f"numbers that are {name}", "Area", lambda _, old, form=form: form.format(float(old)))  # type: ignore[misc]
        for name, form in SIGNS.items()
    ),
    _read("numbers that are not finite", "Area", _not_finite),
    read(
        "a target that is not finite in 89 rows",
        _data(HONEST.with_cells("Price", _not_finite)),
        HONEST.with_cells("Price", lambda row, old: "" if row % 9 == 0 else old),
        score=False,
        left_out=89,
    ),
    _read("missing in every way", "Area", lambda row, old: ["", "NA", "null", "#N/A", old][row % 5]),
    _read("dates of several places", "City", lambda row, _: SLASHED[row % 4]),
    _read("days that are none", "City", lambda row, _: IMPOSSIBLE[row % 3]),
    _read("numbers beyond 64 bits", "Area", lambda row, _: str(10**25 + row)),
    _read("numbers, and one text", "Area", lambda row, old: "?" if row == 700 else old, scored=ONE_TEXT),
    _read("formulas, markup and escapes in a feature", "City", lambda row, _: TEXTS[row % len(TEXTS)]),
    *(_formula(number, text) for number, text in enumerate(FORMULAS)),
    _read(
        "an identity that only looks like formulas",
        "Id",
        lambda row, _: HARMLESS[row % len(HARMLESS)],
        dataset=WITH_IDENTITY,
    ),
    _no_target("formulas as classes", lambda row: FORMULAS[row % 3], "spreadsheet would run as a formula"),
    Case(
        "an identity named as a formula",
        lambda: {"data.csv": _data(HONEST.renamed("Id", FORMULAS[0]))},
        Refused("spreadsheet would run as a formula", "InvalidRequest"),
        None,
        dataset={"IdColumn": FORMULAS[0]},
    ),
    _read("an identity that comes twice", "Id", lambda row, _: f"k{row // 2}", dataset=WITH_IDENTITY),
    _read("an identity that is empty", "Id", lambda *_: "", dataset=WITH_IDENTITY),
    _no_target("a target of one value", lambda _: "7", "has the same value in every row"),
    _no_target("a target of texts that all differ", lambda row: f"x{row}", "distinct values in .* too many to be"),
    _no_target("a target without a value", lambda _: "", "no row with a value in 'Price'|is missing in 800"),
    _no_target(
        "a target of one class and nothing",
        lambda row: "yes" if row % 3 else "",
        "same value in every row but 267 without",
    ),
    _no_target(
        "a target of numbers, texts and dates",
        lambda row: [str(row), f"x{row}", "2026-01-31"][row % 3],
        "too many to be classes",
    ),
    refused("one row", _data(honest(1)), "has 1 rows, but an AutoML job needs at least 500", scored=None),
    refused(
        "every cell missing", b"Id,Area,City,Price\n" + b",,,\n" * 800, "no row with a value in 'Price'", scored=None
    ),
    Case(
        "one column",
        lambda: {"data.csv": b"Price\n" + b"".join(b"%d\n" % number for number in range(800))},
        Refused("Nothing is left to learn from", "InvalidRequest"),
        Refused("lacks 'Area', 'City'"),
    ),
    Case("one row to score", lambda: {"data.csv": _data(honest(1))}, None, Read(honest(1), 1)),
    Case(
        "every cell missing in rows to score",
        lambda: {"data.csv": b"Id,Area,City\n" + b",,\n" * 800},
        None,
        Read(Table(("Id", "Area", "City"), (("", "", ""),) * 800), 800),
    ),
]
