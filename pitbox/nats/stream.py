"""The state of a stream at one instant."""

from typing import Final

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from pitbox.nats.bus import Bus, BusDown

SAME_TIME_NS: Final = 1_000_000


class StreamState:
    """Hold when a stream was created (`created_ns`, ns since 1970) and its last sequence."""

    def __init__(self, js: JetStreamContext, info: api.StreamInfo) -> None:
        """Hold the state that nats-server reported."""
        self.created_ns = int(info.created.timestamp() * 1e9) if info.created else 0
        self.last_sequence = info.state.last_seq
        self._first_sequence = info.state.first_seq
        self._name = info.config.name or ""
        self._js = js

    async def holds(self, sequence: int, stored_ns: int) -> bool:
        """Return whether a sequence still belongs to the message stored at `stored_ns`.

        It does not after an older copy of the store was restored. True for a message that the
        stream has removed by its limits, and for sequence 0. Raises the errors of nats-py.
        """
        if not sequence or sequence < self._first_sequence:
            return True
        if sequence > self.last_sequence:
            return False
        try:
            found = await self._js.get_msg(self._name, seq=sequence)
        except nats.js.errors.NotFoundError:
            return True
        found_ns = found.time.timestamp() * 1e9 if found.time else 0
        return abs(found_ns - stored_ns) < SAME_TIME_NS


async def stream_state(bus: Bus, name: str) -> StreamState:
    """Return the state of a stream, recreating it if it is gone; raises BusDown."""
    try:
        try:
            info = await bus.jetstream.stream_info(name)
        except nats.js.errors.NotFoundError:
            await bus.restore()
            info = await bus.jetstream.stream_info(name)
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
        raise BusDown(f"{name} cannot be read: {error!r}") from None
    return StreamState(bus.jetstream, info)
