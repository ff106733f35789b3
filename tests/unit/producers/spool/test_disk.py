"""The spool keeps every chunk that it accepted, whatever ends the process, and trims in order."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from producers.spool.database import Database, DiskError
from producers.spool.disk import Spool
from producers.spool.keeper import opened
from producers.spool.ledger import RunKey
from producers.spool.retention import Dropped
from schemas.telemetry import Range
from tests.tools.spooled import KEY, encoded, encoded_chunks

OTHER = RunKey("monza", "ada", 8)
LARGE = 20_000

WRITE_FOREVER = """
import sys
from pathlib import Path
from producers.spool.keeper import opened
from tests.tools.spooled import KEY, encoded

with opened(Path(sys.argv[1]), max_bytes=10**9, max_age_h=72) as keeper:
    chunk = 0
    while True:
        sync = sys.argv[2:] == ["sync"]
        keeper.work(lambda spool: spool.append(KEY, chunk, [encoded(chunk)], 0, sync=sync))
        print(chunk, flush=True)
        chunk += 1
"""


def open_spool(folder: Path, max_bytes: int = 10**9, reserve_bytes: int = 0) -> Spool:
    file = folder / "spool.sqlite"
    return Spool(file, max_bytes=max_bytes, max_age_h=1, reserve_bytes=reserve_bytes)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Open an empty spool that may hold a megabyte for an hour."""
    spool = open_spool(tmp_path, max_bytes=1_000_000)
    yield spool
    spool.close()


def read(spool: Spool, key: RunKey, chunks: Range) -> list[bytes]:
    """Return the chunks of a range as they were encoded."""
    found = spool.read(key, chunks, 10**9)
    assert not found.lost
    return [msgspec.msgpack.encode(chunk) for chunk in found.chunks]


def trim(spool: Spool, now_s: float = 0) -> list[Dropped]:
    dropped = []
    while part := spool.trim(now_s):
        dropped.append(part)
    return dropped


def test_what_was_appended_is_read_back_in_order(spool: Spool) -> None:
    spool.append(KEY, 0, encoded_chunks(0, 2), 0)
    spool.append(OTHER, 0, [encoded(0, OTHER)], 0)
    assert read(spool, KEY, (1, 2)) == encoded_chunks(1, 2)
    assert read(spool, OTHER, (0, 0)) == [encoded(0, OTHER)]


def test_a_read_is_bounded_but_gives_at_least_one_chunk(spool: Spool) -> None:
    spool.append(KEY, 0, encoded_chunks(0, 4), 0)
    size = len(encoded(0))
    assert [chunk.chunk for chunk in spool.read(KEY, (0, 4), 5 * size // 2).chunks] == [0, 1]
    assert len(spool.read(KEY, (0, 4), 5).chunks) == 1


def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.append(KEY, 0, encoded_chunks(0, 1), 0)
    spool.append(OTHER, 0, [encoded(0, OTHER)], 0)
    spool.note({KEY: ((0, 0),)})
    spool.drop(KEY, (0, 0))
    spool.close()
    again = open_spool(tmp_path)
    assert [run.key for run in again.runs.values()] == [KEY, OTHER]
    assert again.runs[KEY].made == 2
    assert again.runs[KEY].have == ((0, 0),)
    assert again.runs[KEY].kept == ((1, 1),)
    again.close()


@pytest.mark.parametrize("sync", ["sync", "no sync"])
def test_a_killed_writer_loses_no_chunk_that_it_reported(tmp_path: Path, sync: str) -> None:
    command = [sys.executable, "-c", WRITE_FOREVER, str(tmp_path), sync]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(200):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    reported = [int(line) for line in writer.stdout.read().splitlines() if line]
    writer.stdout.close()
    writer.wait()
    spool = open_spool(tmp_path)
    made = spool.runs[KEY].made
    assert made >= max(reported, default=199) + 1
    assert read(spool, KEY, (0, made - 1)) == encoded_chunks(0, made - 1)
    spool.close()


def test_commits_are_synced_where_that_is_wanted(tmp_path: Path) -> None:
    normal, full = 1, 2  # by SQLite's documentation of `synchronous`
    database = Database(tmp_path / "any.sqlite")
    assert database.value("pragma synchronous") == full
    for wanted, mode in ((False, normal), (True, full)):
        database.sync_commits(wanted=wanted)
        assert database.value("pragma synchronous") == mode
    database.close()


def test_two_apps_cannot_share_a_spool(tmp_path: Path) -> None:
    with opened(tmp_path, max_bytes=10**9, max_age_h=72):
        script = WRITE_FOREVER
        second = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=False
        )
    assert b"in use" in second.stderr
    with opened(tmp_path, max_bytes=10**9, max_age_h=72):
        pass


def test_a_full_spool_drops_what_postgres_has_oldest_first(spool: Spool) -> None:
    spool.append(KEY, 0, encoded_chunks(0, 29, extra=LARGE), 0)
    spool.append(OTHER, 0, encoded_chunks(0, 29, OTHER, extra=LARGE), 0)
    spool.note({KEY: ((10, 29),), OTHER: ((0, 29),)})
    dropped = trim(spool)
    assert dropped[0] == Dropped(KEY, (10, 29), receipted=True)
    assert all(part.receipted for part in dropped)
    assert spool.used_bytes <= 1_000_000
    assert spool.runs[KEY].kept == ((0, 9),)


def test_what_postgres_lacks_is_dropped_only_when_the_spool_is_full_of_it(spool: Spool) -> None:
    spool.append(KEY, 0, encoded_chunks(0, 99, extra=LARGE), 0)
    spool.note({KEY: ((50, 51),)})
    dropped = trim(spool)
    assert dropped[0] == Dropped(KEY, (50, 51), receipted=True)
    assert dropped[1] == Dropped(KEY, (0, 49), receipted=False)
    assert spool.used_bytes <= 1_000_000


def test_a_spool_with_room_keeps_what_postgres_has_until_it_is_old(spool: Spool) -> None:
    spool.append(KEY, 0, [b"a"] * 100, now_s=1000)
    spool.append(KEY, 100, [b"b"] * 100, now_s=4000)
    spool.note({KEY: ((0, 199),)})
    assert trim(spool, now_s=4500) == []
    dropped = trim(spool, now_s=4700)
    assert [part.chunks for part in dropped] == [(0, 63)]
    assert trim(spool, now_s=9000)[-1].chunks[1] == 199


def test_a_spool_on_a_crowded_disk_drops_only_what_postgres_has(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, reserve_bytes=10**18)
    spool.append(KEY, 0, [b"a"] * 10, 0)
    spool.note({KEY: ((0, 3),)})
    assert trim(spool) == [Dropped(KEY, (0, 3), receipted=True)]
    assert spool.runs[KEY].kept == ((4, 9),)
    spool.close()


def test_what_postgres_lacks_is_never_too_old(spool: Spool) -> None:
    spool.append(KEY, 0, [b"a"] * 100, now_s=0)
    assert trim(spool, now_s=10**9) == []


def test_numbers_that_the_disk_refused_count_as_dropped(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.append(KEY, 3, [encoded(3)], 0)
    spool.append(KEY, 6, [encoded(6)], 0)
    assert spool.runs[KEY].dropped == ((0, 2), (4, 5))
    spool.close()
    again = open_spool(tmp_path)
    assert again.runs[KEY].kept == ((3, 3), (6, 6))
    again.close()


def test_a_refused_chunk_changes_nothing(spool: Spool) -> None:
    spool.append(KEY, 0, [b"a"], 0)
    spool._database.value("pragma max_page_count = 1")
    with pytest.raises(DiskError, match="full"):
        for chunk in range(1, 100):
            spool.append(KEY, chunk, [encoded(chunk, extra=LARGE)], 0)
    made = spool.runs[KEY].made
    spool._database.value("pragma max_page_count = 100000")
    spool.append(KEY, made + 1, [b"c"], 0)
    assert spool.runs[KEY].dropped == ((made, made),)


def test_a_run_is_forgotten_when_nothing_is_left_of_it(spool: Spool) -> None:
    spool.append(KEY, 0, [b"a", b"b"], 0)
    spool.drop(KEY, (0, 0))
    assert not spool.forget(KEY)
    spool.drop(KEY, (1, 1))
    assert spool.forget(KEY)
    assert KEY not in spool.runs


def test_a_deleted_run_leaves_the_disk_first_and_whole(spool: Spool) -> None:
    spool.append(OTHER, 0, [b"z"] * 3, 0)
    spool.append(KEY, 0, [b"a"] * 100, 0)
    dropped = []
    while part := spool.trim(0, deleted={KEY}):
        dropped.append(part)
    assert [part.chunks for part in dropped] == [(0, 63), (64, 99)]
    assert spool.runs[OTHER].kept == ((0, 2),)
    assert spool.forget(KEY)
