"""Decode iRacing's variables, tick by tick; for the live reader and for files."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Final

from msgspec import Struct

from producers.source import Began, Frame, Observation
from producers.sources.channel_order import ABSENT, Layout
from producers.sources.iracing.channels import Reading, readings
from producers.sources.iracing.field import ARRAYS, UNLIMITED_S, Arrays, Field, Standing
from producers.sources.iracing.laps import LapBook
from producers.sources.iracing.session import Facts
from producers.sources.iracing.verdicts import TimedLap
from producers.sources.projection import Projection
from schemas.sim import Finished, LapReported, SessionKind, SessionOpened

REQUIRED: Final = ("SessionTime", "Lap", "LapDistPct", "Speed")
STATE: Final = (
    *REQUIRED,
    "SessionNum",
    "SessionState",
    "LapDist",
    "LapLastLapTime",
    "LapCurrentLapTime",
    "IsOnTrack",
    "IsReplayPlaying",
    "Lat",
    "Lon",
    "VelocityX",
    "VelocityY",
    "Yaw",
    "Pitch",
    "Roll",
    "VertAccel",
    "SessionFlags",
    "SessionTimeRemain",
)
NUMBERED: Final = (*REQUIRED, "SessionNum")
CHECKERED: Final = 5
BACK_S: Final = 1.0
"""A larger step back of session time is a session that begins again."""

DERIVED: Final = ("lap_time", "sector", "world_x", "world_y")
GAPS: Final = ("gap_ahead", "gap_behind")


class Tick(Struct, frozen=True):
    """Hold iRacing's variables at one instant, and their decoder.

    `arrays` are the variables with a value for each car, empty unless they are due.
    """

    captured_ns: int
    values: Mapping[str, float]
    ticks: "Ticks"
    arrays: Arrays = {}


class Ticks:
    """Turn ticks into observations.

    `units` holds the unit of every variable of the sim; `session` returns the id of a session by
    its number in the weekend.
    """

    def __init__(
        self, units: Mapping[str, str], facts: Facts, session: Callable[[int], str]
    ) -> None:
        self.facts = facts
        self._session = session
        self._readings = readings(units, facts)
        self._getters = tuple(map(_getter, self._readings))
        state = tuple(name for name in STATE if name in units)
        read = {name for reading in self._readings for name in reading.variables}
        self.variables = tuple(dict.fromkeys((*state, *sorted(read))))
        self.field = Field()
        self.arrays = ARRAYS if all(name in units for name in ARRAYS) else ()
        gaps = GAPS if self.arrays else ()
        channels = [reading.channel for reading in self._readings]
        self._layout = Layout([*channels, *DERIVED, *gaps])
        self._number: int | None = None
        self._time_s = ABSENT
        self._captured_ns = 0
        self._begun: Counter[int] = Counter()
        self._book = LapBook(facts.sector_starts)
        self._path = Path(facts)
        self._finished = False
        self._length_m = facts.track_length_m

    def tick(
        self, captured_ns: int, values: Mapping[str, float], arrays: Arrays | None = None
    ) -> Iterator[Observation]:
        """Decode the values of `variables` at one instant; yield their observations.

        `arrays` are those of `self.arrays`, whenever they were read.
        """
        if not _driving(values):
            yield from self._beside_track(captured_ns, values)
            return
        number = int(values.get("SessionNum", 0))
        time_s, fraction = values["SessionTime"], values["LapDistPct"]
        if number != self._number or time_s < self._time_s - BACK_S:
            yield from self.close()
            self._number = number
            yield self._begin(captured_ns, number, values)
        self._time_s, self._captured_ns = time_s, captured_ns
        last_s = values.get("LapLastLapTime", ABSENT)
        timed = self._book.tick(time_s, int(values["Lap"]), fraction, last_s)
        yield from self._report(captured_ns, timed)
        if not self._finished and values.get("SessionState", 0) >= CHECKERED:
            self._finished = True
            yield Finished(at_ns=captured_ns)
        row = self._row(values)
        yield Frame(captured_ns, self._layout.row(row))
        if arrays:
            yield from self.field.read(arrays, self._standing(captured_ns, values, row))

    def _standing(
        self, captured_ns: int, values: Mapping[str, float], row: Mapping[str, float]
    ) -> Standing:
        session_number, left_s = self._number or 0, values.get("SessionTimeRemain", ABSENT)
        flags = values.get("SessionFlags", 0.0)
        return Standing(
            at_ns=captured_ns,
            kind=self._kind(session_number),
            session_number=session_number,
            session_time_s=values["SessionTime"],
            time_left_s=round(left_s, 3) if 0 <= left_s < UNLIMITED_S else None,
            flags=0 if math.isnan(flags) else int(flags),
            track_length_m=self._length_m,
            x=row["world_x"],
            y=row["world_y"],
        )

    def _kind(self, session_number: int) -> SessionKind:
        kinds = self.facts.kinds
        return kinds[session_number] if 0 <= session_number < len(kinds) else "unknown"

    def close(self) -> Iterator[Observation]:
        """Yield the lap that the sim has judged by the end of the session or of the data."""
        yield from self._report(self._captured_ns, self._book.close())

    def _beside_track(self, captured_ns: int, values: Mapping[str, float]) -> Iterator[Observation]:
        """Read the time of the last lap, which may come when its driver has left the car."""
        time_s, last_s = values["SessionTime"], values.get("LapLastLapTime", ABSENT)
        same = values.get("SessionNum", 0) == self._number and time_s >= self._time_s
        if same and not values.get("IsReplayPlaying", 0):
            yield from self._report(captured_ns, self._book.aside(time_s, last_s))

    def _report(self, captured_ns: int, timed: TimedLap | None) -> Iterator[Observation]:
        if timed is not None:
            yield LapReported(
                at_ns=captured_ns,
                car=self.facts.car,
                lap_number=timed.number,
                lap_time_s=timed.time_s or 0.0,
                own=True,
                sectors_s=timed.sectors_s,
                valid=None if timed.time_s else False,
            )

    def _begin(self, captured_ns: int, number: int, values: Mapping[str, float]) -> Began:
        facts = self.facts
        self._book = LapBook(facts.sector_starts)
        self._path = Path(facts)
        self._finished = False
        self._length_m = _length_m(values) or facts.track_length_m
        opened = SessionOpened(
            at_ns=captured_ns,
            source="iracing",
            source_version=facts.build,
            kind=self._kind(number),
            track=facts.track,
            track_length_m=self._length_m,
            car=facts.car,
            car_model=facts.car_model,
            sectors=len(facts.sector_starts),
        )
        self._begun[number] += 1
        session, times = self._session(number), self._begun[number]
        again = f"-{times}" if session and times > 1 else ""
        return Began(session + again, self._layout.channels, opened)

    def _row(self, values: Mapping[str, float]) -> dict[str, float]:
        row = {
            reading.channel: reading.convert(*getter(values))
            for reading, getter in zip(self._readings, self._getters, strict=True)
        }
        since_line_s = values["SessionTime"] - self._book.started_s
        # The sim's lap clock restarts most of a second after the line, so ours comes first.
        clock_s = values.get("LapCurrentLapTime", ABSENT)
        row["lap_time"] = clock_s if math.isnan(since_line_s) else since_line_s
        row["sector"] = self._book.sector if self.facts.sector_starts else ABSENT
        row["world_x"], row["world_y"] = self._path.move(values)
        row["gap_ahead"], row["gap_behind"] = self.field.gap_ahead_s, self.field.gap_behind_s
        return row


class Path:
    """Follow the car on the map: x east, y north in metres from the track's origin.

    Without latitude and longitude the velocity is integrated. As integration drifts, each start of
    a lap resets the position to the same place.
    """

    def __init__(self, facts: Facts) -> None:
        self._projection = Projection(facts.origin)
        turn = 0.0 if facts.north_offset is None else math.pi / 2 - facts.north_offset
        self._turn = turn
        self._x = self._y = 0.0
        self._line: tuple[float, float] | None = None
        self._time_s = self._fraction = ABSENT

    def move(self, values: Mapping[str, float]) -> tuple[float, float]:
        """Return the position (x, y) in metres; NaN when the sim has no variables for it."""
        if "Lat" in values and "Lon" in values:
            return self._projection.place(values["Lat"], values["Lon"])
        if not {"VelocityX", "VelocityY", "Yaw"} <= values.keys():
            return ABSENT, ABSENT
        self._integrate(values)
        return self._x, self._y

    def _integrate(self, values: Mapping[str, float]) -> None:
        elapsed_s = values["SessionTime"] - self._time_s
        yaw = values["Yaw"] + self._turn
        ahead, left = values["VelocityX"], values["VelocityY"]
        if 0 <= elapsed_s < 1:
            self._x += (ahead * math.cos(yaw) - left * math.sin(yaw)) * elapsed_s
            self._y += (ahead * math.sin(yaw) + left * math.cos(yaw)) * elapsed_s
        if self._fraction > 0.9 and values["LapDistPct"] < 0.1:
            self._line = self._line or (self._x, self._y)
            self._x, self._y = self._line
        self._time_s, self._fraction = values["SessionTime"], values["LapDistPct"]


def _getter(reading: Reading) -> Callable[[Mapping[str, float]], tuple[float, ...]]:
    if len(reading.variables) == 1:
        name = reading.variables[0]
        return lambda values: (values[name],)
    return itemgetter(*reading.variables)


def _driving(values: Mapping[str, float]) -> bool:
    """Return whether the car is on track; a car that is being placed has all zeros."""
    if any(math.isnan(values.get(name, 0)) for name in NUMBERED):
        return False
    if not values.get("IsOnTrack", 1) or values.get("IsReplayPlaying", 0):
        return False
    placed = [values[name] for name in ("Yaw", "Pitch", "Roll", "VertAccel") if name in values]
    return not placed or any(placed)


def _length_m(values: Mapping[str, float]) -> float | None:
    """Return the track length in m, more exactly than session info has it; None if unknown."""
    fraction, distance = values["LapDistPct"], values.get("LapDist", 0.0)
    plausible = 0.02 < fraction <= 1 and 0 < distance < 1e6
    return round(distance / fraction, 2) if plausible else None
