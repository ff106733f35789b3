"""Laps of a whole recording at once."""

from collections.abc import Iterable

from consumers.timing.decide import key, laps_of, session_in
from consumers.timing.state import State, add, initial
from schemas.telemetry import Chunk
from schemas.timing import Lap, Session


def laps(chunks: Iterable[Chunk]) -> list[Lap]:
    """Return the final laps by session, own car first, car and lap number.

    Raises CorruptChunkError when a chunk contradicts itself.
    """
    return facts(chunks)[1]


def facts(chunks: Iterable[Chunk]) -> tuple[list[Session], list[Lap]]:
    """Return the final sessions and laps; raises CorruptChunkError as `laps`."""
    states: dict[tuple[str, str], State] = {}
    for chunk in chunks:
        state_key = key(chunk)
        states[state_key] = add(states.get(state_key, initial()), chunk)
    sessions = [session for state in states.values() if (session := session_in(state))]
    found = (lap for state in states.values() for lap in laps_of(state))
    return sessions, sorted(found, key=_place)


def _place(lap: Lap) -> tuple[str, str, bool, int, str, int]:
    return lap.session, lap.driver, not lap.own, len(lap.car), lap.car, lap.lap_number
