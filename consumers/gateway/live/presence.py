"""Fold hellos, receipts, marks and chunks into the link state of each driver: pure."""

from itertools import chain
from typing import Any, Final

import msgspec
from msgspec import Struct

from consumers.gateway.live.stored import Stored
from pitbox.chunks.ranges import minus, normal
from schemas.link import Hello, Receipt
from schemas.telemetry import Chunk, Mark
from schemas.wall import Presence

REPEAT_MS: Final = 2000.0
MAX_DRIVERS: Final = 512
MAX_GONE: Final = 256
"""The most ranges of lost chunks in one message; REST returns all."""

MAX_SESSIONS: Final = 16
"""The limit per driver, so that one driver's made-up sessions cannot evict other drivers."""

NOTHING: Final = 0, 0.0


class Chunks(Struct, frozen=True, gc=False):
    """Stand for the chunks of a run that came since the last look; `made` is as in a Mark."""

    driver: str
    session: str
    run: int
    made: int


class Presences:
    """Hold one presence per driver and session, of its highest run.

    Times are ms since 1970 by the hub's clock.
    """

    def __init__(self) -> None:
        self._drivers: dict[str, dict[str, Presence]] = {}
        self._sent: dict[tuple[str, str], tuple[Presence, float]] = {}
        self._stored = Stored()
        self._noted: dict[str, dict[tuple[str, int], tuple[int, float]]] = {}

    def update(self, event: Hello | Receipt | Mark | Chunk, now_ms: float) -> None:
        """Apply an event of a driver's PC, or a receipt of the persister; ignore older runs.

        Chunks are noted, and applied together before the next look or other event of their driver:
        twenty of each car come in a second.
        """
        if isinstance(event, Chunk):
            self._note(event, now_ms)
        else:
            self._apply_noted(event.driver)
            self._apply(event, now_ms)

    def _note(self, chunk: Chunk, now_ms: float) -> None:
        noted = self._noted.get(chunk.driver)
        if noted is None:
            noted = self._noted[chunk.driver] = {}
        key = chunk.session, chunk.run
        made, _ = noted.get(key, NOTHING)
        noted[key] = max(made, chunk.chunk + 1), now_ms
        if len(noted) > MAX_SESSIONS:
            self._apply_noted(chunk.driver)
        elif len(self._noted) > MAX_DRIVERS:
            self._apply_all_noted()

    def _apply_noted(self, driver: str) -> None:
        for (session, run), (made, at_ms) in self._noted.pop(driver, {}).items():
            self._apply(Chunks(driver, session, run, made), at_ms)

    def _apply_all_noted(self) -> None:
        for driver in list(self._noted):
            self._apply_noted(driver)

    def _apply(self, event: Hello | Receipt | Mark | Chunks, now_ms: float) -> None:
        driver, session = event.driver, event.session
        self._note_stored(event, now_ms)
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
        changes = _changes(known, event, now_ms) | {"stored_ms": self._stored.at_ms(driver)}
        self._keep(msgspec.structs.replace(known, **changes))

    def _note_stored(self, event: Hello | Receipt | Mark | Chunks, now_ms: float) -> None:
        if isinstance(event, Receipt):
            self._stored.receipt(event, now_ms)
        else:
            waiting = event.waiting if isinstance(event, Hello) else None
            self._stored.seen(event.driver, now_ms, waiting=waiting)

    def restore(self, ended: Presence) -> None:
        """Apply a closed run read from Postgres, unless a newer run is known.

        A closed run publishes nothing more, so after a restart only Postgres knows it.
        """
        self._apply_noted(ended.driver)
        known = self._drivers.get(ended.driver, {}).get(ended.session)
        if known is None or ended.run > known.run:
            self._keep(ended)
        elif ended.run == known.run and not known.closed:
            self._keep(msgspec.structs.replace(known, closed=True))

    def forget(self, session: str, driver: str, through: int) -> None:
        """Drop the presence of a deleted run, those up to the run `through`."""
        self._apply_noted(driver)
        known = self._drivers.get(driver, {}).get(session)
        if known is not None and known.run <= through:
            self._forget(driver, session)

    def of(self, session: str) -> list[Presence]:
        """Return the presence of every driver known in a session."""
        self._apply_all_noted()
        return [known[session] for known in self._drivers.values() if session in known]

    def offset_ms(self, session: str, driver: str) -> float | None:
        """Return the hub's clock minus the driver's in ms, None when it was not measured."""
        known = self._drivers.get(driver, {}).get(session)
        return None if known is None else known.offset_ms

    def due(self, now_ms: float) -> list[Presence]:
        """Return the presences to send now, and count them as sent.

        A change of `_state` is due at once, any other change two seconds after the last send.
        """
        self._apply_all_noted()
        due = []
        for known in chain.from_iterable(map(dict.values, self._drivers.values())):
            key = known.driver, known.session
            sent, at_ms = self._sent.get(key, (None, 0.0))
            outdated = now_ms - at_ms >= REPEAT_MS and sent != known
            if sent is None or outdated or _state(sent) != _state(known):
                self._sent[key] = known, now_ms
                due.append(known)
        return due

    def _keep(self, presence: Presence) -> None:
        """Store a presence; above a limit, drop the one updated longest ago."""
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
        """Drop one session of a driver, or all of them."""
        for one in [session] if session else list(self._drivers[driver]):
            del self._drivers[driver][one]
            self._sent.pop((driver, one), None)
        if not self._drivers[driver]:
            del self._drivers[driver]


def _changes(
    known: Presence, event: Hello | Receipt | Mark | Chunks, now_ms: float
) -> dict[str, Any]:
    match event:
        case Hello():
            offset_ms = known.offset_ms if event.offset_ns is None else event.offset_ns / 1e6
            made, waiting = max(known.made, event.made), event.waiting
            seen = {"seen_ms": now_ms, "offset_ms": offset_ms, "kept": event.kept}
            return {**seen, "made": made, "waiting": waiting}
        case Receipt():
            missing = minus(normal(event.missing), normal(known.gone))
            return {"through": event.through, "missing": missing, "refused": event.refused}
        case Mark():
            gone = normal(event.gone)[:MAX_GONE]
            made, missing = max(known.made, event.made), minus(known.missing, gone)
            changes = {"seen_ms": now_ms, "made": made, "gone": gone, "missing": missing}
            return {**changes, "closed": event.closed}
        case Chunks():
            return {"seen_ms": now_ms, "made": max(known.made, event.made)}


def _state(presence: Presence) -> tuple[Any, ...]:
    """Return the fields whose change is sent at once."""
    unmeasured = presence.offset_ms is None
    holes = presence.missing, presence.gone, presence.refused
    return presence.run, unmeasured, holes, presence.closed, presence.kept
