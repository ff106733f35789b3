"""The differences between derived laps and the issued ones."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.timing import Lap

Place = tuple[str, int]
"""Car and lap number."""

Told = Mapping[Place, Lap]
"""The last fact of each lap."""


def news(told: Told, laps: Iterable[Lap]) -> list[Lap]:
    """Return the laps that differ from the issued ones, each with its next revision."""
    return [
        replace(lap, revision=before.revision + 1 if before else 1)
        for lap in laps
        if (before := told.get((lap.car, lap.lap_number))) is None
        or _steady(before) != _steady(lap)
    ]


def taken_back(told: Told, laps: Iterable[Lap]) -> list[Lap]:
    """Return the issued laps that no longer exist, as laps that do not count."""
    there = {(lap.car, lap.lap_number) for lap in laps}
    gone = [(lap, _undone(lap)) for place, lap in told.items() if place not in there]
    return [undone for lap, undone in gone if _steady(lap) != _steady(undone)]


def _steady(lap: Lap) -> Lap:
    """Return a lap without the fields that grow with each frame."""
    return replace(lap, revision=0, at_ns=0, frames=0)


def _undone(lap: Lap) -> Lap:
    """Return a lap as taken back: without time, invalid and incomplete."""
    return Lap(
        session=lap.session,
        driver=lap.driver,
        at_ns=lap.at_ns,
        car=lap.car,
        own=lap.own,
        lap_number=lap.lap_number,
        revision=lap.revision + 1,
        valid=False,
        complete=False,
    )
