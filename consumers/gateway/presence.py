"""How each driver's link is, folded from hellos, receipts, marks and chunks: pure."""

from collections import OrderedDict
from typing import Any, Final

import msgspec

from pitbox.ranges import minus, normal
from schemas.link import Hello, Receipt
from schemas.telemetry import Chunk, Mark
from schemas.wall import Presence

REPEAT_MS: Final = 2000.0
MAX_DRIVERS: Final = 512

Key = tuple[str, str]


class Presences:
    """Hold one presence a driver and session, of its highest run; times are the hub's, in ms."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Presence] = OrderedDict()
        self._told: dict[Key, tuple[Presence, float]] = {}

    def hear(self, event: Hello | Receipt | Mark | Chunk, now_ms: float) -> None:
        """Take what a driver's PC said, or what the persister said of it; older runs are past."""
        key = event.session, event.driver
        known = self._known.get(key)
        if known is not None and event.run < known.run:
            return
        if known is None or event.run > known.run:
            if isinstance(event, Receipt):
                return
            known = Presence(
                session=event.session,
                driver=event.driver,
                run=event.run,
                seen_ms=now_ms,
                offset_ms=None if known is None else known.offset_ms,
            )
        self._keep(msgspec.structs.replace(known, **_changes(known, event, now_ms)))

    def recall(self, ended: Presence) -> None:
        """Take from Postgres how a run was closed, which nobody says again; newer runs stay."""
        known = self._known.get((ended.session, ended.driver))
        if known is None or ended.run > known.run:
            self._keep(ended)
        elif ended.run == known.run and not known.closed:
            self._keep(msgspec.structs.replace(known, closed=True))

    def of(self, session: str) -> list[Presence]:
        """Return the presence of every driver that was heard in a session."""
        return [known for known in self._known.values() if known.session == session]

    def _keep(self, presence: Presence) -> None:
        key = presence.session, presence.driver
        self._known[key] = presence
        self._known.move_to_end(key)
        while len(self._known) > MAX_DRIVERS:
            forgotten, _ = self._known.popitem(last=False)
            self._told.pop(forgotten, None)

    def offset_ms(self, session: str, driver: str) -> float | None:
        """Return hub clock minus driver clock, None when it is not known."""
        known = self._known.get((session, driver))
        return None if known is None else known.offset_ms

    def news(self, now_ms: float) -> list[Presence]:
        """Return those that changed, and those heard since they were told, two seconds ago."""
        news = []
        for key, known in self._known.items():
            told, at_ms = self._told.get(key, (None, 0.0))
            due = now_ms - at_ms >= REPEAT_MS and told != known
            if told is None or due or _state(told) != _state(known):
                self._told[key] = known, now_ms
                news.append(known)
        return news


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
            gone = normal(event.gone)
            made, missing = max(known.made, event.made), minus(known.missing, gone)
            changes = {"seen_ms": now_ms, "made": made, "gone": gone, "missing": missing}
            return {**changes, "closed": event.closed}
        case Chunk():
            return {"seen_ms": now_ms, "made": max(known.made, event.chunk + 1)}


def _state(presence: Presence) -> tuple[Any, ...]:
    """Return what a client must know of at once."""
    unmeasured = presence.offset_ms is None
    return presence.run, unmeasured, presence.missing, presence.gone, presence.closed
