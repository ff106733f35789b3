"""Facts: the events of all streams but TELEMETRY, each upserted into its table."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from consumers.persister import CONSUMER, metrics
from pitbox.metrics import dropped
from pitbox.nats.delivery import Delivery
from pitbox.postgres import deleted
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import Refused
from pitbox.postgres.tables import Tables
from pitbox.service import dead
from pitbox.topology import Route, Topology
from schemas.base import Event
from schemas.dead import DeadLetter
from schemas.registry import EVENTS, UNDECODABLE

NOBODY: Final = "", ""


class Batch(Struct):
    """Collect facts with their deliveries, and dead letters."""

    facts: list[tuple[Delivery, Any]] = []
    letters: list[DeadLetter] = []
    not_kept: int = 0
    deliveries: list[Delivery] = []
    bytes: int = 0


class Facts:
    """Read the facts of one stream and write them to their tables."""

    def __init__(
        self, topology: Topology, routes: Iterable[str], tables: Tables, connection: Connection
    ) -> None:
        """Prepare; each event of the routes needs a table file."""
        self._tables = tables
        self._connection = connection
        self._ration = dead.Ration(topology.from_drivers)
        self._decode = topology.decoder(*routes).decode
        self._routes: dict[type, list[Route]] = {}
        for route in map(topology.route, routes):
            for tag in route.events:
                self._routes.setdefault(EVENTS[tag], []).append(route)

    def take(self, delivery: Delivery, batch: Batch) -> None:
        """Add a message to a batch, as a fact or as a dead letter."""
        batch.deliveries.append(delivery)
        batch.bytes += len(delivery.payload)
        try:
            fact = self._decode(delivery.payload)
        except UNDECODABLE as error:
            self._bury(delivery, batch, f"{type(error).__name__}: {error}")
            return
        if all(route.of(fact) != delivery.subject for route in self._routes[type(fact)]):
            self._bury(delivery, batch, "ForeignSubject: its own fields name another subject")
            return
        batch.facts.append((delivery, fact))

    async def commit(self, batch: Batch) -> None:
        """Write a batch in one transaction and count it.

        A fact with values that Postgres rejects, such as a number beyond its column, becomes a dead
        letter; the others are written. Raises PostgresDown when the commit is not certain.
        """
        await self._connection.ready()
        written = Batch(facts=batch.facts, letters=batch.letters, not_kept=batch.not_kept)
        try:
            async with self._connection.transaction() as writer:
                written.facts = await _not_deleted(writer, batch.facts)
                await self._tables.write(writer, [fact for _, fact in written.facts])
                await self._tables.write(writer, batch.letters)
        except Refused:
            written = await self._one_by_one(batch)
        for _, fact in written.facts:
            metrics.rows.labels(self._tables.name(fact)).inc()
        dead.count_not_kept(CONSUMER, written.not_kept)
        for letter in written.letters:
            dead.count(letter)

    async def _one_by_one(self, batch: Batch) -> Batch:
        """Write each fact in its own transaction; return the written facts and dead letters."""
        written = Batch(letters=list(batch.letters), not_kept=batch.not_kept)
        for delivery, fact in batch.facts:
            await self._connection.ready()
            try:
                async with self._connection.transaction() as writer:
                    kept = await _not_deleted(writer, [(delivery, fact)])
                    await self._tables.write(writer, [fact for _, fact in kept])
                written.facts += kept
            except Refused as error:
                self._bury(delivery, written, f"Refused: {error}")
        await self._connection.ready()
        async with self._connection.transaction() as writer:
            await self._tables.write(writer, written.letters)
        return written

    def _bury(self, delivery: Delivery, batch: Batch, reason: str) -> None:
        if self._ration.spend(delivery):
            batch.letters.append(dead.letter_of(CONSUMER, delivery, reason))
        else:
            batch.not_kept += 1


async def _not_deleted(
    writer: Any, facts: list[tuple[Delivery, Any]]
) -> list[tuple[Delivery, Any]]:
    """Leave out facts that their stream stored before their part of a session was deleted."""
    owners = {_owner(fact) for _, fact in facts}
    deletions = await deleted.among(writer, owners - {NOBODY})
    kept = [
        (delivery, fact)
        for delivery, fact in facts
        if (deletion := deletions.get(_owner(fact))) is None or delivery.stored_ns > deletion.at_ns
    ]
    dropped.labels(CONSUMER, "deleted session").inc(len(facts) - len(kept))
    return kept


def _owner(fact: Any) -> deleted.Owner:
    """Return the session and driver of a fact, `NOBODY` for one of no session."""
    return (fact.session, fact.driver) if isinstance(fact, Event) else NOBODY
