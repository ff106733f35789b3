"""A stream as nats-server has it at one instant."""

from typing import Final

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext, api

from pitbox.nats.bus import Bus, BusDown

SAME_TIME_NS: Final = 1_000_000


class StreamNow:
    """Hold what a stream is now: its birth (`created_ns`) and its last sequence."""

    def __init__(self, js: JetStreamContext, info: api.StreamInfo) -> None:
        """Take what nats-server answered."""
        self.created_ns = int(info.created.timestamp() * 1e9) if info.created else 0
        self.last_sequence = info.state.last_seq
        self._first_sequence = info.state.first_seq
        self._name = info.config.name or ""
        self._js = js

    async def holds(self, sequence: int, stored_ns: int) -> bool:
        """Tell whether a message is still in its place, or has left it by its age.

        An older copy of the store that was put back gives the same places to other messages. Raises
        the errors of nats-py.
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


async def stream_now(bus: Bus, name: str) -> StreamNow:
    """Return what a stream is now, made again if it is gone; raises BusDown."""
    try:
        try:
            info = await bus.jetstream.stream_info(name)
        except nats.js.errors.NotFoundError:
            await bus.restore()
            info = await bus.jetstream.stream_info(name)
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
        raise BusDown(f"{name} cannot be read: {error!r}") from None
    return StreamNow(bus.jetstream, info)
