"""Packets of a race in, laps out: the source and the fold of laps together."""

from collections.abc import Iterable

import pytest

from consumers.timing import replay
from producers.chunker import Chunker, chunks
from producers.source import Observation
from producers.sources import f1
from producers.sources.f1 import layouts
from producers.sources.f1.formats import FORMATS
from schemas.timing import Lap
from tests.tools.f1_game import START_NS, Game, timed

LAP_S, LENGTH_M, RATE_HZ = 20.0, 1000.0, 5
EACH = [
    pytest.param(one, marks=[pytest.mark.thorough] if FORMATS[0] < one < FORMATS[-1] else [])
    for one in FORMATS
]
SOME = (2018, pytest.param(2022, marks=pytest.mark.thorough), 2026)


class Race(Game):
    """Drive laps of 1000 m that take 20.01, 20.02 … s, five instants a second."""

    def __init__(self, packet_format: int) -> None:
        super().__init__(packet_format)
        self.at_m = 0.0
        self.driven = 0
        self.packets: list[tuple[int, bytes]] = []
        self.send(self.weekend(10 if packet_format < 2024 else 15, track_length=1000))

    def send(self, *packets: bytes) -> None:
        """Send packets now."""
        self.packets += [(START_NS + round(self.time_s * 1e9), packet) for packet in packets]

    def go(self, metres: float, counts: bool = True) -> "Race":
        """Drive on; the number of the lap rises at the line while `counts`."""
        lap = self.car[layouts.LAP]
        for _ in range(round(metres / LENGTH_M * LAP_S * RATE_HZ)):
            self.at_m += LENGTH_M / LAP_S / RATE_HZ
            if self.at_m >= LENGTH_M:
                self.at_m -= LENGTH_M
                lap["lap"] += counts
                self.driven += 1
                last_s = LAP_S + self.driven / 100
                lap |= {"last_lap_s": last_s, "last_lap_ms": 1000 * last_s}
            running_s = self.at_m / LENGTH_M * LAP_S
            lap |= {"distance": self.at_m, "lap_s": running_s, "lap_ms": 1000 * running_s}
            lap |= {"sector": (self.at_m >= 250) + (self.at_m >= 750)}
            self.time_s += 1 / RATE_HZ - 1 / 60
            self.send(*self.instant())
        return self


def laps(race: Race) -> dict[int, Lap]:
    """Return the driver's laps by number."""
    decoder = f1.decoder()
    items = [item for at_ns, packet in race.packets for item in decoder.feed(packet, at_ns)]
    return {lap.lap_number: lap for lap in fold(items) if lap.own}


def fold(items: Iterable[Observation]) -> list[Lap]:
    return replay.laps(chunks(items, Chunker("ada", 1, chunk_ms=50)))


@pytest.mark.parametrize("packet_format", EACH)
def test_a_race_to_the_flag_has_all_its_laps(packet_format: int) -> None:
    race = Race(packet_format).go(1990)
    race.go(20, counts=False)
    race.send(race.event(b"SEND", frame=0))
    found = {number: lap for number, lap in laps(race).items() if lap.lap_time_s}
    assert {number: lap.lap_time_s for number, lap in found.items()} == {1: 20.01, 2: 20.02}
    assert all(lap.complete and lap.valid and lap.timed_by == "sim" for lap in found.values())


@pytest.mark.parametrize("packet_format", SOME)
def test_a_lap_that_the_game_holds_invalid_does_not_count(packet_format: int) -> None:
    race = Race(packet_format).go(1500)
    race.car[layouts.LAP]["invalid"] = 1
    race.go(400).car[layouts.LAP]["invalid"] = 1
    race.go(100).car[layouts.LAP]["invalid"] = 0
    race.go(1200)
    assert [lap.valid for lap in laps(race).values()][:3] == [True, False, True]


@pytest.mark.parametrize("packet_format", SOME)
def test_a_stop_makes_an_in_lap_and_an_out_lap(packet_format: int) -> None:
    race = Race(packet_format).go(1900)
    race.car[layouts.LAP]["pit_status"] = 1
    race.go(200).car[layouts.LAP]["pit_status"] = 0
    race.go(1000)
    found = laps(race)
    assert [(found[n].in_lap, found[n].out_lap) for n in (1, 2, 3, 4)] == [
        (False, False), (True, False), (False, True), (False, False),
    ]  # fmt: skip


@pytest.mark.parametrize("packet_format", [2021, 2025])
def test_the_last_history_adds_the_lap_that_a_slow_stream_missed(packet_format: int) -> None:
    race = Race(packet_format).go(1990)
    race.send(race.history(0, timed(20_010), timed(20_500), session=0))
    race.send(race.event(b"SEND", frame=0))
    found = laps(race)
    assert (found[2].lap_time_s, found[2].complete, found[2].valid) == (20.5, True, True)
