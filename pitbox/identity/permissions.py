"""What each user may say and hear, derived from streams.yaml and from how the runtime works."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from pitbox.topology import Topology

SETUP: Final = "setup"
"""The user that makes streams and durables: the start-up job, and the hub's own commands."""

DRIVER: Final = "drive"
REPLIES: Final = "_R_.>"
"""Where nats-server takes the answers that go back into another account."""


class Permissions(Struct, frozen=True):
    """List subjects that a user may publish and subscribe to; what is denied goes before."""

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def claims(self) -> dict[str, Any]:
        """Return them as nats-server reads them; an empty list would allow everything."""
        return {
            "pub": _claim(self.publish, self.never),
            "sub": _claim(self.subscribe, ()),
        }


def inbox(name: str) -> str:
    """Return the prefix under which a user hears the answers to what it asks."""
    return f"_INBOX.{name}"


def users(topology: Topology) -> dict[str, Permissions]:
    """Return what everybody in the hub's account may do: each consumer, and the set-up."""
    found = {name: of_consumer(topology, name) for name in topology.consumers}
    return found | {SETUP: of_setup(topology)}


def of_consumer(topology: Topology, name: str) -> Permissions:
    """Return what a consumer may do: its routes, and JetStream only for what it pulls."""
    consumer = topology.consumers[name]
    pulled = topology.pulled(name)
    publish = [topology.filter(route) for route in consumer.writes]
    for stream in pulled:
        publish += _pull(stream, name if stream in topology.durables(name) else "*")
    # A stream that is gone may be made again; one that is there cannot be changed by that.
    publish += [
        f"$JS.API.STREAM.{what}.{stream}"
        for stream in topology.streams_of(name)
        for what in ("INFO", "CREATE")
    ]
    publish += [f"$JS.API.STREAM.PURGE.{topology.stream_of[r]}" for r in consumer.purges]
    heard = [r for r in consumer.reads if not any(r in routes for routes in pulled.values())]
    return Permissions(
        publish=_unique([*publish, *_answers(topology, heard)]),
        subscribe=_unique([*(topology.filter(route) for route in heard), f"{inbox(name)}.>"]),
        never=_unique(
            subject for stream in pulled for subject in _of_others(topology, name, stream)
        ),
    )


def of_setup(topology: Topology) -> Permissions:
    """Return what the set-up may do: shape streams and durables, and send dead letters again."""
    return Permissions(
        publish=_unique(
            [
                *("$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.DELETE.*"),
                *(
                    f"$JS.API.STREAM.{what}.{name}"
                    for name in topology.streams
                    for what in ("INFO", "CREATE", "UPDATE")
                ),
                *(
                    f"$JS.API.CONSUMER.{what}.>"
                    for what in ("LIST", "INFO", "CREATE", "DURABLE.CREATE", "DELETE")
                ),
                *(topology.filter(route) for route in topology.stream_of),
                *(topology.filter(route) for route in topology.writes(SETUP)),
            ]
        ),
        subscribe=(f"{inbox(SETUP)}.>",),
    )


def of_driver(topology: Topology, driver: str) -> Permissions:
    """Return what a driver's PC may do inside its own account."""
    producer = topology.producers[DRIVER]
    return Permissions(
        publish=_unique(topology.filter(route, driver=driver) for route in producer.writes),
        subscribe=_unique(
            [
                *(topology.filter(route, driver=driver) for route in producer.reads),
                f"{inbox(driver)}.>",
            ]
        ),
    )


def exports(topology: Topology) -> Iterator[tuple[str, str, str]]:
    """Yield (name, subject, kind) of what the hub lets drivers' accounts import.

    What a driver says is a service, for it may be answered; what he hears is a stream. What he does
    both with, his own apps say to each other.
    """
    producer = topology.producers[DRIVER]
    for route in producer.writes:
        yield route, topology.filter(route), "service"
    for route in producer.reads:
        if route not in producer.writes:
            yield route, topology.filter(route), "stream"


def imports(topology: Topology, driver: str) -> Iterator[tuple[str, str, str]]:
    """Yield (name, subject, kind) of the hub's exports, narrowed to one driver."""
    for name, _, kind in exports(topology):
        yield name, topology.filter(name, driver=driver), kind


def _pull(stream: str, durable: str) -> Iterator[str]:
    """Yield what `pitbox.nats.pull` says to nats-server to read a stream."""
    yield f"$JS.API.STREAM.MSG.GET.{stream}"
    yield f"$JS.API.CONSUMER.INFO.{stream}.{durable}"
    yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
    yield f"$JS.API.CONSUMER.CREATE.{stream}.{durable}"
    if durable != "*":
        yield f"$JS.API.CONSUMER.CREATE.{stream}.{durable}.>"
        yield f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{durable}"
        yield f"$JS.ACK.{stream}.{durable}.>"


def _of_others(topology: Topology, name: str, stream: str) -> Iterator[str]:
    """Yield what would reach the durables of other consumers on a stream."""
    for other in topology.consumers:
        if other != name and stream in topology.durables(other):
            yield f"$JS.API.CONSUMER.*.{stream}.{other}"
            yield f"$JS.API.CONSUMER.*.{stream}.{other}.>"
            yield f"$JS.API.CONSUMER.*.*.{stream}.{other}"


def _answers(topology: Topology, heard: Iterable[str]) -> Iterator[str]:
    """Yield where answers go: back into drivers' accounts, or to who asks within the hub."""
    for route in (route for route in heard if topology.route(route).reply):
        for name, producer in topology.producers.items():
            if route in producer.writes:
                yield f"{inbox(name)}.>" if producer.hub else REPLIES
        for name, consumer in topology.consumers.items():
            if route in consumer.writes:
                yield f"{inbox(name)}.>"


def _claim(allow: tuple[str, ...], deny: tuple[str, ...]) -> dict[str, list[str]]:
    return {"allow": list(allow), "deny": list(deny)} if allow else {"deny": [">"]}


def _unique(subjects: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(subjects))
