"""Exchange messages with the hub beside the stream: receipts, hellos and the hub's clock."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from pitbox import logs
from pitbox.nats.bus import Bus, BusDown, NobodyListens
from producers import metrics
from producers.spool.depot import Depot
from producers.spool.ledger import RunKey
from producers.uplink.storing import NOT_STORED, UNSTORED_S, Storing
from schemas.link import Ask, Hello, Receipt

HELLO_INTERVAL_S: Final = 2.0
REPEAT_S: Final = 0.5
FENCED_S: Final = 10.0
ASK_INTERVAL_S: Final = 10.0
ASK_TIMEOUT_S: Final = 1.0
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 3.0)
CLOCK_SAMPLES: Final = 8
LOOK_S: Final = 1.0
NO_LINK: Final = "there is no connection to the hub's nats-server"
NO_PERSISTER: Final = "the hub's nats-server answers, but no persister is connected to it"
NO_RECEIPT: Final = "the hub's persister has not answered yet"
NO_STORE: Final = "the hub's persister answers, but its nats-server or its Postgres takes no writes"

log = logs.get("link")


class Clock:
    """Estimate the offset of the hub's clock, from the quickest of the last answers."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=CLOCK_SAMPLES)

    def sample(self, asked_ns: int, rtt_ns: int, hub_ns: int) -> None:
        """Add an answer: asked at `asked_ns` here, stamped `hub_ns` there, back after `rtt_ns`."""
        self._samples.append((rtt_ns, hub_ns - asked_ns - rtt_ns // 2))

    @property
    def offset_ns(self) -> int | None:
        """Return hub clock minus driver clock, None before any answer."""
        return min(self._samples)[1] if self._samples else None

    @property
    def rtt_ns(self) -> int | None:
        """Return the round trip of the answer that gives the offset, None before any answer."""
        return min(self._samples)[0] if self._samples else None


class Fence:
    """Keep this app from sending live for `FENCED_S` after a hello of a newer app of the driver."""

    def __init__(self) -> None:
        self._until_s = 0.0

    def on_hello(self, run: int, own: int, now_s: float) -> None:
        """Note a hello of `run`; a run above the `own` one closes the fence."""
        if run > own:
            self._until_s = now_s + FENCED_S

    def closed(self, now_s: float) -> bool:
        """Return whether this app must not send live."""
        return now_s < self._until_s


class Link:
    """Update the accounts of a depot from the hub's receipts, and announce the live run."""

    def __init__(self, bus: Bus, depot: Depot, *, unstored_s: float = UNSTORED_S) -> None:
        """Set the parts; nothing is sent before `run`. `unstored_s` is the limit of `Storing`."""
        self.storing = Storing(unstored_s=unstored_s)
        self.clock = Clock()
        self.fence = Fence()
        self._bus = bus
        self._depot = depot
        self._boot = ""
        self._unasked: dict[RunKey, None] = {}
        self._news = asyncio.Event()
        self._subscribed: set[str] = set()
        self._hello_sent_at = 0.0
        self._unanswered = ""
        self._live: RunKey | None = None
        self._began = asyncio.Event()

    def live(self, key: RunKey) -> None:
        """Announce this run as live from now on."""
        if key != self._live:
            self._live = key
            self._began.set()

    @property
    def waits_for(self) -> str:
        """Return which part of the hub does not do its work, "" when all of it does."""
        if not self._bus.up.is_set():
            return NO_LINK
        return self._unanswered or ("" if self.storing.stores else NOT_STORED)

    @property
    def fenced(self) -> bool:
        """Return whether a newer app of this driver is live."""
        return self.fence.closed(time.monotonic())

    async def run(self) -> None:
        """Request receipts and publish hellos until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask_when_connected())
            tasks.create_task(self._ask_what_is_unasked())
            tasks.create_task(self._send_hellos())
            tasks.create_task(self._watch_storing())

    async def subscribe(self, drivers: Iterable[str]) -> None:
        """Subscribe to these drivers' receipts and hellos; raises BusDown."""
        for driver in drivers:
            if driver not in self._subscribed:
                await self._bus.listen("link.receipt", self._on_receipt, driver=driver)
                await self._bus.listen("link.hello", self._on_hello, driver=driver)
                self._subscribed.add(driver)

    async def _ask_when_connected(self) -> None:
        while True:
            await self._bus.up.wait()
            self._depot.found.clear()
            self._ask_all()
            try:
                await self.subscribe({key.driver for key in self._depot.accounts})
            except BusDown:
                await asyncio.sleep(RETRY_S[0])
                continue
            await _first_of(self._bus.down, self._depot.found)

    async def _ask_what_is_unasked(self) -> None:
        failures, asked_at = 0, 0.0
        while True:
            await self._bus.up.wait()
            if not self._unasked:
                await _set_within(self._news, asked_at + ASK_INTERVAL_S - time.monotonic())
            if not self._unasked:
                self._unasked.update(dict.fromkeys(list(self._depot.accounts)[-1:]))
                asked_at = time.monotonic()
                continue
            key = next(reversed(self._unasked))
            asked_at = time.monotonic()
            try:
                receipt = await self._ask(key)
            except BusDown as error:
                self._unanswered = NO_PERSISTER if isinstance(error, NobodyListens) else NO_RECEIPT
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            failures, self._unanswered = 0, ""
            self._unasked.pop(key, None)
            self._on_receipt(receipt)

    async def _ask(self, key: RunKey) -> Receipt:
        asked_ns, started = time.time_ns(), time.perf_counter_ns()
        ask = Ask(session=key.session, driver=key.driver, run=key.run)
        receipt: Receipt = await self._bus.request("link.ask", ask, timeout_s=ASK_TIMEOUT_S)
        self.clock.sample(asked_ns, time.perf_counter_ns() - started, receipt.hub_ns)
        metrics.offset_s.set((self.clock.offset_ns or 0) / 1e9)
        return receipt

    def _on_receipt(self, receipt: Receipt) -> None:
        self._depot.on_receipt(receipt)
        self.storing.on_receipt(receipt)
        if receipt.boot != self._boot:
            known, self._boot = self._boot, receipt.boot
            if known:
                self._ask_all()

    def _ask_all(self) -> None:
        self._unasked.update(dict.fromkeys(self._depot.accounts))
        self._news.set()

    async def _watch_storing(self) -> None:
        """Log when the hub stops storing, and when it stores again."""
        stored = True
        while True:
            linked, waiting = self._bus.up.is_set(), self._depot.accounts.waiting
            stores = self.storing.look(linked=linked, waiting=waiting, now_s=time.monotonic())
            metrics.unstored_s.set(self.storing.lasts_s)
            if stored and not stores:
                log.warning(NOT_STORED, reason=await self._why_unstored())
            elif stores and not stored:
                log.warning("the hub stores again")
            stored = stores
            await asyncio.sleep(LOOK_S)

    async def _why_unstored(self) -> str:
        """Ask for a receipt now, and return what its answer says about the hub."""
        for key in list(self._depot.accounts)[-1:]:
            try:
                await self._ask(key)
            except NobodyListens:
                return NO_PERSISTER
            except BusDown:
                return NO_RECEIPT
        return NO_STORE

    async def _send_hellos(self) -> None:
        while True:
            await self._bus.up.wait()
            metrics.fenced.set(self.fenced)
            await self._send_hello()
            await _set_within(self._began, HELLO_INTERVAL_S)

    async def _send_hello(self) -> None:
        if self._live is None or self.fenced:
            return
        account = self._depot.accounts.of(self._live)
        hello = Hello(
            driver=self._live.driver,
            session=self._live.session,
            run=self._live.run,
            at_ns=time.time_ns(),
            made=account.made,
            waiting=self._depot.accounts.waiting,
            offset_ns=self.clock.offset_ns,
            rtt_ns=self.clock.rtt_ns,
            kept=not self._depot.trouble,
        )
        self._hello_sent_at = time.monotonic()
        with contextlib.suppress(BusDown):
            await self.subscribe([self._live.driver])
            await self._bus.publish("link.hello", hello)

    def _on_hello(self, hello: Hello) -> None:
        """Stop sending live for a newer app; answer an older app with this app's hello."""
        if self._live is None or hello.driver != self._live.driver:
            return
        was_fenced = self.fenced
        self.fence.on_hello(hello.run, self._live.run, time.monotonic())
        if self.fenced and not was_fenced:
            log.warning("a newer app of this driver is live: this one only backfills")
        if hello.run < self._live.run and time.monotonic() - self._hello_sent_at >= REPEAT_S:
            self._began.set()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event for at most some seconds, then clear it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
