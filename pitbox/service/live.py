"""The live service: it passes on what is published now, to clients that come and go.

Clients are served while nats-server is away. Messages that were missed then are not read again:
clients fetch from Postgres.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.service.lifetime import together
from pitbox.settings import Settings


class Stage(Protocol):
    """Serve clients."""

    name: str

    async def open(self) -> None:
        """Prepare to serve, without waiting for any peer."""
        ...

    def parts(self, bus: Bus) -> Sequence[Coroutine[Any, Any, object]]:
        """Return the loops that serve, none of which ends by itself."""
        ...

    async def subscribe(self, bus: Bus) -> None:
        """Subscribe, and pass on messages until cancelled."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...


class LiveService:
    """Run a stage, and connect it to nats-server as soon as that is there."""

    def __init__(self, stage: Stage, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml is wrong."""
        self.name = stage.name
        self._stage = stage
        self._settings = settings
        self._bus = Bus(self.name, topology.load(settings.streams))

    async def open(self) -> None:
        """Prepare to serve."""
        await self._stage.open()

    async def work(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        await together(stop, self._connect(), *self._stage.parts(self._bus))

    async def close(self) -> None:
        """Stop serving, and disconnect."""
        await self._stage.close()
        await self._bus.close()

    async def _connect(self) -> None:
        await self._bus.open(self._settings.nats)
        await self._stage.subscribe(self._bus)
