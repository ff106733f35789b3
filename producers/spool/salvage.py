"""Save what is left of a damaged spool into a new file, and keep the damaged one aside.

Every chunk names itself and carries a crc, so neither SQLite nor any table has to be believed: all
pages are searched for chunks. Chunks that are not found count as dropped.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from producers.spool import pages, tables
from producers.spool.database import Database, guarded
from producers.spool.ledger import RunKey, key_of
from producers.spool.pages import wal_of
from producers.spool.retention import KeptRun
from producers.spool.row import RottenError, intact
from producers.spool.tables import Restored
from schemas.telemetry import Chunk

UNFINISHED: Final = ".salvaging"
FINISHED: Final = ".salvaged"
ASIDE: Final = "spool-damaged-"
KEPT_ASIDE: Final = 2
"""Damaged files to keep; the chunks that could be saved are in the new file."""


def salvage(file: Path, more: Iterable[Restored] = ()) -> Path:
    """Replace a damaged file by a new one with its chunks; return where the damaged one is now.

    `more` are chunks that were found before.

    Raises DiskError. A kill at any point leaves the damaged file or the new one.
    """
    unfinished = file.with_name(file.name + UNFINISHED)
    with guarded():
        for left in (unfinished, wal_of(unfinished)):
            left.unlink(missing_ok=True)
    database = Database(unfinished)
    try:
        tables.create(database)
        tables.fill(database, chain(more, _chunks(pages.rows(file))))
    finally:
        database.close()
    with guarded():
        unfinished.replace(file.with_name(file.name + FINISHED))
    return finish(file)


def finish(file: Path) -> Path:
    """Put a new file that is complete in the place of the damaged one; raises DiskError."""
    aside = file.with_name(f"{ASIDE}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}{file.suffix}")
    with guarded():
        for old, new in ((wal_of(file), wal_of(aside)), (file, aside)):
            if old.exists():
                old.replace(new)
        file.with_name(file.name + FINISHED).replace(file)
    discard(file, leave=KEPT_ASIDE)
    return aside


def discard(file: Path, *, leave: int = 0) -> None:
    """Delete the damaged files that were kept, but for the newest; raises DiskError."""
    with guarded():
        aside = sorted(file.parent.glob(f"{ASIDE}*{file.suffix}"))
        for old in aside[: len(aside) - leave]:
            for part in (old, wal_of(old)):
                part.unlink(missing_ok=True)


def is_unfinished(file: Path) -> bool:
    """Return whether a kill came before a complete new file was put in its place."""
    return file.with_name(file.name + FINISHED).exists()


def in_the_log(file: Path) -> list[Restored]:
    """Return the chunks in the log of a file that is not open; raises DiskError.

    SQLite ignores everything behind the first damage in a log, without a word.
    """
    with guarded():
        return list(_chunks(pages.wal_rows(file)))


def beyond(runs: dict[RunKey, KeptRun], found: Iterable[Restored]) -> list[Restored]:
    """Return the chunks that continue a run, or belong to a newer run than any.

    Others are outdated copies in the log of chunks that were deleted.
    """
    newest = max((key.run for key in runs), default=-1)

    def continues(chunk: Chunk) -> bool:
        run = runs.get(key_of(chunk))
        return chunk.run > newest if run is None else chunk.chunk >= run.made

    return [one for one in found if continues(one[0])]


def _chunks(rows: Iterable[pages.Row]) -> Iterator[Restored]:
    for row in rows:
        with contextlib.suppress(RottenError):
            yield intact(row.blob, tables.number_of(row.key)), row.number, row.blob
