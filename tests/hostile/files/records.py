"""Line ends, quotes and rows that do not go with the header."""

from tests.hostile.files.case import HONEST, Case, Table, read, refused

TEXT = HONEST.csv()
LINES = TEXT.splitlines()
BREAKS = HONEST.with_cells("City", lambda row, _: ["a\nb", "a\r\nb", "a\rb", "a b"][row % 4])
QUOTES = HONEST.with_cells("City", lambda row, _: ['"', '""', '"x', 'x"', 'a "b" c', ", ", ";|\t"][row % 7])


def _plain(number: int) -> str:
    return f"k9{number},1.5,Oslo,{number}"


PLAIN = [HONEST.csv().partition("\n")[0], *(_plain(number) for number in range(800))]
PLAIN_TABLE = Table(HONEST.header, tuple(tuple(line.split(",")) for line in PLAIN[1:]))


def _plain_with(line: int, text: str) -> bytes:
    lines = list(PLAIN)
    lines[line - 1] = text
    return "\n".join([*lines, ""]).encode()


def _lines(end: str) -> bytes:
    return "".join(line + end for line in PLAIN).encode()


def _mixed_ends() -> bytes:
    return "".join(line + ("\n", "\r\n")[number % 2] for number, line in enumerate(PLAIN)).encode()


def _long_cell(size: int, text: str = "x") -> Table:
    return HONEST.with_cells("City", lambda row, old: text * (size // len(text)) if row == 400 else old)


def _many(size: int) -> bytes:
    return PLAIN[0].encode() + b'\nk1,1.5,"' + b"Oslo\n" * (size // 5)


def _open_and_shut() -> bytes:
    return PLAIN[0].encode() + b'\nk1,1.5,"' + b"Oslo\n" * 3_000_000 + b'"x,1\n'


TEN_MB = 10_000_000
MISPLACED = r'row \d+ \(line \d+\) has a quote \("\) that does not open and close a whole cell'
CASES: list[Case] = [
    read("CR LF", _lines("\r\n"), PLAIN_TABLE),
    read("LF and CR LF in turns", _mixed_ends, PLAIN_TABLE),
    read("blank lines everywhere", _lines("\n\n\r\n"), PLAIN_TABLE),
    read("no line end at the end", _lines("\n")[:-1], PLAIN_TABLE),
    read("a CR alone at the end", _lines("\r\n")[:-1], PLAIN_TABLE),
    read("line breaks of all kinds inside quotes", BREAKS.csv(quote_all=True).encode(), BREAKS),
    read("quotes of all kinds inside quotes", QUOTES.csv().encode(), QUOTES),
    read("semicolons", HONEST.csv(";").encode()),
    read("tabs", HONEST.csv("\t").encode()),
    read("pipes", HONEST.csv("|").encode()),
    read(
        "vertical tabs, form feeds and Unicode line ends",
        HONEST.with_cells("City", lambda *_: "a\vb\fc\x85d\u2028e").csv().encode(),
        HONEST.with_cells("City", lambda *_: "a\vb\fc\x85d\u2028e"),
    ),
    refused("CR alone", _lines("\r"), "ends its lines with CR alone; write LF or CR LF"),
    refused(
        "CR alone after the header", lambda: _lines("\r").replace(b"\r", b"\n", 1), r"line 2 has a CR that is neither"
    ),
    refused(
        "CR alone between two rows",
        lambda: _lines("\n").replace(b"\nk9300,", b"\rk9300,"),
        r"line 301 has a CR that is neither followed by LF nor inside quotes",
    ),
    refused("CR CR LF", _lines("\r\r\n"), "has a CR in its header; write LF or CR LF"),
    refused("LF CR", _lines("\n\r"), "line 2 has a CR that is neither followed by LF"),
    refused("a quote that never closes over the whole file", lambda: _many(1_000_000), r"row 0 \(line 2\) has a quote"),
    refused("a quote that never closes over 20 MB", lambda: _many(20_000_000), r"row 0 \(line 2\) has a quote"),
    refused("a quote that closes after 15 MB and goes on", _open_and_shut, r"row 0 \(line 2\) has a quote"),
    refused(
        "a quote in the header that never closes",
        lambda: b'"' + _lines("\n"),
        "quote in its header that is never closed",
    ),
    refused(
        "a quote in a long header that never closes",
        lambda: b'"' + _lines("\n") * 80,
        "no end of the header in its first",
    ),
    refused("a quote inside a cell", _plain_with(300, 'k9298,1.5,5" pipe,298'), r"row 298 \(line 300\) has a quote"),
    refused("text after a quoted cell", _plain_with(300, 'k9298,1.5,"Oslo" x,298'), MISPLACED),
    refused(
        "quotes escaped with a backslash",
        _plain_with(300, r'k9298,1.5,"a \"b\" c",298'),
        r"row 298 \(line 300\) has a quote",
    ),
    refused(
        "typographic quotes around a comma",
        _plain_with(300, "k9298,1.5,“Oslo, Norway”,298"),
        r"row 298 \(line 300\) has 5 cells",
    ),
    refused(
        "a row too short", _plain_with(300, "k9298,1.5,Oslo"), r"row 298 \(line 300\) has 3 cells, the header has 4"
    ),
    refused(
        "a row too long", _plain_with(300, "k9298,1.5,Oslo,298,"), r"row 298 \(line 300\) has 5 cells, the header has 4"
    ),
    refused(
        "a row with a million cells",
        lambda: _plain_with(300, "k9298" + ",1" * 1_000_000),
        r"\(line 300\) has 1000001 cells",
    ),
    refused(
        "rows of any length",
        lambda: "\n".join([PLAIN[0], *(",".join("x" * (n % 9 + 1)) for n in range(3, 900))]).encode(),
        "cells, the header has",
    ),
    refused(
        "a delimiter at the end of each row but the header",
        lambda: _lines(",\n").replace(b"Price,\n", b"Price\n"),
        "row 0 .* has 5 cells",
    ),
    refused("an unquoted decimal comma", _plain_with(300, "k9298,1,5,Oslo,298"), r"row 298 \(line 300\) has 5 cells"),
    refused("the header once more in the middle", lambda: _lines("\n") + _lines("\n"), "row 800 repeats the header"),
    refused(
        "a comment before the header",
        lambda: b"# exported, 2026-11-22\n" + _lines("\n"),
        "'Price' is not a column of .*data.csv; it has '# exported'",
        scored="lacks 'Area', 'City'",
    ),
    refused("a sum below the rows", lambda: _lines("\n") + b"Total: 800 rows\n", r"row 800 \(line 802\) has 1 cells"),
    read("a cell of 10 MB", lambda: _long_cell(TEN_MB).csv().encode(), _long_cell(TEN_MB)),
    read("a cell of 10 MB of quotes", lambda: _long_cell(TEN_MB, '"').csv().encode(), _long_cell(TEN_MB, '"')),
    read(
        "a cell of 10 MB of quoted words", lambda: _long_cell(TEN_MB, '"ab').csv().encode(), _long_cell(TEN_MB, '"ab')
    ),
    read(
        "a cell of a million line breaks",
        lambda: _long_cell(1_000_000, "\n").csv().encode(),
        _long_cell(1_000_000, "\n"),
    ),
    refused(
        "a row too short behind 800,000 good ones",
        lambda: PLAIN[0].encode() + b"\n" + b"k0000001,1.5,Oslo,2.25\n" * 800_000 + b"k2,1.5\n",
        r"row 800000 \(line 800002\) has 2 cells",
    ),
]
