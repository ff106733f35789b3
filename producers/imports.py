"""Import recordings by the same way as live data: chunks, a spool, receipts.

A file gives the same data at every import: a digest of its content names its run, and its session
where the sim has no id of its own, and the chunks are always cut alike. So Postgres ignores chunks
that it has, and each lap is computed once. Runs of files have lower numbers than live runs
(`producers.run_number`).
"""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.settings import Driver, Settings
from producers.chunker import Chunker, chunks
from producers.importers.recording import beside, open_recording
from producers.importers.table import is_table
from producers.source import SourceError
from producers.spool.database import DiskError
from producers.spool.depot import Depot, encode
from producers.spool.keeper import Keeper, opened
from producers.spool.ledger import RunKey, key_of
from producers.uplink.link import Link
from producers.uplink.uploader import Uploader
from schemas.sim import LeftOut, Observed
from schemas.telemetry import Chunk

CHUNK_MS: Final = 300
"""Not a setting: another length would give other data for the same file."""

RUN_DIGITS: Final = 10
NAME_DIGITS: Final = 12
BATCH: Final = 256
PROGRESS_INTERVAL_S: Final = 0.1
ROOM_BYTES: Final = 10**15
AGE_H: Final = 10**6

_events: Final = msgspec.msgpack.Decoder(tuple[Observed, ...])

Progress = Callable[[int, int, str], None]
"""Takes the number of chunks that Postgres has, the number of all chunks, and which part of the hub
does not answer: "" when every part does."""


class Imported(Struct, frozen=True):
    """State the import of one session of a file."""

    file: str
    session: str
    driver: str
    run: int
    chunks: int
    frames: int
    left_out: tuple[LeftOut, ...] = ()


async def import_files(
    settings: Settings, files: Iterable[Path], progress: Progress, chosen: Sequence[str] = ()
) -> list[Imported]:
    """Import files and return when Postgres has all of them.

    `chosen` are mappings of tables' columns. Everything is read before anything is sent. Raises
    SourceError when a file cannot be read whole or its session was deleted at the hub; BusDown when
    nats-server cannot be reached.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pitbox-import-") as folder,
        opened(folder, max_bytes=ROOM_BYTES, max_age_h=AGE_H) as kept,
    ):
        try:
            imported = [
                part
                for file in _distinct(files, chosen)
                for part in _read(settings, file, kept, chosen)
            ]
        except DiskError as error:
            raise SourceError(f"no room in {folder}, set TMPDIR elsewhere: {error}") from None
        deleted = await _send(settings, kept, progress)
    for part in imported:
        if (part.session, part.driver) in deleted:
            raise SourceError(
                f"{part.file}: the session {part.session} of {part.driver} was deleted at the hub, "
                "which refuses it: PITBOX_DRIVER__SESSION imports the file under another name"
            )
    return imported


def chunks_of(
    file: Path, digest: str, driver: Driver, chosen: Sequence[str] = ()
) -> Iterator[Chunk]:
    """Yield the chunks of a file, named by the digest of its content; raises SourceError."""
    chunker = Chunker(
        driver.name,
        int(digest[:RUN_DIGITS], 16),
        chunk_ms=CHUNK_MS,
        session=driver.session,
        car=driver.car,
        fingerprint=digest[:NAME_DIGITS],
    )
    return chunks(open_recording(file, chosen), chunker)


def left_out_of(chunk: Chunk) -> list[LeftOut]:
    """Return the sums of what was left out that a chunk states."""
    events = _events.decode(chunk.observed) if chunk.observed else ()
    return [event for event in events if isinstance(event, LeftOut)]


def digest_of(file: Path, chosen: Sequence[str] = ()) -> str:
    """Return the digest of a file, of the file beside it, and of its columns' mappings.

    Raises SourceError when it cannot be read.
    """
    try:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
        if (other := beside(file)) is not None:
            digest.update(other.read_bytes())
    except IsADirectoryError:
        raise SourceError(f"{file} is a folder: name the files in it") from None
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror or error}") from None
    if is_table(file):
        digest.update("\n".join(sorted(chosen)).encode())
    return digest.hexdigest()


def _distinct(files: Iterable[Path], chosen: Sequence[str]) -> list[tuple[Path, str]]:
    """Return each file once, with the digest of its content."""
    digests = ((file, digest_of(file, chosen)) for file in files)
    return list({digest: (file, digest) for file, digest in digests}.values())


def _read(
    settings: Settings, named: tuple[Path, str], kept: Keeper, chosen: Sequence[str]
) -> list[Imported]:
    """Put the chunks of a file into the spool."""
    file, digest = named
    imported = []
    for key, of_run in groupby(chunks_of(file, digest, settings.driver, chosen), key_of):
        made, frames, left_out = _keep(kept, key, of_run)
        part = Imported(str(file), key.session, key.driver, key.run, made, frames, left_out)
        imported.append(part)
    if not sum(part.frames for part in imported):
        raise SourceError(f"{file.name} holds no driving")
    return imported


def _keep(
    kept: Keeper, key: RunKey, of_run: Iterable[Chunk]
) -> tuple[int, int, tuple[LeftOut, ...]]:
    """Put the chunks of a run into the spool; return how many, their frames, and what they lack."""
    made = frames = 0
    left_out: dict[tuple[str, str], LeftOut] = {}
    batch: list[bytes] = []
    for chunk in of_run:
        batch.append(encode(chunk))
        frames += chunk.frames
        left_out |= {(one.reason, one.about): one for one in left_out_of(chunk)}
        if len(batch) == BATCH:
            _append(kept, key, made, batch)
            made, batch = made + len(batch), []
    if batch:
        _append(kept, key, made, batch)
    return made + len(batch), frames, tuple(left_out.values())


def _append(kept: Keeper, key: RunKey, first: int, encoded: list[bytes]) -> None:
    kept.work(lambda spool: spool.append(key, first, encoded, time.time()))


async def _send(settings: Settings, kept: Keeper, progress: Progress) -> set[tuple[str, str]]:
    """Send the chunks that the hub lacks, until Postgres has all.

    Returns the sessions and drivers that were deleted at the hub.
    """
    bus, depot = Bus("drive", topology.load(settings.streams)), Depot(kept)
    link, uploader = Link(bus, depot), Uploader(bus, depot)
    try:
        await depot.open()
        await bus.open(settings.nats, forever=False)
        async with asyncio.TaskGroup() as tasks:
            work = [link.run(), uploader.run(), _report(depot, link, progress)]
            running = [tasks.create_task(part) for part in work]
            await depot.completed.wait()
            for task in running:
                task.cancel()
    finally:
        await depot.leave()
        await bus.close()
    return {(key.session, key.driver) for key, account in depot.accounts.items() if account.deleted}


async def _report(depot: Depot, link: Link, progress: Progress) -> None:
    total = sum(account.made for account in depot.accounts.values())
    while True:
        progress(total - depot.accounts.waiting, total, link.waits_for)
        await asyncio.sleep(PROGRESS_INTERVAL_S)
