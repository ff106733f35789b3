"""Derive each user's publish and subscribe permissions from streams.yaml."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from pitbox.topology import Topology

SETUP: Final = "setup"
"""The user that creates streams and durables: the start-up job and the hub's commands."""

DRIVER: Final = "drive"
REPLIES: Final = "_R_.>"
"""The subjects that nats-server gives to answers across accounts."""


class Permissions(Struct, frozen=True):
    """List the subjects that a user may publish and subscribe to.

    `never` lists subjects denied for publishing; it takes precedence over `publish`.
    """

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def claims(self) -> dict[str, Any]:
        """Return the permissions as claims; no subjects become a denial of all."""
        return {
            "pub": _claim(self.publish, self.never),
            "sub": _claim(self.subscribe, ()),
        }


def inbox(name: str) -> str:
    """Return the subject prefix of the answers to a user's requests."""
    return f"_INBOX.{name}"


def users(topology: Topology) -> dict[str, Permissions]:
    """Return the permissions of every user of the hub's account: each consumer and `SETUP`."""
    found = {name: of_consumer(topology, name) for name in topology.consumers}
    return found | {SETUP: of_setup(topology)}


def of_consumer(topology: Topology, name: str) -> Permissions:
    """Return a consumer's permissions: its routes, and JetStream's API for streams it pulls."""
    consumer = topology.consumers[name]
    pulled = topology.pulled(name)
    publish = [topology.filter(route, consumer=name) for route in consumer.writes]
    if consumer.kind == "fold":
        publish += _read_back(topology, name)
    for stream in pulled:
        publish += _pull(stream, name if stream in topology.durables(name) else "*")
    # A service may re-create a deleted stream. CREATE cannot change an existing stream.
    publish += [
        f"$JS.API.STREAM.{what}.{stream}"
        for stream in topology.streams_of(name)
        for what in ("INFO", "CREATE")
    ]
    publish += [f"$JS.API.STREAM.PURGE.{topology.stream_of[r]}" for r in topology.purges(name)]
    subscribed = [r for r in consumer.reads if not any(r in routes for routes in pulled.values())]
    return Permissions(
        publish=_unique([*publish, *_answers(topology, subscribed)]),
        subscribe=_unique([*(topology.filter(route) for route in subscribed), f"{inbox(name)}.>"]),
        never=_unique(
            subject
            for stream in topology.streams_of(name)
            for subject in _of_others(topology, name, stream)
        ),
    )


def of_setup(topology: Topology) -> Permissions:
    """Return the permissions of `SETUP`: change streams and durables, republish dead letters."""
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
    """Return the permissions of a driver's PC inside the driver's account."""
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
    """Yield (name, subject, kind) of the hub's exports to drivers' accounts.

    A route that drivers publish is a service export, because it may be answered. A route that they
    only subscribe to is a stream export. A route that they publish and subscribe to is a service
    export; the subscription receives messages of the driver's own programs.
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
    """Yield the API subjects that `pitbox.nats.pull` publishes to when it reads a stream."""
    yield f"$JS.API.STREAM.MSG.GET.{stream}"
    yield f"$JS.API.CONSUMER.INFO.{stream}.{durable}"
    yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
    yield f"$JS.API.CONSUMER.CREATE.{stream}.{durable}"
    if durable != "*":
        yield f"$JS.API.CONSUMER.CREATE.{stream}.{durable}.>"
        yield f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{durable}"
        yield f"$JS.ACK.{stream}.{durable}.>"


def _read_back(topology: Topology, name: str) -> Iterator[str]:
    """Yield the subjects by which a fold reads its own outputs and its progress again."""
    for route in topology.writes(name):
        if (stream := topology.stream_of.get(route)) is None:
            continue
        subject = topology.filter(route, consumer=name)
        if route == "fold.progress":
            yield f"$JS.API.DIRECT.GET.{stream}.{subject}"
        else:
            yield f"$JS.API.CONSUMER.CREATE.{stream}.*.{subject}"
            yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*"


def _of_others(topology: Topology, name: str, stream: str) -> Iterator[str]:
    """Yield the API subjects of other consumers' durables on a stream."""
    for other in topology.consumers:
        if other != name and stream in topology.durables(other):
            yield f"$JS.API.CONSUMER.*.{stream}.{other}"
            yield f"$JS.API.CONSUMER.*.{stream}.{other}.>"
            yield f"$JS.API.CONSUMER.*.*.{stream}.{other}"


def _answers(topology: Topology, subscribed: Iterable[str]) -> Iterator[str]:
    """Yield the subjects of answers: into drivers' accounts, or to inboxes within the hub."""
    for route in (route for route in subscribed if topology.route(route).reply):
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
