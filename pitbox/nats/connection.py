"""One connection to nats-server: open, watch, replace and close it."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

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
REFUSED_PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
REFUSED: Final = "nats-server refuses these credentials"
SHUT_OUT: Final = (
    "the hub refuses this PC; telemetry stays in the spool. A PC that sent too much is let in "
    "again after a while; any other has to be enrolled again: `pitbox drive --enrol CODE@HOST`"
)
REFUSALS: Final = ("authorization", "authentication")
NO_ANSWER: Final = "it does not answer"
OVERLAP_S: Final = 5.0
"""A replaced connection stays open for so long, for answers to earlier requests."""

log = logs.get("bus")


class BusDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Report that nats-server cannot be reached or does not answer."""


class LoginRefused(BusDown):
    """Report that nats-server refuses the credentials."""


class Connection:
    """Stay connected to nats-server as one service.

    `up` is set while connected, `down` while not; `connects` counts connections.
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
        self._patient = True
        self._endings: set[asyncio.Task[None]] = set()

    async def open(self, server: Nats, *, forever: bool = True) -> None:
        """Connect to nats-server; wait for it `forever`, or raise BusDown.

        Raises KeysError without credentials, SettingsError when the TLS authorities cannot be read.
        """
        self._url = server.url
        self._trust = trust(server)
        self._identity = Identity(file_of(server.credentials, self.service))
        self._patient = forever
        try:
            async with asyncio.timeout(None if forever else FIRST_CONNECT_S):
                await self._open(patient=forever)
        except (TimeoutError, OSError, ValueError, nats.errors.Error) as error:
            await self.close()
            raise self._why_not(self._failure or str(error) or NO_ANSWER) from None

    @property
    def jetstream(self) -> JetStreamContext:
        """Return JetStream's own interface, for the runtime."""
        return self._jetstream

    @property
    def client(self) -> Client:
        """Return the client, for the runtime."""
        return self._client

    async def alive(self, timeout_s: float = 3.0) -> bool:
        """Return whether nats-server answers a ping in time."""
        if not self._client.is_connected:
            return False
        try:
            await self._client.flush(timeout=timeout_s)  # type: ignore[arg-type]
        except (TimeoutError, nats.errors.Error, OSError):
            return False
        return True

    async def while_up(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work; raises BusDown at once when the connection is lost meanwhile.

        A request that was sent on a lost connection is never answered, and its timeout is long.
        """
        working = asyncio.ensure_future(work)
        lost = asyncio.ensure_future(self.down.wait())
        try:
            await asyncio.wait({working, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise BusDown("the connection to nats-server was lost")
            await working
        finally:
            working.cancel()
            lost.cancel()
            await asyncio.wait({working})

    async def force_reconnect(self) -> None:
        """Close the connection and open another."""
        await self._client.force_reconnect()

    async def replace(self) -> None:
        """Replace the connection by one with the current credentials; close the old one later.

        Answers to earlier requests still arrive on the old one. Raises BusDown without a new one.
        """
        fresh = Client()
        try:
            async with asyncio.timeout(FIRST_CONNECT_S):
                await self._start(fresh, patient=False)
                await self._resubscribe(fresh)
        except (TimeoutError, OSError, nats.errors.Error) as error:
            await fresh.close()
            raise BusDown(f"no second connection to nats-server: {error!r}") from None
        old, self._client, self._jetstream = self._client, fresh, fresh.jetstream()
        ending = asyncio.create_task(_end(old))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        await asyncio.sleep(0)  # the task has begun, so it closes the client even when cancelled
        await self._connected()

    async def _resubscribe(self, client: Client) -> None:
        """Subscribe on a new connection to the subjects of the old one."""

    async def close(self) -> None:
        """Close; subscriptions end first, because draining live pulls takes half a minute."""
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
            log.info("reconnected", connects=self.connects)

    async def _start(self, client: Client, *, patient: bool) -> None:
        """Connect a client; its callbacks have effect while it is the one in use."""

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
                reason = str(error) or NO_ANSWER
                if not self.up.is_set():
                    self._log_once(reason, patient=patient)
                await self._pause_if_refused(reason)
            else:
                log.error("a subscriber failed", error=repr(error))

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

    def _why_not(self, reason: str) -> BusDown:
        """Return why there is no first connection, with the remedy of a refusal."""
        place = _place(self._url)
        if not self._refusals:
            return BusDown(f"cannot reach nats-server at {place}: {reason}")
        if self.service == DRIVER:
            return LoginRefused(SHUT_OUT)
        return LoginRefused(f"nats-server at {place} refuses the credentials {self._identity.file}")

    def _log_once(self, reason: str, *, patient: bool) -> None:
        """Log why there is no connection, once until the next connection."""
        if patient and not (self._failure or _refuses(reason)):
            log.warning("waiting for nats-server", address=_place(self._url), reason=reason)
        self._failure = reason

    async def _pause_if_refused(self, reason: str) -> None:
        """Log once that nats-server refuses the credentials, and pause before the next attempt."""
        if _refuses(reason):
            if self._patient and not self._refusals:
                log.warning(SHUT_OUT if self.service == DRIVER else REFUSED, reason=reason)
            pause_s = REFUSED_PAUSES_S[min(self._refusals, len(REFUSED_PAUSES_S) - 1)]
            self._refusals += 1
            await asyncio.sleep(pause_s)


def _refuses(reason: str) -> bool:
    return any(word in reason.lower() for word in REFUSALS)


async def _end(client: Client) -> None:
    try:
        await asyncio.sleep(OVERLAP_S)
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    with contextlib.suppress(nats.errors.Error, asyncio.TimeoutError, OSError):
        await asyncio.wait_for(client.close(), timeout=CLOSE_S)


def _place(url: str) -> str:
    """Return an address without its credentials."""
    return url.rsplit("@", 1)[-1].removeprefix("nats://")
