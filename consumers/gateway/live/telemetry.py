"""Send the frames of chunks to the clients that watch them.

All frames of one turn of the event loop are passed on at its end. With many cars a turn receives
several chunks, and each client is written to once.
"""

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from consumers.gateway import metrics
from consumers.gateway.live.deletions import Deletions
from consumers.gateway.live.fanout import Fanout
from consumers.gateway.live.outbox import Outbox
from consumers.gateway.live.presence import Presences
from pitbox import metrics as runtime_metrics
from pitbox.chunks.errors import CorruptChunkError
from pitbox.topology import Topology
from schemas.registry import UNDECODABLE
from schemas.telemetry import CHUNK_VERSION, Chunk, Mark

IS_LATE: Final = {"telemetry.live": False, "telemetry.backfill": True}
"""The routes that carry chunks."""

MAX_SUBJECTS: Final = 4096
MAX_WAITING_BYTES: Final = 65_536
MAX_WAITING_CHUNKS: Final = 128
"""The most that waits for the end of a turn, far below the limits of an outbox."""


class Telemetry:
    """Receive chunks and marks, fold them to presences, and send frames to the clients."""

    def __init__(
        self,
        topology: Topology,
        fanout: Fanout[Outbox],
        presences: Presences,
        deletions: Deletions,
    ) -> None:
        self._topology = topology
        self._fanout, self._presences, self._deletions = fanout, presences, deletions
        self._latency_s = metrics.latency_s.labels(topology.stream_of["telemetry.live"])
        self._encoded = 0
        self._waiting: list[list[tuple[bytes, list[Outbox]]]] = []
        self._waiting_bytes = 0

    def newly_encoded(self) -> int:
        """Return the number of messages encoded since the previous call."""
        encoded, self._encoded = self._encoded, 0
        return encoded

    def receiver(self, route: str, *, late: bool) -> Callable[[str, bytes], None]:
        """Return the function that receives a route's messages: subject and payload."""
        declared, decode = self._topology.route(route), self._topology.decoder(route).decode

        @lru_cache(maxsize=MAX_SUBJECTS)
        def subject_of(driver: str, session: str) -> str:
            return declared.format({"driver": driver, "session": session})

        def receive(subject: str, payload: bytes) -> None:
            try:
                event: Chunk | Mark = decode(payload)
            except UNDECODABLE:
                runtime_metrics.decode_errors.labels(route).inc()
                return
            own = subject_of(event.driver, event.session)
            if subject != own or event.version > CHUNK_VERSION:
                reason = "newer version" if subject == own else "foreign subject"
                runtime_metrics.dropped.labels("gateway", reason).inc()
                return
            if self._deletions.covers(event):
                runtime_metrics.dropped.labels("gateway", "deleted session").inc()
                return
            self._presences.update(event, now_ms())
            if isinstance(event, Chunk):
                self._send(event, late=late)

        return receive

    def pass_on(self) -> None:
        """Pass on what waits for the end of the turn."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if len(waiting) == 1:
            for message, clients in waiting[0]:
                for client in clients:
                    client.put(message)
            return
        receivers: dict[Outbox, None] = {}
        for messages in waiting:
            for message, clients in messages:
                for client in clients:
                    client.add(message)
                receivers.update(dict.fromkeys(clients))
        for client in receivers:
            client.flush()

    def _send(self, chunk: Chunk, *, late: bool) -> None:
        try:
            messages = self._fanout.frames(chunk, late=late) + self._fanout.cars(chunk)
        except CorruptChunkError:
            runtime_metrics.dropped.labels("gateway", "corrupt chunk").inc()
            return
        if not messages:
            return
        self._encoded += len(messages)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.pass_on)
        self._waiting.append(messages)
        self._waiting_bytes += sum(len(message) for message, _ in messages)
        if self._waiting_bytes > MAX_WAITING_BYTES or len(self._waiting) >= MAX_WAITING_CHUNKS:
            self.pass_on()
        offset_ms = None if late else self._presences.offset_ms(chunk.session, chunk.driver)
        if offset_ms is not None:
            age_ms = now_ms() - chunk.captured_ns / 1e6 - offset_ms
            self._latency_s.observe(max(0.0, age_ms / 1e3))


def now_ms() -> float:
    """Return the time of the hub's clock in ms since 1970."""
    return time.time_ns() / 1e6
