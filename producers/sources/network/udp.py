"""Receive the telemetry of games, request it where needed, and yield its observations.

The sockets listen on loopback by default; a console needs an address of this machine on the
network.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from itertools import chain
from typing import Any, Final

from msgspec import Struct

from pitbox import logs
from producers import metrics
from producers.left_out import Tally
from producers.source import Began, Observation, SourceError
from producers.sources.inbox import Arrival, Inbox
from producers.sources.iracing import live
from producers.sources.iracing.ticks import Tick
from producers.sources.network import callers
from producers.sources.network.port import Port, bind
from producers.sources.network.recognition import GAMES, SUPPORTED, Recogniser
from schemas.sim import LeftOut

UNKNOWN_TO_WARN: Final = 100
STATED_NS: Final = 1_000_000_000
ANYWHERE: Final = "0.0.0.0"
SOURCES: Final = ("auto", *GAMES, "iracing")

log = logs.get("source")


class Where(Struct, frozen=True):
    """Hold the addresses of games.

    `host` is the address to listen on; 0.0.0.0 receives from the whole network. `console` is the
    address of a PlayStation that runs Gran Turismo 7, `letters` the kinds of packet to request,
    best first. `game` is the address of Assetto Corsa. `forwarded` listens on Assetto Corsa's own
    port, for datagrams that another program forwards; the game cannot start on this machine then.
    """

    host: str = "127.0.0.1"
    console: str = ""
    letters: str = "C~BA"
    game: str = "127.0.0.1"
    forwarded: bool = sys.platform != "win32"
    f1_port: int = 20777
    gt7_port: int = 33740
    console_port: int = 33739
    assetto_port: int = 9996


LOCAL: Final = Where()


async def observations(source: str = "auto", where: Where = LOCAL) -> AsyncIterator[Observation]:
    """Yield the observations of games, live, until closed; raises SourceError.

    The errors are an unknown source and one that cannot be listened to.
    """
    if source not in SOURCES:
        raise SourceError(f"source {source} is unknown, choose one of {', '.join(SOURCES)}")
    inbox = Inbox[Arrival | Tick]()
    async with contextlib.AsyncExitStack() as stack:
        await Listeners(stack, inbox, where).open(source)
        recogniser = Recogniser(_games(source))
        selector, losses = Selector(recogniser), Losses(recogniser, inbox)
        while True:
            item = await inbox.take()
            for observation in chain(selector.feed(item), losses.since(item.captured_ns)):
                yield observation


class Losses:
    """State once a second what was left out, and warn of another game when it is first seen."""

    def __init__(self, recogniser: Recogniser, inbox: Inbox[Any]) -> None:
        self._recogniser = recogniser
        self._inbox = inbox
        self._tally = Tally()
        self._dropped = self._dropped_by_kernel = 0
        self._stated_ns = 0
        self._named: set[str] = set()

    def since(self, at_ns: int) -> Iterator[LeftOut]:
        """Yield the counts since the last statement, when one is due."""
        if at_ns - self._stated_ns < STATED_NS:
            return
        self._stated_ns = at_ns
        inbox = self._inbox
        dropped, dropped_by_kernel = inbox.dropped, inbox.dropped_by_kernel
        self._tally.add("inbox_full", count=dropped - self._dropped)
        self._tally.add("kernel_full", count=dropped_by_kernel - self._dropped_by_kernel)
        self._dropped, self._dropped_by_kernel = dropped, dropped_by_kernel
        for left_out in chain(self._recogniser.left_out(at_ns), self._tally.take(at_ns)):
            metrics.left_out.labels(left_out.reason).inc(left_out.count)
            self._warn(left_out)
            yield left_out

    def _warn(self, left_out: LeftOut) -> None:
        if left_out.about and left_out.about not in self._named:
            self._named.add(left_out.about)
            log.warning("another game sends too and is left out", other=left_out.about)


class Selector:
    """Select the game to follow: that of the datagrams or iRacing, whichever began last."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._selected: type[Arrival] | type[Tick] = Arrival
        self._warned = False

    def feed(self, item: Arrival | Tick) -> Iterator[Observation]:
        """Decode an arrival; yield its observations if its game is the selected one."""
        if isinstance(item, Tick):
            observed = item.ticks.tick(item.captured_ns, item.values, item.arrays)
        else:
            observed = self._recogniser.feed(item.payload, item.captured_ns, item.sender)
            self._warn()
        for observation in observed:
            if isinstance(observation, Began) and self._selected is not type(item):
                self._selected = type(item)
                if isinstance(item, Tick):
                    self._recogniser.forget()
            if self._selected is type(item):
                yield observation

    def _warn(self) -> None:
        lost = self._recogniser.unknown
        if lost >= UNKNOWN_TO_WARN and not self._recogniser.recognised and not self._warned:
            self._warned = True
            log.warning("the datagrams received are of no supported game", supported=SUPPORTED)


def _games(source: str) -> tuple[str, ...]:
    return (source,) if source in GAMES else tuple(GAMES)


class Listeners:
    """Open the sockets and readers of games, which the exit stack closes."""

    def __init__(
        self, stack: contextlib.AsyncExitStack, inbox: Inbox[Arrival | Tick], where: Where
    ) -> None:
        self._stack = stack
        self._inbox = inbox
        self._where = where
        self._openers = {
            "f1": self._f1,
            "gt7": self._gt7,
            "assetto": self._assetto,
            "iracing": self._iracing,
        }

    async def open(self, source: str) -> None:
        """Listen to a source, for "auto" to every game that can be opened; raises SourceError.

        "auto" raises only when no game can be opened; each other failure is logged.
        """
        automatic = (*GAMES, "iracing") if sys.platform == "win32" else tuple(GAMES)
        failures: list[SourceError] = []
        sources = automatic if source == "auto" else (source,)
        for game in sources:
            try:
                await self._openers[game]()
            except SourceError as error:
                failures.append(error)
        if len(failures) == len(sources):
            raise failures[0]
        for failure in failures:
            log.warning("cannot listen to a game", reason=str(failure))

    async def _f1(self) -> None:
        self._listen(self._where.host, self._where.f1_port)

    async def _gt7(self) -> None:
        where = self._where
        if not where.console:
            self._listen(where.host, where.gt7_port)
            return
        console = await _address(where.console)
        heartbeat = callers.Heartbeat((console, where.console_port), where.letters)
        port = self._listen(ANYWHERE, where.gt7_port, console, heartbeat.on_datagram)
        self._keep(heartbeat.run(port.send))

    async def _assetto(self) -> None:
        where = self._where
        game = await _address(where.game)
        local = game.startswith("127.")
        if where.forwarded and self._listens_forwarded() and local:
            return
        for request in callers.SUBSCRIPTIONS:
            handshake = callers.Handshake((game, where.assetto_port), request)
            host = "127.0.0.1" if local else ANYWHERE
            port = self._listen(host, 0, game, handshake.on_datagram)
            self._stack.callback(handshake.dismiss, port.send)
            self._keep(handshake.run(port.send))

    def _listens_forwarded(self) -> bool:
        try:
            self._listen(self._where.host, self._where.assetto_port)
        except SourceError:
            log.info("the game itself uses its port", port=self._where.assetto_port)
            return False
        return True

    async def _iracing(self) -> None:
        reader = live.open_reader(self._inbox)
        self._stack.callback(reader.close)

    def _listen(
        self,
        host: str,
        port: int,
        sender: str = "",
        on_datagram: Callable[[bytes], None] | None = None,
    ) -> Port:
        bound = bind(host, port)
        opened = Port(bound, self._inbox, sender, on_datagram)
        self._stack.push_async_callback(opened.close)
        log.info("listening", host=host, port=bound.getsockname()[1])
        return opened

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._stack.push_async_callback(asyncio.wait, [task])
        self._stack.callback(task.cancel)


async def _address(name: str) -> str:
    """Resolve a name to its IPv4 address; raises SourceError when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name, None, family=socket.AF_INET, type=socket.SOCK_DGRAM
        )
    except OSError:
        raise SourceError(f"address {name} cannot be found: check it, and the network") from None
    return str(found[0][4][0])
