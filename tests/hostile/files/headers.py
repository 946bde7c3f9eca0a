"""Names of columns: missing, twice, alike, ours, and as code of every kind."""

from tests.hostile.files.case import HONEST, Case, Read, Refused, Table, read, refused

UGLY = [
    "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "'; DROP TABLE runs; --", "SELECT", "a" * 5_000, "\u202ecirA",
    "p\u200crice", "../../etc/passwd", "$(reboot)", "{{7*7}}", "%s%n", 'say "hi"', "x,y", "NaN", "None", "0", "-1",
    "\U0001f3d9", "Row", "Prediction", "Reason", "Truth", "\\", "col\ttab", "Price.1", "area", "PRICE",
]  # fmt: skip


def _also(names: list[str]) -> Table:
    table = HONEST
    for name in names:
        table = table.with_column(name, lambda row: str(row % 7))
    return table


def _named(*names: str) -> bytes:
    return Table(names, HONEST.rows).csv().encode()


def _wide(columns: int, rows: int = 2) -> bytes:
    header = ",".join(["Id", "Area", "City", "Price", *(f"c{number}" for number in range(columns - 4))])
    row = ",".join(["k1", "1.5", "Oslo", "2", *["1"] * (columns - 4)])
    return "\n".join([header, *[row] * rows, ""]).encode()


LOOK_ALIKE = HONEST.renamed("Area", "\u0410rea")
CASES: list[Case] = [
    read("columns named by jokers", lambda: _also(UGLY).csv().encode(), _also(UGLY)),
    refused(
        "two names that differ in an outer space",
        lambda: _also(["Area "]).csv().encode(),
        r"'Area' and 'Area ', which look the same",
    ),
    refused(
        "two names that differ in an invisible character",
        lambda: _also(["Ar\u200bea"]).csv().encode(),
        r"'Ar\\u200bea', which look the same",
    ),
    refused(
        "composed and decomposed twins",
        lambda: _also(["caf\u00e9", "cafe\u0301"]).csv().encode(),
        r"'caf\\xe9' and 'cafe\\u0301', which look the same",
    ),
    read("case twins", lambda: _also(["area", "AREA"]).csv().encode(), _also(["area", "AREA"])),
    read(
        "a look-alike of a column that nobody asks for",
        lambda: LOOK_ALIKE.csv().encode(),
        LOOK_ALIKE,
        scored=Refused(r"lacks 'Area' .*'\\u0410rea'"),
    ),
    refused(
        "the target with a Cyrillic letter",
        lambda: HONEST.renamed("Price", "\u0420rice").csv().encode(),
        r"TargetColumn 'Price' is not a column of .*'\\u0420rice'",
        scored=None,
    ),
    refused(
        "the target with a zero-width space",
        lambda: HONEST.renamed("Price", "Price\u200b").csv().encode(),
        r"did you mean 'Price\\u200b'",
        scored=None,
    ),
    refused("a name twice", _named("Id", "Area", "Area", "Price"), "the header has 'Area' more than once"),
    refused("all names the same", _named("x", "x", "x", "x"), "the header has 'x' more than once"),
    refused(
        "an empty name",
        _named("Id", "", "City", "Price"),
        "column 2 of the header has no name; give every column a name",
    ),
    refused("a name of spaces", _named("Id", " \u00a0", "City", "Price"), "column 2 of the header has no name"),
    refused(
        "a name of nothing visible", _named("Id", "\u200b\u2060", "City", "Price"), "column 2 of the header has no name"
    ),
    refused("no name at all", b",,,\n" + b"1,2,3,4\n" * 800, "column 1 of the header has no name"),
    refused(
        "a delimiter after the last name",
        lambda: HONEST.csv().replace("Price\n", "Price,\n").encode(),
        "column 5 of the header has no name",
    ),
    refused("a name on two lines", _named("Id", "Ar\nea", "City", "Price"), "the name of column 2 has a line break"),
    refused(
        "our column of row numbers",
        lambda: _also(["__row__"]).csv().encode(),
        "'__row__', a name this project uses; rename",
    ),
    Case(
        "the identity named as a result",
        lambda: {"data.csv": HONEST.renamed("Id", "Prediction").csv().encode()},
        Refused("has the name of a column of the results; rename it", "InvalidRequest"),
        None,
        dataset={"IdColumn": "Prediction"},
    ),
    refused("5,001 columns", lambda: _wide(5_001), "has 5,001 columns, but at most 5,000 can be read; leave out"),
    refused("100,000 columns", lambda: _wide(100_000), "has 100,000 columns, but at most 5,000"),
    refused("100,000 columns of one name", lambda: b"x," * 99_999 + b"x\n", "has 100,000 columns|more than once"),
    refused(
        "a million columns", lambda: _wide(1_000_000, 1), "no end of the header in its first|has 1,000,000 columns"
    ),
    Case(
        "1,500 columns",
        lambda: {"data.csv": _wide(1_500, 20)},
        Refused("has 20 rows, but an AutoML job needs at least 500"),
        Read(None, 20),
    ),
    refused("no rows", HONEST.csv().partition("\n")[0].encode() + b"\n", "has a header but no rows; add rows below it"),
    refused("no rows and no line end", HONEST.csv().partition("\n")[0].encode(), "has a header but no rows"),
    refused("nothing", b"", "is empty; write a header and at least one row"),
    refused("line breaks only", b"\r\n\n\n", "is empty"),
    refused("a byte-order mark only", b"\xef\xbb\xbf", "is empty"),
    refused("spaces only", b"   \n  \n", "is empty|has no name", scored="is empty|no name"),
    refused(
        "no header",
        lambda: HONEST.csv().partition("\n")[2].encode(),
        "TargetColumn 'Price' is not a column",
        scored="lacks 'Area'",
    ),
    refused(
        "a first row that is the header's twin",
        lambda: HONEST.csv().partition("\n")[0].encode() + b"\n" + HONEST.csv().encode(),
        "row 0 repeats the header",
    ),
]
