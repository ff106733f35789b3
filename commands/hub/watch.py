"""Watch the servers of a stack: one that runs and stores nothing looks well to every supervisor.

A nats-server that refuses is started again once its volume takes writes. Postgres needs no new
start: it goes on by itself once its disk has room or a person has made it writable again.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from commands.hub.findings import PERSISTER
from commands.hub.remedy import Condition, Limits, decide
from commands.hub.volume import GB, Volume, takes_writes, volume
from pitbox.nats.bus import BusDown
from pitbox.nats.probe import ANSWER_S, Prober, Refusal
from pitbox.nats.reading import reading
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.probe import why_no_writes
from pitbox.settings import Nats
from pitbox.topology import Topology
from schemas.hub import HubState

NAME: Final = "supervisor"
EVERY_S: Final = 3.0
POSTGRES_EVERY_S: Final = 5.0
PERSISTER_EVERY_S: Final = 1.0
COMMIT_S: Final = 4.0
"""The persister acknowledges nothing for so long while it commits to a slow disk."""

LIMITS: Final = Limits()
MEANWHILE: Final = "drivers' PCs keep what they send, and send it again afterwards"


class Servers(Struct, frozen=True):
    """Name the servers of a stack: addresses, folders, and how to act on them.

    `persister` is the program that writes telemetry to Postgres, "" where another machine runs it.
    `show` takes (program, line); `restart` takes (program, reason).
    """

    nats: Nats
    store: Path
    database: str
    cluster: Path
    persister: str
    show: Callable[[str, str], None]
    restart: Callable[[str, str], None]


class Watch:
    """Look at nats-server, Postgres and their volumes again and again."""

    def __init__(
        self,
        servers: Servers,
        topology: Topology,
        *,
        limits: Limits = LIMITS,
        every_s: float = EVERY_S,
        postgres_every_s: float = POSTGRES_EVERY_S,
    ) -> None:
        """Prepare to watch; `every_s` is the time between two looks."""
        self._servers = servers
        self._prober = Prober(topology, NAME)
        self._stream = topology.stream_of["telemetry.live"]
        self._limits = limits
        self._persister_limits = replace(limits, refused_s=limits.refused_s + COMMIT_S)
        self._every_s = every_s
        self._postgres_every_s = postgres_every_s
        self._nats = Condition()
        self._postgres = Condition()
        self._persister = Condition()
        self._was_low = False

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                opening = tasks.create_task(self._prober.open(self._servers.nats, forever=True))
                tasks.create_task(self._watch_nats(opening))
                tasks.create_task(self._watch_postgres())
                tasks.create_task(self._watch_volumes())
                if self._servers.persister:
                    tasks.create_task(self._watch_persister())
        finally:
            await self._prober.close()

    async def _watch_nats(self, opening: asyncio.Task[None]) -> None:
        """Probe nats-server; one that hangs while `opening` connects is reported as well."""
        await asyncio.wait({opening}, timeout=ANSWER_S)
        while True:
            began_s = time.monotonic()
            found = await self._prober.refusal()
            can_help = found is not None and await asyncio.to_thread(
                takes_writes, self._servers.store
            )
            self._nats = self._judge(self._nats, "nats", found, began_s, can_help=can_help)
            await asyncio.sleep(self._every_s)

    async def _watch_postgres(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                reason = await why_no_writes(self._servers.database, f"pitbox-{NAME}")
            except PostgresDown as error:
                reason = str(error)
            found = Refusal(reason) if reason else None
            self._postgres = self._judge(self._postgres, "postgres", found, began_s)
            await asyncio.sleep(self._postgres_every_s)

    async def _watch_persister(self) -> None:
        """Look whether the persister acknowledges what waits, while both of its peers store."""
        stream, name = self._stream, self._servers.persister
        while True:
            began_s = time.monotonic()
            found = None
            with contextlib.suppress(BusDown):
                read = await reading(self._prober.bus.jetstream, stream, PERSISTER)
                if not (read.moves or self._nats.refuses or self._postgres.refuses):
                    found = Refusal(f"{read.waiting} messages wait in {stream}")
            self._persister = self._judge(
                self._persister,
                name,
                found,
                began_s,
                can_help=True,
                limits=self._persister_limits,
            )
            await asyncio.sleep(PERSISTER_EVERY_S)

    def _judge(
        self,
        before: Condition,
        name: str,
        found: Refusal | None,
        began_s: float,
        *,
        can_help: bool = False,
        limits: Limits | None = None,
    ) -> Condition:
        """Act on one look at a program; it is started again where that `can_help`."""
        now_s = time.monotonic()
        after, acts = decide(
            before,
            refuses=found is not None,
            certain=found is not None and found.certain,
            can_help=can_help,
            now_s=now_s,
            limits=limits or self._limits,
            looked_s=now_s - began_s,
        )
        show, reason = self._servers.show, found.reason if found else ""
        for act in acts:
            if act == "report refusal":
                show("watch", f"{name} stores nothing: {reason}; {MEANWHILE}")
            elif act == "report storing":
                show("watch", f"{name} stores again, after {now_s - before.since_s:.0f} s")
            elif act == "restart":
                self._servers.restart(name, f"it stores nothing ({reason}), and could now")
            else:
                starts = len(self._limits.pauses_s)
                show(
                    "watch",
                    f"{name} stores nothing after {starts} new starts and is not started again: "
                    f"{reason}. Its output above says more; `pitbox doctor` examines it",
                )
        return after

    async def _watch_volumes(self) -> None:
        folders = (self._servers.store, self._servers.cluster)
        while True:
            found = [(await asyncio.to_thread(volume, folder), folder) for folder in folders]
            fullest, folder = min(found, key=lambda one: one[0].free_bytes)
            low = any(one.is_low for one, _ in found)
            self._report_room(fullest, folder, low=low)
            state = HubState(
                at_ns=time.time_ns(),
                nats_refuses=self._nats.reported,
                postgres_refuses=self._postgres.reported,
                low_room=low,
                free_bytes=fullest.free_bytes,
            )
            with contextlib.suppress(BusDown):
                await self._prober.bus.publish("hub.state", state)
            await asyncio.sleep(self._every_s)

    def _report_room(self, fullest: Volume, folder: Path, *, low: bool) -> None:
        if low and not self._was_low:
            self._servers.show(
                "watch",
                f"only {fullest.free_bytes / GB:.2f} GB are free at {folder}: make room there, "
                "before nothing can be stored",
            )
        elif self._was_low and not low:
            self._servers.show("watch", f"{fullest.free_bytes / GB:.1f} GB are free at {folder}")
        self._was_low = low
