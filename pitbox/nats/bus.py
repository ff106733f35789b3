"""Publish, subscribe and request over NATS, by the routes of streams.yaml.

A service may use only the routes that it declares there.
"""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from pitbox import logs, metrics
from pitbox.nats.client import Client
from pitbox.nats.connection import BusDown, Connection
from pitbox.settings import Nats
from pitbox.topology import Topology, TopologyError, admin
from schemas.registry import UNDECODABLE

__all__ = ["Bus", "BusDown", "NobodyListens", "TooLarge"]

MAX_PENDING_MESSAGES: Final = 65_536
MAX_PENDING_BYTES: Final = 64_000_000

Subscribe = Callable[[Client], Awaitable[Subscription]]

PURGE_S: Final = 10.0
IDENTITY: Final = "Nats-Msg-Id"

encoder: Final = msgspec.msgpack.Encoder()
log = logs.get("bus")


class NobodyListens(BusDown):
    """Report that a route has no responder, or no stream."""


class TooLarge(BusDown):
    """Report that an event exceeds the size limit of its stream; a retry would fail too."""


class _Purged(msgspec.Struct, frozen=True):
    purged: int = 0


class Bus(Connection):
    """Hold one service's connection, and publish and subscribe to the routes it declares."""

    def __init__(self, service: str, topology: Topology, **limits: float) -> None:
        """Prepare a bus; `open` connects it. `limits` are those of `Connection`."""
        super().__init__(service, **limits)
        self.topology = topology
        self._subscriptions: list[Subscribe] = []
        self._not_restored = ""

    @classmethod
    async def connect(
        cls,
        server: Nats,
        service: str,
        topology: Topology,
        *,
        forever: bool = True,
        **limits: float,
    ) -> "Bus":
        """Return a connected bus; see `open`."""
        bus = cls(service, topology, **limits)
        await bus.open(server, forever=forever)
        return bus

    async def publish(self, route: str, event: msgspec.Struct, **fields: Any) -> None:
        """Publish without an acknowledgement; raises BusDown while disconnected."""
        await self._send(self._subject(route, event, fields), event)
        metrics.published.labels(self.service, route).inc()

    async def store(
        self,
        route: str,
        event: msgspec.Struct,
        *,
        identity: str = "",
        timeout_s: float = 5.0,
        **fields: Any,
    ) -> int:
        """Publish to a stream and return the sequence that the event is stored at.

        nats-server drops an event whose `identity` is stored within the stream's duplicate window.
        Raises BusDown without an acknowledgement, and TooLarge for an event above the size limit.
        """
        subject = self._subject(route, event, fields)
        sequence = await self._store(route, subject, encoder.encode(event), timeout_s, identity)
        metrics.published.labels(self.service, route).inc()
        return sequence

    async def store_again(self, subject: str, payload: bytes, *, timeout_s: float = 5.0) -> int:
        """Publish the bytes of an earlier message and return its sequence; raises as `store`."""
        return await self._store(subject, subject, payload, timeout_s)

    async def request(
        self, route: str, event: msgspec.Struct, *, timeout_s: float = 1.0, **fields: Any
    ) -> Any:
        """Request and return the decoded reply; raises NobodyListens or BusDown."""
        subject = self._subject(route, event, fields)
        decode = self.topology.answer_decoder(route).decode
        if not self._client.is_connected:
            raise BusDown("not connected to nats-server")
        try:
            answer = await self._client.request(subject, encoder.encode(event), timeout=timeout_s)
            return decode(answer.data)
        except nats.errors.NoRespondersError:
            raise NobodyListens(f"nobody answers {route}") from None
        except (TimeoutError, nats.errors.Error, OSError, *UNDECODABLE) as error:
            raise BusDown(f"no answer to {route}: {error!r}") from None

    async def listen(
        self, route: str, receive: Callable[[Any], None], **fields: Any
    ) -> Subscription:
        """Subscribe to a route and pass each decoded event to `receive` at once.

        An event is dropped and counted if it does not decode or if its own fields name another
        subject: NATS proves only who may publish on a subject, not that the content is true.
        Nothing is queued before `receive`, which must be quick.
        """
        decode = self._decoder(route)

        def deliver(subject: str, payload: bytes) -> None:
            try:
                receive(decode(subject, payload))
            except UNDECODABLE:
                metrics.decode_errors.labels(route).inc()

        return await self.listen_raw(route, deliver, **fields)

    async def listen_raw(
        self, route: str, receive: Callable[[str, bytes], None], **fields: Any
    ) -> Subscription:
        """Subscribe to a route and pass subject and payload of each message to `receive` at once.

        Nothing is queued before `receive`, which must be quick.
        """

        def deliver(subject: bytes, _reply: bytes, _headers: bytes, payload: bytes) -> None:
            receive(subject.decode(errors="backslashreplace"), payload)

        subject = self._read_subject(route, fields)
        return await self._subscribe(
            route, lambda client: client.subscribe_directly(subject, deliver)
        )

    async def answer(
        self, route: str, reply: Callable[[Any], Awaitable[msgspec.Struct | None]]
    ) -> Subscription:
        """Reply to the requests of a route; None sends no reply."""
        decode = self._decoder(route)

        async def deliver(message: Msg) -> None:
            try:
                event = await reply(decode(message.subject, message.data))
            except UNDECODABLE:
                metrics.decode_errors.labels(route).inc()
                return
            if event is not None and message.reply:
                with contextlib.suppress(BusDown):
                    await self._send(message.reply, event)

        subject = self._read_subject(route, {})
        return await self._subscribe(
            route,
            lambda client: client.subscribe(
                subject,
                cb=deliver,
                pending_msgs_limit=MAX_PENDING_MESSAGES,
                pending_bytes_limit=MAX_PENDING_BYTES,
            ),
        )

    async def purge(self, **fields: Any) -> int:
        """Purge this service's routes; return the number of messages.

        `fields` narrow the subjects. Raises BusDown.
        """
        purged = 0
        for route in self.topology.purges(self.service):
            order = msgspec.json.encode({"filter": self.topology.filter(route, **fields)})
            subject = f"$JS.API.STREAM.PURGE.{self.topology.stream_of[route]}"
            try:
                answer = await self._client.request(subject, order, timeout=PURGE_S)
            except (TimeoutError, nats.errors.Error, OSError) as error:
                raise BusDown(f"{route} was not purged: {error!r}") from None
            purged += msgspec.json.decode(answer.data, type=_Purged).purged
        return purged

    async def restore(self) -> bool:
        """Recreate the service's missing streams and durables; return whether any was missing."""
        try:
            changes = await admin.restore(self._jetstream, self.topology, self.service)
        except TopologyError as error:
            if self._not_restored != str(error):  # it is tried again and again
                log.error("cannot recreate streams", reason=str(error))
            self._not_restored = str(error)
            return False
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError):
            return False
        self._not_restored = ""
        if changes:
            metrics.reapplied.labels(self.service).inc()
            log.warning("recreated streams that were gone", changes=[str(c) for c in changes])
        return bool(changes)

    async def _resubscribe(self, client: Client) -> None:
        for subscribe in self._subscriptions:
            await subscribe(client)
        await client.flush()

    def _decoder(self, route: str) -> Callable[[str, bytes], Any]:
        declared, decode = self.topology.route(route), self.topology.decoder(route).decode

        def decoded(subject: str, payload: bytes) -> Any:
            event = decode(payload)
            if declared.of(event) != subject:
                raise msgspec.ValidationError("the event's fields name another subject")
            return event

        return decoded

    def _subject(self, route: str, event: Any, fields: dict[str, Any]) -> str:
        if route not in self.topology.writes(self.service):
            raise TopologyError(f"{self.service} does not declare that it writes {route}")
        template = self.topology.route(route)
        named = {name: getattr(event, name) for name in template.fields if name not in fields}
        return template.format(named | fields)

    async def _store(
        self, name: str, subject: str, payload: bytes, timeout_s: float, identity: str = ""
    ) -> int:
        headers = {IDENTITY: identity} if identity else None
        try:
            ack = await self._jetstream.publish(
                subject, payload, timeout=timeout_s, headers=headers
            )
        except (nats.js.errors.NoStreamResponseError, TimeoutError) as error:
            # While anybody subscribes to the subject, a missing stream shows by silence only.
            is_new = self.service in self.topology.consumers and await self.restore()
            if isinstance(error, TimeoutError) and not is_new:
                raise BusDown(f"{name} was not stored: {error!r}") from None
            raise NobodyListens(f"no stream takes {name}") from None
        except (nats.errors.MaxPayloadError, nats.js.errors.BadRequestError) as error:
            raise TooLarge(f"{name} was not stored: {error}") from None
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusDown(f"{name} was not stored: {error!r}") from None
        return ack.seq

    async def _send(self, subject: str, event: msgspec.Struct) -> None:
        try:
            await self._client.publish(subject, encoder.encode(event))
        except (nats.errors.Error, OSError) as error:
            raise BusDown(f"not connected to nats-server: {error!r}") from None

    def _read_subject(self, route: str, fields: dict[str, Any]) -> str:
        if route not in self.topology.reads(self.service):
            raise TopologyError(f"{self.service} does not declare that it reads {route}")
        return self.topology.filter(route, **fields)

    async def _subscribe(self, route: str, subscribe: Subscribe) -> Subscription:
        try:
            subscription = await subscribe(self._client)
        except (nats.errors.Error, OSError) as error:
            raise BusDown(f"cannot subscribe to {route}: {error!r}") from None
        self._subscriptions.append(subscribe)
        return subscription
