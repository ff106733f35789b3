"""Run PitBox on this machine: servers, services and a demo."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from commands import database
from commands.cli import CommandError
from commands.hub import nearby
from commands.hub.nearby import FOLDER
from commands.hub.postgres_server import ServerError
from pitbox import logs, settings
from pitbox.nats.bus import BusDown
from pitbox.postgres.migration import MigrationError
from pitbox.service.lifetime import on_signals, until
from pitbox.settings import Log

if TYPE_CHECKING:
    from commands.hub.stack import Stack

STOP_S: Final = 60.0
QUIET: Final = {"PITBOX_LOG__LEVEL": "warning"}


def stack(*, folder: Path = FOLDER) -> int:
    """Run nats-server and Postgres, with streams and tables, until Ctrl-C.

    Example: pitbox stack

    Parameters
    ----------
    folder
        folder of streams and database
    """

    async def start(made: "Stack") -> str:
        await made.start_servers()
        return f"nats-server and Postgres run. {_hint(made)}"

    return _run(folder, start)


def up(*, folder: Path = FOLDER) -> int:
    """Run the servers and every service, until Ctrl-C.

    Example: pitbox up

    Parameters
    ----------
    folder
        folder of streams and database
    """

    async def start(made: "Stack") -> str:
        await made.start_servers()
        await made.start_services()
        return f"{await _invite(made)}\n{_hint(made)}"

    return _run(folder, start)


def demo(*, folder: Path = FOLDER) -> int:
    """Run everything with three simulated cars until Ctrl-C, and print the page's address.

    Example: pitbox demo

    Parameters
    ----------
    folder
        folder of streams, database and the cars' spools
    """
    # Set before the first process starts, because processes inherit it.
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})

    async def start(made: "Stack") -> str:
        await made.start_servers()
        await made.start_services()
        session = time.strftime("demo-%Y%m%d-%H%M%S", time.gmtime())
        await made.start_cars(session)
        return f"Three cars are driving. {await _invite(made)}\n(Ctrl-C ends it)"

    return _run(folder, start)


def down(*, folder: Path | None = None) -> int:
    """Stop a `stack`, `up` or `demo`, from another terminal.

    Example: pitbox down

    Parameters
    ----------
    folder
        folder of the stack; none: .pitbox here or in the nearest folder above
    """
    from commands.hub.record import addresses
    from commands.hub.stack import RECORD
    from commands.hub.supervisor import end_leftovers

    folder = nearby.place(folder)
    running = addresses(folder)
    if running is None:
        left = end_leftovers(folder / RECORD)
        if left:
            print(f"ended {left} processes of a killed stack in {folder}")
        else:
            print(f"no stack runs in {folder}")
        return 0
    os.kill(running.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        if addresses(folder) is None:
            print("stopped")
            return 0
        time.sleep(0.1)
    raise CommandError(f"process {running.supervisor} did not stop within {STOP_S:g} s")


def status(*, folder: Path | None = None) -> int:
    """Show the addresses of the running stack; exit code 1 when none runs.

    Example: pitbox status

    Parameters
    ----------
    folder
        folder of the stack; none: .pitbox here or in the nearest folder above
    """
    from commands.hub.ports import listens
    from commands.hub.record import addresses

    folder = nearby.place(folder)
    running = addresses(folder)
    if running is None:
        print(f"no stack runs in {folder}: {nearby.START}")
        return 1
    page = running.page if listens(running.gateway) else "does not run: `make up` or `make demo`"
    print(f"folder      {folder}")
    print(f"pit wall    {page}")
    print(f"nats-server {running.nats_url}")
    print(f"Postgres    127.0.0.1:{running.postgres}, address in {folder / 'postgres.url'}")
    return 0


def _run(folder: Path, start: "Callable[[Stack], Awaitable[str]]") -> int:
    from commands.hub.stack import owned
    from commands.hub.supervisor import StackError

    try:
        with owned(folder) as owned_folder:
            return asyncio.run(_serve(owned_folder, start))
    except (StackError, ServerError, MigrationError, BusDown, FileNotFoundError) as error:
        raise CommandError(str(error)) from None


async def _serve(folder: Path, start: "Callable[[Stack], Awaitable[str]]") -> int:
    from commands.hub.output import Output
    from commands.hub.stack import RECORD, Stack
    from commands.hub.supervisor import Supervisor

    stop = asyncio.Event()
    on_signals(stop)
    # The watch says what is wrong with a server; its own connections need not.
    logs.configure(Log(level="error"), "stack")
    output = Output(_write, time.monotonic, colours=sys.stdout.isatty())
    supervisor = Supervisor(folder / RECORD, output.show)
    made = Stack(folder, supervisor, settings.load())
    starting = asyncio.ensure_future(start(made))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            if starting.exception() is not None:
                output.failed()
            print(starting.result(), flush=True)
            output.started()
            await until(stop, made.keep(), grace_s=0)
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.wait({starting, stopping})
        await supervisor.stop()
    return 0


def _write(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


async def _invite(made: "Stack") -> str:
    """Return the sentence with the login link of the owner."""
    from pitbox.people import accounts

    async def link(connection: Any) -> str:
        owner = await accounts.first_owner(connection)
        secret, _ = await accounts.login_link(connection, owner.account)
        return f"{made.addresses.page}#link={secret}"

    opened = await database.connected(made.database, link)
    return f"The pit wall opens once, within an hour, at {opened}"


def _hint(made: "Stack") -> str:
    from commands.hub.stack import ENVIRONMENT

    elsewhere = f"source {made.folder / ENVIRONMENT}"
    if made.folder.name != FOLDER.name:
        return f"Commands find this stack after: {elsewhere}"
    return f"Commands find this stack in {made.folder.parent}, and elsewhere after: {elsewhere}"
