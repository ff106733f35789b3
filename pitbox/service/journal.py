"""What a fold keeps in nats-server: its outputs, dead letters and progress."""

from typing import Final

import msgspec

from pitbox.nats import readback
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.delivery import Delivery
from pitbox.nats.stream import stream_now
from pitbox.service import dead
from pitbox.service.identity import Standing
from pitbox.topology import Topology
from schemas.fold import Progress
from schemas.registry import EVENTS

MARGIN_NS: Final = 60_000_000_000
"""The servers of a cluster may disagree about the time by this much."""


class Journal:
    """Store what one fold publishes, each output under its identity."""

    def __init__(self, bus: Bus, version: int) -> None:
        """Prepare for one version of a fold."""
        self._bus = bus
        self._name = bus.service
        self._version = version
        self._routes = _routes_by_type(bus.topology, bus.service)
        self._ration = dead.Ration(bus.topology.from_drivers)

    async def publish(self, output: msgspec.Struct, identity: str) -> None:
        """Store an output; raises BusDown, TooLarge or OverflowError."""
        await self._bus.store(self._routes[type(output)], output, identity=identity)

    async def bury(self, delivery: Delivery, reason: str, identity: str) -> None:
        """Store a message as a dead letter, within its sender's ration; raises BusDown."""
        if not self._ration.spend(delivery):
            dead.count_not_kept(self._name)
            return
        letter = dead.letter_of(self._name, delivery, reason)
        await dead.publish(self._bus, letter, identity)

    async def save(self, record: Progress) -> None:
        """Store the progress in a stream; raises BusDown."""
        await self._bus.store("fold.progress", record)

    async def load(self, stream: str) -> tuple[Progress, int]:
        """Return the progress in a stream and the stream's last sequence; raises BusDown.

        The progress begins anew where the stream was recreated or restored, and for a new version.
        """
        now = await stream_now(self._bus, stream)
        found = await readback.last(self._bus, "fold.progress", consumer=self._name, stream=stream)
        begun = Progress(
            consumer=self._name, stream=stream, version=self._version, created_ns=now.created_ns
        )
        if not isinstance(found, Progress) or found.version != self._version:
            return begun, now.last_sequence
        same = found.created_ns == now.created_ns
        try:
            same = same and await now.holds(found.sequence, found.stored_ns)
        except readback.ERRORS as error:
            raise BusDown(f"{stream} cannot be read: {error!r}") from None
        return (found if same else begun), now.last_sequence

    async def standing(self, since_ns: int) -> Standing:
        """Return the outputs that were stored since then (ns since 1970); raises BusDown."""
        found: list[str] = []
        for route in self._routes.values():
            found += await readback.identities(
                self._bus, route, since_ns - MARGIN_NS, consumer=self._name
            )
        return Standing(found)


def _routes_by_type(topology: Topology, consumer: str) -> dict[type, str]:
    """Return the route by which each type of event leaves a consumer, without its progress."""
    return {
        EVENTS[tag]: route
        for route in topology.writes(consumer)
        if route != "fold.progress"
        for tag in topology.route(route).events
    }
