"""The bus: everything PitBox says to NATS goes through here.

Routes come from streams.yaml; a service may only use those it declares there.
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

Deliver = Callable[[Msg], Awaitable[None]]

PURGE_S: Final = 10.0
IDENTITY: Final = "Nats-Msg-Id"

encoder: Final = msgspec.msgpack.Encoder()
log = logs.get("bus")


class NobodyListens(BusDown):
    """Say that a request found no responder."""


class TooLarge(BusDown):
    """Say that an event is larger than its stream takes, however often it is sent."""


class _Purged(msgspec.Struct, frozen=True):
    purged: int = 0


class Bus(Connection):
    """Hold one connection to nats-server, and say and hear what one service declares."""

    def __init__(self, service: str, topology: Topology, **limits: float) -> None:
        """Prepare a bus; `open` connects it, within the limits of `Connection`."""
        super().__init__(service, **limits)
        self.topology = topology
        self._heard: list[tuple[str, Deliver]] = []

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
        """Return a bus that is connected; see `open`."""
        bus = cls(service, topology, **limits)
        await bus.open(server, forever=forever)
        return bus

    async def publish(self, route: str, event: msgspec.Struct, **fields: Any) -> None:
        """Publish without waiting for an answer; raises BusDown while disconnected."""
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
        """Publish to a stream and return its sequence there.

        nats-server drops an event whose `identity` it stored within the last minutes. Raises
        BusDown without an acknowledgement, and TooLarge when there can never be one.
        """
        subject = self._subject(route, event, fields)
        sequence = await self._store(route, subject, encoder.encode(event), timeout_s, identity)
        metrics.published.labels(self.service, route).inc()
        return sequence

    async def store_again(self, subject: str, payload: bytes, *, timeout_s: float = 5.0) -> int:
        """Publish a message of old as it was and return its new sequence; raises as `store`."""
        return await self._store("it", subject, payload, timeout_s)

    async def request(
        self, route: str, event: msgspec.Struct, *, timeout_s: float = 1.0, **fields: Any
    ) -> Any:
        """Ask and return the decoded answer; raises NobodyListens or BusDown."""
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
        self, route: str, heard: Callable[[Any], Awaitable[None]], **fields: Any
    ) -> Subscription:
        """Hand every decoded event of a route to `heard`; what does not decode is counted.

        So is what comes on a subject that is not its own: an account proves subjects, no more.
        """
        decode = self._decoder(route)

        async def deliver(message: Msg) -> None:
            with _counting_undecodable(route):
                await heard(decode(message))

        return await self._subscribe(route, deliver, fields)

    async def listen_raw(
        self, route: str, heard: Callable[[str, bytes], None], **fields: Any
    ) -> Subscription:
        """Hand subject and bytes of every message of a route to `heard`, as they are."""

        async def deliver(message: Msg) -> None:
            heard(message.subject, message.data)

        return await self._subscribe(route, deliver, fields)

    async def answer(
        self, route: str, reply: Callable[[Any], Awaitable[msgspec.Struct | None]]
    ) -> Subscription:
        """Answer the requests of a route; None gives no answer."""
        decode = self._decoder(route)

        async def deliver(message: Msg) -> None:
            with _counting_undecodable(route):
                answer = await reply(decode(message))
                if answer is not None and message.reply:
                    with contextlib.suppress(BusDown):
                        await self._send(message.reply, answer)

        return await self._subscribe(route, deliver, fields={})

    async def purge(self, **fields: Any) -> int:
        """Take messages out of what this service may purge, and return how many; raises BusDown."""
        purged = 0
        for route in self.topology.consumers[self.service].purges:
            order = msgspec.json.encode({"filter": self.topology.filter(route, **fields)})
            subject = f"$JS.API.STREAM.PURGE.{self.topology.stream_of[route]}"
            try:
                answer = await self._client.request(subject, order, timeout=PURGE_S)
            except (TimeoutError, nats.errors.Error, OSError) as error:
                raise BusDown(f"{route} was not purged: {error!r}") from None
            purged += msgspec.json.decode(answer.data, type=_Purged).purged
        return purged

    async def restore(self) -> bool:
        """Make this service's streams and durables that are gone again; return whether any was."""
        try:
            changes = await admin.restore(self._jetstream, self.topology, self.service)
        except TopologyError as error:
            log.error("streams cannot be made", reason=str(error))
            return False
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError):
            return False
        if changes:
            metrics.reapplied.labels(self.service).inc()
            log.warning("streams were gone, made again", changes=[str(c) for c in changes])
        return bool(changes)

    async def _listen_again(self, client: Client) -> None:
        for subject, deliver in self._heard:
            await _subscription(client, subject, deliver)
        await client.flush()

    def _decoder(self, route: str) -> Callable[[Msg], Any]:
        declared, decode = self.topology.route(route), self.topology.decoder(route).decode

        def decoded(message: Msg) -> Any:
            event = decode(message.data)
            if declared.of(event) != message.subject:
                raise msgspec.ValidationError("the event came on a subject of others")
            return event

        return decoded

    def _subject(self, route: str, event: Any, fields: dict[str, Any]) -> str:
        if route not in self.topology.writes(self.service):
            raise TopologyError(f"{self.service} does not declare that it writes {route}")
        template = self.topology.route(route)
        named = {name: getattr(event, name) for name in template.fields if name not in fields}
        return template.format(named | fields)

    async def _store(
        self, what: str, subject: str, payload: bytes, timeout_s: float, identity: str = ""
    ) -> int:
        headers = {IDENTITY: identity} if identity else None
        try:
            ack = await self._jetstream.publish(
                subject, payload, timeout=timeout_s, headers=headers
            )
        except nats.js.errors.NoStreamResponseError:
            if self.service in self.topology.consumers:
                await self.restore()
            raise NobodyListens(f"no stream takes {what}") from None
        except (nats.errors.MaxPayloadError, nats.js.errors.BadRequestError) as error:
            raise TooLarge(f"{what} was not stored: {error}") from None
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusDown(f"{what} was not stored: {error!r}") from None
        return ack.seq

    async def _send(self, subject: str, event: msgspec.Struct) -> None:
        try:
            await self._client.publish(subject, encoder.encode(event))
        except (nats.errors.Error, OSError) as error:
            raise BusDown(f"not connected to nats-server: {error!r}") from None

    async def _subscribe(
        self, route: str, deliver: Deliver, fields: dict[str, Any]
    ) -> Subscription:
        if route not in self.topology.reads(self.service):
            raise TopologyError(f"{self.service} does not declare that it reads {route}")
        subject = self.topology.filter(route, **fields)
        try:
            subscription = await _subscription(self._client, subject, deliver)
        except (nats.errors.Error, OSError) as error:
            raise BusDown(f"cannot listen to {route}: {error!r}") from None
        self._heard.append((subject, deliver))
        return subscription


async def _subscription(client: Client, subject: str, deliver: Deliver) -> Subscription:
    return await client.subscribe(
        subject,
        cb=deliver,
        pending_msgs_limit=MAX_PENDING_MESSAGES,
        pending_bytes_limit=MAX_PENDING_BYTES,
    )


@contextlib.contextmanager
def _counting_undecodable(route: str) -> Any:
    try:
        yield
    except UNDECODABLE:
        metrics.decode_errors.labels(route).inc()
