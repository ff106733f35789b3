"""The sim's own time of a lap comes by a report, by its channel, or by both."""

import pytest

from consumers.timing.replay import laps
from schemas.sim import Rewound
from tests.tools.drives import NAN, Drive, final, report


def started(**channels: float) -> Drive:
    """Return a drive whose lap 2 has just begun; a lap takes 20 s."""
    return Drive(at_m=900.0, clock=True).set(**channels).go(100)


def timed(drive: Drive) -> dict[int, tuple[float | None, str]]:
    """Return time and origin of each lap that has ended."""
    found = final(drive).items()
    return {n: (lap.lap_time_s and round(lap.lap_time_s, 3), lap.timed_by) for n, lap in found}


def test_a_report_counts_more_than_the_channel_and_the_crossings() -> None:
    drive = report(started(last_lap_time=NAN).go(1000), 2, 20.05)
    assert timed(drive.set(last_lap_time=20.12).go(500))[2] == (20.05, "sim")


def test_a_corrected_report_replaces_the_earlier_one() -> None:
    drive = report(report(started().go(1000), 2, 20.05).go(500), 2, 20.06, valid=False).go(100)
    assert timed(drive)[2] == (20.06, "sim")
    assert not final(drive)[2].valid


def test_a_report_that_a_flashback_took_back_does_not_count() -> None:
    drive = started().go(1000)
    back_s = drive.clock_s - 5
    report(drive, 2, 20.05).go(100)
    drive.emit(Rewound(at_ns=drive.at_ns, session_time_s=back_s))
    drive.clock_s, drive.at_m, drive.state["lap_number"] = back_s, 750.0, 2
    assert final(drive.go(100))[2].lap_time_s is None
    assert timed(report(drive.go(150), 2, 20.07).go(100))[2] == (20.07, "sim")


def test_a_time_in_the_channel_belongs_to_the_lap_that_just_ended() -> None:
    drive = started(last_lap_time=19.5).go(1010).set(last_lap_time=20.125).go(500)
    assert timed(drive)[2] == (20.125, "sim")


def test_a_time_that_arrives_a_lap_late_belongs_to_the_lap_that_took_as_long() -> None:
    drive = started(last_lap_time=19.5).go(1000).go(1000, 40)
    drive.set(last_lap_time=20.125).go(500)
    assert timed(drive)[2] == (20.125, "sim")
    assert timed(drive)[3] == (25.0, "crossing")


def test_at_the_flag_a_time_belongs_to_the_lap_whose_number_stays() -> None:
    drive = started(last_lap_time=19.5)
    drive.counts = False
    assert timed(drive.go(990).set(last_lap_time=19.9).go(60))[2] == (19.9, "sim")


def test_a_value_that_the_channel_had_from_the_start_is_no_lap_s_time() -> None:
    assert timed(started(last_lap_time=20.0).go(1500))[2] == (20.0, "crossing")


def test_a_channel_that_repeats_a_report_times_no_second_lap() -> None:
    drive = report(started(last_lap_time=19.5).go(1000), 2, 20.0).go(1000)
    assert timed(drive.set(last_lap_time=20.0).go(500))[3] == (20.0, "crossing")


def test_the_channel_has_the_time_of_a_lap_whose_report_is_lost() -> None:
    drive = Drive(at_m=900.0).go(100).set(last_lap_time=float("nan"))
    drive.go(1000)
    report(drive, 2, 20.05).set(last_lap_time=20.05).go(1000)
    lost = drive.at_ns
    report(drive, 3, 20.07).set(last_lap_time=20.07).go(1000)
    report(drive, 4, 20.09).set(last_lap_time=20.09).go(100)
    chunks = [c for c in drive.chunks() if not abs(c.captured_ns - lost) < 400_000_000]
    found = {lap.lap_number: lap for lap in laps(chunks)}
    assert [(found[n].lap_time_s, found[n].timed_by) for n in (2, 3, 4)] == [
        (20.05, "sim"),
        (pytest.approx(20.07), "sim"),
        (20.09, "sim"),
    ]
