"""Text in other encodings, with marks where none belong, and bytes that are no text."""

from tests.hostile.files.case import HONEST, Case, Table, honest, read, refused

CITIES = [
    "Zürich",
    "Malmö",
    "Đà Nẵng",
    "東京",
    "Санкт-Петербург",
    "القدس",
    "🏙️ city",
    "e\u0301",
    "x\u200by",
    "\u202eabc",
]
WORLD = HONEST.with_cells("City", lambda row, _: CITIES[row % len(CITIES)])
EUROPE = HONEST.with_cells("City", lambda row, _: ["Zürich", "Malmö", "Besançon"][row % 3])
JAPAN = HONEST.with_cells("City", lambda row, _: ["東京", "大阪"][row % 2])
CHINA = HONEST.with_cells("City", lambda row, _: ["北京", "上海"][row % 2])
MARK = b"\xef\xbb\xbf"


def _mixed() -> bytes:
    return honest(400).csv().encode() + EUROPE.csv().partition("\n")[2].encode("latin-1")


def _nul(place: int) -> bytes:
    data = bytearray(HONEST.csv().encode())
    data[place] = 0
    return bytes(data)


def _overlong() -> bytes:
    return HONEST.csv().encode().replace(b"Oslo", b"Osl\xc1\xaf", 1)


def _surrogates() -> bytes:
    return HONEST.csv().encode().replace(b"Oslo", b"\xed\xa0\xbd\xed\xb8\x80", 1)


def _utf7(table: Table) -> bytes:
    return table.csv().encode("utf-7")


CASES: list[Case] = [
    read("UTF-8 of all the world", WORLD.csv().encode(), WORLD),
    read("UTF-8 with a byte-order mark", MARK + WORLD.csv().encode(), WORLD),
    read("two byte-order marks", 2 * MARK + WORLD.csv().encode(), WORLD),
    read("CR LF and a byte-order mark", MARK + WORLD.csv(line_end="\r\n").encode(), WORLD),
    read(
        "ASCII that is UTF-7 as well",
        _utf7(HONEST.with_cells("City", lambda row, _: "Oslo")),
        HONEST.with_cells("City", lambda row, _: "Oslo"),
    ),
    refused(
        "byte-order marks where files were joined",
        MARK + HONEST.csv().encode() + MARK + b"k9,1,Oslo,2\n",
        r"line 802 begins with a byte-order mark, as where files were joined",
    ),
    refused("UTF-16 with a mark", lambda: WORLD.csv().encode("utf-16"), "is encoded in UTF-16; convert it .* iconv"),
    refused(
        "UTF-16 big-endian with a mark", lambda: b"\xfe\xff" + WORLD.csv().encode("utf-16-be"), "is encoded in UTF-16;"
    ),
    refused("UTF-16 little-endian without a mark", lambda: WORLD.csv().encode("utf-16-le"), "is encoded in UTF-16LE;"),
    refused("UTF-16 big-endian without a mark", lambda: WORLD.csv().encode("utf-16-be"), "is encoded in UTF-16BE;"),
    refused("UTF-32 with a mark", lambda: WORLD.csv().encode("utf-32"), "is encoded in UTF-32;"),
    refused("UTF-32 little-endian without a mark", lambda: WORLD.csv().encode("utf-32-le"), "is encoded in UTF-32LE;"),
    refused("UTF-32 big-endian without a mark", lambda: WORLD.csv().encode("utf-32-be"), "is encoded in UTF-32BE;"),
    refused("Latin-1", lambda: EUROPE.csv().encode("latin-1"), r"is not UTF-8 at byte \d+ \(line \d+\); convert it"),
    refused("Windows-1252", lambda: EUROPE.csv().replace("Malmö", "€ Malmö").encode("cp1252"), "is not UTF-8 at byte"),
    refused("Shift-JIS", lambda: JAPAN.csv().encode("shift-jis"), "is not UTF-8 at byte"),
    refused("GB18030", lambda: CHINA.csv().encode("gb18030"), "is not UTF-8 at byte"),
    refused("EBCDIC", lambda: HONEST.csv().encode("cp037"), r"is not UTF-8 at byte \d+ \(line 1\)"),
    refused("UTF-8 first and Latin-1 later", _mixed, r"is not UTF-8 at byte \d+ \(line 402\)"),
    refused("overlong UTF-8", _overlong, "is not UTF-8 at byte"),
    refused("surrogates in UTF-8", _surrogates, "is not UTF-8 at byte"),
    refused(
        "UTF-8 cut in the middle of a character",
        lambda: WORLD.csv().encode().rstrip()[:-3] + "é".encode()[:1],
        "is not UTF-8 at byte",
    ),
    refused("a NUL byte in the header", lambda: _nul(2), "has NUL bytes in its header"),
    refused("a NUL byte in a row", lambda: _nul(-3), r"has a NUL byte at byte \d+ \(line 801\)"),
    refused("nothing but NUL bytes", bytes(100_000), "NUL bytes"),
]
