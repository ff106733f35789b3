"""The streams that a fold writes: its outputs, dead letters and progress."""

from typing import Final

import msgspec

from pitbox.nats import readback
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.delivery import Delivery
from pitbox.nats.stream import stream_state
from pitbox.service import dead
from pitbox.service.identity import StoredOutputs
from pitbox.topology import Topology
from schemas.fold import Progress
from schemas.registry import EVENTS

MARGIN_NS: Final = 60_000_000_000
"""The clocks of a cluster's servers may differ by this much."""


class Journal:
    """Store the outputs of one fold, each under its identity."""

    def __init__(self, bus: Bus, version: int) -> None:
        """Prepare to store the outputs of the bus's service in a version of it."""
        self._bus = bus
        self._name = bus.service
        self._version = version
        self._routes = _routes_by_type(bus.topology, bus.service)
        self._ration = dead.Ration(bus.topology.from_drivers)

    async def publish(self, output: msgspec.Struct, identity: str) -> None:
        """Store an output; raises BusDown, TooLarge or OverflowError."""
        await self._bus.store(self._routes[type(output)], output, identity=identity)

    def admits_letter(self, delivery: Delivery) -> bool:
        """Spend one dead letter of the sender's ration; return False and count it if used up."""
        admitted = self._ration.spend(delivery)
        if not admitted:
            dead.count_not_kept(self._name)
        return admitted

    async def store_letter(self, delivery: Delivery, reason: str, identity: str) -> None:
        """Store a message as a dead letter; raises BusDown."""
        letter = dead.letter_of(self._name, delivery, reason)
        await dead.publish(self._bus, letter, identity)

    async def save(self, record: Progress) -> None:
        """Store the progress in a stream; raises BusDown."""
        await self._bus.store("fold.progress", record)

    async def load(self, stream: str) -> tuple[Progress, int]:
        """Return the progress in a stream and the stream's last sequence; raises BusDown.

        Progress starts from zero for a new version and for a stream that was recreated or restored.
        """
        state = await stream_state(self._bus, stream)
        found = await readback.last(self._bus, "fold.progress", consumer=self._name, stream=stream)
        fresh = Progress(
            consumer=self._name, stream=stream, version=self._version, created_ns=state.created_ns
        )
        if not isinstance(found, Progress) or found.version != self._version:
            return fresh, state.last_sequence
        same = found.created_ns == state.created_ns
        try:
            same = same and await state.holds(found.sequence, found.stored_ns)
        except readback.ERRORS as error:
            raise BusDown(f"{stream} cannot be read: {error!r}") from None
        return (found if same else fresh), state.last_sequence

    async def stored(self, since_ns: int) -> StoredOutputs:
        """Return the outputs stored since `since_ns` (ns since 1970); raises BusDown."""
        found: list[str] = []
        for route in sorted(set(self._routes.values())):
            found += await readback.identities(
                self._bus, route, since_ns - MARGIN_NS, consumer=self._name
            )
        return StoredOutputs(found)


def _routes_by_type(topology: Topology, consumer: str) -> dict[type, str]:
    """Return the route that a consumer publishes each type of event to, except its progress."""
    return {
        EVENTS[tag]: route
        for route in topology.writes(consumer)
        if route != "fold.progress"
        for tag in topology.route(route).events
    }
