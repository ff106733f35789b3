"""Fold the laps of a stint into what it shows as a whole."""

from collections.abc import Iterator, Sequence
from statistics import median, pstdev
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from schemas.coaching import Cause, Debrief, Evidence, Finding, Moment, Silence
from schemas.passes import Judged, Pass, Passes

LAPS: Final = 3
"""A stint shows something from so many laps that count."""

MOST_LAPS: Final = 100
"""Of a longer stint the last ones are compared."""

FINDINGS: Final = 3
LEAST_S: Final = 0.05

COUNTED: Final[frozenset[Judged]] = frozenset({"yes", "no_reference"})
"""Laps behind traffic and off the track show something else than the driver's way."""

COMPARED: Final = {"minimum_mps": "m/s", "brakes_m": "m", "throttle_m": "m"}
"""The fields of a pass that tell how a corner was taken, and their units."""


class Taken(Struct, frozen=True, array_like=True):
    """Hold how a corner was taken on one lap: what is compared of its pass."""

    time_s: float
    minimum_mps: float
    brakes_m: float | None
    throttle_m: float | None


class Driven(Struct, frozen=True, array_like=True):
    """Hold a lap that counts, corner by corner."""

    lap_number: int
    lap_time_s: float
    taken: tuple[Taken, ...]


class Stint(Struct, frozen=True):
    """Hold the laps since the car left the pits, and how often which cause was said of a corner.

    `first_lap` is 0 before the first lap that counts.
    """

    first_lap: int = 0
    corners: tuple[str, ...] = ()
    laps: tuple[Driven, ...] = ()
    said: tuple[tuple[str, Cause], ...] = ()


def step(stint: Stint, passes: Passes, said: Moment | Silence) -> tuple[Stint, Debrief | None]:
    """Add the next lap to its stint; return what the stint shows, None while that is too little.

    `revision` is 0: it counts what was issued.
    """
    if passes.judged == "pit":
        return Stint(), _debrief(stint, passes, ended=True)
    if isinstance(said, Moment):
        stint = replace(stint, said=(*stint.said, (said.corner, said.cause))[-MOST_LAPS:])
    if passes.judged not in COUNTED or passes.lap_time_s is None:
        return stint, None
    corners = tuple(one.corner for one in passes.passes)
    if corners != stint.corners:
        stint = Stint(corners=corners)
    driven = Driven(passes.lap_number, passes.lap_time_s, tuple(map(_taken, passes.passes)))
    stint = replace(
        stint,
        first_lap=stint.first_lap or passes.lap_number,
        laps=(*stint.laps, driven)[-MOST_LAPS:],
    )
    return stint, _debrief(stint, passes, ended=False)


def _taken(made: Pass) -> Taken:
    return Taken(made.time_s, made.minimum_mps, made.brakes_m, made.throttle_m)


def _debrief(stint: Stint, passes: Passes, *, ended: bool) -> Debrief | None:
    laps = stint.laps
    if len(laps) < LAPS:
        return None
    best = min(laps, key=lambda lap: lap.lap_time_s)
    by_corner = list(zip(*(lap.taken for lap in laps), strict=True))
    found = [_finding(stint, corner, taken) for corner, taken in enumerate(by_corner)]
    dear = sorted((one for one in found if one.worth_s >= LEAST_S), key=lambda one: -one.worth_s)
    return Debrief(
        session=passes.session,
        driver=passes.driver,
        at_ns=passes.at_ns,
        car=passes.car,
        lap_number=stint.first_lap,
        last_lap=laps[-1].lap_number,
        revision=0,
        laps=len(laps),
        best_lap=best.lap_number,
        best_lap_s=best.lap_time_s,
        median_lap_s=median(lap.lap_time_s for lap in laps),
        theoretical_best_s=sum(min(one.time_s for one in taken) for taken in by_corner),
        ended=ended,
        findings=tuple(dear[:FINDINGS]),
    )


def _finding(stint: Stint, corner: int, taken: Sequence[Taken]) -> Finding:
    """Return what a stint lost in a corner."""
    times_s = [one.time_s for one in taken]
    usual_s = median(times_s)
    best = min(range(len(taken)), key=times_s.__getitem__)
    usual = min(range(len(taken)), key=lambda at: abs(times_s[at] - usual_s))
    worth_s = usual_s - times_s[best]
    name = stint.corners[corner]
    causes = [cause for where, cause in stint.said if where == name]
    often = max(causes, key=causes.count, default=None)
    return Finding(
        corner=name,
        worth_s=round(worth_s, 3),
        best_lap=stint.laps[best].lap_number,
        usual_lap=stint.laps[usual].lap_number,
        uneven=pstdev(times_s) > worth_s,
        cause=often or "time_lost",
        times=causes.count(often) if often else 0,
        evidence=tuple(_evidence(taken, best)),
    )


def _evidence(taken: Sequence[Taken], best: int) -> Iterator[Evidence]:
    """Yield how the best lap took a corner, beside the usual way."""
    for name, unit in COMPARED.items():
        known = [value for one in taken if (value := getattr(one, name)) is not None]
        value = getattr(taken[best], name)
        if value is not None:
            yield Evidence(
                name=name, value=round(value, 2), unit=unit, usual=round(median(known), 2)
            )
