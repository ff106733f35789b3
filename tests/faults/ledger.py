"""The producer's ledger: the chunks it made, and those its spool committed."""

import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

Identity = tuple[str, str, int, int]

CHUNKS: Final = """
select run.session, run.driver, run.run, chunk.place & 0x7fffffff
from chunk join run on run.id = chunk.place >> 31
"""


class Entry(Struct, frozen=True):
    """One chunk, as the producer made it."""

    session: str
    driver: str
    run: int
    chunk: int
    crc: int
    first_frame: int
    frames: int

    @property
    def run_id(self) -> tuple[str, str, int]:
        """Return the key of its run."""
        return self.session, self.driver, self.run

    @property
    def identity(self) -> Identity:
        """Return the key of the chunk."""
        return self.session, self.driver, self.run, self.chunk


class Ledger(Struct, frozen=True):
    """Hold every chunk that was made, and the identities of those that were committed.

    A chunk is made before it is committed or sent. One that is made only may be lost by a kill.
    """

    made: tuple[Entry, ...] = ()
    kept: frozenset[Identity] = frozenset()

    @property
    def committed(self) -> list[Entry]:
        """Return the chunks that must reach Postgres."""
        return [entry for entry in self.made if entry.identity in self.kept]

    def without(self, deleted: Mapping[tuple[str, str], int]) -> "Ledger":
        """Return the ledger without the runs of deleted sessions, by the highest run of each."""
        made = (e for e in self.made if e.run > deleted.get((e.session, e.driver), -1))
        return Ledger(tuple(made), self.kept)

    @property
    def undecided(self) -> set[Identity]:
        """Return the chunks that may or may not be committed after a kill now."""
        return {entry.identity for entry in self.made} - self.kept


def read_ledger(path: Path) -> Ledger:
    """Read a ledger; empty if there is no file. A torn last line is left out."""
    text = path.read_text() if path.exists() else ""
    made, kept = [], set()
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            kind, session, driver, *numbers = line.split()
            run, chunk, *content = map(int, numbers)
            if kind == "made":
                made.append(Entry(session, driver, run, chunk, *content))
            else:
                kept.add((session, driver, run, chunk))
    return Ledger(tuple(made), frozenset(kept))


def identity_of(line: str) -> Identity:
    """Return the identity of the chunk that a line of a ledger is about."""
    _, session, driver, run, chunk, *_ = line.split()
    return session, driver, int(run), int(chunk)


def mend_ledger(path: Path) -> None:
    """Remove a last line that a kill tore, so that the next process does not append to it."""
    if path.exists():
        text = path.read_text()
        path.write_text(text[: text.rfind("\n") + 1])


def spooled(spool: Path, wanted: Collection[Identity]) -> set[Identity]:
    """Return which of these chunks a dead app left in its spool.

    Reads a copy with SQLite alone: the next process must find the file as the dead one left it, and
    the code under test must not decide which chunks it has to deliver.
    """
    if not wanted:
        return set()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(spool, Path(folder) / "spool"))
        with closing(sqlite3.connect(copy / "spool.sqlite")) as database:
            return set(database.execute(CHUNKS)) & set(wanted)
