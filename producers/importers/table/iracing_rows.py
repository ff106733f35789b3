"""Decode rows of iRacing's variables, as the sim's own ticks are decoded.

A lap of Garage 61 has neither time, lap number nor the ticks on the other side of the line: its
rows are iRacing's ticks of 1/60 s, and one tick before and one after them are extrapolated.
"""

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from producers.importers.table.layouts import GARAGE_61
from producers.importers.table.plan import Plan
from producers.importers.table.rows import ROWS_PER_S, Rows
from producers.source import Observation
from producers.sources.iracing.session import Facts
from producers.sources.iracing.ticks import Ticks
from schemas.sim import LapReported

EXPORT: Final = re.compile(
    r"Garage 61 - .+ - (?P<car>.+) - (?P<track>.+) - (?P<m>\d+)\.(?P<s>\d\d)\.(?P<ms>\d{3}) - \w+"
)
"""The names that Garage 61 gives its files: driver, car, track, lap time and an id."""

AGREES_S: Final = 0.1
NEAR_LINE: Final = 0.01
TICK_NS: Final = 1_000_000_000 // ROWS_PER_S

Tick = tuple[int, dict[str, float]]


def decoded(path: Path, plan: Plan, rows: Rows, origin_ns: int) -> Iterator[Observation]:
    """Yield the observations of rows whose times count from `origin_ns`."""
    ticks = _read(plan, rows, origin_ns)
    if plan.layout != GARAGE_61:
        yield from _decode(ticks, plan, Facts())
        return
    export = EXPORT.match(path.name)
    facts = Facts(
        track=export["track"][:128] if export else "",
        car_model=export["car"][:128] if export else "",
        track_length_m=_length_m(ticks),
    )
    yield from _decode(_over_the_line(_read(plan, rows, origin_ns)), plan, facts)
    if export is not None:
        told_s = int(export["m"]) * 60 + int(export["s"]) + int(export["ms"]) / 1000
        last_ns = origin_ns + rows.count * TICK_NS
        if abs(told_s - rows.count / ROWS_PER_S) < AGREES_S:
            yield LapReported(at_ns=last_ns, car="", lap_number=1, lap_time_s=told_s, own=True)


def _read(plan: Plan, rows: Rows, origin_ns: int) -> Iterator[Tick]:
    """Yield the time of each row and its variables; time and lap of a lap without them."""
    names = [column.channel for column in plan.columns]
    for row in rows:
        values = {"SessionTime": row.at_ns / 1e9, "Lap": 1.0}
        values.update(zip(names, row.values, strict=True))
        yield origin_ns + row.at_ns, values


def _decode(ticks: Iterator[Tick], plan: Plan, facts: Facts) -> Iterator[Observation]:
    variables = {"SessionTime", "Lap", *(column.channel for column in plan.columns)}
    decoder = Ticks(dict.fromkeys(variables, ""), facts, lambda _: "")
    for at_ns, values in ticks:
        yield from decoder.tick(at_ns, values)
    yield from decoder.close()


def _length_m(ticks: Iterator[Tick]) -> float | None:
    """Return the track's length: the way by speed over the share of the lap that it makes."""
    way_m = share = 0.0
    for (_, before), (_, after) in pairwise(ticks):
        step = after["LapDistPct"] - before["LapDistPct"]
        if 0 < step < NEAR_LINE:
            way_m += (before["Speed"] + after["Speed"]) / 2 / ROWS_PER_S
            share += step
    length_m = way_m / share if share > 0.5 else math.nan
    return round(length_m, 1) if 0 < length_m < 1e6 else None


def _over_the_line(ticks: Iterator[Tick]) -> Iterator[Tick]:
    """Yield the ticks of a lap, and one on the other side of the line at both ends."""
    first = next(ticks, None)
    second = next(ticks, None)
    if first is None or second is None:
        return
    step = second[1]["LapDistPct"] - first[1]["LapDistPct"]
    yield from _beyond(first, -1, first[1]["LapDistPct"] - step)
    yield first
    before, last = first, second
    for tick in ticks:
        yield last
        before, last = last, tick
    yield last
    step = last[1]["LapDistPct"] - before[1]["LapDistPct"]
    yield from _beyond(last, 1, last[1]["LapDistPct"] + step)


def _beyond(tick: Tick, direction: int, fraction: float) -> Iterator[Tick]:
    """Yield the tick beside one, at a fraction that goes on from it, if that is over the line."""
    at_ns, values = tick
    wrapped = fraction + 1 if direction < 0 else fraction - 1
    is_over = fraction < 0 if direction < 0 else fraction >= 1
    if is_over and (0 <= wrapped < NEAR_LINE or 1 - NEAR_LINE < wrapped < 1):
        changed = {
            "LapDistPct": wrapped,
            "Lap": values["Lap"] + direction,
            "SessionTime": values["SessionTime"] + direction / ROWS_PER_S,
        }
        yield at_ns + direction * TICK_NS, values | changed
