"""Plan, apply and draw the topology."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from commands.cli import CommandError
from commands.generated import diagram, marks
from commands.generated import typescript as page
from pitbox import settings, topology
from pitbox.nats.bus import Bus, BusDown
from pitbox.topology import admin
from pitbox.topology import asyncapi as document


def plan(*, json: bool = False) -> None:
    """Show what differs between streams.yaml and nats-server, and change nothing.

    Example: pitbox streams plan --json

    Parameters
    ----------
    json
        print a list of objects
    """
    _show(_with_server(lambda bus: admin.plan(bus.jetstream, bus.topology)), json, "nothing to do")


def apply(*, prune: bool = False, json: bool = False, wait: bool = False) -> None:
    """Make nats-server what streams.yaml says; applying twice changes nothing.

    Example: pitbox streams apply --prune

    Parameters
    ----------
    prune
        delete streams and durables that streams.yaml does not name
    json
        print a list of objects
    wait
        wait for nats-server as long as it takes
    """

    async def change(bus: Bus) -> list[admin.Change]:
        return await admin.apply(bus.jetstream, bus.topology, prune=prune)

    _show(_with_server(change, wait=wait), json, "nothing to do")


def graph(*, readme: Path | None = None, check: bool = False) -> int:
    """Draw who writes and reads which stream, as a Mermaid flowchart.

    Example: pitbox streams graph --readme README.md

    Parameters
    ----------
    readme
        write it between the marks of this file
    check
        write nothing, fail when the file is stale
    """
    drawing = diagram.mermaid(topology.load(settings.load().streams))
    if readme is None:
        print(drawing)
        return 0
    return marks.write(readme, "streams graph", f"```mermaid\n{drawing}\n```", check=check)


def asyncapi() -> None:
    """Print the AsyncAPI 3.1 document of every stream and event.

    Example: pitbox streams asyncapi > asyncapi.json
    """
    loaded = topology.load(settings.load().streams)
    print(msgspec.json.format(msgspec.json.encode(document.asyncapi(loaded))).decode())


def typescript(*, out: Path | None = None, check: bool = False) -> int:
    """Print the page's types of what it exchanges with the gateway.

    Example: pitbox streams typescript --out dashboards/web/src/wire.ts

    Parameters
    ----------
    out
        write them to this file
    check
        write nothing, fail when the file is stale
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


def _with_server(work: Callable[[Bus], Awaitable[Any]], *, wait: bool = False) -> Any:
    loaded = settings.load()

    async def connected() -> Any:
        bus = await Bus.connect(loaded.nats, "", topology.load(loaded.streams), forever=wait)
        try:
            return await work(bus)
        finally:
            await bus.close()

    try:
        return asyncio.run(connected())
    except BusDown as error:
        raise CommandError(str(error)) from None


def _show(changes: list[admin.Change], json: bool, nothing: str) -> None:
    if json:
        print(msgspec.json.encode(changes).decode())
    else:
        print("\n".join(str(change) for change in changes) or nothing)
