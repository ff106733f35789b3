"""The spool's file: every chunk of every run on the driver's disk, until it has to make room.

One SQLite file. A commit is safe from the end of this process, and from a power cut once it or a
later one was synced. A chunk's key joins the number of its run in this file and its own number, so
the file grows at its end and shrinks from its beginning. Chunks `0..made-1` of a run are present
except for those in `dropped`, which is written in the transaction that deletes them. So nothing is
counted by reading all rows.

Nothing read is believed: a chunk and a run carry a crc, and a chunk names its place. One that is
rotten moves to the table `rotten`.
"""

import contextlib
import shutil
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from pitbox.chunks import ranges
from pitbox.chunks.ranges import Ranges
from producers.spool import tables
from producers.spool.counts import Counts
from producers.spool.database import DamagedError, Database, DiskFullError, guarded
from producers.spool.ledger import RunKey
from producers.spool.retention import Dropped, KeptRun, oldest, unwanted
from producers.spool.row import MisplacedError, Reading, RottenError, chunk_of
from schemas.telemetry import Chunk, Range

FILE: Final = "spool.sqlite"
RESERVE_BYTES: Final = 50_000_000
"""Free bytes that the spool keeps on its disk by deleting chunks that Postgres has."""

SYNC_S: Final = 1.0
"""Time between syncs while chunks are sent as well; each costs as much CPU as the commit itself."""

INSERT: Final = "insert into chunk values (?, ?, ?)"
NOT_FOUND: Final = "not found in the spool"


class Spool:
    """Store chunks; usable from any thread, by one at a time.

    Methods raise DiskError when the disk fails, having changed nothing; DamagedError when the file
    has to be salvaged.
    """

    def __init__(
        self, file: Path, *, max_bytes: int, max_age_h: float, reserve_bytes: int = RESERVE_BYTES
    ) -> None:
        self._file = file
        self._reserve_bytes = reserve_bytes
        self._max_bytes = max_bytes
        self._max_age_s = max_age_h * 3600
        self._synced_s = 0.0
        self._counts = Counts(file.parent)
        self._database = Database(file)
        try:
            tables.create(self._database)
            self.runs = {run.key: run for run in tables.load(self._database)}
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._counts.close()
        self._database.close()

    @property
    def used_bytes(self) -> int:
        """Return how many bytes of the file are in use."""
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * self._pragma("page_size")

    def check(self) -> None:
        """Raise DiskError when the file is not there any more."""
        self._database.check()

    def append(
        self, key: RunKey, first: int, encoded: Sequence[bytes], now_s: float, *, sync: bool = True
    ) -> None:
        """Write chunks of a run from number `first` on.

        With `sync` they are on the disk when this returns, else within `SYNC_S` of appending.
        Numbers skipped before `first` count as dropped. Raises ValueError when `first` is below the
        next number.
        """
        known = self.runs.get(key)
        if known and first < known.made:
            raise ValueError(f"chunk {first} after chunk {known.made - 1}")
        at_s = time.monotonic()
        sync = sync or at_s - self._synced_s >= SYNC_S
        self._database.sync_commits(wanted=sync)
        with self._database.transaction():
            run = known or tables.begin(self._database, key)
            dropped = run.dropped
            if first > run.made:
                dropped = ranges.union(dropped, ((run.made, first - 1),))
                tables.save(self._database, run, dropped=dropped)
            self._database.insert(
                INSERT,
                (
                    (tables.place_of(run.id, number), int(now_s), chunk)
                    for number, chunk in enumerate(encoded, first)
                ),
            )
        if sync:
            self._synced_s = at_s
        self.runs[key] = run
        run.made, run.dropped = first + len(encoded), dropped
        self._counts.write(key, run.made)

    def read(self, key: RunKey, chunks: Range, max_bytes: int) -> Reading:
        """Return the first chunks of a range: up to `max_bytes`, but at least one if there is any.

        Chunks that are rotten or were dropped before the last one read are lost. One that is
        missing without being dropped is damage of the tables.
        """
        run = self.runs.get(key)
        if run is None:
            return Reading(lost=(chunks,), reason=NOT_FOUND)
        good: list[Chunk] = []
        rotten: list[tuple[int, str]] = []
        size, last = 0, chunks[1]
        for number, encoded in self._encoded(run, chunks):
            size += len(encoded)
            if good and size > max_bytes:
                last = number - 1
                break
            try:
                good.append(chunk_of(encoded, number, key))
            except RottenError as error:
                rotten.append((number, str(error)))
            except MisplacedError as error:
                raise DamagedError(str(error)) from None
        read = ranges.of(chunk.chunk for chunk in good)
        lost = ranges.minus(((chunks[0], last),), read)
        missing = ranges.minus(lost, ranges.of(number for number, _ in rotten))
        if unexplained := ranges.minus(missing, run.dropped):
            raise DamagedError(f"chunk {unexplained[0][0]} of run {key.run} is not found")
        if rotten:
            self._set_aside(run, rotten)
        reason = rotten[0][1] if rotten else NOT_FOUND
        return Reading(tuple(good), lost, reason, len(rotten))

    def note(self, have: Mapping[RunKey, Ranges]) -> None:
        """Store which chunks Postgres has, by run."""
        for key, ranges_had in have.items():
            run = self.runs.get(key)
            if run and run.have != ranges_had:
                tables.save(self._database, run, have=ranges_had)
                run.have = ranges_had

    def trim(self, now_s: float, deleted: Container[RunKey] = ()) -> Dropped | None:
        """Delete one slice of chunks that are too old or too many; return it, None for nothing.

        Runs that are `deleted` go first. Then chunks that Postgres has go, the oldest before the
        others, also when the disk is nearly full. Chunks that Postgres lacks go only when the spool
        holds nothing else and is above `max_bytes`.
        """
        full = self.used_bytes > self._max_bytes
        if full:
            self._database.execute("delete from rotten")
        part = unwanted(self.runs.values(), deleted)
        if part is None:
            part = oldest(self.runs.values(), receipted=True)
            if part is None:
                part = oldest(self.runs.values(), receipted=False) if full else None
            elif not (full or self._cramped() or self._too_old(part, now_s)):
                part = None
        if part is not None:
            self.drop(part.key, part.chunks)
        return part

    def drop(self, key: RunKey, chunks: Range) -> None:
        """Delete chunks of a run."""
        run = self.runs.get(key)
        if run is None:
            return
        dropped = ranges.union(run.dropped, (chunks,))
        with self._database.transaction():
            self._delete("chunk", run, chunks)
            tables.save(self._database, run, dropped=dropped)
        run.dropped = dropped

    def forget(self, key: RunKey) -> bool:
        """Delete a run that has no chunks in the file; return whether it is not there any more."""
        run = self.runs.get(key)
        if run is not None and run.kept:
            return False
        if run is not None:
            with self._database.transaction():
                self._delete("rotten", run)
                self._database.execute("delete from run where id = ?", (run.id,))
            del self.runs[key]
        self._counts.forget(key)
        return True

    def missing(self) -> dict[RunKey, Range]:
        """Return the last chunks of runs that were made and are not in the file."""
        return {
            key: (known, made - 1)
            for key, made in self._counts.read().items()
            if made > (known := self.runs[key].made if key in self.runs else 0)
        }

    def give_up(self, missing: Mapping[RunKey, Range]) -> None:
        """Count the last chunks of runs as made and dropped."""
        with self._database.transaction():
            for key, chunks in missing.items():
                run = self.runs.get(key) or tables.begin(self._database, key)
                dropped = ranges.union(run.dropped, (chunks,))
                tables.save(self._database, run, dropped=dropped)
                self.runs[key] = replace(run, made=chunks[1] + 1, dropped=dropped)

    def _encoded(self, run: KeptRun, chunks: Range) -> Iterator[tuple[int, bytes]]:
        query = "select place, encoded from chunk where place between ? and ? order by place"
        for place, encoded in self._database.rows(query, tables.bounds(run.id, chunks)):
            yield tables.number_of(place), encoded

    def _set_aside(self, run: KeptRun, rotten: Sequence[tuple[int, str]]) -> None:
        """Move rotten rows out of the way; a full disk leaves them there until the next start."""
        dropped = ranges.union(run.dropped, ranges.of(number for number, _ in rotten))
        with contextlib.suppress(DiskFullError), self._database.transaction():
            for number, reason in rotten:
                place = tables.place_of(run.id, number)
                self._database.execute(
                    "insert or replace into rotten select place, ?, encoded from chunk "
                    "where place = ?",
                    (reason, place),
                )
                self._delete("chunk", run, (number, number))
            tables.save(self._database, run, dropped=dropped)
        run.dropped = dropped

    def _delete(self, table: str, run: KeptRun, chunks: Range | None = None) -> None:
        self._database.execute(
            f"delete from {table} where place between ? and ?", tables.bounds(run.id, chunks)
        )

    def _cramped(self) -> bool:
        """Return whether file and disk have less than the reserve free.

        The reserve is needed: deleting from a full disk fails too.
        """
        free = self._pragma("freelist_count") * self._pragma("page_size")
        with guarded():
            return free + shutil.disk_usage(self._file.parent).free < self._reserve_bytes

    def _too_old(self, part: Dropped, now_s: float) -> bool:
        place = tables.place_of(self.runs[part.key].id, part.chunks[1])
        query = "select coalesce(max(spooled_s), 0) from chunk where place = ?"
        return now_s - self._database.value(query, (place,)) > self._max_age_s

    def _pragma(self, name: str) -> int:
        return self._database.value(f"pragma {name}")
