"""Report finished laps, of the driver's car and of others, from several kinds of packet.

Lap data holds the time of a lap when it ends. The session history (since 2021) corrects it, adds
sectors and validity, and covers the other cars. At the flag the lap number does not change.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from producers.sources.f1.channels import LONGEST_S, Fields, seconds
from producers.sources.f1.layouts import MAX_LAPS, PacketLayout
from schemas.sim import LapReported

AGREES_S: Final = 1.0
"""Largest difference between a lap's time and its last running time."""

SAME_S: Final = 0.1
SUM_AGREES_S: Final = 0.005
LAP_VALID: Final = 1


class Finished(Struct, frozen=True):
    """Hold a finished lap; `valid` is None when the game does not judge it."""

    number: int
    time_s: float
    sectors_s: tuple[float, ...] = ()
    valid: bool | None = None


class LapBook:
    """Record the laps reported in a session, so that each state of a lap is reported once.

    `own` is the index of the driver's car, None for none. `others` is whether the other cars are
    real: in a time trial they are ghosts. `best_s` is the best lap by car, since 2021.
    """

    def __init__(self, own: int | None) -> None:
        self._own = own
        self.others = False
        self.best_s: dict[int, float] = {}
        self._reported: dict[tuple[int, int], Finished] = {}
        self._histories: dict[int, bytes] = {}
        self._clocks: dict[int, LapClock] = {}
        self._session_best: Finished | None = None
        self._forgets = False

    def lap_data(self, car: int, fields: Fields, at_ns: int) -> Iterator[LapReported]:
        """Read the lap data of a car; yield the lap that it finishes."""
        if car == self._own and self._forgets:
            self._forget(fields["lap"])
        finished = self._clocks.setdefault(car, LapClock()).tick(fields)
        known = self._reported.get((car, finished.number)) if finished else None
        if finished is not None and (known is None or known.time_s != finished.time_s):
            yield from self._report(car, finished, at_ns)

    def history(self, packet: bytes, layout: PacketLayout, at_ns: int) -> Iterator[LapReported]:
        """Read the session history of a car; yield the laps that it adds or corrects."""
        head = layout.head.read(packet, layout.head_at)
        car, count = head["car"], min(head["laps"], MAX_LAPS)
        content = packet[layout.head_at : layout.item_at(count)]
        if self._histories.get(car) == content or not (car == self._own or self.others):
            return
        self._histories[car] = content
        for index in range(count):
            fields = layout.item.read(packet, layout.item_at(index))
            finished = _finished(index + 1, fields, bool(fields["valid"] & LAP_VALID))
            if finished is None:
                continue
            if head["best_lap"] == finished.number:
                self.best_s[car] = finished.time_s
            yield from self._report(car, finished, at_ns)

    def time_trial(self, fields: Fields) -> None:
        """Note the best lap of a time trial; `lap_positions` gives its number later."""
        if fields["car"] == self._own:
            self._session_best = _finished(0, fields, bool(fields["valid"]))

    def lap_positions(self, begun: int, at_ns: int) -> Iterator[LapReported]:
        """Note how many laps the driver has begun; yield the best lap if it was not reported."""
        best, number = self._session_best, begun - 1
        self._session_best = None
        if best is None or self._own is None or number < 1:
            return
        known = [lap.time_s for (car, _), lap in self._reported.items() if car == self._own]
        if best.time_s not in known and (self._own, number) not in self._reported:
            numbered = Finished(number, best.time_s, best.sectors_s, best.valid)
            yield from self._report(self._own, numbered, at_ns)

    def flash_back(self) -> None:
        """Forget reports, at the next lap data, of the laps that are driven once more."""
        self._forgets = True

    def _forget(self, number: int) -> None:
        own = self._own
        self._reported = {
            (car, lap): finished
            for (car, lap), finished in self._reported.items()
            if car != own or lap < number
        }
        self._histories = {car: seen for car, seen in self._histories.items() if car != own}
        self._clocks = {car: clock for car, clock in self._clocks.items() if car != own}
        self._forgets = False

    def _report(self, car: int, finished: Finished, at_ns: int) -> Iterator[LapReported]:
        if not (car == self._own or self.others):
            return
        if self._reported.get((car, finished.number)) == finished:
            return
        self._reported[car, finished.number] = finished
        yield LapReported(
            at_ns=at_ns,
            car=str(car),
            lap_number=finished.number,
            lap_time_s=finished.time_s,
            own=car == self._own,
            sectors_s=finished.sectors_s,
            valid=finished.valid,
        )


class LapClock:
    """Follow the lap data of one car and detect the end of a lap."""

    def __init__(self) -> None:
        self._before: Fields | None = None
        self._ended: Fields | None = None

    def tick(self, fields: Fields) -> Finished | None:
        """Read lap data; return the lap whose time they hold for the first time."""
        before, self._before = self._before, fields
        if before is None or fields["lap"] < before["lap"]:
            self._ended = None
            return None
        if fields["lap"] > before["lap"]:
            self._ended = before
        time_s = seconds(fields, "last_lap")
        if math.isnan(time_s):
            return None
        changed = time_s != seconds(before, "last_lap")
        stays = fields["lap"] == before["lap"]
        if changed and stays and abs(time_s - seconds(before, "lap")) < AGREES_S:
            # At the flag the time changes, but the lap number does not.
            self._ended = None
            return _timed(before["lap"], before, time_s)
        ended = self._ended
        if ended is None:
            return None
        same = fields["lap"] > before["lap"] and abs(time_s - seconds(ended, "lap")) < SAME_S
        if not changed and not same:
            return None
        self._ended = None
        whole = fields["lap"] == ended["lap"] + 1
        return _timed(fields["lap"] - 1, ended if whole else None, time_s)


def _timed(number: int, lap: Fields | None, time_s: float) -> Finished:
    """Return a finished lap; `lap` is its last lap data, None when these are unknown."""
    time_s = round(time_s, 3)
    if lap is None:
        return Finished(number, time_s)
    first_s, second_s = seconds(lap, "sector1"), seconds(lap, "sector2")
    sectors_s = tuple(round(s, 3) for s in (first_s, second_s, time_s - first_s - second_s))
    plausible = all(0 < sector_s < time_s for sector_s in sectors_s)
    return Finished(number, time_s, sectors_s if plausible else (), not lap["invalid"])


def _finished(number: int, fields: dict[str, Any] | Fields, valid: bool) -> Finished | None:
    """Return a lap of a history, None without a time; drop sectors that do not add up to it.

    They do not where a sector is longer than an old format can hold.
    """
    time_s = seconds(fields, "lap")
    if not 0 < time_s < LONGEST_S:
        return None
    sectors_s = tuple(seconds(fields, f"sector{sector}") for sector in (1, 2, 3))
    whole = abs(sum(sectors_s) - time_s) <= SUM_AGREES_S
    return Finished(number, time_s, sectors_s if whole else (), valid)
