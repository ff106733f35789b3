"""The feed subscribes and sends by its table, without a line about any kind of fact."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from consumers.gateway.live.facts import TABLE
from consumers.gateway.live.feed import HANDLED, Feed
from consumers.gateway.live.outbox import Outbox
from consumers.gateway.live.table import Table
from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.postgres.pool import Pool
from schemas.base import Event
from schemas.wall import Frames, Subscribe, ToPage
from tests.tools import hub
from tests.tools.toy_fact import WITH_TOY, Shout, shout

NO_POSTGRES = "postgresql://127.0.0.1:1/none"
WAIT_S = 10.0

encode = msgspec.msgpack.encode
decode_any = msgspec.msgpack.Decoder(ToPage).decode
decode = msgspec.msgpack.Decoder(Shout).decode


class Subscriptions:
    """Hold the handler of each route that the feed subscribed to, in place of a bus."""

    connects = 1

    def __init__(self, awaited: set[str]) -> None:
        self.handlers: dict[str, Callable[[Event], None]] = {}
        self.raw: dict[str, Callable[[str, bytes], None]] = {}
        self.complete = asyncio.Event()
        self._awaited = awaited

    async def listen(self, route: str, receive: Any) -> None:
        self.handlers[route] = receive
        if self._awaited <= {*self.handlers}:
            self.complete.set()

    async def listen_raw(self, route: str, receive: Callable[[str, bytes], None]) -> None:
        self.raw[route] = receive
        await self.listen(route, receive)


class Page:
    """Hold an outbox whose client reads at once, and wait for its facts."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.outbox = Outbox(self)

    def has_room(self) -> bool:
        return True

    def write(self, *messages: bytes) -> None:
        for message in messages:
            self.received.put_nowait(message)

    async def frames(self) -> tuple[int, tuple[str, ...]]:
        """Return the number and the channels of the next frames."""
        async with asyncio.timeout(WAIT_S):
            while True:
                received = decode_any(await self.received.get())
                if isinstance(received, Frames):
                    return received.chunk, received.channels

    async def receive(self) -> Shout:
        async with asyncio.timeout(WAIT_S):
            return decode(await self.received.get())


@asynccontextmanager
async def running(table: Table) -> AsyncIterator[tuple[Feed, Subscriptions]]:
    """Run a feed without Postgres, and yield it once it has subscribed."""
    bus = Subscriptions({*HANDLED, *table.routes})
    feed = Feed(topology.load(), Pool(NO_POSTGRES, "test", {}), table=table)
    task = asyncio.ensure_future(feed.run(cast(Bus, bus)))
    try:
        async with asyncio.timeout(WAIT_S):
            await bus.complete.wait()
        yield feed, bus
    finally:
        task.cancel()
        await asyncio.wait({task})


def subscribe(feed: Feed, page: Page, *drivers: str, hidden: frozenset[str] = frozenset()) -> None:
    feed.join(page.outbox, hidden)
    wish = Subscribe(session="spa", drivers=drivers, channels=("speed",))
    feed.receive(page.outbox, encode(wish))


async def test_the_feed_subscribes_to_the_routes_of_its_table() -> None:
    declared = {*topology.load().reads("gateway")}
    async with running(TABLE) as (_, bus):
        assert {*bus.handlers} == declared
    async with running(WITH_TOY) as (_, bus):
        assert {*bus.handlers} == declared | {"toy.shout"}


async def test_a_fact_of_a_new_kind_reaches_open_pages_and_those_opened_later() -> None:
    async with running(WITH_TOY) as (feed, bus):
        before, after = Page(), Page()
        subscribe(feed, before)
        bus.handlers["toy.shout"](shout(1, words="box"))
        assert await before.receive() == shout(1, words="box")
        bus.handlers["toy.shout"](shout(1, words="box now"))
        subscribe(feed, after)
        for page in (before, after):
            assert await page.receive() == shout(1, words="box now")
            assert page.received.empty()


async def test_a_hidden_driver_is_in_no_fact_of_a_new_kind() -> None:
    async with running(WITH_TOY) as (feed, bus):
        before, after = Page(), Page()
        subscribe(feed, before, hidden=frozenset({"zed"}))
        for fact in (shout(driver="zed"), shout(1, about="zed"), shout(2, words="mine")):
            bus.handlers["toy.shout"](fact)
        subscribe(feed, after, hidden=frozenset({"zed"}))
        for page in (before, after):
            assert await page.receive() == shout(2, words="mine")
            assert page.received.empty()


async def test_a_page_that_received_a_fact_about_a_driver_is_closed_when_that_driver_hides() -> (
    None
):
    async with running(WITH_TOY) as (feed, _):
        page = Page()
        subscribe(feed, page, "ada")
        assert feed.hide(page.outbox, frozenset({"zed"}))
        assert not feed.hide(page.outbox, frozenset({"zed"}))


async def test_frames_received_before_a_new_selection_are_of_the_one_before() -> None:
    async with running(TABLE) as (feed, bus):
        page = Page()
        feed.join(page.outbox)
        feed.receive(page.outbox, encode(Subscribe(session="test", channels=("speed",))))
        subject = topology.load().subject("telemetry.live", driver="ada", session="test")
        bus.raw["telemetry.live"](subject, encode(hub.chunk(0)))
        feed.receive(page.outbox, encode(Subscribe(session="test", channels=("lap_number",))))
        bus.raw["telemetry.live"](subject, encode(hub.chunk(1)))
        assert [await page.frames() for _ in range(2)] == [(0, ("speed",)), (1, ("lap_number",))]
