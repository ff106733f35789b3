"""Laps of a whole recording at once."""

from collections.abc import Iterable

from consumers.timing.decide import State, decide, initial, key, laps_of
from schemas.telemetry import Chunk
from schemas.timing import Lap


def laps(chunks: Iterable[Chunk]) -> list[Lap]:
    """Return the final laps by session, own car first, car and lap number.

    Raises CorruptChunkError when a chunk contradicts itself.
    """
    states: dict[tuple[str, str], State] = {}
    for chunk in chunks:
        state_key = key(chunk)
        states[state_key], _ = decide(states.get(state_key, initial()), chunk)
    return sorted(
        (lap for state in states.values() for lap in laps_of(state)),
        key=lambda lap: (
            lap.session,
            lap.driver,
            not lap.own,
            len(lap.car),
            lap.car,
            lap.lap_number,
        ),
    )
