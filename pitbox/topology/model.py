"""Model streams.yaml: streams, routes, producers and consumers, and questions about them."""

import re
from functools import cache, cached_property, lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.registry import EVENTS

FIELD: Final = re.compile(r"\{(\w+)\}")
UNITS: Final = {"ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "kB": 1e3, "MB": 1e6, "GB": 1e9}

StreamName = Annotated[str, Meta(pattern="^[A-Z]+$")]
Duration = Annotated[str, Meta(pattern=r"^\d+(ms|s|m|h|d)$")]
Size = Annotated[str, Meta(pattern=r"^\d+(kB|MB|GB)$")]


Ack = Literal["all", "explicit"]
Kind = Literal["fold", "derive", "refine", "batch", "answer", "live"]


class TopologyError(Exception):
    """Report a mistake in streams.yaml, or a name that it lacks; the message says where."""


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """Declare a subject template, the tags of its events and the tag of their answer.

    `{driver}` in a template is the field `driver` of the event.
    """

    subject: str
    events: tuple[str, ...]
    about: str = ""
    reply: str = ""

    def format(self, fields: dict[str, Any]) -> str:
        """Return the subject with every field filled; raises KeyError naming a missing one."""
        return self.subject.format_map(fields)

    def filter(self, fields: dict[str, Any]) -> str:
        """Return the subject to subscribe to, with `*` for fields that are not given."""
        return FIELD.sub(lambda match: str(fields.get(match[1], "*")), self.subject)

    def of(self, event: Any) -> str:
        """Return the subject of an event, filled from its fields."""
        return _subject(self.subject, *[getattr(event, name) for name in self.fields])

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the names of the subject's fields."""
        return _fields(self.subject)


@cache
def _fields(subject: str) -> tuple[str, ...]:
    return tuple(FIELD.findall(subject))


@lru_cache(maxsize=4096)
def _subject(template: str, *values: Any) -> str:
    """Return a subject; remembered, because each message that is received is compared with it."""
    return template.format_map(dict(zip(_fields(template), values, strict=True)))


class Stream(Struct, frozen=True, forbid_unknown_fields=True):
    """Declare a JetStream stream, its limits and its routes."""

    about: str
    max_age: Duration
    max_bytes: Size
    max_msg_size: Size
    routes: dict[str, Route]
    storage: Literal["file", "memory"] = "file"
    discard: Literal["old", "new"] = "old"
    max_msgs_per_subject: Annotated[int, Meta(ge=1)] | None = None
    replicas: Annotated[int, Meta(ge=1, le=5)] = 1


class Consumer(Struct, frozen=True, forbid_unknown_fields=True):
    """Declare a service: its kind, its routes to read and write, and how its durables acknowledge.

    A `fold` reads streams from their beginning and performs for `performers` keys at once. A
    `batch` has durables. `derive`, `refine`, `answer` and `live` subscribe by core NATS, to routes
    of streams too, and pull nothing. A `refine` derives facts from those of the consumer `of`, a
    `derive` or another `refine`. A consumer may purge messages from the routes in `purges`; one
    that `deletes` may from all routes of sessions.
    """

    about: str
    kind: Kind
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    of: str = ""
    performers: Annotated[int, Meta(ge=1, le=1000)] = 8
    purges: tuple[str, ...] = ()
    deletes: bool = False
    ack: Ack = "explicit"
    ack_all: tuple[StreamName, ...] = ()
    ack_wait: Duration = "30s"
    max_ack_pending: Annotated[int, Meta(ge=1)] = 1000
    batch: Annotated[int, Meta(ge=1)] = 100
    backoff: tuple[Duration, ...] = ()

    @property
    def tries(self) -> int:
        """Return the number of deliveries before a message becomes a dead letter."""
        return len(self.backoff) + 1

    def ack_policy(self, stream: str) -> Ack:
        """Return the ack policy on a stream; with `all`, an ack covers all earlier messages."""
        return "all" if stream in self.ack_all else self.ack


class Producer(Struct, frozen=True, forbid_unknown_fields=True):
    """Declare a program that is not a service: the routes it reads and writes.

    A producer with `hub` uses the hub's account, as services do. Any other has one account per
    driver.
    """

    about: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    hub: bool = False


class Topology(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Hold streams.yaml."""

    streams: dict[StreamName, Stream]
    direct: dict[str, Route]
    producers: dict[str, Producer]
    consumers: dict[str, Consumer]

    @cached_property
    def routes(self) -> dict[str, Route]:
        """Return every route by name, inside and outside of streams."""
        inside = (stream.routes for stream in self.streams.values())
        return {name: route for part in (*inside, self.direct) for name, route in part.items()}

    @cached_property
    def stream_of(self) -> dict[str, str]:
        """Return the stream of each stored route."""
        return {route: name for name, stream in self.streams.items() for route in stream.routes}

    @cached_property
    def from_drivers(self) -> frozenset[str]:
        """Return the streams that drivers' PCs publish to."""
        written = (r for one in self.producers.values() if not one.hub for r in one.writes)
        return frozenset(self.stream_of[route] for route in written if route in self.stream_of)

    @cached_property
    def of_sessions(self) -> tuple[str, ...]:
        """Return the stored routes whose subject names a driver and a session."""
        named = {"driver", "session"}
        return tuple(name for name in self.stream_of if named <= {*self.route(name).fields})

    @property
    def derives(self) -> tuple[str, ...]:
        """Return the consumers that derive facts from chunks."""
        return tuple(name for name, one in self.consumers.items() if one.kind == "derive")

    @property
    def refines(self) -> dict[str, str]:
        """Return the consumers that derive facts from facts, each with the one it takes them of."""
        return {name: one.of for name, one in self.consumers.items() if one.kind == "refine"}

    def route(self, name: str) -> Route:
        """Return a route; raises TopologyError naming an unknown one."""
        try:
            return self.routes[name]
        except KeyError:
            raise TopologyError(f"no route {name!r} in streams.yaml") from None

    def subject(self, route: str, **fields: Any) -> str:
        """Return the subject of a route with its fields filled."""
        return self.route(route).format(fields)

    def filter(self, route: str, **fields: Any) -> str:
        """Return the subject to subscribe to for a route; fields not given match anything."""
        return self.route(route).filter(fields)

    def reads(self, service: str) -> tuple[str, ...]:
        """Return the routes that a service may read."""
        return self._service(service).reads

    def writes(self, service: str) -> tuple[str, ...]:
        """Return the routes that a service may publish to."""
        return self._service(service).writes

    def purges(self, service: str) -> tuple[str, ...]:
        """Return the routes whose messages a consumer may purge."""
        consumer = self.consumers[service]
        return consumer.purges + self.of_sessions * consumer.deletes

    def durables(self, service: str) -> dict[str, tuple[str, ...]]:
        """Return the streams a consumer has a durable on, each with the routes it reads there."""
        return self.pulled(service) if self.consumers[service].kind == "batch" else {}

    def pulled(self, service: str) -> dict[str, tuple[str, ...]]:
        """Return the streams a consumer pulls from, each with the routes it reads there."""
        consumer = self.consumers[service]
        if consumer.kind not in ("fold", "batch"):
            return {}
        read: dict[str, list[str]] = {}
        for route in consumer.reads:
            if route in self.stream_of:
                read.setdefault(self.stream_of[route], []).append(route)
        return {stream: tuple(routes) for stream, routes in read.items()}

    def streams_of(self, service: str) -> tuple[str, ...]:
        """Return the streams that a consumer needs: those it pulls from or publishes to."""
        written = (self.stream_of[r] for r in self.writes(service) if r in self.stream_of)
        return tuple(dict.fromkeys((*self.pulled(service), *written)))

    def consumer(self, name: str) -> Consumer:
        """Return a consumer; raises TopologyError naming an unknown one."""
        try:
            return self.consumers[name]
        except KeyError:
            raise TopologyError(f"no consumer {name!r} in streams.yaml") from None

    def decoder(self, *routes: str) -> msgspec.msgpack.Decoder[Any]:
        """Return a decoder of every event the routes carry."""
        tags = dict.fromkeys(tag for route in routes for tag in self.route(route).events)
        union: Any = EVENTS[next(iter(tags))]
        for tag in tags:
            union = union | EVENTS[tag]
        return msgspec.msgpack.Decoder(union)

    def answer_decoder(self, route: str) -> msgspec.msgpack.Decoder[Any]:
        """Return a decoder of the answers to a route's requests."""
        return msgspec.msgpack.Decoder(EVENTS[self.route(route).reply])

    def _service(self, name: str) -> Consumer | Producer:
        found = self.consumers.get(name) or self.producers.get(name)
        if found is None:
            raise TopologyError(f"no service {name!r} in streams.yaml")
        return found


def seconds(duration: str) -> float:
    """Return a duration such as `72h` in seconds."""
    return _quantity(duration)


def size_bytes(size: str) -> int:
    """Return a size such as `4GB` in bytes."""
    return int(_quantity(size))


def _quantity(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]
