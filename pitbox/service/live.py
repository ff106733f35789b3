"""The live service: it forwards messages as they are published to its clients.

Clients are served while nats-server is down. Messages published then are not read later: clients
fetch them from Postgres.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.service.lifetime import together
from pitbox.settings import Settings


class Stage(Protocol):
    """Serve clients with messages of the bus."""

    name: str

    async def open(self) -> None:
        """Prepare to serve; wait for no peer."""
        ...

    def parts(self, bus: Bus) -> Sequence[Coroutine[Any, Any, object]]:
        """Return the loops that serve; none of them ends by itself."""
        ...

    async def subscribe(self, bus: Bus) -> None:
        """Subscribe, and forward messages until cancelled."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...


class Live:
    """Run a stage, and connect it once nats-server is up."""

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
