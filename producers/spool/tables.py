"""The tables of the spool's file, and its rows of runs, each with a crc."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from producers.spool.database import DamagedError, Database, SpoolError
from producers.spool.ledger import RunKey, key_of
from producers.spool.retention import KeptRun
from producers.spool.row import UNDECODABLE, MisplacedError, RottenError, chunk_of
from schemas.telemetry import Chunk, Range

VERSION: Final = 2
RUN_BITS: Final = 31
RUN: Final = """
create table run (
    id integer primary key,
    session text not null,
    driver text not null,
    run integer not null,
    have blob not null,
    dropped blob not null,
    unique (session, driver, run)
)
"""
CHUNK: Final = """
create table chunk (place integer primary key, spooled_s integer not null, encoded blob not null)
"""
ROTTEN: Final = """
create table rotten (place integer primary key, reason text not null, encoded blob not null)
"""
CRC: Final = "alter table run add column crc integer not null default 0"

AT_ONCE: Final = 1000

Restored = tuple[Chunk, int, bytes]
"""A chunk, its time of spooling (s since 1970), and its encoded form."""

_encode: Final = msgspec.msgpack.encode
_decode: Final = msgspec.msgpack.Decoder(tuple[Range, ...]).decode


def create(database: Database) -> None:
    """Create the tables, or bring those of version 1 up to date; raises SpoolError, DiskError."""
    found = database.value("pragma user_version")
    if found > VERSION:
        raise SpoolError("it is of a newer version of PitBox: update PitBox")
    if found == VERSION:
        return
    with database.transaction():
        if found == 0:
            database.execute(RUN)
            database.execute(CHUNK)
        database.execute(CRC)
        database.execute(ROTTEN)
        for run in list(_rows(database)):
            save(database, run)
        database.execute(f"pragma user_version = {VERSION}")


def load(database: Database) -> Iterator[KeptRun]:
    """Yield the runs in the order of their first chunks; raises DamagedError for a rotten one."""
    crcs = dict(database.rows("select id, crc from run"))
    for run in list(_rows(database)):
        if _crc(run) != crcs[run.id]:
            raise DamagedError(f"the row of run {run.key.run} does not match its crc")
        run.made = _made(database, run)
        yield run


def begin(database: Database, key: RunKey) -> KeptRun:
    """Insert a run."""
    id_ = database.execute(
        "insert into run (session, driver, run, have, dropped) values (?, ?, ?, ?, ?)",
        (key.session, key.driver, key.run, _encode(NONE), _encode(NONE)),
    )
    run = KeptRun(id=id_, key=key)
    save(database, run)
    return run


def save(
    database: Database, run: KeptRun, *, have: Ranges | None = None, dropped: Ranges | None = None
) -> None:
    """Update the row of a run, with other ranges where given."""
    after = KeptRun(
        id=run.id,
        key=run.key,
        have=run.have if have is None else have,
        dropped=run.dropped if dropped is None else dropped,
    )
    database.execute(
        "update run set have = ?, dropped = ?, crc = ? where id = ?",
        (_encode(after.have), _encode(after.dropped), _crc(after), run.id),
    )


def fill(database: Database, found: Iterable[Restored]) -> None:
    """Insert chunks into empty tables, in any order, also repeated ones.

    All numbers below a run's highest one that do not come count as dropped.
    """
    runs: dict[RunKey, KeptRun] = {}
    left = iter(found)
    while part := list(islice(left, AT_ONCE)):
        with database.transaction():
            for key in {key_of(chunk) for chunk, _, _ in part}:
                runs[key] = runs.get(key) or begin(database, key)
            database.insert(
                "insert or ignore into chunk values (?, ?, ?)",
                [
                    (place_of(runs[key_of(chunk)].id, chunk.chunk), spooled_s, encoded)
                    for chunk, spooled_s, encoded in part
                ],
            )
    for run in runs.values():
        _recount(database, run)


def place_of(run_id: int, chunk: int) -> int:
    """Return the key of a chunk's row."""
    return (run_id << RUN_BITS) | chunk


def number_of(place: int) -> int:
    """Return the chunk's number in a key."""
    return place & ((1 << RUN_BITS) - 1)


def bounds(run_id: int, chunks: Range | None = None) -> tuple[int, int]:
    """Return the first and last key of chunks, by default of all of a run."""
    first, last = chunks or (0, (1 << RUN_BITS) - 1)
    return place_of(run_id, first), place_of(run_id, last)


def _recount(database: Database, run: KeptRun) -> None:
    """Count as dropped what is not in the file, by reading all keys of a run that has some."""
    query = "select place from chunk where place between ? and ? order by place"
    found = database.rows(query, bounds(run.id))
    present = ranges.of(number_of(place) for (place,) in found)
    run.dropped = ranges.minus(((0, present[-1][1]),), present)
    save(database, run)


def _made(database: Database, run: KeptRun) -> int:
    """Return how many chunks a run has made, including dropped ones.

    Raises DamagedError when the chunk that decides it is none.
    """
    query = (
        "select place, encoded from chunk where place between ? and ? order by place desc limit 1"
    )
    made = run.dropped[-1][1] + 1 if run.dropped else 0
    for place, encoded in database.rows(query, bounds(run.id)):
        try:
            made = max(made, chunk_of(encoded, number_of(place), run.key).chunk + 1)
        except (RottenError, MisplacedError) as error:
            raise DamagedError(str(error)) from None
    return made


def _rows(database: Database) -> Iterator[KeptRun]:
    query = "select id, session, driver, run, have, dropped from run order by id"
    for id_, session, driver, run, have, dropped in database.rows(query):
        try:
            key = msgspec.convert({"session": session, "driver": driver, "run": run}, RunKey)
            yield KeptRun(id_, key, have=_decode(have), dropped=_decode(dropped))
        except (TypeError, *UNDECODABLE) as error:
            raise DamagedError(f"the row of a run: {error}") from None


def _crc(run: KeptRun) -> int:
    return zlib.crc32(_encode((run.id, run.key, run.have, run.dropped)))
