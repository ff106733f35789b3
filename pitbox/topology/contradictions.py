"""Find references in streams.yaml to things that are missing, declared twice or confused."""

from itertools import combinations
from typing import Final

from pitbox.topology.model import Consumer, Producer, Topology
from pitbox.topology.subjects import overlap
from schemas.registry import EVENTS

FOLD_WRITES: Final = ("dead.letter", "fold.progress")


def contradictions(topology: Topology) -> list[str]:
    """Return one sentence for each missing or repeated route, event, stream or subject."""
    return [
        *_route_problems(topology),
        *_subject_problems(topology),
        *_service_problems(topology),
    ]


def _route_problems(topology: Topology) -> list[str]:
    problems = []
    names = [name for stream in topology.streams.values() for name in stream.routes]
    names += list(topology.direct)
    problems += [f"{name}: declared twice" for name in {n for n in names if names.count(n) > 1}]
    for name, route in topology.routes.items():
        problems += [
            f"{name}: no event {tag!r} in schemas" for tag in route.events if tag not in EVENTS
        ]
        if not route.events:
            problems.append(f"{name}: carries no event")
        if route.reply and route.reply not in EVENTS:
            problems.append(f"{name}: reply {route.reply!r} is not an event in schemas")
    return problems


def _subject_problems(topology: Topology) -> list[str]:
    """Return the routes of which one would be stored, and read, as another.

    A reader of a whole stream receives whatever the stream stores.
    """
    return [
        f"{one} and {other}: both match the same subjects, and a stream stores them"
        for one, other in combinations(topology.routes, 2)
        if {one, other} & set(topology.stream_of)
        and overlap(topology.filter(one), topology.filter(other))
    ]


def _service_problems(topology: Topology) -> list[str]:
    problems = []
    services: dict[str, Consumer | Producer] = {**topology.producers, **topology.consumers}
    for name, service in services.items():
        for route in (*service.reads, *service.writes):
            if route not in topology.routes:
                problems.append(f"{name}: no route {route!r}")
    for name, consumer in topology.consumers.items():
        if consumer.kind == "fold":
            problems += [
                f"{name}: a fold writes {route} too"
                for route in FOLD_WRITES
                if route not in consumer.writes
            ]
        sources = {one for one in (*topology.derives, *topology.refines) if one != name}
        if consumer.kind == "refine" and consumer.of not in sources:
            problems.append(f"{name}: of: a refine needs the name of a derive or another refine")
        if consumer.kind != "refine" and consumer.of:
            problems.append(f"{name}: of: only a refine has a source")
        for stream in consumer.ack_all:
            if stream not in topology.streams:
                problems.append(f"{name}: ack_all: no stream {stream!r}")
        for route in consumer.purges:
            if route not in topology.stream_of:
                problems.append(f"{name}: purges: no stream has the route {route!r}")
    return problems
