"""All cars of iRacing's race at one instant: variables with a value for each car, live only."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from producers.sources.cadence import slot
from producers.sources.channel_order import ABSENT
from producers.sources.iracing.session import capacity_l, number, records, text
from schemas.sim import MAX_CARS, CarSeen, CarsSeen, Entry, RaceDescribed, SessionKind

ARRAYS: Final = (
    "CarIdxLap",
    "CarIdxLapDistPct",
    "CarIdxPosition",
    "CarIdxF2Time",
    "CarIdxOnPitRoad",
    "CarIdxTrackSurface",
    "CarIdxLastLapTime",
    "CarIdxBestLapTime",
)
NOT_IN_WORLD: Final = -1
CAUTION: Final = 0x4000 | 0x8000
"""The bits of SessionFlags for a full-course caution, waving or not."""

UNLIMITED_S: Final = 604_800.0
"""The time that remains in a session without a clock."""

UNLIMITED_LAPS: Final = 32_767

Arrays = Mapping[str, Sequence[float]]


class Roster(Struct, frozen=True):
    """Hold who is in the race, by the sim's index, and the laps of each session of the weekend."""

    own: int = -1
    entries: dict[int, Entry] = {}
    laps: tuple[int | None, ...] = ()
    fuel_capacity: float | None = None


class Standing(Struct, frozen=True):
    """State what the tick says of the session, and its track."""

    at_ns: int
    kind: SessionKind
    session_number: int
    session_time_s: float
    time_left_s: float | None
    flags: int
    track_length_m: float | None
    x: float
    y: float


def roster(parsed: Mapping[str, dict[str, Any]]) -> Roster:
    """Pick the cars from the parsed sections of session info, without pace car and spectators."""
    drivers = parsed.get("DriverInfo", {})
    racing = [
        one
        for one in records(drivers, "Drivers")
        if text(one, "CarIsPaceCar") != "1" and text(one, "IsSpectator") != "1"
    ]
    sessions = records(parsed.get("SessionInfo", {}), "Sessions")
    return Roster(
        own=_index(drivers, "DriverCarIdx"),
        entries={_index(one, "CarIdx"): _entry(one) for one in racing},
        laps=tuple(_laps(one) for one in sessions),
        fuel_capacity=capacity_l(drivers),
    )


def _entry(one: dict[str, Any]) -> Entry:
    shown = text(one, "CarNumber").strip('"')[:128]
    return Entry(
        car=shown or text(one, "CarIdx"),
        driver=text(one, "UserName")[:128],
        number=shown,
        model=text(one, "CarScreenName")[:128],
        car_class=text(one, "CarClassShortName")[:128],
    )


def _index(section: dict[str, Any], key: str) -> int:
    found = number(section, key)
    return -1 if found is None else int(found)


def _laps(session: dict[str, Any]) -> int | None:
    found = number(session, "SessionLaps")
    return int(found) if found and found < UNLIMITED_LAPS else None


class Field:
    """Turn the arrays of a tick into the cars of the race, five times a second.

    `gap_ahead_s` and `gap_behind_s` are those to the cars beside the own one in the order of the
    race.
    """

    def __init__(self) -> None:
        self.roster = Roster()
        self.gap_ahead_s = self.gap_behind_s = ABSENT
        self._race = RaceDescribed(at_ns=0)
        self._slot = -1

    def read(self, arrays: Arrays, now: Standing) -> Iterator[RaceDescribed | CarsSeen]:
        """Yield the race where it changed, and its cars where they are due."""
        time_s = now.session_time_s
        if not arrays or slot(time_s) == self._slot:
            return
        self._slot = slot(time_s)
        yield from self._describe(now)
        shown = [
            index
            for index in sorted(self.roster.entries)
            if 0 <= index < min(len(values) for values in arrays.values())
            and (index == self.roster.own or arrays["CarIdxLap"][index] >= 0)
        ]
        if len(shown) < 2:
            return
        cars = [self._car(index, arrays, now) for index in shown]
        self._measure_gaps(cars)
        cars.sort(key=lambda car: car.position or MAX_CARS + 1)
        yield CarsSeen(
            at_ns=now.at_ns,
            own=self._name(self.roster.own),
            session_time_s=round(time_s, 3),
            time_left_s=now.time_left_s,
            cars=tuple(cars[:MAX_CARS]),
            left_out=max(0, len(cars) - MAX_CARS),
        )

    def _name(self, index: int) -> str:
        entry = self.roster.entries.get(index)
        return entry.car if entry else ""

    def _describe(self, now: Standing) -> Iterator[RaceDescribed]:
        known, at = self.roster, now.session_number
        entries = tuple(known.entries[index] for index in sorted(known.entries))
        described = RaceDescribed(
            at_ns=0,
            entries=entries[:MAX_CARS],
            laps=known.laps[at] if now.kind == "race" and 0 <= at < len(known.laps) else None,
            fuel_capacity=known.fuel_capacity,
            race_control="caution" if now.flags & CAUTION else "",
        )
        if described != self._race:
            self._race = described
            yield RaceDescribed(
                at_ns=now.at_ns,
                entries=described.entries,
                laps=described.laps,
                fuel_capacity=described.fuel_capacity,
                race_control=described.race_control,
            )

    def _car(self, index: int, arrays: Arrays, now: Standing) -> CarSeen:
        of = {name: values[index] for name, values in arrays.items()}
        fraction, length_m = of["CarIdxLapDistPct"], now.track_length_m
        on_track = 0 <= fraction <= 1 and length_m is not None
        own = index == self.roster.own
        return CarSeen(
            car=self._name(index),
            lap=int(of["CarIdxLap"]) if of["CarIdxLap"] >= 0 else None,
            distance_dm=round(10 * fraction * (length_m or 0.0)) if on_track else None,
            x_dm=round(10 * now.x) if own and math.isfinite(now.x) else None,
            y_dm=round(10 * now.y) if own and math.isfinite(now.y) else None,
            position=int(of["CarIdxPosition"]) if of["CarIdxPosition"] > 0 else None,
            gap_ms=_gap_ms(of, now.kind),
            where=_where(of),
            last_ms=_ms(of["CarIdxLastLapTime"]),
            best_ms=_ms(of["CarIdxBestLapTime"]),
        )

    def _measure_gaps(self, cars: Sequence[CarSeen]) -> None:
        own = self._name(self.roster.own)
        behind = {car.position: car.gap_ms for car in cars if car.position is not None}
        at = next((car.position for car in cars if car.car == own), None) or 0
        self.gap_ahead_s = _apart_s(behind.get(at - 1), behind.get(at))
        self.gap_behind_s = _apart_s(behind.get(at), behind.get(at + 1))


def _apart_s(first_ms: int | None, second_ms: int | None) -> float:
    """Return the time between two cars; NaN where one of them is unknown."""
    return ABSENT if first_ms is None or second_ms is None else (second_ms - first_ms) / 1000


def _where(of: Mapping[str, float]) -> Literal["track", "pit", "garage"]:
    if of["CarIdxTrackSurface"] == NOT_IN_WORLD:
        return "garage"
    return "pit" if of["CarIdxOnPitRoad"] else "track"


def _gap_ms(of: Mapping[str, float], kind: SessionKind) -> int | None:
    """Return the time behind the leader; outside of races the sim gives a lap time instead."""
    if kind != "race" or of["CarIdxPosition"] <= 0:
        return None
    if of["CarIdxPosition"] == 1:
        return 0
    return _ms(of["CarIdxF2Time"])


def _ms(time_s: float) -> int | None:
    return round(1000 * time_s) if 0 < time_s < 1e6 else None
