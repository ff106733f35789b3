"""Describe each kind of fact by a row, and look up the row of a fact."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar, get_args

import msgspec
from msgspec import Struct

from pitbox.topology import Topology, TopologyError
from schemas import wall
from schemas.base import Event
from schemas.registry import EVENTS

F = TypeVar("F", bound=Event)

FILE: Final = "consumers/gateway/live/facts.py"
ON_PAGE: Final = get_args(wall.Fact)

encode: Final = msgspec.msgpack.Encoder().encode


def alone(fact: Event) -> Hashable:
    """Return the key of a fact that is the only one of its kind for a session and driver."""
    return None


def is_not_older(new: Event, old: Event) -> bool:
    """Return whether `new` is as recent as `old`, by the driver's clock."""
    return new.at_ns >= old.at_ns


class Entry(Struct, frozen=True):
    """Hold a fact, its key among all facts, its visibility, and its message to a page."""

    fact: Event
    identity: Hashable
    shows_others: bool
    message: bytes


class Row(Struct, Generic[F], frozen=True, kw_only=True):
    """Describe one kind of fact.

    `route`: the route of streams.yaml that carries it.
    `event`: its type, a member of `schemas.wall.Fact`.
    `shows_others`: return whether a fact may concern another driver than its own `driver`. While
    any driver hides from a page, that page receives no such fact.
    `key`: return the key of a fact among those of its session and driver.
    `replaces`: return whether the first fact replaces the second, which has the same key.
    `read`: read the facts of a session from Postgres, by a connection and the session's name.
    Without it the gateway holds these facts in memory only: a restart loses them, and those
    published while it is disconnected never reach a page.
    """

    route: str
    event: type[F]
    shows_others: Callable[[F], bool]
    key: Callable[[F], Hashable] = alone
    replaces: Callable[[F, F], bool] = is_not_older
    read: Callable[[Any, str], Awaitable[list[F]]] | None = None

    def identity(self, fact: F) -> Hashable:
        """Return the key of a fact among all facts."""
        return self.event, fact.session, fact.driver, self.key(fact)

    def entry(self, fact: F, identity: Hashable) -> Entry:
        """Return a fact with its visibility and its message."""
        return Entry(fact, identity, self.shows_others(fact), encode(fact))


class Table:
    """Hold the rows by the type of their facts."""

    def __init__(self, *rows: Row[Any]) -> None:
        """Take the rows; raises TopologyError when two have one type."""
        self._rows: dict[type[Event], Row[Any]] = {}
        for row in rows:
            if row.event in self._rows:
                raise TopologyError(f"{FILE}: two rows have {row.event.__name__}: delete one")
            self._rows[row.event] = row

    def __iter__(self) -> Iterator[Row[Any]]:
        """Return the rows in their order in the table."""
        return iter(self._rows.values())

    def row(self, fact: Event) -> Row[Any]:
        """Return the row of a fact."""
        return self._rows[type(fact)]

    @property
    def routes(self) -> tuple[str, ...]:
        """Return the routes that carry the facts."""
        return tuple(dict.fromkeys(row.route for row in self))


def check(table: Table, topology: Topology, *, handled: Iterable[str]) -> None:
    """Raise TopologyError unless the table's routes are those that the gateway reads.

    Routes in `handled` carry no facts: the gateway has handlers for them.
    """
    reads = {route for route in topology.reads("gateway") if route not in {*handled}}
    rows = {(row.route, row.event) for row in table}
    carried = {(route, EVENTS[tag]) for route in reads for tag in topology.route(route).events}
    for route, event in sorted(carried - rows, key=str):
        raise TopologyError(
            f"the gateway reads {route}, but no row in {FILE} has this route and "
            f"{event.__name__}: add the row, or delete the route from the gateway's `reads`"
        )
    for route, event in sorted(rows - carried, key=str):
        raise TopologyError(
            f"a row in {FILE} has {route} and {event.__name__}, but the gateway reads no such "
            f"event there: add the route to the gateway's `reads` in streams.yaml, or delete the "
            "row"
        )
    for _, event in sorted(rows, key=str):
        if event not in ON_PAGE:
            raise TopologyError(
                f"a row in {FILE} has {event.__name__}, but a page cannot decode it: add it to "
                "`Fact` in schemas/wall.py and run `make generated`"
            )
