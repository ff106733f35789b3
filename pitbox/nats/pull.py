"""Continuous pull: deliver the messages of one stream in order.

All messages arrive in one inbox. The next request goes out while the one before is being served, so
nats-server never waits for a request. The requested messages and bytes bound the memory held. A
durable without progress while messages wait is attached anew once, then StalledError is raised.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.subscription import Subscription
from nats.js import api

from pitbox import logs, metrics
from pitbox.nats.access import Access
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.delivery import Delivery, Ending, delivery_of, ending_of
from pitbox.nats.stream import StreamState
from pitbox.topology.subjects import filters, matcher

REQUEST_EXPIRES_S: Final = 10.0
PROGRESS_S: Final = 15.0
REFUSED_S: Final = 5.0
INFO_TIMEOUT_S: Final = 2.0
MAX_HELD_BYTES: Final = 16_000_000
SUBJECTS: Final = 4096
"""The number of subjects that a reader remembers to be of its routes."""

SERVED: Final = ("Message Size Exceeds MaxBytes", "Batch Completed")
"""Descriptions by which nats-server ends a request that is served in full."""

log = logs.get("pull")


class StalledError(Exception):
    """Report that a durable has messages but delivers none."""


class Pull:
    """Read one stream for one consumer of streams.yaml.

    A batch consumer reads through its durable. A fold reads the whole stream at each start and
    acknowledges nothing, through an ephemeral consumer of nats-server.
    """

    def __init__(
        self,
        bus: Bus,
        consumer: str,
        stream: str,
        *,
        progress_s: float = PROGRESS_S,
        refused_s: float = REFUSED_S,
    ) -> None:
        """Prepare to read; the first `batch` attaches to nats-server.

        A durable that holds messages back for `progress_s` is attached anew; the next time `batch`
        raises StalledError. A connected nats-server that gives no access to the stream for
        `refused_s` is logged, once.
        """
        declared = bus.topology.consumers[consumer]
        self.stream = stream
        self._bus = bus
        self._consumer = consumer
        routes = [r for r in declared.reads if bus.topology.stream_of.get(r) == stream]
        self._filters = [bus.topology.filter(route) for route in routes]
        self._is_read = lru_cache(maxsize=SUBJECTS)(matcher(self._filters))
        self._policy = declared.ack_policy(stream)
        self._acks = declared.kind == "batch"
        self._progress_s = progress_s
        self._access = Access(stream, refused_s)
        self._limit = declared.batch
        self._max_unacknowledged = declared.max_ack_pending
        self._name = consumer if self._acks else ""
        self._buffer: deque[Delivery] = deque()
        self._held_bytes = 0
        self._arrived = asyncio.Event()
        self._subscription: Subscription | None = None
        self._created_ns = 0
        self._life = 0
        self._last: Delivery | None = None
        self._expected = 0
        self._requested_at = 0.0
        self._progress_at = time.monotonic()
        self._stalled_once = False
        self._connects = -1
        self._pending: int | None = None

    @property
    def exhausted(self) -> bool:
        """Return whether the last message returned was the last one in the stream.

        Valid for folds only, False before the first attachment.
        """
        return self._pending == 0 and not self._buffer

    async def batch(self, max_messages: int, max_wait_s: float) -> list[Delivery]:
        """Return the next messages, [] if none arrives within `max_wait_s`.

        Raises StalledError when the durable holds messages back for twice `progress_s`.
        """
        deadline = time.monotonic() + max_wait_s
        while not self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not await self._ready(left):
                return []
            await self._request()
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), min(left, 1.0))
            except TimeoutError:
                await self._watch()
        count = min(max_messages, len(self._buffer))
        deliveries = [self._buffer.popleft() for _ in range(count)]
        taken_bytes = sum(len(delivery.payload) for delivery in deliveries)
        self._held_bytes -= taken_bytes
        self._last = deliveries[-1]
        self._pending = self._last.pending
        self._count(deliveries, taken_bytes)
        self._moved()
        await self._request()
        if self._acks:
            return deliveries
        # The stream may have got another subject since its consumer was created for all of it.
        return [delivery for delivery in deliveries if self._is_read(delivery.subject)]

    async def ack(self, done: Sequence[Delivery]) -> None:
        """Acknowledge deliveries in their order, or only the last one if its ack covers all.

        A message whose acknowledgement is lost is delivered again.
        """
        if not self._acks:
            return
        for delivery in done[-1:] if self._policy == "all" else done:
            # After the stream was recreated this sequence may belong to an unread message.
            if delivery.life != self._life:
                continue
            try:
                await self._bus.client.publish(delivery.reply, b"+ACK")
            except (nats.errors.Error, OSError):
                log.debug("acknowledgement not sent", stream=self.stream)

    async def close(self) -> None:
        """Stop requesting, and unsubscribe."""
        await self._detach()

    async def _ready(self, left_s: float) -> bool:
        """Attach after each new connection; return False if that fails or takes over `left_s`."""
        if self._bus.up.is_set() and self._connects == self._bus.connects:
            return True
        try:
            await asyncio.wait_for(self._bus.up.wait(), left_s)
            await self._bus.while_up(self._attach())
        except (TimeoutError, BusDown, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            self._access.refused(error, connected=self._bus.up.is_set())
            await asyncio.sleep(min(0.2, left_s))
            return False
        self._access.granted()
        return True

    async def _attach(self) -> None:
        connects = self._bus.connects
        try:
            stream = await self._bus.jetstream.stream_info(self.stream)
            if self._acks:
                await self._info()
        except nats.js.errors.NotFoundError:
            await self._bus.restore()
            stream = await self._bus.jetstream.stream_info(self.stream)
        state = StreamState(self._bus.jetstream, stream)
        last = self._last
        same = last is None or await state.holds(last.sequence, last.stored_ns)
        if state.created_ns != self._created_ns or not same:
            self._life += 1
            self._last = None
        self._created_ns = state.created_ns
        await self._detach()
        if not self._acks:
            self._clear_buffer()
            await self._create_consumer(stream.config.subjects or [])
        client = self._bus.client
        self._subscription = await client.subscribe_directly(client.new_inbox(), self._receive)
        self._connects = connects
        self._progress_at = time.monotonic()
        await self._request()

    async def _create_consumer(self, subjects: Sequence[str]) -> None:
        """Create an ephemeral consumer after the last message, or at the start of the stream."""
        last = self._last
        # A unique name: two readers of one consumer would take messages from each other.
        self._name = f"{self._consumer}-{secrets.token_hex(8)}"
        config = api.ConsumerConfig(
            name=self._name,
            ack_policy=api.AckPolicy.NONE,
            deliver_policy=(api.DeliverPolicy.BY_START_SEQUENCE if last else api.DeliverPolicy.ALL),
            opt_start_seq=last.sequence + 1 if last else None,
            filter_subjects=filters(self._filters, subjects),
            inactive_threshold=60,
            mem_storage=True,
        )
        info = await self._bus.jetstream.add_consumer(self.stream, config)
        self._pending = info.num_pending

    async def _detach(self) -> None:
        """Unsubscribe; messages received stay in the buffer."""
        self._expected = 0
        self._requested_at = 0.0
        subscription, self._subscription = self._subscription, None
        if subscription is None:
            return
        try:
            await subscription.unsubscribe()
        except (nats.errors.Error, OSError):
            log.debug("inbox already gone", stream=self.stream)

    def _clear_buffer(self) -> None:
        self._buffer.clear()
        self._held_bytes = 0

    def _receive(self, subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        if reply:
            self._expected -= 1
            self._held_bytes += len(payload)
            self._buffer.append(self._delivery(subject, reply, payload))
        else:
            self._request_ended(ending_of(headers))
        self._arrived.set()

    def _delivery(self, subject: bytes, reply: bytes, payload: bytes) -> Delivery:
        try:
            return delivery_of(subject, reply, payload, self._created_ns, self._life)
        except (ValueError, IndexError):
            # Skipped, it would be missed in silence; over a new connection it is read again.
            raise nats.errors.ProtocolError from None

    def _request_ended(self, ending: Ending) -> None:
        """Count what a request did not get; attach anew after an unexpected status."""
        self._expected -= ending.unserved
        if ending.status not in {"404", "408"} and ending.reason not in SERVED:
            log.debug("pull ended", stream=self.stream, status=ending.status, why=ending.reason)
            self._connects = -1

    async def _request(self) -> None:
        """Request more messages once half of the buffer is free."""
        now = time.monotonic()
        if now - self._requested_at > REQUEST_EXPIRES_S + 1:
            self._expected = 0
        room = self._limit - len(self._buffer) - max(self._expected, 0)
        room_bytes = MAX_HELD_BYTES - self._held_bytes
        if room < self._limit // 2 or room_bytes < MAX_HELD_BYTES // 2:
            return
        if self._subscription is None or not self._bus.up.is_set():
            return
        expires_ns = int(REQUEST_EXPIRES_S * 1e9)
        request = {"batch": room, "max_bytes": room_bytes, "expires": expires_ns}
        self._expected = max(self._expected, 0) + room
        self._requested_at = now
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self._name}"
        try:
            await self._bus.client.publish(
                subject, msgspec.json.encode(request), reply=self._subscription.subject
            )
        except (nats.errors.Error, OSError):
            self._expected = 0

    async def _watch(self) -> None:
        """Detect a durable that is gone or holds messages back; raises StalledError."""
        if time.monotonic() - self._progress_at < self._progress_s:
            return
        try:
            found = await self._info()
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError):
            self._connects = -1
            self._progress_at = time.monotonic()
            return
        waiting = found.num_pending or 0
        # Messages that an earlier process did not acknowledge are redelivered after ack_wait.
        if not waiting or (found.num_ack_pending or 0) >= self._max_unacknowledged:
            self._moved()
            return
        metrics.stalls.labels(self._consumer, self.stream).inc()
        if self._stalled_once:
            raise StalledError(f"{self.stream} holds {waiting} messages and delivers none")
        log.warning("no progress, attaching anew", stream=self.stream, waiting=waiting)
        self._stalled_once = True
        self._connects = -1
        self._progress_at = time.monotonic()

    async def _info(self) -> api.ConsumerInfo:
        info: api.ConsumerInfo = await self._bus.jetstream.consumer_info(
            self.stream, self._name, timeout=INFO_TIMEOUT_S
        )
        return info

    def _moved(self) -> None:
        self._progress_at = time.monotonic()
        self._stalled_once = False

    def _count(self, deliveries: list[Delivery], taken_bytes: int) -> None:
        labels = (self._consumer, self.stream)
        metrics.messages.labels(*labels).inc(len(deliveries))
        metrics.message_bytes.labels(*labels).inc(taken_bytes)
        again = sum(1 for delivery in deliveries if delivery.tries > 1)
        if again:
            metrics.redelivered.labels(*labels).inc(again)
        metrics.lag_s.labels(*labels).set(max(0.0, time.time() - deliveries[-1].stored_ns / 1e9))
