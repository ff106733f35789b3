"""The answer: a service that replies to requests and runs background loops."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.service.lifetime import together
from pitbox.settings import Settings

Reply = Callable[[Any], Awaitable[Struct | None]]


class Responder(Protocol):
    """Reply to requests."""

    name: str

    @property
    def replies(self) -> Mapping[str, Reply]:
        """Return a function from request to reply for each route that the service answers."""
        ...

    async def open(self) -> None:
        """Prepare to reply; wait for peers without limit."""
        ...

    def duties(self, bus: Bus) -> Sequence[Coroutine[Any, Any, object]]:
        """Return the background loops; none of them ends by itself."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...


class Answer:
    """Run a responder."""

    def __init__(self, responder: Responder, settings: Settings) -> None:
        """Prepare to run; raises TopologyError when streams.yaml is wrong."""
        self.name = responder.name
        self._responder = responder
        self._settings = settings
        self._bus = Bus(self.name, topology.load(settings.streams))

    async def open(self) -> None:
        """Connect, and subscribe to the route of each reply."""
        await self._bus.open(self._settings.nats)
        await self._responder.open()
        for route, reply in self._responder.replies.items():
            await self._bus.answer(route, reply)

    async def work(self, stop: asyncio.Event) -> None:
        """Reply until `stop` is set."""
        await together(stop, *self._responder.duties(self._bus))

    async def close(self) -> None:
        """Disconnect."""
        await self._bus.close()
        await self._responder.close()
