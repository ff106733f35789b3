"""Find out why something does not work."""

import asyncio
import contextlib
import shutil
import socket
from pathlib import Path
from typing import Final

import msgspec

from commands.hub import findings, growth, nearby
from commands.hub.findings import Finding
from commands.hub.nearby import Nearby
from pitbox import topology
from pitbox.folder_lock import LockedError, folder_lock
from pitbox.identity.credentials import driving, file_of
from pitbox.identity.folder import KeysError
from pitbox.identity.permissions import DRIVER
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.probe import Prober
from pitbox.postgres.migration import FOLDER, MigrationError, pending
from pitbox.settings import Nats, Settings
from pitbox.topology import Topology
from schemas.link import Ask

LOW_DISK_BYTES: Final = 5_000_000_000
GAME_PORTS: Final = {20777: "F1", 33740: "Gran Turismo 7", 9996: "Assetto Corsa"}
ANSWER_S: Final = 5.0
LOOPBACK: Final = "127.0.0.1"


def doctor(*, json: bool = False) -> int:
    """Examine servers, streams, tables, disk and ports; exit code 1 when one is not well.

    Example: pitbox doctor

    Parameters
    ----------
    json
        print a list of objects
    """
    found = nearby.find()
    spool = Path(found.settings.driver.spool).expanduser()
    drives = is_driving(spool)
    examined = [
        *asyncio.run(_servers(found)),
        _disk(spool),
        *(game_port(port, game, drives=drives) for port, game in GAME_PORTS.items()),
    ]
    if json:
        print(msgspec.json.encode(examined).decode())
    else:
        for finding in examined:
            print(f"{'ok ' if finding.well else 'NOT'} {finding.what}: {finding.detail}")
    return int(not all(finding.well for finding in examined))


async def _servers(found: Nearby) -> list[Finding]:
    """Return how the hub is on its own machine, and the link to it on a driver's PC."""
    declared = topology.load(found.settings.streams)
    examined: list[Finding] = []
    if found.knows("nats") or not _is_enrolled(found.settings):
        examined += await _hub(found, declared)
    else:
        examined.append(await _link(declared))
    if found.knows("postgres"):
        examined.append(await _postgres(found))
        origin, url = found.origin("postgres"), found.settings.postgres.url
        writes = await findings.of_postgres(url, origin)
        examined.append(writes)
        if writes.well:
            examined.append(await growth.of_postgres(found.settings, ANSWER_S))
    return examined


async def _hub(found: Nearby, declared: Topology) -> list[Finding]:
    if not found.knows("nats"):
        remedy = "on a driver's PC `pitbox drive --enrol CODE@HOST` names the hub"
        return [Finding("nats-server", False, f"{found.absence}; {remedy}")]
    server = found.settings.nats
    prober = Prober(declared, findings.NAME)
    try:
        await prober.open(server, forever=False)
        answers = Finding("nats-server", True, _answers(server, found.folder))
        return [answers, *await findings.of_nats(prober, server, declared)]
    except (BusDown, KeysError) as error:
        return [Finding("nats-server", False, f"{error}; {found.origin('nats')}")]
    finally:
        await prober.close()


async def _link(declared: Topology) -> Finding:
    """Return whether the hub lets in the driver who is enrolled on this PC, and answers."""
    try:
        loaded = driving()
        bus = await Bus.connect(loaded.nats, DRIVER, declared, forever=False)
    except (BusDown, KeysError) as error:
        return Finding("link to the hub", False, str(error))
    driver = loaded.driver.name
    try:
        await bus.request("link.ask", Ask(session="doctor", driver=driver, run=0))
    except BusDown:
        kept = "telemetry stays in the spool until then; `pitbox doctor` on the hub says more"
        detail = f"{loaded.nats.url} lets in {driver}, but nothing stores there: {kept}"
        return Finding("link to the hub", False, detail)
    finally:
        await bus.close()
    return Finding("link to the hub", True, f"{loaded.nats.url} lets in {driver}, and answers")


def _is_enrolled(loaded: Settings) -> bool:
    return file_of(loaded.nats.credentials, DRIVER).exists()


def _answers(server: Nats, folder: Path | None) -> str:
    stack = f", of the stack in {folder}" if folder else ""
    return f"answers at {server.url}{stack}"


async def _postgres(found: Nearby) -> Finding:
    try:
        waiting = await pending(found.settings.postgres.url, FOLDER)
    except MigrationError as error:
        return Finding("Postgres", False, f"{error}; {found.origin('postgres')}")
    if waiting:
        return Finding("Postgres", False, f"{waiting} migrations to apply: `pitbox migrate`")
    return Finding("Postgres", True, "answers, and its tables are current")


def _disk(spool: Path) -> Finding:
    existing = next(folder for folder in (spool, *spool.parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1e9:.1f} GB free at {existing}"
    return Finding("disk of the spool", free > LOW_DISK_BYTES, detail)


def is_driving(spool: Path) -> bool:
    """Return whether a `pitbox drive` of this user runs on this PC: it owns its spool."""
    if not (spool / "lock").exists():
        return False
    try:
        with folder_lock(spool):
            return False
    except LockedError:
        return True


def game_port(port: int, game: str, *, drives: bool) -> Finding:
    """Return whether `pitbox drive` can receive a game's datagrams, or does so now."""
    what = f"UDP {port} of {game}"
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            pass
        else:
            return Finding(what, True, "free")
    if drives:
        return Finding(what, True, "in use while `pitbox drive` runs on this PC, as it should be")
    return Finding(what, False, "in use, and no `pitbox drive` runs here: close the other program")
