"""Parquet files and folders of objects, and objects that change while they are read."""

import io
import random
import struct
from typing import Any

import polars as pl

from tests.hostile.files.case import FOLDER, HONEST, ROWS, Case, Read, Refused, Table, honest, read, refused

DATA = HONEST.csv().encode()
BUCKET = "data-bucket"


def _frame(table: Table = HONEST) -> pl.DataFrame:
    return pl.DataFrame(table.rows, schema=dict.fromkeys(table.header, pl.String), orient="row")


def _parquet(frame: pl.DataFrame, **options: Any) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file, **options)
    return file.getvalue()


PARQUET = _parquet(_frame())
FOOTER = int.from_bytes(PARQUET[-8:-4], "little")


def _with(column: pl.Series) -> bytes:
    return _parquet(_frame().with_columns(column))


def _lying(length: int) -> bytes:
    return PARQUET[:-8] + struct.pack("<I", length) + b"PAR1"


def _damaged(seed: int) -> bytes:
    draw, data = random.Random(seed), bytearray(PARQUET)
    for _ in range(20):
        data[draw.randrange(len(data) - FOOTER - 8, len(data) - 8)] = draw.randrange(256)
    return bytes(data)


def _parts(table: Table, size: int) -> list[Table]:
    return [Table(table.header, table.rows[at : at + size]) for at in range(0, len(table.rows), size)]


def _folder(**objects: bytes) -> dict[str, bytes]:
    return {f"all/{name.replace('__', '.')}": data for name, data in objects.items()}


def _first_rows(rows: int) -> bytes:
    return honest(rows).csv().encode()


def _overwrite(s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=_first_rows(ROWS).replace(b"Oslo", b"Rome"))


def _overwrite_with_parquet(s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=_parquet(_frame(honest(700))))


def _delete(s3: Any, key: str) -> None:
    s3.delete_object(Bucket=BUCKET, Key=key)


RAGGED = b"Id,Area,City,Price\nk1,1.5,Oslo\n"
IN_TWO = _parts(HONEST, ROWS // 2)
READ_ALL = Read(HONEST, ROWS)
CHANGED = Refused("changed while it was being read; start again when nobody writes it")


def _all(name: str, objects: dict[str, bytes], outcome: Read | Refused, **more: Any) -> Case:
    return Case(name, lambda: objects, outcome, outcome, uri="all/", **more)


CASES: list[Case] = [
    read("Parquet", PARQUET, key="data.parquet"),
    read("Parquet called .csv", PARQUET),
    read("Parquet in groups of ten rows", _parquet(_frame(), row_group_size=10), key="data.parquet"),
    read(
        "Parquet of decimals",
        _parquet(_frame().with_columns(pl.col("Area").cast(pl.Decimal(20, 5)))),
        HONEST.with_cells("Area", lambda _, text: f"{text}0000"),
    ),
    read("Parquet of categories", _parquet(_frame().with_columns(pl.col("City").cast(pl.Categorical)))),
    read(
        "Parquet with not finite numbers",
        _parquet(_frame().with_columns(Area=pl.Series([float("inf"), float("nan")] * (ROWS // 2)))),
        HONEST.with_cells("Area", lambda *_: ""),
    ),
    refused("truncated Parquet", PARQUET[: len(PARQUET) // 2], "is a damaged or truncated Parquet file"),
    refused(
        "Parquet without its first half",
        b"PAR1" + PARQUET[len(PARQUET) // 2 :],
        "is a damaged or truncated Parquet file",
    ),
    refused("Parquet that is its magic word", b"PAR1", "is a damaged or truncated Parquet file"),
    refused("Parquet that is its magic word twice", b"PAR1PAR1", "is a damaged or truncated Parquet file"),
    refused("Parquet with a footer of 4 GB", _lying(2**32 - 1), "is a damaged or truncated Parquet file"),
    refused("Parquet with a footer of nothing", _lying(0), "is a damaged or truncated Parquet file"),
    refused("Parquet with a footer too short", _lying(FOOTER - 7), "is a damaged or truncated Parquet file"),
    refused("Parquet with a footer too long", _lying(FOOTER + 100), "is a damaged or truncated Parquet file"),
    *(
        refused(
            f"Parquet with a damaged footer, {seed}",
            _damaged(seed),
            "is a damaged or truncated Parquet file|is not a column|lacks|holds|rows",
            scored=None,
        )
        for seed in range(6)
    ),
    refused(
        "Parquet with damaged pages",
        PARQUET[:200] + b"\xff" * 500 + PARQUET[700:],
        "is a damaged or truncated Parquet file",
    ),
    refused("Parquet without rows", _parquet(_frame().clear()), "has a header but no rows"),
    refused(
        "Parquet without columns",
        _parquet(pl.DataFrame()),
        "has no columns|is not a column",
        scored="has no columns|lacks",
    ),
    refused(
        "Parquet of lists",
        _with(pl.Series("City", [["a", "b"]] * ROWS)),
        r"column 'City' holds List\(String\); write numbers, text",
    ),
    refused("Parquet of structures", _with(pl.Series("City", [{"a": 1}] * ROWS)), "column 'City' holds Struct"),
    refused("Parquet of bytes", _with(pl.Series("City", [b"\xff\0"] * ROWS)), "column 'City' holds Binary"),
    refused(
        "Parquet with NUL bytes in a text",
        _with(pl.Series("City", ["a\0b"] * ROWS)),
        "'City' has a NUL character in row 0",
    ),
    refused("an encrypted Parquet file", b"PARE" + PARQUET[4:-4] + b"PARE", "is an encrypted Parquet file"),
    Case(
        "Parquet of ten million rows in one group",
        lambda: {
            "data.csv": _parquet(
                pl.DataFrame({"Id": "k", "Area": 1.5, "City": "Oslo"}).select(pl.all().repeat_by(10_000_000).explode()),
                row_group_size=10_000_000,
            )
        },
        Refused("TargetColumn 'Price'"),
        Read(None, 10_000_000),
    ),
    _all("a folder of two", _folder(a=IN_TWO[0].csv().encode(), b=IN_TWO[1].csv(line_end="\r\n").encode()), READ_ALL),
    _all(
        "a folder of CSV, gzip and Parquet",
        _folder(a__csv=IN_TWO[0].csv().encode(), b__parquet=_parquet(_frame(IN_TWO[1]))),
        READ_ALL,
    ),
    _all(
        "a folder with markers without bytes",
        _folder(_SUCCESS=b"", a=DATA, __keep=b"") | {"all/": b"", "all/sub/": b""},
        READ_ALL,
    ),
    _all(
        "a folder of hundreds of objects",
        {f"all/{number:04}.csv": part.csv().encode() for number, part in enumerate(_parts(HONEST, 4))}
        | {f"all/x{number:04}.csv": b"Id,Area,City,Price\n" for number in range(100)},
        READ_ALL,
    ),
    _all(
        "a folder whose objects have other orders of columns",
        _folder(a=IN_TWO[0].csv().encode(), b=_parquet(_frame(IN_TWO[1]).select("Price", "City", "Id", "Area"))),
        READ_ALL,
    ),
    _all(
        "a folder with another header",
        _folder(a=DATA, b=b"Id,Area,Town,Price\nk1,1.5,Oslo,2\n"),
        Refused("b has no column 'City', which .*a has; give all objects the same columns"),
    ),
    _all(
        "a folder with one more column",
        _folder(a=DATA, b=b"Id,Area,City,Price,More\nk1,1.5,Oslo,2,3\n"),
        Refused("b has column 'More', which .*a has not"),
    ),
    _all("a folder with another delimiter", _folder(a=DATA, b=IN_TWO[1].csv(";").encode()), Refused("b has no column")),
    _all(
        "a folder with an empty object",
        _folder(a=DATA, b=b""),
        Refused("b is empty; write a header and at least one row, or remove the object"),
    ),
    _all("a folder with a picture", _folder(a=DATA, b=b"\x89PNG\r\n\x1a\n" + bytes(100)), Refused("b is a picture")),
    _all(
        "a folder with a bad row in its last object",
        _folder(a=DATA, b=RAGGED),
        Refused(r"b: row 0 \(line 2\) has 3 cells"),
    ),
    _all(
        "a folder of nothing but markers",
        _folder(_SUCCESS=b"") | {"all/": b""},
        Refused("There is no object at .*all/, nor any"),
    ),
    Case("nothing there", dict, Refused("There is no object at"), Refused("There is no object at")),
    Case("an object overwritten while it is read", lambda: {"data.csv": DATA}, CHANGED, CHANGED, disturb=_overwrite),
    Case(
        "a Parquet object overwritten while it is read",
        lambda: {"data.csv": PARQUET},
        CHANGED,
        CHANGED,
        disturb=_overwrite_with_parquet,
    ),
    Case(
        "an object deleted while it is read",
        lambda: {"data.csv": DATA},
        Refused("does not exist; check the URI"),
        Refused("does not exist"),
        disturb=_delete,
    ),
]
assert FOLDER.endswith("/")
