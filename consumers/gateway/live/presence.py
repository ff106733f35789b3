"""How each driver's link is, folded from hellos, receipts, marks and chunks: pure."""

from itertools import chain
from typing import Any, Final

import msgspec

from pitbox.chunks.ranges import minus, normal
from schemas.link import Hello, Receipt
from schemas.telemetry import Chunk, Mark
from schemas.wall import Presence

REPEAT_MS: Final = 2000.0
MAX_DRIVERS: Final = 512
MAX_GONE: Final = 256
"""So many ranges are told of; REST has the others."""

MAX_SESSIONS: Final = 16
"""Of one driver, so that nobody makes others forgotten by naming sessions."""


class Presences:
    """Hold one presence a driver and session, of its highest run; times are the hub's, in ms."""

    def __init__(self) -> None:
        self._drivers: dict[str, dict[str, Presence]] = {}
        self._told: dict[tuple[str, str], tuple[Presence, float]] = {}

    def hear(self, event: Hello | Receipt | Mark | Chunk, now_ms: float) -> None:
        """Take what a driver's PC said, or what the persister said of it; older runs are past."""
        driver, session = event.driver, event.session
        known = self._drivers.get(driver, {}).get(session)
        if known is not None and event.run < known.run:
            return
        if known is None or event.run > known.run:
            if isinstance(event, Receipt):
                return
            known = Presence(
                session=session,
                driver=driver,
                run=event.run,
                seen_ms=now_ms,
                offset_ms=None if known is None else known.offset_ms,
            )
        self._keep(msgspec.structs.replace(known, **_changes(known, event, now_ms)))

    def recall(self, ended: Presence) -> None:
        """Take from Postgres how a run was closed, which nobody says again; newer runs stay."""
        known = self._drivers.get(ended.driver, {}).get(ended.session)
        if known is None or ended.run > known.run:
            self._keep(ended)
        elif ended.run == known.run and not known.closed:
            self._keep(msgspec.structs.replace(known, closed=True))

    def of(self, session: str) -> list[Presence]:
        """Return the presence of every driver that was heard in a session."""
        return [known[session] for known in self._drivers.values() if session in known]

    def offset_ms(self, session: str, driver: str) -> float | None:
        """Return hub clock minus driver clock, None when it is not known."""
        known = self._drivers.get(driver, {}).get(session)
        return None if known is None else known.offset_ms

    def news(self, now_ms: float) -> list[Presence]:
        """Return those that changed, and those heard since they were told, two seconds ago."""
        news = []
        for known in chain.from_iterable(map(dict.values, self._drivers.values())):
            key = known.driver, known.session
            told, at_ms = self._told.get(key, (None, 0.0))
            due = now_ms - at_ms >= REPEAT_MS and told != known
            if told is None or due or _state(told) != _state(known):
                self._told[key] = known, now_ms
                news.append(known)
        return news

    def _keep(self, presence: Presence) -> None:
        """Keep a presence, and forget what was kept before all others if these are too many."""
        driver, session = presence.driver, presence.session
        sessions = self._drivers.pop(driver, {})
        sessions.pop(session, None)
        sessions[session] = presence
        self._drivers[driver] = sessions
        if len(self._drivers) > MAX_DRIVERS:
            self._forget(next(iter(self._drivers)))
        if len(sessions) > MAX_SESSIONS:
            self._forget(driver, next(iter(sessions)))

    def _forget(self, driver: str, session: str | None = None) -> None:
        """Forget a session of a driver, or all of them."""
        for one in [session] if session else list(self._drivers[driver]):
            del self._drivers[driver][one]
            self._told.pop((driver, one), None)
        if not self._drivers[driver]:
            del self._drivers[driver]


def _changes(
    known: Presence, event: Hello | Receipt | Mark | Chunk, now_ms: float
) -> dict[str, Any]:
    match event:
        case Hello():
            offset_ms = known.offset_ms if event.offset_ns is None else event.offset_ns / 1e6
            made, waiting = max(known.made, event.made), event.waiting
            return {"seen_ms": now_ms, "offset_ms": offset_ms, "made": made, "waiting": waiting}
        case Receipt():
            missing = minus(normal(event.missing), normal(known.gone))
            return {"through": event.through, "missing": missing}
        case Mark():
            gone = normal(event.gone)[:MAX_GONE]
            made, missing = max(known.made, event.made), minus(known.missing, gone)
            changes = {"seen_ms": now_ms, "made": made, "gone": gone, "missing": missing}
            return {**changes, "closed": event.closed}
        case Chunk():
            return {"seen_ms": now_ms, "made": max(known.made, event.chunk + 1)}


def _state(presence: Presence) -> tuple[Any, ...]:
    """Return what a client must know of at once."""
    unmeasured = presence.offset_ms is None
    return presence.run, unmeasured, presence.missing, presence.gone, presence.closed
