"""One connection to nats-server: how it comes about, is watched over and ends."""

import asyncio
import contextlib
from typing import Final

import nats.errors
from nats.js import JetStreamContext

from pitbox import logs, metrics
from pitbox.client import Client
from pitbox.identity.credentials import Identity, file_of
from pitbox.settings import Nats

FIRST_CONNECT_S: Final = 3.0
CLOSE_S: Final = 1.0

log = logs.get("bus")


class BusDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that nats-server cannot be reached or does not answer."""


class Connection:
    """Stay connected to nats-server, in the name of one service.

    `up` is set while connected, `connects` counts how often that came about.
    """

    def __init__(self, service: str) -> None:
        """Prepare; `open` connects."""
        self.service = service
        self.up = asyncio.Event()
        self.connects = 0
        self._client = Client()
        self._jetstream: JetStreamContext = self._client.jetstream()
        self._closed = False
        self._failure = ""

    async def open(self, server: Nats, *, forever: bool = True) -> None:
        """Connect to nats-server, waiting for it; raises BusDown if not `forever`.

        Raises KeysError when there are no credentials to connect with.
        """
        url = server.url
        identity = Identity(file_of(server.credentials, self.service))
        try:
            async with asyncio.timeout(None if forever else FIRST_CONNECT_S):
                await self._open(url, identity, patient=forever)
        except TimeoutError:
            await self.close()
            reason = self._failure or "it does not answer"
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

    async def close(self) -> None:
        """Leave; subscriptions end first, because draining live pulls takes half a minute."""
        self._closed = True
        self.up.clear()
        with contextlib.suppress(nats.errors.Error, asyncio.TimeoutError, OSError):
            await asyncio.wait_for(self._client.close(), timeout=CLOSE_S)

    async def _open(self, url: str, identity: Identity, *, patient: bool) -> None:
        async def connected() -> None:
            self.connects += 1
            self.up.set()
            metrics.connected.labels(self.service).set(1)
            if self.connects > 1:
                log.info("connected again", connects=self.connects)

        async def disconnected() -> None:
            self.up.clear()
            metrics.connected.labels(self.service).set(0)
            if not self._closed:
                log.warning("connection to nats-server lost")

        async def failed(error: Exception) -> None:
            if isinstance(error, nats.errors.SlowConsumerError):
                metrics.dropped.labels("bus", "slow").inc()
            elif isinstance(error, (OSError, nats.errors.Error)):
                if patient and self.connects == 0 and not self._failure:
                    log.warning("waiting for nats-server", address=_place(url), reason=str(error))
                self._failure = str(error)
            else:
                log.error("a listener failed", error=repr(error))

        await self._client.open(
            url,
            name=f"pitbox-{self.service}",
            reconnected_cb=connected,
            disconnected_cb=disconnected,
            error_cb=failed,
            **identity.options(),
        )
        await connected()


def _place(url: str) -> str:
    """Return an address without its credentials."""
    return url.rsplit("@", 1)[-1].removeprefix("nats://")
