"""Run PitBox on this machine: the servers, the services, a demo."""

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
from commands.hub.postgres_server import ServerError
from commands.terminal import plain
from pitbox import settings
from pitbox.nats.bus import BusDown
from pitbox.postgres.migration import MigrationError
from pitbox.service.lifetime import on_signals, until

if TYPE_CHECKING:
    from commands.hub.stack import Stack

FOLDER: Final = Path(".pitbox")
STOP_S: Final = 60.0
COLOURS: Final = (36, 33, 35, 32, 34, 31)
CALM: Final = ("[INF]", " LOG:  ", "system is starting up", 'database "pitbox" does not exist')
"""What nats-server and Postgres write of their ordinary life, and of being asked too early."""

QUIET: Final = {"PITBOX_LOG__LEVEL": "warning"}


def stack(*, folder: Path = FOLDER) -> int:
    """Run nats-server and Postgres, with streams and tables, until Ctrl-C.

    Example: pitbox stack

    Parameters
    ----------
    folder
        where streams and database are kept
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
        where streams and database are kept
    """

    async def start(made: "Stack") -> str:
        await made.start_servers()
        await made.start_services()
        return f"{await _invite(made)}\n{_hint(made)}"

    return _run(folder, start)


def demo(*, folder: Path = FOLDER) -> int:
    """Run everything with three simulated cars, and show where the page is, until Ctrl-C.

    Example: pitbox demo

    Parameters
    ----------
    folder
        where streams, database and the cars' spools are kept
    """
    # Before anything starts, so that every process inherits it.
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})

    async def start(made: "Stack") -> str:
        await made.start_servers()
        await made.start_services()
        session = time.strftime("demo-%Y%m%d-%H%M%S", time.gmtime())
        await made.start_cars(session)
        return f"Three cars are driving. {await _invite(made)}\n(Ctrl-C ends it)"

    return _run(folder, start)


def down(*, folder: Path = FOLDER) -> int:
    """Stop what `stack`, `up` or `demo` runs, from another terminal.

    Example: pitbox down

    Parameters
    ----------
    folder
        the folder it runs in
    """
    from commands.hub.stack import RECORD, addresses
    from commands.hub.supervisor import end_leftovers

    running = addresses(folder)
    if running is None:
        left = end_leftovers(folder / RECORD)
        print(f"ended {left} processes of a killed stack" if left else "nothing runs")
        return 0
    os.kill(running.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        if addresses(folder) is None:
            print("stopped")
            return 0
        time.sleep(0.1)
    raise CommandError(f"process {running.supervisor} did not stop within {STOP_S:g} s")


def status(*, folder: Path = FOLDER) -> int:
    """Say what runs, and how to use it; exit code 1 when nothing does.

    Example: pitbox status

    Parameters
    ----------
    folder
        the folder it runs in
    """
    from commands.hub.stack import addresses, listens

    running = addresses(folder)
    if running is None:
        print("nothing runs: `make demo` or `make up`")
        return 1
    page = running.page if listens(running.gateway) else "does not run: `make up` or `make demo`"
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
    from commands.hub.stack import RECORD, Stack
    from commands.hub.supervisor import Supervisor

    stop = asyncio.Event()
    on_signals(stop)
    supervisor = Supervisor(folder / RECORD, _Output().show)
    made = Stack(folder, supervisor, settings.load())
    starting = asyncio.ensure_future(start(made))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            print(starting.result(), flush=True)
            await until(stop, made.keep_certificate(), grace_s=0)
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.wait({starting, stopping})
        await supervisor.stop()
    return 0


class _Output:
    """Print lines of processes, each behind its name."""

    def __init__(self) -> None:
        self._colours: dict[str, int] = {}
        self._terminal = sys.stdout.isatty()

    def show(self, name: str, line: str) -> None:
        if any(word in line for word in CALM):
            return
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        label = f"{name:<9} │"
        label = f"\033[{colour}m{label}\033[0m" if self._terminal else label
        with contextlib.suppress(BrokenPipeError):
            print(label, plain(line), flush=True)


async def _invite(made: "Stack") -> str:
    """Return the sentence with the link that lets the owner in."""
    from pitbox.people import accounts

    async def link(connection: Any) -> str:
        owner = await accounts.first_owner(connection)
        secret, _ = await accounts.login_link(connection, owner.account)
        return f"{made.addresses.page}#link={secret}"

    opened = await database.connected(made.database, link)
    return f"The pit wall opens once, within an hour, at {opened}"


def _hint(made: "Stack") -> str:
    from commands.hub.stack import ENVIRONMENT

    return f"Other shells reach them after: source {made.folder / ENVIRONMENT}"
