"""The spool's file: every chunk of every run on the driver's disk, until it has to make room.

One SQLite file; a commit returns when its chunks are on the disk. A chunk's key joins the number of
its run in this file and its own number, so the file grows at its end and shrinks from its
beginning. Chunks `0..made-1` of a run are present except for those in `dropped`, which is written
in the transaction that deletes them. So nothing is counted by reading all rows.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from pitbox.chunks import ranges
from pitbox.chunks.ranges import NONE, Ranges
from pitbox.folder_lock import LockedError, folder_lock
from producers.source import SourceError
from producers.spool.ledger import RunKey
from producers.spool.retention import Dropped, KeptRun, oldest, unwanted
from schemas.telemetry import Range

FILE: Final = "spool.sqlite"
VERSION: Final = 1
RUN_BITS: Final = 31
RESERVE_BYTES: Final = 50_000_000
"""Free bytes that the spool keeps on its disk by deleting chunks that Postgres has."""

TABLES: Final = f"""
create table if not exists run (
    id integer primary key,
    session text not null,
    driver text not null,
    run integer not null,
    have blob not null,
    dropped blob not null,
    unique (session, driver, run)
);
create table if not exists chunk (
    place integer primary key,
    spooled_s integer not null,
    encoded blob not null
);
pragma user_version = {VERSION};
"""

_encode: Final = msgspec.msgpack.encode
_decode: Final = msgspec.msgpack.Decoder(tuple[Range, ...]).decode


class SpoolError(SourceError):
    """Report a spool that cannot be used, in one sentence."""


class DiskError(Exception):
    """Report that the disk cannot be read or written."""


@contextlib.contextmanager
def opened(place: str | Path, *, max_bytes: int, max_age_h: float) -> Iterator["Spool"]:
    """Open and lock the spool in a folder; raises SpoolError when it cannot be used."""
    folder = Path(place).expanduser()
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            stack.enter_context(folder_lock(folder))
            spool = Spool(folder / FILE, max_bytes=max_bytes, max_age_h=max_age_h)
        except LockedError:
            raise SpoolError(
                f"the spool {folder} is in use: stop the other pitbox drive, or set "
                f"PITBOX_DRIVER__SPOOL to another folder"
            ) from None
        except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
            raise SpoolError(f"the spool {folder} cannot be used: {error}") from None
        stack.callback(spool.close)
        yield spool


class Spool:
    """Store chunks; usable from any thread, by one at a time."""

    def __init__(
        self, file: Path, *, max_bytes: int, max_age_h: float, reserve_bytes: int = RESERVE_BYTES
    ) -> None:
        self._file = file
        self._reserve_bytes = reserve_bytes
        self._max_bytes = max_bytes
        self._max_age_s = max_age_h * 3600
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = full")
        found = self._value("pragma user_version")
        if found > VERSION:
            raise SpoolError(f"the spool {file} is of a newer version of PitBox: update PitBox")
        self._database.executescript(TABLES)
        self.runs = {run.key: run for run in self._load()}
        for run in self.runs.values():
            run.made = self._made(run)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def used_bytes(self) -> int:
        """Return how many bytes of the file are in use."""
        pages = self._value("pragma page_count") - self._value("pragma freelist_count")
        return pages * self._value("pragma page_size")

    def append(self, key: RunKey, first: int, encoded: Sequence[bytes], now_s: float) -> None:
        """Write chunks of a run from number `first` on; they are on the disk when this returns.

        Numbers skipped before `first` count as dropped. Raises DiskError when the disk refuses the
        chunks, having changed nothing; ValueError when `first` is below the next number.
        """
        known = self.runs.get(key)
        if known and first < known.made:
            raise ValueError(f"chunk {first} after chunk {known.made - 1}")
        with self._guarded(), self._transaction():
            run = known or self._begin(key)
            dropped = run.dropped
            if first > run.made:
                dropped = ranges.union(dropped, ((run.made, first - 1),))
                self._save(run, dropped)
            self._database.executemany(
                "insert into chunk values (?, ?, ?)",
                (
                    (_place(run.id, number), int(now_s), chunk)
                    for number, chunk in enumerate(encoded, first)
                ),
            )
        self.runs[key] = run
        run.made, run.dropped = first + len(encoded), dropped

    def read(self, key: RunKey, chunks: Range, max_bytes: int) -> list[bytes]:
        """Return the first chunks of a range: up to `max_bytes`, but at least one.

        Stop before the first missing chunk. Raises DiskError when the disk fails.
        """
        run = self.runs[key]
        first, last = _place(run.id, chunks[0]), _place(run.id, chunks[1])
        found: list[bytes] = []
        size = 0
        query = "select place, encoded from chunk where place between ? and ? order by place"
        try:
            for place, encoded in self._database.execute(query, (first, last)):
                size += len(encoded)
                if place != first + len(found) or (found and size > max_bytes):
                    break
                found.append(encoded)
        except sqlite3.Error as error:
            raise DiskError(str(error)) from None
        return found

    def note(self, have: dict[RunKey, Ranges]) -> None:
        """Store which chunks Postgres has, by run; raises DiskError."""
        with self._guarded():
            for key, ranges_had in have.items():
                run = self.runs.get(key)
                if run and run.have != ranges_had:
                    self._database.execute(
                        "update run set have = ? where id = ?", (_encode(ranges_had), run.id)
                    )
                    run.have = ranges_had

    def trim(self, now_s: float, deleted: Container[RunKey] = ()) -> Dropped | None:
        """Delete one slice of chunks that are too old or too many; return it, None for nothing.

        Runs that are `deleted` go first. Then chunks that Postgres has go, the oldest before the
        others, also when the disk is nearly full. Chunks that Postgres lacks go only when the spool
        holds nothing else and is above `max_bytes`. Raises DiskError.
        """
        with self._guarded():
            full = self.used_bytes > self._max_bytes
            part = unwanted(self.runs.values(), deleted)
            if part is not None:
                self.drop(part.key, part.chunks)
                return part
            part = oldest(self.runs.values(), receipted=True)
            if part is None:
                part = oldest(self.runs.values(), receipted=False) if full else None
            elif not (full or self._cramped() or self._too_old(part, now_s)):
                part = None
            if part is not None:
                self.drop(part.key, part.chunks)
        return part

    def drop(self, key: RunKey, chunks: Range) -> None:
        """Delete chunks of a run; raises DiskError."""
        run = self.runs[key]
        dropped = ranges.union(run.dropped, (chunks,))
        with self._guarded(), self._transaction():
            self._database.execute(
                "delete from chunk where place between ? and ?",
                (_place(run.id, chunks[0]), _place(run.id, chunks[1])),
            )
            self._save(run, dropped)
        run.dropped = dropped

    def forget(self, key: RunKey) -> bool:
        """Delete a run that has no chunks in the file; return whether it was deleted."""
        run = self.runs.get(key)
        if run is None or run.kept:
            return False
        with self._guarded():
            self._database.execute("delete from run where id = ?", (run.id,))
        del self.runs[key]
        return True

    def _cramped(self) -> bool:
        """Return whether file and disk have less than the reserve free.

        The reserve is needed: deleting from a full disk fails too.
        """
        free = self._value("pragma freelist_count") * self._value("pragma page_size")
        return free + shutil.disk_usage(self._file.parent).free < self._reserve_bytes

    def _too_old(self, part: Dropped, now_s: float) -> bool:
        place = _place(self.runs[part.key].id, part.chunks[1])
        spooled_s = self._value(
            f"select coalesce(max(spooled_s), 0) from chunk where place={place}"
        )
        return now_s - spooled_s > self._max_age_s

    def _begin(self, key: RunKey) -> KeptRun:
        cursor = self._database.execute(
            "insert into run (session, driver, run, have, dropped) values (?, ?, ?, ?, ?)",
            (key.session, key.driver, key.run, _encode(NONE), _encode(NONE)),
        )
        return KeptRun(id=cursor.lastrowid or 0, key=key)

    def _save(self, run: KeptRun, dropped: Ranges) -> None:
        self._database.execute(
            "update run set dropped = ? where id = ?", (_encode(dropped), run.id)
        )

    def _load(self) -> Iterator[KeptRun]:
        query = "select id, session, driver, run, have, dropped from run order by id"
        for id_, session, driver, run, have, dropped in self._database.execute(query).fetchall():
            key = RunKey(session, driver, run)
            yield KeptRun(id_, key, have=_decode(have), dropped=_decode(dropped))

    def _made(self, run: KeptRun) -> int:
        """Return how many chunks a run has made, including dropped ones."""
        first, last = _place(run.id, 0), _place(run.id + 1, 0) - 1
        bounds = f"place between {first} and {last}"
        newest = self._value(f"select coalesce(max(place), {first - 1}) from chunk where {bounds}")
        return max(newest + 1 - first, run.dropped[-1][1] + 1 if run.dropped else 0)

    def _value(self, query: str) -> int:
        return int(self._database.execute(query).fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("begin immediate")
        try:
            yield
            self._database.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("rollback")
            raise

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise DiskError(str(error)) from None


def _place(run_id: int, chunk: int) -> int:
    return (run_id << RUN_BITS) | chunk
