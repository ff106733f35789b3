"""A subscriber that records live chunks, repeated chunks and receipts."""

import contextlib
import time
from collections import Counter, deque
from typing import Final

import msgspec
import nats
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg

from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import unpack
from pitbox.topology import Topology
from schemas.link import Receipt
from schemas.telemetry import Chunk, Telemetry
from tests.faults.background import Background
from tests.tools.servers import NatsServer

KEPT_MESSAGES: Final = 4000
RECONNECT_S: Final = 0.05

_decode: Final = msgspec.msgpack.Decoder(Telemetry).decode
_decode_receipt: Final = msgspec.msgpack.Decoder(Receipt).decode


class Arrival(Struct, frozen=True, gc=False):
    """A live chunk: the times of its arrival and of its last frame's capture."""

    at_ns: int
    ended_ns: int

    @property
    def age_s(self) -> float:
        """Return its age on arrival."""
        return (self.at_ns - self.ended_ns) / 1e9


class Watch:
    """Subscribe to all traffic of nats-server, over its restarts."""

    def __init__(self, background: Background, server: NatsServer, topology: Topology) -> None:
        """Subscribe at once."""
        self.live: dict[str, list[Arrival]] = {}
        self.seen: Counter[tuple[str, int, int]] = Counter()
        self.messages: deque[tuple[str, bytes]] = deque(maxlen=KEPT_MESSAGES)
        self.receipts: dict[tuple[str, int], Receipt] = {}
        self._background = background
        self._client = Client()
        self._topology = topology
        background.run(self._open(server))

    @property
    def resent(self) -> int:
        """Return how many repeated chunks were received."""
        return self.seen.total() - len(self.seen)

    def live_back_s(self, driver: str, since_ns: int) -> float | None:
        """Return how long after an instant the first live chunk captured since then arrived."""
        arrivals = self.live.get(driver, [])
        back = next((a.at_ns for a in arrivals if a.ended_ns >= since_ns), None)
        return None if back is None else (back - since_ns) / 1e9

    def ages_s(self, since_ns: int, until_ns: int) -> list[float]:
        """Return the ages of live chunks that were captured and received in between."""
        return [
            arrival.age_s
            for arrivals in list(self.live.values())
            for arrival in arrivals
            if since_ns <= arrival.ended_ns and arrival.at_ns <= until_ns
        ]

    def received(self) -> list[tuple[str, bytes]]:
        """Return a copy of the messages received so far."""
        return list(self.messages)

    def publish(self, subject: str, payload: bytes) -> None:
        """Publish a message."""
        self._background.run(self._client.publish(subject, payload))

    def flush(self) -> None:
        """Wait until nats-server has received all published messages."""
        self._background.run(self._client.flush())

    def first_sequence(self, stream: str) -> int:
        """Return the sequence of the oldest message that a stream still has."""
        found = self._background.run(self._client.jetstream().stream_info(stream))
        return int(found.state.first_seq)

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(TimeoutError, nats.errors.Error, OSError):
            self._background.run(self._client.close())

    async def _open(self, server: NatsServer) -> None:
        async def failed(_: Exception) -> None:
            """Ignore the error: these cases make nats-server fail on purpose."""

        await self._client.connect(
            server.url,
            **server.options(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_S,  # type: ignore[arg-type]
            error_cb=failed,
        )
        for route, receive in (
            ("telemetry.live", self._receive_live),
            ("telemetry.backfill", self._receive),
            ("link.receipt", self._receive_receipt),
        ):
            await self._client.subscribe(self._topology.filter(route), cb=receive)

    async def _receive_live(self, message: Msg) -> None:
        at_ns = time.time_ns()
        chunk = self._note(message)
        if chunk is not None and chunk.frames:
            with contextlib.suppress(CorruptChunkError):
                arrival = Arrival(at_ns, unpack(chunk).times_ns[-1])
                self.live.setdefault(chunk.driver, []).append(arrival)

    async def _receive(self, message: Msg) -> None:
        self._note(message)

    def _note(self, message: Msg) -> Chunk | None:
        self.messages.append((message.subject, message.data))
        try:
            event = _decode(message.data)
        except msgspec.DecodeError:
            return None
        if not isinstance(event, Chunk):
            return None
        self.seen[event.driver, event.run, event.chunk] += 1
        return event

    async def _receive_receipt(self, message: Msg) -> None:
        receipt = _decode_receipt(message.data)
        self.receipts[receipt.driver, receipt.run] = receipt
