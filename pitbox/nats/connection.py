"""One connection to nats-server: how it comes about, is watched over and ends."""

import asyncio
import contextlib
from typing import Final

import nats.errors
from nats.js import JetStreamContext

from pitbox import logs, metrics
from pitbox.identity.credentials import Identity, file_of
from pitbox.identity.permissions import DRIVER
from pitbox.nats.client import PING_INTERVAL_S, Client
from pitbox.settings import Nats
from pitbox.tls.transport import trust

FIRST_CONNECT_S: Final = 3.0
CLOSE_S: Final = 1.0
REFUSED_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
REFUSED: Final = "nats-server refuses these credentials"
SHUT_OUT: Final = (
    "the hub lets this PC in no more, and what is driven stays on its disk: unless that is for a "
    "while only, enrol it again by `pitbox drive --enrol CODE@HOST`"
)
REFUSALS: Final = ("authorization", "authentication")
SILENT: Final = "it does not answer"
ANSWERED_S: Final = 5.0
"""For so long an answer may come over a connection that another one has followed."""

log = logs.get("bus")


class BusDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that nats-server cannot be reached or does not answer."""


class Connection:
    """Stay connected to nats-server, in the name of one service.

    `up` is set while connected and `down` while not, `connects` counts how often that came about.
    """

    def __init__(self, service: str, *, ping_interval_s: float = PING_INTERVAL_S) -> None:
        """Prepare; `open` connects."""
        self.service = service
        self._ping_interval_s = ping_interval_s
        self.up = asyncio.Event()
        self.down = asyncio.Event()
        self.down.set()
        self.connects = 0
        self._client = Client()
        self._jetstream: JetStreamContext = self._client.jetstream()
        self._closed = False
        self._failure = ""
        self._refusals = 0
        self._endings: set[asyncio.Task[None]] = set()

    async def open(self, server: Nats, *, forever: bool = True) -> None:
        """Connect to nats-server, waiting for it; raises BusDown if not `forever`.

        Raises KeysError when there are no credentials to connect with, SettingsError when the
        authorities of TLS cannot be read.
        """
        self._url = url = server.url
        self._trust = trust(server)
        self._identity = Identity(file_of(server.credentials, self.service))
        try:
            async with asyncio.timeout(None if forever else FIRST_CONNECT_S):
                await self._open(patient=forever)
        except TimeoutError:
            await self.close()
            reason = self._failure or SILENT
            raise BusDown(f"cannot reach nats-server at {_place(url)}: {reason}") from None
        except (OSError, ValueError, nats.errors.Error) as error:
            raise BusDown(f"cannot reach nats-server at {_place(url)}: {error}") from None

    @property
    def jetstream(self) -> JetStreamContext:
        """Return JetStream's own interface, for the runtime."""
        return self._jetstream

    @property
    def client(self) -> Client:
        """Return the client, for the runtime."""
        return self._client

    async def alive(self, timeout_s: float = 3.0) -> bool:
        """Tell whether nats-server answers a ping in time."""
        if not self._client.is_connected:
            return False
        try:
            await self._client.flush(timeout=timeout_s)  # type: ignore[arg-type]
        except (TimeoutError, nats.errors.Error, OSError):
            return False
        return True

    async def force_reconnect(self) -> None:
        """Give the connection up and make a new one."""
        await self._client.force_reconnect()

    async def go_over(self) -> None:
        """Go over to a second connection, as who the credentials are now, and end the first later.

        What was asked over the first is still answered there. Raises BusDown without a second.
        """
        fresh = Client()
        try:
            async with asyncio.timeout(FIRST_CONNECT_S):
                await self._start(fresh, patient=False)
                await self._listen_again(fresh)
        except (TimeoutError, OSError, nats.errors.Error) as error:
            await fresh.close()
            raise BusDown(f"no second connection to nats-server: {error!r}") from None
        old, self._client, self._jetstream = self._client, fresh, fresh.jetstream()
        ending = asyncio.create_task(_end(old))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        await asyncio.sleep(0)  # it has begun, and so it closes what it has also when cancelled
        await self._connected()

    async def _listen_again(self, client: Client) -> None:
        """Hear on a second connection what is heard on the first."""

    async def close(self) -> None:
        """Leave; subscriptions end first, because draining live pulls takes half a minute."""
        self._closed = True
        self.up.clear()
        for ending in self._endings:
            ending.cancel()
        if self._endings:
            await asyncio.wait(self._endings)
        await _close(self._client)

    async def _open(self, *, patient: bool) -> None:
        await self._start(self._client, patient=patient)
        await self._connected()

    async def _connected(self) -> None:
        self.connects += 1
        self._failure, self._refusals = "", 0
        self.up.set()
        self.down.clear()
        metrics.connected.labels(self.service).set(1)
        if self.connects > 1:
            log.info("connected again", connects=self.connects)

    async def _start(self, client: Client, *, patient: bool) -> None:
        """Connect a client, which tells how it does as long as it is the one in use."""

        async def connected() -> None:
            if client is self._client:
                await self._connected()

        async def disconnected() -> None:
            if client is not self._client:
                return
            self.up.clear()
            self.down.set()
            metrics.connected.labels(self.service).set(0)
            if not self._closed and not self._refusals:
                log.warning("connection to nats-server lost")

        async def failed(error: Exception) -> None:
            if client is not self._client:
                return
            if isinstance(error, nats.errors.SlowConsumerError):
                metrics.dropped.labels("bus", "slow").inc()
            elif isinstance(error, (OSError, nats.errors.Error)):
                reason = str(error) or SILENT
                if not self.up.is_set():
                    self._say_once(reason, patient=patient)
                await self._bear_refusal(reason)
            else:
                log.error("a listener failed", error=repr(error))

        await client.open(
            self._url,
            self._trust,
            ping_interval_s=self._ping_interval_s,
            name=f"pitbox-{self.service}",
            reconnected_cb=connected,
            disconnected_cb=disconnected,
            error_cb=failed,
            **self._identity.options(),
        )

    def _say_once(self, reason: str, *, patient: bool) -> None:
        """Say why there is no connection, once until there is one again."""
        if patient and not (self._failure or _refuses(reason)):
            log.warning("waiting for nats-server", address=_place(self._url), reason=reason)
        self._failure = reason

    async def _bear_refusal(self, reason: str) -> None:
        """Say once that nats-server refuses these credentials, and let it rest between tries."""
        if _refuses(reason):
            if not self._refusals:
                log.warning(SHUT_OUT if self.service == DRIVER else REFUSED, reason=reason)
            pause_s = REFUSED_S[min(self._refusals, len(REFUSED_S) - 1)]
            self._refusals += 1
            await asyncio.sleep(pause_s)


def _refuses(reason: str) -> bool:
    return any(word in reason.lower() for word in REFUSALS)


async def _end(client: Client) -> None:
    try:
        await asyncio.sleep(ANSWERED_S)
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    with contextlib.suppress(nats.errors.Error, asyncio.TimeoutError, OSError):
        await asyncio.wait_for(client.close(), timeout=CLOSE_S)


def _place(url: str) -> str:
    """Return an address without its credentials."""
    return url.rsplit("@", 1)[-1].removeprefix("nats://")
