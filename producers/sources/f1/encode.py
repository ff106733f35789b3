"""Encode the observations of any source as packets of format 2025.

A simulated car, or a recording of another game, drives the real source this way. The packets hold
no more than the game's: an absent channel becomes 0, as the game sends it.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final

from producers.source import Began, Frame, Observation
from producers.sources.f1 import layouts, native
from producers.sources.f1.layouts import LAYOUTS
from producers.sources.f1.names import TEAMS, TRACKS, team_name
from producers.sources.f1.native import Values, split
from schemas.channels import CHANNELS
from schemas.sim import Finished, LapReported, Rewound, SessionOpened

FORMAT: Final = 2025
SESSION_TYPES: Final = {"practice": 1, "test": 1, "qualifying": 5, "race": 15, "time_trial": 18}
NOBODY: Final = 255
EVERY_S: Final = {layouts.DAMAGE: 0.1, layouts.SESSION: 0.5, layouts.PARTICIPANTS: 5.0}
"""Intervals of the packets that the game does not send with every frame."""


class Encoder:
    """Turn the observations of one source into packets.

    `session` is the game's id of the first session, not 0; each later session adds 1.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        self._began_ns = 0
        self._names: tuple[str, ...] = ()
        self._opened = SessionOpened(at_ns=0, source="")
        self._time_s = 0.0
        self._frame = self._overall = 0
        self._due = dict.fromkeys(EVERY_S, 0.0)
        self._sectors = SectorClock()
        self._rewinds = False
        self._laps: dict[int, LapReported] = {}
        self._now: Values = {}

    def feed(self, observation: Observation) -> Iterator[bytes]:
        """Encode one observation; yield its packets."""
        match observation:
            case Began():
                yield from self._begin(observation)
            case SessionOpened():
                self._opened = observation
                yield self._session_packet(self._now)
            case Frame():
                yield from self._frame_packets(observation)
            case LapReported(own=True):
                self._laps[observation.lap_number] = observation
                yield self._history()
            case Rewound(session_time_s=back_s):
                yield self._flash_back(back_s)
            case Finished():
                yield self._event(b"SEND", frame=0)

    def _begin(self, began: Began) -> Iterator[bytes]:
        self._session += bool(self._names)
        self._names = tuple(CHANNELS[channel].name for channel in began.channels)
        self._opened, self._began_ns, self._time_s = began.opened, began.opened.at_ns, 0.0
        self._sectors, self._laps, self._now = SectorClock(), {}, {}
        yield self._event(b"SSTA")
        yield self._session_packet({})

    @property
    def _player(self) -> int:
        car = self._opened.car
        return int(car) if car.isdecimal() and int(car) < 22 else 0

    def _packet(
        self,
        kind: int,
        head: Values | None = None,
        cars: Mapping[int, Values] | None = None,
        frame: int | None = None,
    ) -> bytes:
        layout = LAYOUTS[FORMAT, kind]
        packet = bytearray(layout.size)
        header = {
            "format": FORMAT,
            "year": FORMAT - 2000,
            "major": 1,
            "version": 1,
            "packet": kind,
            "session": self._session,
            "time_s": self._time_s,
            "frame": self._frame if frame is None else frame,
            "overall_frame": self._overall if frame is None else frame,
            "player": self._player,
            "second_player": NOBODY,
        }
        layout.header.write(packet, 0, header)
        layout.head.write(packet, layout.head_at, head or {})
        for index, values in (cars or {}).items():
            layout.item.write(packet, layout.item_at(index), values)
        return bytes(packet)

    def _frame_packets(self, frame: Frame) -> Iterator[bytes]:
        named = zip(self._names, frame.values, strict=True)
        self._now = now = {name: value for name, value in named if math.isfinite(value)}
        self._time_s = now.get("session_time", (frame.captured_ns - self._began_ns) / 1e9)
        self._frame += 1
        self._overall += 1
        self._sectors.tick(now)
        if self._rewinds:
            number = now.get("lap_number", 0)
            self._laps = {n: lap for n, lap in self._laps.items() if n < number}
            self._rewinds = False
        if self._is_due(layouts.SESSION):
            yield self._session_packet(now)
            yield self._history()
        if self._is_due(layouts.PARTICIPANTS):
            yield self._participants()
        car = self._player
        if self._is_due(layouts.DAMAGE):
            yield self._packet(layouts.DAMAGE, cars={car: native.damage(now)})
        lap = {**native.lap(now), **self._sectors.times()}
        yield self._packet(layouts.LAP, cars={car: lap})
        yield self._packet(layouts.MOTION, cars={car: native.motion(now)})
        yield self._packet(layouts.MOTION_EX, native.movement(now))
        yield self._packet(layouts.TELEMETRY, cars={car: native.telemetry(now)})
        yield self._packet(layouts.STATUS, cars={car: native.status(now)})

    def _is_due(self, kind: int) -> bool:
        due = not self._time_s < self._due[kind] <= self._time_s + EVERY_S[kind]
        if due:
            self._due[kind] = self._time_s + EVERY_S[kind]
        return due

    def _session_packet(self, now: Values) -> bytes:
        opened = self._opened
        head = {
            "air_temp": now.get("air_temp", 0),
            "track_temp": now.get("track_temp", 0),
            "time_left": now.get("session_time_left", 0),
            "total_laps": now["laps_left"] + now.get("lap_number", 1) - 1
            if "laps_left" in now
            else 0,
            "track_length": opened.track_length_m or 0,
            "session_type": SESSION_TYPES.get(opened.kind, 0),
            "track": next((n for n, name in TRACKS.items() if name == opened.track), -1),
            "spectated": NOBODY,
        }
        return self._packet(layouts.SESSION, head)

    def _participants(self) -> bytes:
        model = self._opened.car_model
        team = next((n for n in TEAMS if team_name(FORMAT, n) == model), NOBODY)
        return self._packet(layouts.PARTICIPANTS, {"cars": 1}, {self._player: {"team": team}})

    def _history(self) -> bytes:
        number = int(self._now.get("lap_number", 0))
        laps = {n: lap for n, lap in self._laps.items() if 1 <= n <= layouts.MAX_LAPS}
        valid = {n: lap.lap_time_s for n, lap in laps.items() if lap.valid is not False}
        head = {
            "car": self._player,
            "laps": min(max([number, *laps]), layouts.MAX_LAPS),
            "best_lap": min(valid, key=lambda n: valid[n], default=0),
        }
        items = {n - 1: native.history(lap) for n, lap in laps.items()}
        return self._packet(layouts.HISTORY, head, items)

    def _flash_back(self, back_s: float) -> bytes:
        gone_s = max(0.0, self._time_s - back_s)
        rate_hz = self._frame / self._time_s if self._time_s > 0 else 0.0
        target = max(0, self._frame - round(gone_s * rate_hz))
        self._rewinds = True
        event = self._event(b"FLBK", {"flashback_frame": target, "flashback_s": back_s})
        self._frame = target
        return event

    def _event(self, code: bytes, details: Values | None = None, frame: int | None = None) -> bytes:
        packet = bytearray(self._packet(layouts.EVENT, details, frame=frame))
        at = LAYOUTS[FORMAT, layouts.EVENT].head_at
        packet[at : at + 4] = code
        return bytes(packet)


class SectorClock:
    """Time the sectors of the current lap."""

    def __init__(self) -> None:
        self._lap = self._sector = math.nan
        self._marks_s: list[float] = []

    def tick(self, now: Values) -> None:
        """Note a frame's sector, lap number and running lap time."""
        lap, sector = now.get("lap_number", 0), now.get("sector", 0)
        if lap != self._lap or sector < self._sector:
            self._marks_s = []
        elif sector == self._sector + 1:
            self._marks_s.append(now.get("lap_time", 0.0))
        self._lap, self._sector = lap, sector

    def times(self) -> Values:
        """Return the packet fields of the first two sectors' times, 0 until they are driven."""
        first_s, second_s = (*self._marks_s, 0.0, 0.0)[:2]
        return {
            **split("sector1", first_s),
            **split("sector2", second_s - first_s if second_s > 0 else 0.0),
        }
