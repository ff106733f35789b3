"""Examine the servers of a hub: whether they answer, whether they store, and their room."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from commands.hub.storage import room_bytes
from commands.hub.volume import GB, volume
from pitbox.nats.bus import BusDown
from pitbox.nats.probe import Prober
from pitbox.nats.reading import Reading, reading
from pitbox.nats.system import Storage
from pitbox.settings import Nats
from pitbox.topology import Topology, admin, room

NAME: Final = "doctor"
PERSISTER: Final = "persister"


class Finding(Struct, frozen=True):
    """State what was examined, whether it is well, and what to do if not."""

    what: str
    well: bool
    detail: str


async def of_nats(prober: Prober, server: Nats, declared: Topology) -> list[Finding]:
    """Return whether nats-server stores, and how its streams, its room and their reader are."""
    refusal, storage = await prober.refusal(), await prober.storage()
    found = [_store(refusal.reason if refusal else "")]
    if storage is not None:
        found.append(_room(storage, server, declared))
    try:
        found.append(_streams(await prober.differences()))
        stream = declared.stream_of["telemetry.live"]
        found.append(_persister(stream, await reading(prober.bus.jetstream, stream, PERSISTER)))
    except BusDown as error:
        found.append(Finding("streams", False, str(error)))
    return found


async def of_postgres(url: str, origin: str) -> Finding:
    """Return whether Postgres takes writes; `origin` says where its address comes from."""
    # A driver's PC has no asyncpg.
    from pitbox.postgres.errors import PostgresDown
    from pitbox.postgres.probe import why_no_writes

    try:
        reason = await why_no_writes(url, f"pitbox-{NAME}")
    except PostgresDown as error:
        return Finding("writes of Postgres", False, f"{error}; {origin}")
    return Finding("writes of Postgres", not reason, reason or "it takes them")


def _persister(stream: str, found: Reading) -> Finding:
    if not found.attached:
        detail = f"none reads {stream}, so nothing is stored: `make up` starts it"
    elif not found.moves:
        detail = f"{found.waiting} messages wait in {stream} and it stores none: its log says why"
    else:
        detail = f"stores what comes; {found.waiting} messages wait"
    return Finding(PERSISTER, found.attached and found.moves, detail)


def _store(reason: str) -> Finding:
    remedy = (
        "`pitbox up` starts it again once its disk has room; one that runs without it has to be "
        "started again by hand"
    )
    detail = f"{reason}: {remedy}" if reason else "it stores and acknowledges"
    return Finding("writes of nats-server", not reason, detail)


def _streams(changes: list[admin.Change]) -> Finding:
    needed = [change for change in changes if change.action != "delete"]
    differ = f"{len(needed)} differ from streams.yaml: `pitbox streams apply`"
    return Finding("streams", not needed, differ if needed else "as streams.yaml declares")


def _room(storage: Storage, server: Nats, declared: Topology) -> Finding:
    what = "room of streams"
    if not storage.folder:
        return Finding(what, False, "nats-server has JetStream off")
    if reason := room.above_limit(declared, storage.limit_bytes):
        return Finding(what, False, reason)
    have = room_bytes(storage, server)
    if have is None:
        limit = f"{storage.limit_bytes / GB:.1f} GB by nats-server's limit"
        return Finding(what, True, f"{limit}; its volume is on another machine")
    if reason := room.above_volume(declared, have, storage.folder):
        return Finding(what, False, reason)
    return of_volume(what, Path(storage.folder))


def of_volume(what: str, folder: Path) -> Finding:
    """Return whether a folder's volume has room left."""
    found = volume(folder)
    detail = f"{found.free_bytes / GB:.1f} GB free at {folder}"
    return Finding(what, not found.is_low, f"{detail}: make room" if found.is_low else detail)
