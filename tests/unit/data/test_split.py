"""The split: pinned hashes, and what may and may not move a row."""

from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.split import Fingerprint, assign, row_hashes

TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.tuples(*[st.none() | st.text(st.characters(codec="utf-8"), max_size=5)] * width), min_size=1, max_size=20
    )
)


def frame(rows: list[tuple[str | None, ...]]) -> pl.DataFrame:
    names = [f"c{index}" for index in range(len(rows[0]))]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def test_known_hashes() -> None:
    table = pl.DataFrame({"b": ["x", None, "東京"], "a": ["1", "é", "two words"]})

    # GNU coreutils agrees: printf '1\x1fx' | b2sum -l 64, and so on.
    hashes = [f"{value:016x}" for value in row_hashes(table)]
    assert hashes == ["4d8bce2375920758", "e84bcf9af3e5f92d", "c113b637652f1afd"]


@given(TABLES, st.randoms())
def test_the_order_of_columns_does_not_matter(rows: list[tuple[str | None, ...]], random: Random) -> None:
    table = frame(rows)
    shuffled = list(table.columns)
    random.shuffle(shuffled)

    assert row_hashes(table).equals(row_hashes(table.select(shuffled)))


@given(TABLES, st.integers(1, 19))
def test_a_row_is_hashed_by_itself(rows: list[tuple[str | None, ...]], cut: int) -> None:
    table = frame(rows)
    parts = [part for part in (table.head(cut), table.slice(cut)) if part.height]

    assert pl.concat([row_hashes(part) for part in parts]).equals(row_hashes(table))


def test_the_identity_does_not_count() -> None:
    table = pl.DataFrame({"id": ["1", "2"], "a": ["x", "x"]})

    first, second = row_hashes(table, {"id"})

    assert first == second
    assert row_hashes(table)[0] != row_hashes(table)[1]


def test_shares_are_met_and_a_test_row_stays_one() -> None:
    hashes = row_hashes(pl.DataFrame({"a": [str(number) for number in range(20_000)]}))

    splits = assign(hashes, 0.1, 0.2)
    counts = dict(splits.value_counts().rows())

    assert counts["test"] == pytest.approx(2_000, rel=0.1)
    assert counts["calibration"] == pytest.approx(4_000, rel=0.1)
    assert counts["test"] + counts["calibration"] + counts["train"] == 20_000
    assert ((assign(hashes, 0.1, 0.0) == "test") == (splits == "test")).all()
    assert (assign(hashes, 0.2, 0.0).filter(splits == "test") == "test").all()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.randoms(), st.integers(0, 30))
def test_a_fingerprint_knows_the_rows_whatever_their_order_and_parts(
    hashes: list[int], random: Random, cut: int
) -> None:
    whole, parts, fewer = Fingerprint(), Fingerprint(), Fingerprint()
    whole.add(pl.Series(hashes, dtype=pl.UInt64))
    shuffled = random.sample(hashes, len(hashes))
    for part in (shuffled[:cut], shuffled[cut:]):
        parts.add(pl.Series(part, dtype=pl.UInt64))
    fewer.add(pl.Series(hashes[1:], dtype=pl.UInt64))

    assert whole.hex() == parts.hex()
    assert len(whole.hex()) == 32
    assert not hashes or whole.hex() != fewer.hex()


def test_whole_shares_take_all_rows() -> None:
    hashes = row_hashes(pl.DataFrame({"a": [str(number) for number in range(100)]}))

    assert set(assign(hashes, 0.0, 0.0)) == {"train"}
    assert set(assign(hashes, 1.0, 0.0)) == {"test"}
