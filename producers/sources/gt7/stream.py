"""Decode the packets of Gran Turismo 7.

The game sends no session id, no track and no distance. A session lasts until the car or the kind of
packet changes, the driver visits a menu, or the lap counter, the lap times or the time of day start
again. The clock is the packet number, 60 a second: arrival may be delayed, and a recording may be
played faster. Lap distance is the speed integrated since the line: the length of the driven path.
Oil and water temperature are passed on as sent, although the game keeps them constant. Replays
count as driving until the console has sent live driving; from then on they are left out.
"""

import math
from collections.abc import Iterator
from typing import Final

from producers.left_out import Tally
from producers.source import Began, Frame, Observation
from producers.sources.channel_order import ABSENT, Layout
from producers.sources.gt7 import channels
from producers.sources.gt7.names import car_name
from producers.sources.gt7.packet import Packet, decrypt, parse
from producers.sources.odometer import Odometer
from schemas.sim import Finished, LapReported, SessionOpened

PACKETS_PER_S: Final = 60
REORDERED_AT_MOST: Final = 600
LATE_REPORT_S: Final = 1.0
LONGEST_MS: Final = 1_000_000_000
DAY_MS: Final = 24 * 3600 * 1000


class Decoder:
    """Turn packets of Gran Turismo 7 into observations; see `producers.source.Decoder`."""

    name = "gt7"

    def __init__(self) -> None:
        self.left_out = Tally()
        self._number: int | None = None
        self._last: Packet | None = None
        self._clock_s = 0.0
        self._layout = Layout(())
        self._odometer = Odometer()
        self._laps = LapReports()
        self._finished = False
        self._been_live = False
        self._captured_ns = 0

    def recognises(self, datagram: bytes) -> bool:
        """Return whether these bytes decrypt to the game's magic."""
        return decrypt(datagram) is not None

    def feed(self, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        """Decode one packet, in order of arrival; yield its observations."""
        packet = parse(datagram)
        if packet is None or self._repeats(packet):
            self.left_out.add("unknown" if packet is None else "late")
            return
        elapsed_s = self._elapsed_s(packet)
        self._number = packet.number
        self._been_live |= packet.live
        if packet.in_menu:
            self._last = None
        if not packet.driving or (self._been_live and not packet.live):
            return
        if self._begins(packet):
            yield self._begin(packet, captured_ns)
        else:
            self._drive(packet, elapsed_s)
            yield from self._laps.feed(packet, self._clock_s, captured_ns)
            yield from self._finish(packet, captured_ns)
        self._last, self._captured_ns = packet, captured_ns
        yield Frame(captured_ns, self._layout.row(self._values(packet)))

    def close(self) -> Iterator[Observation]:
        """Yield the lap that took as long as the one before it, to the millisecond."""
        if self._last is not None:
            yield from self._laps.close(self._last, self._captured_ns)

    def _repeats(self, packet: Packet) -> bool:
        """Return whether a packet is repeated or overtaken; a large step back is a restart."""
        return self._number is not None and 0 <= self._number - packet.number < REORDERED_AT_MOST

    def _elapsed_s(self, packet: Packet) -> float:
        """Return the seconds since the packet before, below 0 when numbers began again."""
        return 0.0 if self._number is None else (packet.number - self._number) / PACKETS_PER_S

    def _begins(self, packet: Packet) -> bool:
        last = self._last
        return (
            last is None
            or packet.car != last.car
            or packet.kind != last.kind
            or packet.lap < last.lap
            or packet.live != last.live
            or last.time_of_day_ms - DAY_MS / 2 < packet.time_of_day_ms < last.time_of_day_ms
            or (packet.last_ms < 0 <= last.last_ms)
            or (packet.best_ms < 0 <= last.best_ms)
        )

    def _begin(self, packet: Packet, captured_ns: int) -> Began:
        self._odometer = Odometer()
        self._laps = LapReports(packet.last_ms)
        self._clock_s = 0.0
        self._finished = False
        self._layout = Layout(channels.names(packet))
        if packet.running_ms is not None and packet.running_ms < 1000:
            self._odometer.cross(packet.running_ms / 1000, packet.speed)
        opened = SessionOpened(
            at_ns=captured_ns,
            source=self.name,
            source_version=f"packet {packet.kind.letter}",
            kind="race" if packet.laps > 0 else "unknown",
            car_model=car_name(packet.car),
        )
        return Began("", self._layout.channels, opened)

    def _drive(self, packet: Packet, elapsed_s: float) -> None:
        last = self._last
        self._clock_s += max(elapsed_s, 0.0)
        self._odometer.advance(elapsed_s, packet.speed)
        if last is not None and packet.lap > last.lap:
            self._laps.cross(last, self._odometer.time_s)
            self._odometer.cross(_beyond_line_s(packet, last), packet.speed)

    def _finish(self, packet: Packet, captured_ns: int) -> Iterator[Finished]:
        if not self._finished and 0 < packet.laps < packet.lap:
            self._finished = True
            yield Finished(at_ns=captured_ns)

    def _values(self, packet: Packet) -> dict[str, float]:
        running = packet.running_ms
        return {
            "session_time": self._clock_s,
            "lap_number": packet.lap,
            "lap_time": self._odometer.time_s if running is None else self._running(packet),
            "last_lap_time": _seconds(packet.last_ms),
            "best_lap_time": _seconds(packet.best_ms),
            "lap_distance": self._odometer.distance_m,
            **channels.car(packet),
            **channels.motion(packet),
            **channels.wheels(packet),
        }

    def _running(self, packet: Packet) -> float:
        """Return the game's lap clock, or our own until the game's has restarted after the line."""
        running_s, driven_s = (packet.running_ms or 0) / 1000, self._odometer.time_s
        still_of_last_lap = driven_s < 1 < running_s - driven_s
        return driven_s if still_of_last_lap else running_s


class LapReports:
    """Pair the game's last lap time with its lap.

    The time changes with the lap counter or later; at the flag it may change alone.
    """

    def __init__(self, last_ms: int = -1) -> None:
        self._crossed: Packet | None = None
        self._driven_s = ABSENT
        self._waiting_since_s = ABSENT
        self._last_ms = last_ms
        self._reported = -1

    def cross(self, before: Packet, driven_s: float) -> None:
        """Note the last packet of a lap, and its duration by our clock."""
        if before.lap != self._reported:
            self._crossed, self._driven_s, self._waiting_since_s = before, driven_s, ABSENT

    def feed(self, packet: Packet, clock_s: float, captured_ns: int) -> Iterator[LapReported]:
        """Check a packet for a new lap time; yield the lap that it completes."""
        before, self._last_ms = self._last_ms, packet.last_ms
        changed = packet.last_ms != before
        if not 0 < packet.last_ms < LONGEST_MS:
            return
        if self._crossed is not None:
            if math.isnan(self._waiting_since_s):
                self._waiting_since_s = clock_s
            same = self._is_same(packet)
            late = clock_s - self._waiting_since_s > LATE_REPORT_S
            if packet.last_ms != self._crossed.last_ms or (late and same):
                yield self._report(packet, self._crossed.lap, captured_ns)
        elif changed:
            yield self._report(packet, packet.lap, captured_ns)

    def close(self, packet: Packet, captured_ns: int) -> Iterator[LapReported]:
        """Yield the lap that waits for a change of the time, where it took as long as the last."""
        if self._crossed is not None and packet.last_ms > 0 and self._is_same(packet):
            yield self._report(packet, self._crossed.lap, captured_ns)

    def _is_same(self, packet: Packet) -> bool:
        return abs(packet.last_ms / 1000 - self._driven_s) < 0.05

    def _report(self, packet: Packet, lap: int, captured_ns: int) -> LapReported:
        self._crossed, self._reported = None, lap
        return LapReported(
            at_ns=captured_ns,
            car="",
            lap_number=lap,
            lap_time_s=packet.last_ms / 1000,
            own=True,
        )


def decoder() -> Decoder:
    """Return a fresh decoder."""
    return Decoder()


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000 if milliseconds > 0 else ABSENT


def _beyond_line_s(packet: Packet, last: Packet) -> float:
    """Return the seconds since the line was crossed, by the game's clocks; 0 without them."""
    if packet.running_ms is None:
        return 0.0
    if packet.running_ms >= (last.running_ms or 0) and packet.last_ms > 0:
        return max(0.0, (packet.running_ms - packet.last_ms) / 1000)
    return packet.running_ms / 1000
