"""Compare derived laps with the issued ones; each difference is another revision."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.timing import Lap

Place = tuple[str, int]
"""Car and lap number."""

Issued = Mapping[Place, Lap]
"""The last fact of each lap."""


def changed_laps(issued: Issued, laps: Iterable[Lap]) -> list[Lap]:
    """Return the laps that differ from the issued ones, each with its next revision."""
    return [
        replace(lap, revision=before.revision + 1 if before else 1)
        for lap in laps
        if (before := issued.get((lap.car, lap.lap_number))) is None
        or _steady(before) != _steady(lap)
    ]


def withdrawn_laps(issued: Issued, laps: Iterable[Lap]) -> list[Lap]:
    """Return the issued laps that no longer exist, as laps that do not count."""
    there = {(lap.car, lap.lap_number) for lap in laps}
    gone = [(lap, _withdrawn(lap)) for place, lap in issued.items() if place not in there]
    return [withdrawn for lap, withdrawn in gone if _steady(lap) != _steady(withdrawn)]


def _steady(lap: Lap) -> Lap:
    """Return a lap without the fields that grow with each frame."""
    return replace(lap, revision=0, at_ns=0, frames=0)


def _withdrawn(lap: Lap) -> Lap:
    """Return a lap as withdrawn: without time, invalid and incomplete."""
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
