"""Cases in which a peer lives and refuses: it keeps its connections and stores nothing.

In each the driver's app has to notice it, and everything is stored afterwards.
"""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from commands.hub.remedy import Limits
from commands.hub.watch import Servers, Watch
from pitbox.settings import Nats
from tests.faults import faults
from tests.faults.pace import Pace
from tests.faults.programs import Driver
from tests.faults.stack import Stack
from tests.tools.servers import FOLDERS, Server, until
from tests.tools.volume import filled, small_volume

STORE_BYTES: Final = 64_000_000
CLUSTER_BYTES: Final = 400_000_000
NOTICED: Final = "pitbox_drive_unstored_seconds"
WATCH: Final = Limits(pauses_s=(0.0, 2.0, 4.0, 8.0))
OF_PITBOX: Final = """
select count(*) from pg_stat_activity where application_name like 'pitbox%'
"""
TERMINATE_PITBOX: Final = """
select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'pitbox%'
"""
TERMINATE: Final = """
select pg_terminate_backend(pid) from pg_stat_activity
where pid <> pg_backend_pid() and backend_type = 'client backend'
"""


def nats_disk_full(stack: Stack, pace: Pace) -> None:
    """The disk of nats-server is full for a while; its watch heals it, nobody else."""
    on_small_volume(stack, stack.nats, stack.nats.store, STORE_BYTES)
    starts = watched(stack)
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with filled(stack.nats.store):
        _notices(car)
        stack.lasts(pace.away_s)
    stack.healed()
    until(lambda: starts, "the watch starts nats-server again")


def jetstream_off(stack: Stack, pace: Pace) -> None:
    """nats-server runs without JetStream: live data flows, and nothing is stored."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with faults.killed(stack.nats):
        stack.nats.jetstream = False
    _notices(car)
    stack.lasts(pace.away_s)
    with faults.killed(stack.nats):
        stack.nats.jetstream = True
    stack.healed()


def postgres_disk_full(stack: Stack, pace: Pace) -> None:
    """The disk of Postgres is full for a while."""
    on_small_volume(stack, stack.postgres, stack.postgres.cluster, CLUSTER_BYTES)
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with filled(stack.postgres.cluster):
        _notices(car)
        stack.lasts(pace.away_s)
    if psutil.Process(stack.postgres.pid).status() == psutil.STATUS_ZOMBIE:
        stack.postgres.stop_at_once()  # it found no room for its log, and a supervisor starts it
        stack.postgres.start()
    stack.healed()


def postgres_read_only(stack: Stack, pace: Pace) -> None:
    """Postgres answers every query and takes no writes."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    _make_read_only(stack, "on")
    _notices(car)
    stack.lasts(pace.away_s)
    _make_read_only(stack, "off")
    stack.healed()


def postgres_hangs(stack: Stack, pace: Pace) -> None:
    """Postgres keeps its connections and answers nothing."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with _paused_with_children(stack.postgres):
        _notices(car)
    stack.healed()


def table_locked(stack: Stack, pace: Pace) -> None:
    """A maintenance job locks the table of chunks: commits wait, without an error."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    lock = stack.background.run(locked(stack.url, "telemetry_chunk"))
    _notices(car)
    stack.lasts(pace.away_s)
    stack.background.run(lock.close())
    stack.healed()


def postgres_without_connections(stack: Stack, pace: Pace) -> None:
    """Other programs hold all connections of Postgres; PitBox has lost its own."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    taken = stack.background.run(_take_connections(stack.url))
    _notices(car)
    stack.background.run(_close(taken))
    stack.healed()


def persister_hangs(stack: Stack, pace: Pace) -> None:
    """The persister keeps its connections and stores nothing."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with faults.paused(stack.persister):
        _notices(car)
    stack.healed()


def on_small_volume(stack: Stack, server: Server, folder: Path, size_bytes: int) -> None:
    """Move a server's files to a small volume at the same place, until the stack ends."""
    server.stop()
    copy = stack.fresh_folder("moved")
    folder.rename(copy)
    stack.volumes.enter_context(small_volume(folder, size_bytes))
    shutil.copytree(copy, folder, dirs_exist_ok=True)
    server.start()


def watched(stack: Stack) -> list[str]:
    """Watch nats-server as `pitbox up` does; return the reasons of its new starts."""
    starts: list[str] = []

    def restart(_: str, reason: str) -> None:
        starts.append(reason)
        asyncio.get_running_loop().run_in_executor(None, _start_again, stack)

    credentials = str(FOLDERS[stack.nats.url] / "users")
    servers = Servers(
        nats=Nats(url=stack.nats.url, credentials=credentials),
        store=stack.nats.store,
        database=stack.url,
        cluster=stack.nats.store,
        persister="",
        show=lambda name, line: None,
        restart=restart,
    )
    watch = Watch(servers, stack.topology, limits=WATCH, every_s=1.0)
    stack.background.run(_started(watch))
    return starts


async def _started(watch: Watch) -> None:
    """Run a watch until the background is closed."""
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    assert not task.done()


def _start_again(stack: Stack) -> None:
    stack.nats.stop()
    stack.nats.start()


def _notices(car: Driver) -> None:
    until(partial(car.measure, NOTICED), "the app notices that nothing is stored")


def _make_read_only(stack: Stack, wanted: str) -> None:
    """Change the setting for all later connections, and close those of today."""

    async def change() -> None:
        able = {"default_transaction_read_only": "off"}
        connection = await asyncpg.connect(stack.url, server_settings=able)
        try:
            await connection.execute(f"alter system set default_transaction_read_only = {wanted}")
            await connection.execute("select pg_reload_conf()")
            await connection.execute(TERMINATE)
        finally:
            await connection.close()

    stack.background.run(change())


async def locked(url: str, table: str) -> asyncpg.Connection:
    """Lock a table until the returned connection is closed."""
    connection = await asyncpg.connect(url)
    await connection.execute(f"begin; lock table {table} in access exclusive mode")
    return connection


async def _take_connections(url: str) -> list[asyncpg.Connection]:
    """Take all connections of Postgres, also those that PitBox has and opens again."""
    taken = [await asyncpg.connect(url)]
    while await taken[0].fetchval(OF_PITBOX):
        await taken[0].execute(TERMINATE_PITBOX)
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await asyncpg.connect(url))
    return taken


async def _close(connections: list[asyncpg.Connection]) -> None:
    for connection in connections:
        await connection.close()


@contextmanager
def _paused_with_children(server: Server) -> Iterator[None]:
    """Send SIGSTOP to a server and its children, and SIGCONT at the end."""
    postmaster = psutil.Process(server.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    yield
    for process in reversed(processes):
        process.send_signal(signal.SIGCONT)
