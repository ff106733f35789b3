"""Real instruments round, lag, wander and lose frames; they do not change the drive."""

from statistics import mean, pstdev

import pytest
from msgspec.msgpack import encode
from msgspec.structs import replace

from consumers.timing.replay import laps
from producers.chunker import Chunker, chunks
from producers.sources.sim import Race, drive
from producers.sources.sim.noise import DISTANCE_M, LATE_S
from schemas.sim import LapReported
from tests.tools.sim_drives import START_NS, Row, driven, rows_driven

EXACT = Race(track="pebble-lane", laps=2)
REAL = replace(EXACT, noise=True)


def pairs() -> list[tuple[Row, Row]]:
    """Pair each frame that real instruments give with the exact one."""
    exact = {row["session_time"]: row for row in rows_driven(EXACT)}
    return [(row, exact[row["session_time"]]) for row in rows_driven(REAL)]


def test_the_same_race_is_measured_the_same_way_again() -> None:
    assert encode(list(drive(REAL, START_NS))) == encode(driven(REAL))


def test_the_reports_are_those_of_the_exact_drive() -> None:
    exact, real = (
        [item for item in driven(race) if isinstance(item, LapReported)] for race in (EXACT, REAL)
    )
    assert exact == real


def test_speed_is_in_whole_kilometres_an_hour() -> None:
    for real, exact in pairs():
        assert real["speed"] * 3.6 == pytest.approx(round(real["speed"] * 3.6), abs=1e-4)
        assert real["speed"] == pytest.approx(exact["speed"], abs=0.14)


def test_distance_wanders_by_decimetres_and_meets_the_line() -> None:
    off_m = [real["lap_distance"] - exact["lap_distance"] for real, exact in pairs()]
    assert abs(mean(off_m)) < DISTANCE_M / 2
    assert DISTANCE_M / 2 < pstdev(off_m) < 1.5 * DISTANCE_M
    at_line = [
        real["lap_distance"] - exact["lap_distance"]
        for real, exact in pairs()
        if exact["lap_distance"] < 1
    ]
    assert at_line and max(map(abs, at_line)) < 0.1


def test_pedals_come_late_in_whole_percents_and_bite_unevenly() -> None:
    ratios = []
    for real, exact in pairs():
        for pedal in ("throttle", "brake"):
            assert 0 <= real[pedal] <= 1
            assert real[pedal] * 100 == pytest.approx(round(real[pedal] * 100), abs=1e-4)
        if exact["brake"] > 0.4:
            ratios.append(real["brake"] / exact["brake"])
    assert 0.03 < pstdev(ratios) < 0.3


def test_frames_are_lost_and_late_but_in_order() -> None:
    assert 0.98 < len(rows_driven(REAL)) / len(rows_driven(EXACT)) < 0.999
    times = [item.captured_ns for item in driven(REAL) if hasattr(item, "captured_ns")]
    assert times == sorted(times)
    exact = {round(row["session_time"] * 60): row for row in rows_driven(REAL)}
    late_s = [
        (at_ns - START_NS) / 1e9 - number / 60 for at_ns, number in zip(times, exact, strict=True)
    ]
    assert min(late_s) >= -1e-6 and max(late_s) <= LATE_S + 1e-6


def test_timing_finds_the_laps_of_real_instruments() -> None:
    found = {
        lap.lap_number: lap for lap in laps(chunks(driven(REAL), Chunker("ada", 1, chunk_ms=50)))
    }
    for report in (item for item in driven(REAL) if isinstance(item, LapReported)):
        assert found[report.lap_number].lap_time_s == report.lap_time_s
        assert found[report.lap_number].complete
