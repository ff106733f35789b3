"""The driver app: a source's observations go through chunker and spool to the hub."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final, TextIO

from msgspec import Struct

from pitbox import topology
from pitbox.identity.credentials import file_of
from pitbox.identity.permissions import DRIVER
from pitbox.nats.bus import Bus, BusDown
from pitbox.settings import Settings
from producers.chunker import Chunker
from producers.left_out import Sums
from producers.run_number import RANDOM_BITS, run_number
from producers.source import Observation
from producers.spool.depot import Depot
from producers.spool.keeper import Keeper
from producers.spool.ledger import RunKey, key_of
from producers.uplink.link import Link
from producers.uplink.renewal import renew_in_time
from producers.uplink.storing import UNSTORED_S
from producers.uplink.uploader import Uploader
from schemas.sim import LeftOut
from schemas.telemetry import Chunk

IDLE_FLUSH_S: Final = 0.25
SHOW_INTERVAL_S: Final = 1.0
FAREWELL_S: Final = 1.5
DISK_S: Final = 0.5


class Status(Struct, frozen=True):
    """State the progress of the app.

    `made` and `sent` count chunks since the app's start, `waiting` those that Postgres is not known
    to have. `silent_s` is the time since the hub's last answer, None before the first. `unstored_s`
    is for how long the hub has taken chunks and stored none, 0 while it stores. `left_out` holds
    the sums of what the source did not use. `disk_trouble` is why the disk keeps no chunks now,
    "" while it does, and `not_kept` how many of those made it did not take.
    """

    session: str
    silent_s: float | None
    made: int
    sent: int
    waiting: int
    fenced: bool
    rtt_ms: float | None
    unstored_s: float = 0.0
    left_out: tuple[LeftOut, ...] = ()
    disk_trouble: str = ""
    not_kept: int = 0


Show = Callable[[Status], None]


def ignore(_: Status) -> None:
    """Show nothing."""


async def drive(
    settings: Settings,
    observations: AsyncIterator[Observation],
    stop: asyncio.Event,
    *,
    record: TextIO | None = None,
    show: Show = ignore,
    unstored_s: float = UNSTORED_S,
) -> None:
    """Drive until `stop` is set, or until the source ends and Postgres has all of it.

    Ends within five seconds; a later start sends the chunks that are left in the spool. Raises
    SourceError when the source or the spool cannot be used. `record` names each chunk when it is
    made and when it is on the disk (`producers.spool.record`). `show` gets the status every second,
    and once more at the end. A hub that stores nothing for `unstored_s` is logged and shown.
    """
    declared = topology.load(settings.streams)
    driver = settings.driver
    keeper = Keeper(
        driver.spool, max_bytes=driver.spool_max_bytes, max_age_h=driver.spool_max_age_h
    )
    depot = Depot(keeper, record)
    try:
        await depot.open()
        app = App(settings, Bus("drive", declared), depot, unstored_s=unstored_s)
        await app.run(observations, stop, show)
    finally:
        await depot.leave()


class App:
    """Connect source, spool and link, from a start to its end."""

    def __init__(
        self, settings: Settings, bus: Bus, depot: Depot, *, unstored_s: float = UNSTORED_S
    ) -> None:
        driver = settings.driver
        self._server = settings.nats
        self._credentials = file_of(settings.nats.credentials, DRIVER)
        self._bus = bus
        self._depot = depot
        self._link = Link(bus, depot, unstored_s=unstored_s)
        self._uploader = Uploader(bus, depot, lambda: self._link.fenced)
        self._key: RunKey | None = None
        self._made = 0
        self._left_out = Sums()
        self._chunker = Chunker(
            driver.name,
            self._run_number(),
            chunk_ms=driver.chunk_ms,
            session=driver.session,
            car=driver.car,
        )

    @property
    def status(self) -> Status:
        """Return the status of the app now."""
        answered_at, rtt_ns = self._uploader.answered_at, self._link.clock.rtt_ns
        return Status(
            session=self._key.session if self._key else "",
            silent_s=time.monotonic() - answered_at if answered_at else None,
            made=self._made,
            sent=self._uploader.sent,
            waiting=self._depot.accounts.waiting,
            fenced=self._link.fenced,
            rtt_ms=None if rtt_ns is None else rtt_ns / 1e6,
            unstored_s=self._link.storing.lasts_s,
            left_out=self._left_out.sums,
            disk_trouble=self._depot.trouble,
            not_kept=self._depot.refusal.chunks,
        )

    async def run(
        self,
        observations: AsyncIterator[Observation],
        stop: asyncio.Event,
        show: Show = ignore,
    ) -> None:
        """Work until `stop` is set or there is nothing left to do."""
        work = [
            self._bus.open(self._server),
            self._link.run(),
            self._uploader.run(),
            renew_in_time(self._bus, self._credentials),
            self._depot.maintain(),
            self._flush_when_idle(),
            self._show(show),
        ]
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(part) for part in work]
                failure = await self._feed_until(observations, stop)
                for task in running:
                    task.cancel()
        finally:
            await self._bus.close()
            show(self.status)
        if failure is not None:
            raise failure

    async def _feed_until(
        self, observations: AsyncIterator[Observation], stop: asyncio.Event
    ) -> BaseException | None:
        """Feed and finish; return what ended the source, None when it ended well."""
        feeding = asyncio.ensure_future(self._feed(observations))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({feeding, stopping}, return_when=asyncio.FIRST_COMPLETED)
            feeding.cancel()
            await asyncio.wait({feeding})
            failure = None if feeding.cancelled() else feeding.exception()
            await self._finish()
            if failure is None and not stop.is_set():
                completed = asyncio.ensure_future(self._depot.completed.wait())
                await asyncio.wait({completed, stopping}, return_when=asyncio.FIRST_COMPLETED)
                completed.cancel()
        finally:
            feeding.cancel()
            stopping.cancel()
        return failure

    async def _feed(self, observations: AsyncIterator[Observation]) -> None:
        try:
            async for observation in observations:
                if isinstance(observation, LeftOut):
                    self._left_out.add(observation)
                chunks = self._chunker.feed(observation)
                if chunks:
                    await self._pass_on(chunks)
        finally:
            if isinstance(observations, AsyncGenerator):
                await observations.aclose()

    async def _pass_on(self, chunks: list[Chunk]) -> None:
        key = key_of(chunks[0])
        if key != self._key:
            self._close()
            self._key = key
            self._link.live(key)
        if self._depot.accounts.of(key).deleted:
            if self._chunker.key == key:
                self._chunker.begin_run(self._run_number())
            return
        await self._depot.keep(chunks, sent=self._uploader.is_live)
        self._made += len(chunks)
        for chunk in chunks:
            await self._uploader.live(chunk)

    def _run_number(self) -> int:
        """Return the number of a run that begins now, above all that are known."""
        newest = max(self._depot.accounts.newest_run, self._depot.accounts.deleted_through)
        return run_number(int(time.time()), newest, secrets.randbits(RANDOM_BITS))

    async def _flush_when_idle(self) -> None:
        """Flush a chunk whose next frame does not come: the game may be paused."""
        before = self._chunker.collected
        while True:
            await asyncio.sleep(IDLE_FLUSH_S)
            if self._chunker.collected == before and before[1]:
                await self._pass_on(self._chunker.flush())
            before = self._chunker.collected

    async def _finish(self) -> None:
        """Close the run, and wait a moment for the receipt of all of it."""
        rest = self._chunker.close()
        if rest:
            await self._pass_on(rest)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._depot.settle(), DISK_S)
        self._close()
        if self._depot.accounts.complete or not self._bus.up.is_set():
            return
        with contextlib.suppress(BusDown, TimeoutError):
            await self._uploader.mark()
            await asyncio.wait_for(self._depot.completed.wait(), FAREWELL_S)

    def _close(self) -> None:
        """Close the live run; marks report that to the hub."""
        if self._key is not None:
            self._depot.close(self._key)

    async def _show(self, show: Show) -> None:
        while True:
            show(self.status)
            await asyncio.sleep(SHOW_INTERVAL_S)
