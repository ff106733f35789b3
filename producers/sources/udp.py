"""Listen where games send, ask those that want to be asked, and yield what they tell.

Loopback only, unless told otherwise: consoles need an address of this machine on the network.
"""

import asyncio
import contextlib
import errno
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final

from msgspec import Struct

from pitbox import logs
from producers.source import Began, Observation, SourceError
from producers.sources import callers
from producers.sources.inbox import Arrival, Inbox, Tick
from producers.sources.iracing import live
from producers.sources.recognition import GAMES, SUPPORTED, Recogniser

RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
UNKNOWN_TO_WARN: Final = 100
ANYWHERE: Final = "0.0.0.0"
SOURCES: Final = ("auto", *GAMES, "iracing")

log = logs.get("source")


class Where(Struct, frozen=True):
    """Say where games are found.

    `host` is the address to listen on; 0.0.0.0 hears the whole network. `console` is the address
    of a PlayStation that runs Gran Turismo 7, `letters` the kinds of packet to ask it for, best
    first. `game` is where Assetto Corsa runs. `forwarded` listens on Assetto Corsa's own port, for
    datagrams that another program sends on; the game could not start on this machine then.
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
    """Yield what games tell, live, until closed; raises SourceError when nothing can be heard."""
    if source not in SOURCES:
        raise SourceError(f"source {source} is unknown, choose one of {', '.join(SOURCES)}")
    inbox = Inbox()
    async with contextlib.AsyncExitStack() as stack:
        await _open(stack, inbox, source, where)
        speaker = Speaker(Recogniser(_games(source)))
        while True:
            for observation in speaker.hear(await inbox.take()):
                yield observation


class Speaker:
    """Decide who is heard: the datagrams' game or iRacing, whichever began last."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._speaking: type[Arrival] | type[Tick] = Arrival
        self._warned = False

    def hear(self, item: Arrival | Tick) -> Iterator[Observation]:
        """Yield what an arrival tells."""
        if isinstance(item, Tick):
            told = item.ticks.tick(item.captured_ns, item.values)
        else:
            told = self._recogniser.feed(item.payload, item.captured_ns)
            self._warn()
        for observation in told:
            if isinstance(observation, Began) and self._speaking is not type(item):
                self._speaking = type(item)
                if isinstance(item, Tick):
                    self._recogniser.forget()
            if self._speaking is type(item):
                yield observation

    def _warn(self) -> None:
        lost = self._recogniser.unknown
        if lost >= UNKNOWN_TO_WARN and not self._recogniser.recognised and not self._warned:
            self._warned = True
            log.warning("datagrams arrive of no game that is known", supported=SUPPORTED)


class Port(asyncio.DatagramProtocol):
    """Put datagrams into the inbox as they arrive, from the sender that is expected."""

    def __init__(
        self, inbox: Inbox, sender: str = "", heard: Callable[[bytes], None] | None = None
    ):
        self._inbox = inbox
        self._sender = sender
        self._heard = heard
        self.closed = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Stamp and keep a datagram."""
        captured_ns = time.time_ns()
        if self._sender and addr[0] != self._sender:
            return
        self._inbox.put(Arrival(captured_ns, data))
        if self._heard is not None:
            self._heard(data)

    def error_received(self, exc: Exception) -> None:
        """Carry on: a game that does not run yet refuses what it is sent."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Know that the port is free again."""
        self.closed.set()


def _games(source: str) -> tuple[str, ...]:
    return (source,) if source in GAMES else tuple(GAMES)


async def _open(stack: contextlib.AsyncExitStack, inbox: Inbox, source: str, where: Where) -> None:
    """Open everything a source needs; for auto, what can be opened is enough."""
    opened, failures = 0, []
    for game in (source,) if source != "auto" else _automatic():
        try:
            await OPENERS[game](stack, inbox, where)
            opened += 1
        except SourceError as error:
            failures.append(error)
            if source == "auto":
                log.warning("a game cannot be heard", game=game, reason=str(error))
    if not opened:
        raise failures[0]


def _automatic() -> tuple[str, ...]:
    return (*GAMES, "iracing") if sys.platform == "win32" else tuple(GAMES)


async def _f1(stack: contextlib.AsyncExitStack, inbox: Inbox, where: Where) -> None:
    await _listen(stack, where.host, where.f1_port, Port(inbox))


async def _gt7(stack: contextlib.AsyncExitStack, inbox: Inbox, where: Where) -> None:
    if not where.console:
        await _listen(stack, where.host, where.gt7_port, Port(inbox))
        return
    console = await _address(where.console)
    heartbeat = callers.Heartbeat((console, where.console_port), where.letters)
    port = Port(inbox, console, heartbeat.heard)
    transport = await _listen(stack, ANYWHERE, where.gt7_port, port)
    _background(stack, heartbeat.run(transport.sendto))


async def _assetto(stack: contextlib.AsyncExitStack, inbox: Inbox, where: Where) -> None:
    game = await _address(where.game)
    if where.forwarded:
        try:
            await _listen(stack, where.host, where.assetto_port, Port(inbox))
        except SourceError:
            log.info("the game itself has its port", port=where.assetto_port)
        else:
            if game.startswith("127."):
                return
    for request in callers.SUBSCRIPTIONS:
        handshake = callers.Handshake((game, where.assetto_port), request)
        port = Port(inbox, game, handshake.heard)
        local = "127.0.0.1" if game.startswith("127.") else ANYWHERE
        transport = await _listen(stack, local, 0, port)
        stack.callback(handshake.dismiss, transport.sendto)
        _background(stack, handshake.run(transport.sendto))


async def _iracing(stack: contextlib.AsyncExitStack, inbox: Inbox, where: Where) -> None:
    reader = live.open_reader(inbox)
    stack.callback(reader.close)


OPENERS: Final = {"f1": _f1, "gt7": _gt7, "assetto": _assetto, "iracing": _iracing}


async def _listen(
    stack: contextlib.AsyncExitStack, host: str, port: int, protocol: Port
) -> asyncio.DatagramTransport:
    """Bind a socket for as long as the stack stands; raises SourceError when it cannot."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SourceError(_why(error, host, port)) from None
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: protocol, sock=bound
    )
    stack.push_async_callback(protocol.closed.wait)
    stack.callback(transport.abort)
    log.info("listening", port=port or transport.get_extra_info("sockname")[1])
    return transport


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)):
        return (
            f"UDP port {port} is in use: close the other telemetry program, or have it send on "
            f"to another port and listen there"
        )
    return f"cannot listen on {host}:{port}: {error.strerror}"


def _background(stack: contextlib.AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    stack.push_async_callback(asyncio.wait, [task])
    stack.callback(task.cancel)


async def _address(name: str) -> str:
    """Return the IPv4 address of a name; raises SourceError when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name, None, family=socket.AF_INET, type=socket.SOCK_DGRAM
        )
    except OSError:
        raise SourceError(f"address {name} cannot be found: check it, and the network") from None
    return str(found[0][4][0])
