"""Find out why something does not work."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pitbox import settings, topology
from pitbox.nats.bus import Bus, BusDown
from pitbox.postgres.migration import FOLDER, MigrationError, pending
from pitbox.topology import admin

LOW_DISK_BYTES: Final = 5_000_000_000
GAME_PORTS: Final = {20777: "F1", 33740: "Gran Turismo 7", 9996: "Assetto Corsa"}


class Finding(Struct, frozen=True):
    """Say what was looked at, whether it is well, and what to do if not."""

    what: str
    well: bool
    detail: str


def doctor(*, json: bool = False) -> int:
    """Look at servers, streams, tables, disk and ports; exit code 1 when something is not well.

    Example: pitbox doctor

    Parameters
    ----------
    json
        print a list of objects
    """
    loaded = settings.load()
    findings = [
        *asyncio.run(_servers(loaded)),
        _disk(Path(loaded.driver.spool).expanduser()),
        *_ports(),
    ]
    if json:
        print(msgspec.json.encode(findings).decode())
    else:
        for finding in findings:
            print(f"{'ok ' if finding.well else 'NOT'} {finding.what}: {finding.detail}")
    return int(not all(finding.well for finding in findings))


async def _servers(loaded: settings.Settings) -> list[Finding]:
    return [*await _nats(loaded), await _postgres(loaded)]


async def _nats(loaded: settings.Settings) -> list[Finding]:
    declared = topology.load(loaded.streams)
    try:
        bus = await Bus.connect(loaded.nats, "", declared, forever=False)
    except BusDown as error:
        return [Finding("nats-server", False, f"{error}; is it running? `make stack` starts one")]
    try:
        changes = await admin.plan(bus.jetstream, declared)
    finally:
        await bus.close()
    needed = [change for change in changes if change.action != "delete"]
    return [
        Finding("nats-server", True, "answers"),
        Finding(
            "streams",
            not needed,
            f"{len(needed)} to change: `pitbox streams apply`"
            if needed
            else "as streams.yaml says",
        ),
    ]


async def _postgres(loaded: settings.Settings) -> Finding:
    try:
        waiting = await pending(loaded.postgres.url, FOLDER)
    except MigrationError as error:
        return Finding("Postgres", False, f"{error}; only the hub needs it")
    if waiting:
        return Finding("Postgres", False, f"{waiting} migrations to apply: `pitbox migrate`")
    return Finding("Postgres", True, "answers, and its tables are current")


def _disk(spool: Path) -> Finding:
    existing = next(folder for folder in (spool, *spool.parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1e9:.1f} GB free at {existing}"
    return Finding("disk of the spool", free > LOW_DISK_BYTES, detail)


def _ports() -> Iterator[Finding]:
    for port, game in GAME_PORTS.items():
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                detail = "in use: by `pitbox drive` itself, or close the other program"
                yield Finding(f"UDP {port} of {game}", False, detail)
            else:
                yield Finding(f"UDP {port} of {game}", True, "free")
