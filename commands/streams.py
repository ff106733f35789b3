"""The topology: plan, apply, draw and export it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from commands import bus
from commands.cli import CommandError
from commands.generated import diagram, marks
from commands.generated import typescript as page
from commands.hub import nearby, storage
from pitbox import topology
from pitbox.identity.authority import Authority
from pitbox.nats.bus import Bus
from pitbox.topology import Topology, admin, room
from pitbox.topology import asyncapi as document


def plan(*, json: bool = False) -> None:
    """Show the differences between streams.yaml and nats-server; change nothing.

    Example: pitbox streams plan --json

    Parameters
    ----------
    json
        print a list of objects
    """

    async def compared(connected: Bus) -> list[admin.Change]:
        return await admin.plan(connected.jetstream, connected.topology)

    _show(bus.run(compared), json)


def apply(*, prune: bool = False, json: bool = False, wait: bool = False) -> None:
    """Apply streams.yaml to nats-server; a second time changes nothing.

    Where PITBOX_KEYS__FOLDER holds the hub's keys, or a stack runs here, the credentials of
    services that streams.yaml changed are written too, and `pitbox up` starts or restarts these.

    Example: pitbox streams apply --prune

    Parameters
    ----------
    prune
        also delete streams and durables that streams.yaml does not name
    json
        print a list of objects
    wait
        wait for nats-server without a limit
    """

    async def changed(connected: Bus) -> list[admin.Change]:
        await _check_room(connected.topology)
        return await admin.apply(connected.jetstream, connected.topology, prune=prune)

    written = _write_credentials()
    _show(bus.run(changed, wait=wait), json, written)


def graph(*, into: Path | None = None, check: bool = False) -> int:
    """Draw the writers and readers of each stream, as a Mermaid flowchart.

    Example: pitbox streams graph --into README.md

    Parameters
    ----------
    into
        file to write it into, between its marks
    check
        write nothing; exit code 1 when the file is stale
    """
    drawing = diagram.mermaid(topology.load(nearby.find().settings.streams))
    if into is None:
        print(drawing)
        return 0
    return marks.write(into, "streams graph", f"```mermaid\n{drawing}\n```", check=check)


def asyncapi() -> None:
    """Print the AsyncAPI 3.1 document of every stream and event.

    Example: pitbox streams asyncapi > asyncapi.json
    """
    loaded = topology.load(nearby.find().settings.streams)
    print(msgspec.json.format(msgspec.json.encode(document.asyncapi(loaded))).decode())


def typescript(*, out: Path | None = None, check: bool = False) -> int:
    """Print the TypeScript types of the messages between page and gateway.

    Example: pitbox streams typescript --out dashboards/web/src/wire.ts

    Parameters
    ----------
    out
        file to write
    check
        write nothing; exit code 1 when the file is stale
    """
    fresh = page.typescript()
    if out is None:
        print(fresh, end="")
    elif not check:
        out.write_text(fresh)
    elif not out.exists() or out.read_text() != fresh:
        print(f"{out} has old types: run `make generated`", file=sys.stderr)
        return 1
    return 0


def _write_credentials() -> list[str]:
    """Write the credentials that streams.yaml changed, where the hub's keys are; name the users.

    A stream that is new can be created by no credentials from before.
    """
    given = nearby.find().settings
    if not given.keys.folder:
        return []
    folder = Path(given.keys.folder).expanduser()
    return Authority(folder, topology.load(given.streams)).write_stale_users()


async def _check_room(declared: Topology) -> None:
    """Raise CommandError when the streams exceed nats-server's limit; warn about its volume.

    Nothing is checked where the credentials of the system account are not at hand.
    """
    server = nearby.find().settings.nats
    found = await storage.of(server)
    if found is None:
        return
    if reason := room.above_limit(declared, found.limit_bytes):
        raise CommandError(reason)
    if (have := storage.room_bytes(found, server)) is not None and (
        reason := room.above_volume(declared, have, found.folder)
    ):
        print(f"warning: {reason}", file=sys.stderr)


def _show(changes: list[admin.Change], json: bool, written: Sequence[str] = ()) -> None:
    if json:
        print(msgspec.json.encode(changes).decode())
    else:
        lines = [str(change) for change in changes] + [f"credentials {name}" for name in written]
        print("\n".join(lines) or "nothing to do")
