"""Transform Data's work as others do it: pandas, awswrangler, and the engine alone, which is the limit.

Each function takes the folder that stands for S3, reads its data.csv, leaves out rows by a condition, derives two
columns, drops two, splits in three by a row's content and writes the splits as CSV. Each runs in a process of its own
(``measuring.alone``); pandas and awswrangler in an environment of their own, so they are imported where they are used.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.folder import Folder

SHARES = (0.1, 0.2)
"""A row is a test row below the first, a calibration row below the second, else a training row."""
CHUNK_ROWS = 100_000
MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""What pandas takes for a missing value."""


def _pandas_splits(frame: Any) -> Iterator[tuple[str, Any]]:
    """The usual lines of pandas for one frame of rows."""
    import pandas as pd

    frame = frame[(frame["Number0"] < 9.9) & frame["Target"].notna()]
    content = pd.util.hash_pandas_object(frame.drop(columns="Id"), index=False) / 2**64
    features = frame.assign(
        Product=frame["Number1"] * frame["Number2"], Month=pd.to_datetime(frame["Day"]).dt.month
    ).drop(columns=["Id", "Flag"])
    yield "train", features[content >= SHARES[1]]
    yield "calibration", frame[(content >= SHARES[0]) & (content < SHARES[1])]
    yield "test", frame[content < SHARES[0]]


def with_pandas(folder: str) -> int:
    """The usual code of a Lambda function: read all, work on all, write all."""
    import pandas as pd

    client = Folder(Path(folder))
    frame = pd.read_csv(client.get_object("bucket", "data.csv")["Body"])
    for name, rows in _pandas_splits(frame):
        text = io.StringIO()
        rows.to_csv(text, index=False)
        client.put_object("bucket", f"pandas/{name}.csv", text.getvalue().encode())
    return len(frame)


def with_awswrangler(folder: str) -> int:
    """awswrangler in chunks, which is how it handles what does not fit into memory."""
    import awswrangler as wr

    client = Folder(Path(folder))
    session: Any = SimpleNamespace(client=lambda *_, **__: client)
    rows = 0
    chunks = wr.s3.read_csv("s3://bucket/data.csv", chunksize=CHUNK_ROWS, boto3_session=session)
    for number, chunk in enumerate(chunks):
        rows += len(chunk)
        for name, split in _pandas_splits(chunk):
            path = f"s3://bucket/awswrangler/{name}/{number}.csv"
            wr.s3.to_csv(split, path, index=False, boto3_session=session)
    return rows


def with_the_engine(folder: str) -> int:
    """polars alone, streaming, in one pass: what can be reached with it, without any promise of ``docs/data.md``.

    Like Transform Data it keeps values as text, finds each column's type by reading every cell, counts missing and
    distinct values, and finds range and mean of numbers. Unlike it, it is told the types to check, takes polars' own
    hash, which may change with its version, and says nothing about rows that are too short or misplaced quotes.
    """
    import polars as pl

    numbers = [*(f"Number{index}" for index in range(8)), "Target"]
    source = pl.scan_csv(Path(folder) / "data.csv", infer_schema=False, empty_string_is_null=False)
    columns = source.collect_schema().names()
    rows = source.with_row_index("_Row").with_columns(
        pl.when(pl.col(name).is_in(MISSING)).then(None).otherwise(pl.col(name)).alias(name) for name in columns
    )
    values = {
        "Id": pl.col("Id").cast(pl.Int64, strict=False),
        "Day": pl.col("Day").str.to_date("%Y-%m-%d", strict=False),
        "Flag": pl.col("Flag").replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean),
        **{name: pl.col(name).cast(pl.Float64, strict=False) for name in numbers},
    }
    rows = rows.with_columns(value.alias(f"value {name}") for name, value in values.items())
    profile = rows.select(
        pl.len().alias("rows"),
        *((pl.col(name).is_null() | pl.col(f"value {name}").is_not_null()).all() for name in values),
        *(pl.col(name).null_count().alias(f"missing {name}") for name in columns),
        *(pl.col(name).approx_n_unique().alias(f"distinct {name}") for name in columns),
        *(pl.col(f"value {name}").min().alias(f"minimum {name}") for name in ("Id", *numbers)),
        *(pl.col(f"value {name}").max().alias(f"maximum {name}") for name in ("Id", *numbers)),
        *(pl.col(f"value {name}").mean().alias(f"mean {name}") for name in ("Id", *numbers)),
    )
    content = pl.concat_str([pl.col(name).fill_null("") for name in sorted(columns) if name != "Id"], separator="\x1f")
    kept = rows.filter(pl.col("value Number0") < 9.9, pl.col("value Target").is_not_null()).with_columns(
        content=content.hash().cast(pl.Float64) / 2.0**64
    )
    features = kept.select(
        *(name for name in columns if name not in {"Id", "Flag", "Target"}),
        (pl.col("value Number1") * pl.col("value Number2")).alias("Product"),
        pl.col("value Day").dt.month().alias("Month"),
        "Target",
        "content",
    )
    raw = kept.select(*columns, "_Row", "content")
    splits = {
        "train": features.filter(pl.col("content") >= SHARES[1]),
        "calibration": raw.filter(pl.col("content") >= SHARES[0], pl.col("content") < SHARES[1]),
        "test": raw.filter(pl.col("content") < SHARES[0]),
    }
    sinks = [
        split.drop("content").sink_csv(Path(folder) / f"polars_{name}.csv", lazy=True) for name, split in splits.items()
    ]
    found, *_ = pl.collect_all([profile, *sinks], engine="streaming")
    return int(found["rows"][0])
