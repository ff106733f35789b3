"""Small recordings of kinds that were read wrongly once, each with the value that is right."""

from pathlib import Path
from typing import NamedTuple

import pytest

from commands import left_out
from commands.laps import of_recording
from producers.importers import ibt
from producers.sources.iracing import session


class Right(NamedTuple):
    """The times of counting laps and the numbers of the others; a part of the sentence."""

    times: dict[int, float]
    invalid: tuple[int, ...] = ()
    said: str = ""


RIGHT = {
    "f1-two-games-one-port.pcap.gz": Right(
        {1: 10.1, 2: 10.2, 3: 10.3}, said="1,652 datagrams of another game (F1 25"
    ),
    "f1-three-games-one-port.pcap.gz": Right(
        {1: 10.1}, said="car 5), 602 datagrams of another game (F1 25"
    ),
    "f1-fragments-mtu-1280.pcap.gz": Right({1: 5.111, 2: 5.222, 3: 5.333}),
    "ibt-hole-over-the-line.ibt": Right({1: 8.1234, 2: 8.4567, 3: 7.8765}),
    "ibt-last-lap-invalid-ends-3-s-after.ibt": Right({1: 5.1234, 2: 5.4567}, invalid=(3,)),
    "ibt-counter-1-tick-late-lap-2-invalid.ibt": Right({1: 5.1234, 3: 4.8765}, invalid=(2,)),
    "ibt-setup-name-of-two-lines.ibt": Right({1: 5.1234}),
    "ibt-tow-in-sector-1.ibt": Right({1: 5.1234, 3: 5.0}, invalid=(2,)),
    "ibt-crash-without-session-info.ibt": Right(
        {1: 5.1234, 2: 5.4567, 3: 4.8765}, said="the file has no session header"
    ),
}


@pytest.fixture
def folder(data_dir: Path) -> Path:
    found = data_dir / "failing"
    if not found.exists():
        pytest.skip(f"needs the recordings of {found} in PITBOX_DATA")
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_each_recording_has_the_right_laps_and_says_what_was_left_out(
    folder: Path, name: str
) -> None:
    right = RIGHT[name]
    laps, sessions = of_recording(folder / name)
    assert len({lap.session for lap in laps}) == 1
    counting = {lap.lap_number: lap for lap in laps if lap.valid and lap.lap_time_s}
    assert {n: lap.lap_time_s for n, lap in counting.items()} == pytest.approx(right.times)
    assert {lap.timed_by for lap in counting.values()} == {"sim"}
    invalid = {lap.lap_number for lap in laps if not lap.valid and lap.lap_number}
    assert invalid == set(right.invalid)
    said = left_out.sentence(one for session in sessions for one in session.left_out)
    assert right.said in said
    assert bool(said) == bool(right.said)


def test_a_tow_leaves_neither_time_nor_sectors(folder: Path) -> None:
    laps, _ = of_recording(folder / "ibt-tow-in-sector-1.ibt")
    [towed] = [lap for lap in laps if lap.lap_number == 2]
    assert (towed.lap_time_s, towed.sectors_s, towed.complete) == (None, (), False)


def test_a_setup_s_name_of_two_lines_costs_no_fact(folder: Path) -> None:
    path = folder / "ibt-setup-name-of-two-lines.ibt"
    facts = session.read(ibt.read_header(path.read_bytes(), path.name).info)
    assert (facts.car, facts.car_model) == ("7", "Mazda MX-5 Cup")
    assert (facts.redline_rpm, facts.fuel_kg_per_l) == (7000, 0.75)
