"""Whatever a disk does to the spool, each chunk is read as it was written, or counts as dropped."""

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from pitbox.chunks import ranges
from pitbox.chunks.ranges import Ranges
from producers.spool import salvage
from producers.spool.database import DiskError, DiskFullError, SpoolError
from producers.spool.disk import FILE, Spool
from producers.spool.keeper import Keeper, opened
from producers.spool.ledger import RunKey
from producers.spool.pages import wal_of
from schemas.telemetry import Chunk
from tests.tools import spooled
from tests.tools.spooled import KEY, encoded, encoded_chunks

COUNT = 200
OLDER = RunKey("monza", "ada", 6)
FIELDS = [field.name for field in msgspec.structs.fields(Chunk)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a spool that a kill left with chunks in its file and in its log."""
    folder = tmp_path_factory.mktemp("written")
    spool = Spool(folder / FILE, max_bytes=10**9, max_age_h=1)
    spool.append(OLDER, 0, encoded_chunks(0, 49, OLDER), 0)
    spool.append(KEY, 0, encoded_chunks(0, COUNT // 2 - 1), 0)
    spool._database.value("pragma wal_checkpoint(truncate)")
    for number in range(COUNT // 2, COUNT):
        spool.append(KEY, number, [encoded(number)], 0)
    copy = tmp_path_factory.mktemp("killed") / "spool"
    shutil.copytree(folder, copy)
    spool.close()
    return copy


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, to be damaged."""
    return Path(shutil.copytree(written, tmp_path / "spool"))


@contextlib.contextmanager
def kept(folder: Path) -> Iterator[Keeper]:
    with opened(folder, max_bytes=10**9, max_age_h=1) as keeper:
        yield keeper


def intact(keeper: Keeper, key: RunKey = KEY) -> Ranges:
    """Return the chunks of a run that are read as they were written; all others are dropped."""
    good: list[int] = []
    run = keeper.work(lambda spool: spool.runs.get(key))
    first, last = 0, run.made - 1 if run else -1
    while first <= last:
        found = keeper.work(partial(Spool.read, key=key, chunks=(first, last), max_bytes=10**4))
        for chunk in found.chunks:
            sent = replace(chunk, send=chunk.chunk)
            assert msgspec.msgpack.encode(sent) == encoded(chunk.chunk, key)
        good += [chunk.chunk for chunk in found.chunks]
        first = max([*good, *(end for _, end in found.lost)], default=last) + 1
    run = keeper.work(lambda spool: spool.runs.get(key))
    assert keeper.work(lambda spool: spool.runs[key].kept if run else ()) == ranges.of(good)
    return ranges.of(good)


def missing(keeper: Keeper) -> list[int]:
    """Return the chunks that are not intact."""
    lost = ranges.minus(((0, COUNT - 1),), intact(keeper))
    return [number for first, last in lost for number in range(first, last + 1)]


def damaged_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{salvage.ASIDE}*{Path(FILE).suffix}"))


@pytest.mark.parametrize("field", range(1, 1 + len(FIELDS)), ids=FIELDS)
def test_a_flipped_bit_in_any_field_costs_that_chunk_alone(folder: Path, field: int) -> None:
    spooled.damage_rows(folder, range(7, 8), spooled.flip_in(field))
    with kept(folder) as keeper:
        assert missing(keeper) == ([] if FIELDS[field - 1] == "send" else [7])
    assert not damaged_files(folder)


def test_a_rotten_row_is_set_aside_with_its_reason_and_stays_dropped(folder: Path) -> None:
    spooled.damage_rows(folder, range(7, 8), spooled.flip(-20))
    with kept(folder) as keeper:
        found = keeper.work(lambda spool: spool.read(KEY, (6, 8), 10**9))
        assert ([chunk.chunk for chunk in found.chunks], found.lost) == ([6, 8], ((7, 7),))
        assert (found.rotten, found.reason) == (1, "the fields of the chunk do not match its crc")
    with closing(sqlite3.connect(folder / FILE)) as database:
        ((reason, content),) = database.execute("select reason, encoded from rotten").fetchall()
    assert (reason, content) == (found.reason, spooled.flip(-20)(encoded(7)))
    with kept(folder) as keeper:
        run = keeper.work(lambda spool: spool.runs[KEY])
        assert (run.made, run.dropped) == (COUNT, ((7, 7),))


def test_a_flipped_bit_in_the_number_of_an_old_chunk_replaces_no_other(tmp_path: Path) -> None:
    """The crc of version 1 does not cover the head: the row's own key decides."""
    with kept(tmp_path) as keeper:
        old = [encoded(number, version=1) for number in range(4)]
        keeper.work(lambda spool: spool.append(KEY, 0, old, 0))
    spooled.damage_rows(tmp_path, range(2, 3), spooled.flip_in(5))
    with kept(tmp_path) as keeper:
        found = keeper.work(lambda spool: spool.read(KEY, (0, 3), 10**9))
    assert [chunk.chunk for chunk in found.chunks] == [0, 1, 3]
    assert found.lost == ((2, 2),)


def test_an_intact_chunk_in_a_wrong_place_returns_to_its_own(folder: Path) -> None:
    spooled.damage_rows(folder, range(7, 8), lambda _: encoded(8))
    with kept(folder) as keeper:
        assert missing(keeper) == [7]
    assert damaged_files(folder)


def test_a_flipped_bit_in_the_row_of_a_run_loses_no_chunk(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("update run set session = 'spb' where session = 'spa'")
        database.commit()
    with kept(folder) as keeper:
        assert missing(keeper) == []


@pytest.mark.parametrize("running", [False, True], ids=["at a start", "while the app runs"])
def test_zeroed_pages_cost_their_chunks_alone(folder: Path, running: bool) -> None:
    if running:
        with kept(folder) as keeper:
            spooled.zero_pages(folder, 1)
            gone = missing(keeper)
            keeper.work(lambda spool: spool.append(KEY, COUNT, [encoded(COUNT)], 0))
    else:
        spooled.checkpoint(folder)
        spooled.zero_pages(folder, 1)
        with kept(folder) as keeper:
            gone = missing(keeper)
    assert 0 < len(gone) <= 40
    assert damaged_files(folder)


def test_a_file_without_its_first_page_loses_nothing(folder: Path) -> None:
    spooled.checkpoint(folder)
    file = folder / FILE
    file.write_bytes(bytes(4096) + file.read_bytes()[4096:])
    with kept(folder) as keeper:
        assert missing(keeper) == []
        assert intact(keeper, OLDER) == ((0, 49),)


def test_a_file_that_is_none_of_sqlite_leaves_every_chunk_dropped(folder: Path) -> None:
    wal_of(folder / FILE).unlink()
    (folder / FILE).write_bytes(b"no database at all " * 100)
    with kept(folder) as keeper:
        run = keeper.work(lambda spool: spool.runs[KEY])
        assert (run.made, run.dropped) == (COUNT, ((0, COUNT - 1),))


def test_damage_in_the_middle_of_the_log_costs_what_it_hit(folder: Path) -> None:
    wal = wal_of(folder / FILE)
    content = bytearray(wal.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20] = bytes(20)
    wal.write_bytes(content)
    with kept(folder) as keeper:
        assert len(missing(keeper)) < 10


def test_a_log_that_is_gone_leaves_its_chunks_dropped(folder: Path) -> None:
    wal_of(folder / FILE).unlink()
    with kept(folder) as keeper:
        assert missing(keeper) == list(range(COUNT // 2, COUNT))
        run = keeper.work(lambda spool: spool.runs[KEY])
        assert (run.made, run.dropped) == (COUNT, ((COUNT // 2, COUNT - 1),))


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(6, 200))]
)
def test_any_damage_leaves_each_chunk_intact_or_dropped(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    for file in (folder / FILE, wal_of(folder / FILE)):
        content = bytearray(file.read_bytes())
        for _ in range(chance.choice([0, 1, 5])):
            at, size = chance.randrange(len(content)), chance.choice([1, 1, 40, 5000])
            spoilt = bytes(size) if chance.random() < 0.5 else chance.randbytes(size)
            content[at : at + size] = spoilt[: len(content) - at]
        file.write_bytes(content[: len(content) - chance.choice([0, 0, 100, 9000])])
    with kept(folder) as keeper:
        intact(keeper)
        intact(keeper, OLDER)
        run = keeper.work(lambda spool: spool.runs[KEY])
        assert run.made == COUNT
        keeper.work(lambda spool: spool.append(KEY, COUNT, [encoded(COUNT)], 0))
        assert intact(keeper)[-1][1] == COUNT


def test_a_kill_during_the_salvage_loses_nothing(folder: Path) -> None:
    spooled.checkpoint(folder)
    spooled.zero_pages(folder, 1)
    file = folder / FILE
    (folder / (FILE + salvage.UNFINISHED)).write_bytes(b"half of a file")
    with kept(folder) as keeper:
        left = intact(keeper)
    file.rename(folder / (FILE + salvage.FINISHED))
    with kept(folder) as keeper:
        assert intact(keeper) == left


def test_only_the_newest_damaged_files_stay(folder: Path) -> None:
    for number in range(4):
        (folder / f"{salvage.ASIDE}2020010{number}T000000Z.sqlite").touch()
    spooled.checkpoint(folder)
    spooled.zero_pages(folder, 1)
    with kept(folder) as keeper:
        intact(keeper)
    assert len(damaged_files(folder)) == salvage.KEPT_ASIDE


def test_damaged_files_are_deleted_with_a_session_that_they_may_hold(folder: Path) -> None:
    spooled.checkpoint(folder)
    spooled.zero_pages(folder, 1)
    with kept(folder) as keeper:
        intact(keeper)
        assert damaged_files(folder)
        keeper.discard_damaged()
    assert not damaged_files(folder)


def test_a_copy_in_the_log_of_a_chunk_that_was_dropped_does_not_come_back(folder: Path) -> None:
    with kept(folder) as keeper:
        keeper.work(lambda spool: spool.append(KEY, COUNT, [encoded(COUNT)], 0))
        keeper.work(lambda spool: spool.drop(KEY, (0, COUNT)))
        copy = Path(shutil.copytree(folder, folder.with_name("copy")))
    with kept(copy) as keeper:
        assert keeper.work(lambda spool: spool.runs[KEY].kept) == ()


def test_a_spool_that_another_app_uses_is_refused(folder: Path) -> None:
    with kept(folder), pytest.raises(SpoolError, match="in use: stop the other pitbox drive"):
        Keeper(folder, max_bytes=10**9, max_age_h=1).open()


def test_a_spool_of_a_newer_version_is_refused(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("pragma user_version = 99")
    with pytest.raises(SpoolError, match="newer version of PitBox: update"), kept(folder):
        pass


def test_a_spool_of_version_1_is_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.executescript(
            "create table run (id integer primary key, session text not null, driver text not null,"
            "run integer not null, have blob not null, dropped blob not null,"
            "unique (session, driver, run));"
            "create table chunk (place integer primary key, spooled_s integer not null,"
            "encoded blob not null); pragma user_version = 1;"
        )
        empty = msgspec.msgpack.encode(())
        database.execute("insert into run values (1, 'spa', 'ada', 7, ?, ?)", (empty, empty))
        row = (1 << 31, 0, encoded(0, version=1))
        database.execute("insert into chunk values (?, ?, ?)", row)
        database.commit()
    with kept(tmp_path) as keeper:
        found = keeper.work(lambda spool: spool.read(KEY, (0, 0), 10**9))
        assert [chunk.version for chunk in found.chunks] == [1]


def test_a_folder_that_vanishes_is_noticed_and_used_again_once_it_is_back(
    folder: Path, tmp_path: Path
) -> None:
    with kept(folder) as keeper:
        away = folder.rename(tmp_path / "away")
        with pytest.raises(DiskError, match="No such file"):
            keeper.work(lambda spool: spool.append(KEY, COUNT, [encoded(COUNT)], 0))
        assert keeper.trouble
        away.rename(folder)
        keeper._retry_at_s = 0
        keeper.work(lambda spool: spool.append(KEY, COUNT + 1, [encoded(COUNT + 1)], 0))
        assert not keeper.trouble
        assert keeper.work(lambda spool: spool.runs[KEY].dropped) == ((COUNT, COUNT),)


def test_a_salvage_without_room_is_not_repeated_at_once(folder: Path) -> None:
    spooled.checkpoint(folder)
    spooled.zero_pages(folder, 1)
    blocked = folder / (FILE + salvage.UNFINISHED)
    blocked.mkdir()
    with kept(folder) as keeper:
        for _ in range(2):
            with pytest.raises(DiskError, match="salvaging"):
                keeper.work(lambda spool: spool.read(KEY, (0, COUNT - 1), 10**9))
        blocked.rmdir()
        with pytest.raises(DiskError, match="salvaging"):
            keeper.work(lambda spool: spool.used_bytes)
        keeper._retry_at_s = 0
        assert len(missing(keeper)) <= 40


def test_a_full_disk_refuses_chunks_and_gives_those_it_has(folder: Path) -> None:
    with kept(folder) as keeper:
        keeper.work(lambda spool: spool._database.value("pragma max_page_count = 1"))
        with pytest.raises(DiskFullError):
            keeper.work(lambda spool: spool.append(KEY, COUNT, [encoded(COUNT, extra=9000)], 0))
        assert missing(keeper) == []
