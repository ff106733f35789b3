"""Hold the latest facts, which a page receives first: pure.

A client that subscribes needs facts from here and from Postgres: a fact published before may not be
in Postgres yet, and a fact published before the gateway started is in Postgres only.
"""

from collections.abc import Hashable, Iterable
from typing import Final

from consumers.gateway.live.table import Entry, Table
from schemas.base import Event

MAX_BYTES: Final = 100_000_000
ENTRY_BYTES: Final = 1000
"""Bytes that an entry takes beside its message: the decoded fact, its key, its place in a dict."""


class Latest:
    """Hold the newest fact of each key.

    Facts that Postgres has and all others are bounded apart, so that a page that reads many old
    sessions evicts no fact that exists in memory only.
    """

    def __init__(self, table: Table, *, max_bytes: int = MAX_BYTES) -> None:
        """Hold nothing yet; `max_bytes` bounds each of the two parts."""
        self._table = table
        self._stored, self._unstored = Bounded(max_bytes), Bounded(max_bytes)

    def update(self, facts: Iterable[Event]) -> list[Entry]:
        """Store facts and return those that are new or replace an older one."""
        return [entry for fact in facts if (entry := self._take(fact))]

    def of(self, session: str) -> list[Entry]:
        """Return the facts of a session, each driver's in the order of their updates."""
        return [*self._stored.of(session), *self._unstored.of(session)]

    def forget(self, session: str, driver: str) -> None:
        """Drop the facts of a driver in a session."""
        self._stored.drop(session, driver)
        self._unstored.drop(session, driver)

    def _take(self, fact: Event) -> Entry | None:
        row = self._table.row(fact)
        part = self._stored if row.read else self._unstored
        identity = row.identity(fact)
        old = part.get(fact.session, fact.driver, identity)
        if old is not None and (fact == old.fact or not row.replaces(fact, old.fact)):
            return None
        entry = row.entry(fact, identity)
        part.put(entry)
        return entry


class Bounded:
    """Hold entries of all sessions and drivers within one limit of bytes.

    Above the limit the driver whose entries take the most bytes loses the oldest entry of its
    session that was updated longest ago. So no driver can evict another's, however many sessions
    and facts it makes up.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._drivers: dict[str, dict[str, dict[Hashable, Entry]]] = {}
        self._taken: dict[str, int] = {}
        self.bytes = 0

    def get(self, session: str, driver: str, identity: Hashable) -> Entry | None:
        """Return an entry, None when there is none."""
        return self._drivers.get(driver, {}).get(session, {}).get(identity)

    def of(self, session: str) -> Iterable[Entry]:
        """Return the entries of a session."""
        for sessions in self._drivers.values():
            yield from sessions.get(session, {}).values()

    def put(self, entry: Entry) -> None:
        """Store an entry in place of the one with its identity, and make room for it."""
        session, driver = entry.fact.session, entry.fact.driver
        sessions = self._drivers.setdefault(driver, {})
        entries = sessions.pop(session, {})
        sessions[session] = entries
        old = entries.pop(entry.identity, None)
        entries[entry.identity] = entry
        self._count(driver, _bytes(entry) - (_bytes(old) if old else 0))
        while self.bytes > self._max_bytes:
            self._evict(max(self._taken, key=self._taken.__getitem__))

    def drop(self, session: str, driver: str) -> None:
        """Drop the entries of a driver in a session."""
        while entries := self._drivers.get(driver, {}).get(session):
            self._drop(driver, session, next(iter(entries)))

    def _evict(self, driver: str) -> None:
        session, entries = next(iter(self._drivers[driver].items()))
        self._drop(driver, session, next(iter(entries)))

    def _drop(self, driver: str, session: str, identity: Hashable) -> None:
        sessions = self._drivers[driver]
        entries = sessions[session]
        self._count(driver, -_bytes(entries.pop(identity)))
        if not entries:
            del sessions[session]
        if not sessions:
            del self._drivers[driver], self._taken[driver]

    def _count(self, driver: str, change: int) -> None:
        self._taken[driver] = self._taken.get(driver, 0) + change
        self.bytes += change


def _bytes(entry: Entry) -> int:
    return len(entry.message) + ENTRY_BYTES
