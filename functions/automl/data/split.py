"""Which split a row belongs to: a stable function of its content (docs/decisions/0007-split-hash.md)."""

import functools
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

TRAIN, CALIBRATION, TEST = "train", "calibration", "test"
_BITS = 64


def row_hashes(frame: pl.DataFrame, ignored: Collection[str] = ()) -> pl.Series:
    """A 64-bit hash of each row's text, whatever the order of columns, the platform and the version of any library.

    BLAKE2b (RFC 7693) with an 8-byte digest over the cells in UTF-8, columns ordered by name, separated by U+001F;
    a missing cell is empty.

    Args:
        frame: text columns.
        ignored: columns that do not count, such as a row's identity.
    """
    names = sorted(set(frame.columns) - set(ignored))
    cells = pl.concat_str([pl.col(name).fill_null("") for name in names], separator="\x1f")
    rows = frame.select(cells.cast(pl.Binary)).to_series().to_list()
    hashed = map(functools.partial(hashlib.blake2b, digest_size=_BITS // 8), rows)
    digests = pl.Series("hash", [row.digest() for row in hashed], dtype=pl.Binary)
    return digests.bin.reinterpret(dtype=pl.UInt64, endianness="big")


def assign(hashes: pl.Series, test: float, calibration: float) -> pl.Series:
    """The split of each row: ``test`` when hash / 2^64 is below the test share, then ``calibration``, else ``train``.

    A test row stays one when the calibration share changes, and when rows are added or removed.
    """
    frame = hashes.to_frame("hash")
    return frame.select(
        pl.when(pl.col("hash") < _bound(test))
        .then(pl.lit(TEST))
        .when(pl.col("hash") < _bound(test + calibration))
        .then(pl.lit(CALIBRATION))
        .otherwise(pl.lit(TRAIN))
        .alias("split")
    ).to_series()


@dataclass
class Fingerprint:
    """Tells whether two sets of rows are the same, in whatever order and parts they were added.

    The sum of hashes sees a row that is there twice, which their exclusive or alone does not.
    """

    rows: int = 0
    total: int = 0
    parity: int = 0

    def add(self, hashes: pl.Series) -> None:
        """Count the rows of these hashes in."""
        if not hashes.len():
            return
        half = 2 ** (_BITS // 2)  # sums of halves do not overflow
        self.rows += hashes.len()
        self.total = (self.total + int((hashes // half).sum()) * half + int((hashes % half).sum())) % 2**_BITS
        self.parity ^= int(hashes.bitwise_xor())  # type: ignore[arg-type]

    def hex(self) -> str:
        """32 hexadecimal digits."""
        return hashlib.blake2b(f"{self.rows},{self.total},{self.parity}".encode(), digest_size=16).hexdigest()


def _bound(share: float) -> pl.Expr:
    return pl.lit(min(int(share * 2**_BITS), 2**_BITS - 1), dtype=pl.UInt64)
