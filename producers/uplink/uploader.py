"""Send chunks: new ones live at once, the backlog behind them, paced.

A burst of backlog ends with a PubAck, which only measures how fast the link is. Then the link rests
for as long as the burst took, so that live chunks always find room. A fast link is paced too: the
hub shuts out a driver that sends much more than a hundred times real time.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from pitbox import logs
from pitbox.nats.bus import Bus, BusDown, TooLarge
from producers import metrics
from producers.spool.database import DiskError
from producers.spool.depot import Depot
from producers.spool.ledger import Ledger, RunKey, key_of
from schemas.telemetry import Chunk

BURST_BYTES: Final = 16_000
BURST_CHUNKS: Final = 512
HEAD_BYTES: Final = 100
"""A chunk is about this much larger than its content."""

PACE_BYTES_PER_S: Final = 3_000_000
PACE_CHUNKS_PER_S: Final = 3_000
RETRY_S: Final = (0.2, 0.4, 0.8, 1.5, 3.0)
MARK_OPEN_S: Final = 10.0
MARK_CLOSED_S: Final = 1.0
HASTY_MARKS: Final = 10
"""Marks of a closed run in a row without progress, after which they follow as rarely as others."""

WATCH_INTERVAL_S: Final = 1.0
ANSWER_S: Final = 3.0

log = logs.get("uploader")


class Uploader:
    """Publish the depot's chunks and marks."""

    def __init__(self, bus: Bus, depot: Depot, fenced: Callable[[], bool] = lambda: False) -> None:
        """Set the parts; nothing is sent while the bus is down, and nothing live while `fenced`."""
        self.sent = 0
        self.answered_at = 0.0
        self._bus = bus
        self._depot = depot
        self._fenced = fenced
        self._live_key: RunKey | None = None
        self._marks: dict[RunKey, tuple[float, int, int]] = {}

    async def run(self) -> None:
        """Send backlog and marks, and watch the connection, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._backfill())
            tasks.create_task(self._mark())
            tasks.create_task(self._watch())

    @property
    def is_live(self) -> bool:
        """Return whether new chunks are sent now: the bus is up and no newer app is live."""
        return self._bus.up.is_set() and not self._fenced()

    async def live(self, chunk: Chunk) -> None:
        """Publish a new chunk, unless the bus is down or a newer app of the driver is live."""
        self._live_key = key_of(chunk)
        if not self.is_live:
            self._depot.owing.set()
            return
        send = self._depot.accounts.of(self._live_key).sent(chunk.chunk, chunk.chunk)
        with contextlib.suppress(BusDown):  # the next receipt shows it missing: backfill sends it
            await self._bus.publish("telemetry.live", replace(chunk, send=send))
            self._count("live")

    async def mark(self, *, only_due: bool = False) -> None:
        """Publish a mark of every run that is not settled; raises BusDown."""
        for account in list(self._depot.accounts.values()):
            unsettled = account.reconciled and not account.settled
            if unsettled and (not only_due or self._mark_is_due(account)):
                await self._bus.publish("telemetry.backfill", account.mark())

    async def _backfill(self) -> None:
        failures = 0
        while True:
            await self._bus.up.wait()
            account = self._next()
            if account is None:
                self._depot.owing.clear()
                await self._depot.owing.wait()
                continue
            try:
                rest_s = await self._burst(account)
            except (BusDown, DiskError) as error:
                if failures == 2:
                    log.warning("backlog waits", reason=str(error))
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            await asyncio.sleep(rest_s)

    def _next(self) -> Ledger | None:
        """Return the run to send next: the live one first, then the newest; None for none."""
        accounts = self._depot.accounts
        live = None if self._live_key is None else accounts.get(self._live_key)
        if live is not None and live.todo:
            return live
        return next((a for a in reversed(accounts.values()) if a.todo), None)

    async def _burst(self, account: Ledger) -> float:
        """Publish the next chunks of a run; return for how many seconds to rest.

        Raises BusDown when the last chunk gets no PubAck, DiskError when the spool cannot be read.
        """
        wanted = account.burst(BURST_CHUNKS)
        if wanted is None:
            return 0.0
        chunks = await self._depot.read(account.key, wanted, BURST_BYTES)
        started = time.monotonic()
        for kept in chunks:
            chunk = replace(kept, send=account.sent(kept.chunk, kept.chunk))
            if kept is not chunks[-1]:
                await self._bus.publish("telemetry.backfill", chunk)
            else:
                await self._store(account, chunk)
            self._count("backfill")
        busy_s = time.monotonic() - started
        return max(busy_s, _paced_s(chunks) - busy_s)

    async def _store(self, account: Ledger, chunk: Chunk) -> None:
        """Publish a chunk and wait for its PubAck; drop a chunk that is too large to store."""
        try:
            await self._bus.store("telemetry.backfill", chunk, timeout_s=ANSWER_S)
            self.answered_at = time.monotonic()
        except TooLarge as error:
            await self._depot.drop(account.key, (chunk.chunk, chunk.chunk), str(error))

    async def _mark(self) -> None:
        while True:
            await asyncio.sleep(MARK_CLOSED_S / 2)
            await self._bus.up.wait()
            with contextlib.suppress(BusDown):
                await self.mark(only_due=True)

    def _mark_is_due(self, account: Ledger) -> bool:
        marked_at, waiting, hasty = self._marks.get(account.key, (0.0, -1, 0))
        if waiting != account.waiting:
            hasty = 0
        patient = not account.closed or hasty >= HASTY_MARKS
        due = time.monotonic() - marked_at >= (MARK_OPEN_S if patient else MARK_CLOSED_S)
        if due:
            self._marks[account.key] = (time.monotonic(), account.waiting, hasty + 1)
        return due

    async def _watch(self) -> None:
        """Reconnect when the server does not answer; the client alone would take minutes."""
        while True:
            await self._bus.up.wait()
            if await self._bus.alive(ANSWER_S):
                self.answered_at = time.monotonic()
            elif self._bus.up.is_set():
                log.warning("the hub does not answer, reconnecting", silent_s=ANSWER_S)
                await self._bus.force_reconnect()
            await asyncio.sleep(WATCH_INTERVAL_S)

    def _count(self, route: str) -> None:
        self.sent += 1
        metrics.sent.labels(route).inc()


def _paced_s(chunks: Sequence[Chunk]) -> float:
    """Return the least seconds for a burst and its rest."""
    content_bytes = sum(len(chunk.block) + len(chunk.observed) + HEAD_BYTES for chunk in chunks)
    return max(content_bytes / PACE_BYTES_PER_S, len(chunks) / PACE_CHUNKS_PER_S)
