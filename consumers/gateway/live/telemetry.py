"""Send the frames of chunks to the clients that watch them."""

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

    def _send(self, chunk: Chunk, *, late: bool) -> None:
        try:
            messages = self._fanout.frames(chunk, late=late)
        except CorruptChunkError:
            runtime_metrics.dropped.labels("gateway", "corrupt chunk").inc()
            return
        for message, clients in messages:
            for client in clients:
                client.put(message)
        self._encoded += len(messages)
        offset_ms = None if late else self._presences.offset_ms(chunk.session, chunk.driver)
        if offset_ms is not None:
            age_ms = now_ms() - chunk.captured_ns / 1e6 - offset_ms
            self._latency_s.observe(max(0.0, age_ms / 1e3))


def now_ms() -> float:
    """Return the time of the hub's clock in ms since 1970."""
    return time.time_ns() / 1e6
