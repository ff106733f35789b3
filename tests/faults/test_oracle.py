"""The oracle finds lost, duplicate, damaged, alien and gone chunks."""

import asyncio
import zlib
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from pitbox.chunks import frames
from tests.faults import facts, oracle
from tests.faults.ledger import Entry, Ledger
from tests.faults.verdict import Verdict

ROW = """
insert into telemetry_chunk (session, driver, run, chunk, first_frame, frames, captured_ns,
    ended_ns, crc, channels, block)
values ('s', 'MOR', 1, $1, $2, 1, 0, 0, $3, '\\x01', $4)
"""
BLOCK = frames.pack([0], [frames.row_struct(1).pack(7.0)])
CRC = zlib.crc32(BLOCK)


def entry(chunk: int) -> Entry:
    return Entry("s", "MOR", 1, chunk, CRC, first_frame=chunk, frames=1)


def judged(url: str, committed: list[Entry], *made_only: Entry) -> Verdict:
    kept = frozenset(entry.identity for entry in committed)
    return oracle.judge(url, [Ledger((*committed, *made_only), kept)])


def execute(url: str, *statements: tuple[Any, ...]) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        for sql, *arguments in statements:
            await connection.execute(sql, *arguments)
        await connection.close()

    asyncio.run(run())


def derive(url: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await facts.derive(connection)
        await connection.close()

    asyncio.run(run())


@pytest.fixture
def stored(database: str) -> str:
    """Return a database that has chunks 0 and 1 of a run, as committed."""
    execute(
        database,
        (ROW, 0, 0, CRC, BLOCK),
        (ROW, 1, 1, CRC, BLOCK),
        ("insert into run (session, driver, run, have) values ('s', 'MOR', 1, '{[0,2)}')",),
    )
    derive(database)
    return database


def test_rows_as_committed_are_sound(stored: str) -> None:
    verdict = judged(stored, [entry(0), entry(1)])
    assert verdict == Verdict(chunks=2, lost=0, duplicate=0, gone=0)
    assert verdict.sound


def test_a_chunk_that_is_missing_is_lost(stored: str) -> None:
    verdict = judged(stored, [entry(0), entry(1), entry(2)])
    assert (verdict.lost, verdict.first_lost) == (1, ("s", "MOR", 1, 2))
    assert not verdict.sound


def test_a_missing_chunk_that_is_declared_gone_is_gone(stored: str) -> None:
    execute(stored, ("update run set made = 3, gone = '{[2,3)}'",))
    verdict = judged(stored, [entry(0), entry(1), entry(2)])
    assert (verdict.lost, verdict.gone, verdict.sound) == (0, 1, True)


def test_a_stored_chunk_that_is_declared_gone_is_falsely_gone(stored: str) -> None:
    execute(stored, ("update run set gone = '{[1,2)}'",))
    verdict = judged(stored, [entry(0), entry(1)])
    assert verdict.falsely_gone == 1
    assert not verdict.sound


def test_frames_that_are_stored_twice_are_duplicate(stored: str) -> None:
    execute(stored, (ROW, 2, 1, CRC, BLOCK), ("update run set have = '{[0,3)}'",))
    verdict = judged(stored, [entry(0), entry(1)])
    assert verdict.duplicate == 1


def test_other_content_than_committed_is_damaged(stored: str) -> None:
    other = frames.pack([0], [frames.row_struct(1).pack(8.0)])
    change = "update telemetry_chunk set block = $1, crc = $2 where chunk = 1"
    execute(stored, (change, other, zlib.crc32(other)))
    assert judged(stored, [entry(0), entry(1)]).damaged == 1


def test_a_block_that_does_not_match_its_crc_is_damaged(stored: str) -> None:
    execute(stored, ("update telemetry_chunk set block = block || '\\x00' where chunk = 1",))
    assert judged(stored, [entry(0), entry(1)]).damaged == 1


def test_a_row_in_no_ledger_is_alien(stored: str) -> None:
    execute(stored, (ROW, 9, 9, CRC, BLOCK), ("update run set have = '{[0,2),[9,10)}'",))
    assert judged(stored, [entry(0), entry(1)]).alien == 1


def test_a_row_that_was_made_and_never_committed_is_not_alien_and_its_content_counts(
    stored: str,
) -> None:
    assert judged(stored, [entry(0)], entry(1)).sound
    assert judged(stored, [entry(0)], replace(entry(1), crc=CRC + 1)).damaged == 1


def test_the_next_number_after_the_last_is_alien_when_nobody_made_it(stored: str) -> None:
    assert judged(stored, [entry(0)]).alien == 1


def test_a_number_that_the_ledger_left_out_is_skipped(stored: str) -> None:
    execute(stored, (ROW, 4, 4, CRC, BLOCK), ("update run set have = '{[0,2),[4,5)}'",))
    assert judged(stored, [entry(0), entry(1), entry(4)]).skipped == 2


def test_a_reported_hole_that_does_not_exist_is_misshown(stored: str) -> None:
    execute(stored, ("update run set made = 7",))
    assert judged(stored, [entry(0), entry(1)]).misshown == 5


def test_have_that_differs_from_the_rows_is_misheld(stored: str) -> None:
    execute(stored, ("update run set have = '{[0,4)}'",))
    assert judged(stored, [entry(0), entry(1)]).misheld == 1


def test_a_fact_that_its_chunks_do_not_say_is_wrong(stored: str) -> None:
    assert judged(stored, [entry(0), entry(1)]).wrong_facts == 0
    execute(stored, ("update session set started_ns = 5",))
    verdict = judged(stored, [entry(0), entry(1)])
    assert (verdict.wrong_facts, verdict.sound) == (1, False)


def test_a_fact_that_is_missing_is_wrong(stored: str) -> None:
    execute(stored, ("delete from session",))
    assert judged(stored, [entry(0), entry(1)]).wrong_facts == 1


def test_frames_after_a_chunk_of_events_alone_are_no_duplicate(stored: str) -> None:
    empty = ROW.replace("$2, 1, 0", "$2, 0, 0")
    execute(stored, (empty, 2, 2, zlib.crc32(b""), b""), (ROW, 3, 2, CRC, BLOCK))
    execute(stored, ("update run set have = '{[0,4)}'",))
    assert judged(stored, [entry(0), entry(1)]).duplicate == 0
