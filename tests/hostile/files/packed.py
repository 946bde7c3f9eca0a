"""Gzip that is a trap, and files of other formats that are called .csv."""

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tests.hostile.files.case import HONEST, Case, Read, Refused, read, refused

DATA = HONEST.csv().encode()
MEMBER = 16 * 1024 * 1024


BOMB = "unpacks to more than 250 times its size, as no table does"


def _bomb(block: bytes, size: int) -> bytes:
    """A gzip file that unpacks to so many bytes of the same block; its members are made only once."""
    member = gzip.compress(block * (MEMBER // len(block)))
    return gzip.compress(HONEST.csv().partition("\n")[0].encode() + b"\n") + member * (size // MEMBER)


def _zip(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, DATA)
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("data.csv")
        member.size = len(DATA)
        archive.addfile(member, io.BytesIO(DATA))
    return file.getvalue()


def _sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.db"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (Id, Area, City, Price)")
        connection.close()
        return path.read_bytes()


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
FORMATS = {
    "a ZIP archive": (lambda: _zip("data.csv"), "is a ZIP archive or an Excel workbook"),
    "an Excel workbook": (lambda: _zip("xl/worksheets/sheet1.xml"), "is a ZIP archive or an Excel workbook"),
    "an old Excel workbook": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), "is an Excel workbook"),
    "a PDF": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "is a PDF document"),
    "JSON": (
        lambda: json.dumps([dict(zip(HONEST.header, row, strict=True)) for row in HONEST.rows]).encode(),
        "is JSON",
    ),
    "JSON lines": (lambda: b"".join(b'{"Area": %d}\n' % n for n in range(800)), "is JSON"),
    "HTML": (lambda: b"\n<!DOCTYPE html><html><body>Sign in, please</body></html>", "is HTML or XML"),
    "an XML error page": (lambda: b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is HTML or XML"),
    "a billion laughs": (
        lambda: f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "ha">{LAUGHS}]><l>&l9;</l>'.encode(),
        "is HTML or XML",
    ),
    "an SQLite database": (_sqlite, "is an SQLite database"),
    "a program": (lambda: Path(sys.executable).resolve().read_bytes()[:100_000], "is a program"),
    "a program for Windows": (lambda: b"MZ\x90\0\x03\0\0\0" + bytes(1000), "is a program"),
    "a pickle": (lambda: pickle.dumps({"a": list(range(1000))}, protocol=4), "is a Python pickle"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000), "is a picture"),
    "a tar archive": (_tar, "is a tar archive"),
    "bzip2": (lambda: bz2.compress(DATA), "is compressed with bzip2"),
    "xz": (lambda: lzma.compress(DATA), "is compressed with xz"),
    "zstd": (lambda: b"\x28\xb5\x2f\xfd" + bytes(100), "is compressed with zstd"),
    "Arrow": (lambda: b"ARROW1\0\0" + bytes(100), "is an Arrow file"),
    "random bytes": (lambda: bytes(range(256)) * 400, "NUL|UTF-8|CR in its header|never closed"),
    "Base64 of a table": (lambda: base64.encodebytes(DATA), "TargetColumn 'Price' is not a column|cells, the header"),
}

CASES: list[Case] = [
    *(
        refused(f"{name} called .csv", make, says, scored=None if "Base64" in name else "")
        for name, (make, says) in FORMATS.items()
    ),
    read("gzip", lambda: gzip.compress(DATA), key="data.csv.gz"),
    read("gzip called .csv", lambda: gzip.compress(DATA)),
    read("a plain table called .csv.gz", DATA, key="data.csv.gz"),
    read("a plain table called .parquet", DATA, key="data.parquet"),
    read(
        "gzip in many members",
        lambda: b"".join(gzip.compress(DATA[at : at + 100]) for at in range(0, len(DATA), 100)),
        key="data.csv.gz",
    ),
    read("gzip with zeros behind it", lambda: gzip.compress(DATA) + bytes(1000), key="data.csv.gz"),
    refused(
        "gzip with something else behind it",
        lambda: gzip.compress(DATA) + b"and more",
        "is a damaged or truncated gzip file",
    ),
    refused("truncated gzip", lambda: gzip.compress(DATA)[:-1000], "is a damaged or truncated gzip file"),
    refused("gzip without its check sum", lambda: gzip.compress(DATA)[:-8], "is a damaged or truncated gzip file"),
    refused(
        "gzip with a wrong check sum",
        lambda: gzip.compress(DATA)[:-8] + bytes(8),
        "is a damaged or truncated gzip file",
    ),
    refused(
        "gzip with damaged bytes",
        lambda: gzip.compress(DATA)[:3000] + bytes(50) + gzip.compress(DATA)[3050:],
        "is a damaged or truncated gzip file",
    ),
    refused("the first bytes of gzip", b"\x1f\x8b", "is a damaged or truncated gzip file"),
    refused("gzip of nothing", gzip.compress(b""), "is empty; write a header"),
    refused("gzip inside gzip", lambda: gzip.compress(gzip.compress(DATA)), "is compressed twice"),
    refused("a ZIP archive inside gzip", lambda: gzip.compress(_zip("data.csv")), "is a ZIP archive"),
    refused("a tar archive inside gzip", lambda: gzip.compress(_tar()), "is a tar archive"),
    refused("gzip of 8 GB of zeros", lambda: _bomb(bytes(1024), 8 << 30), BOMB),
    refused(
        "gzip of 8 GB of rows",
        lambda: _bomb(b"k1,1.5,Oslo,2.25\n", 8 << 30),
        BOMB,
    ),
    refused("gzip of 8 GB of blank lines", lambda: _bomb(b"\n" * 1024, 8 << 30), BOMB),
    refused("gzip of a line of 4 GB", lambda: _bomb(b"x" * 1024, 4 << 30), BOMB),
    refused(
        "gzip of a quote that is open for 4 GB",
        lambda: gzip.compress(b'Id,Area,City,Price\nk1,1.5,"') + _bomb(b"x,\n", 4 << 30),
        BOMB,
    ),
    refused(
        "gzip of a header of 4 GB",
        lambda: gzip.compress(b"x") * 0 + gzip.compress(b"name," * (MEMBER // 5)) * 250,
        "no end of the header in its first",
    ),
    Case(
        "quotes by the million",
        lambda: {"data.csv": b'Id,Area,City\nk1,1,"' + b'""' * 15_000_000 + b'"\n'},
        Refused("TargetColumn 'Price'"),
        Read(None, 1),
    ),
]
