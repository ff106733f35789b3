"""Tables of live feeds with known laps, imported as a driver imports them."""

import gzip
import random
from functools import cache
from pathlib import Path

import pytest

from commands.laps import of_recording
from producers.importers import table
from producers.source import Began, Frame
from schemas.channels import CHANNELS
from schemas.timing import Lap, Session

MADNESS = "ams2-m4-gt4_monza_3-laps.csv.gz"
IRACING = "iracing-488-gt3_fuji_7-laps.csv.gz"


def recording(data_dir: Path, name: str) -> Path:
    path = data_dir / "csv" / name
    if not path.exists():
        pytest.skip(f"needs the recording {name} in PITBOX_DATA")
    return path


@cache
def recorded(path: Path) -> tuple[list[Lap], list[Session]]:
    """Return the laps and sessions of a recording, which is read once."""
    return of_recording(path)


def laps_of(path: Path) -> dict[int, Lap]:
    return {lap.lap_number: lap for lap in recorded(path)[0]}


def test_laps_of_a_game_whose_lap_clock_does_not_restart_at_the_line(data_dir: Path) -> None:
    found = laps_of(recording(data_dir, MADNESS))
    timed = {number: round(lap.lap_time_s, 2) for number, lap in found.items() if lap.lap_time_s}
    assert timed == {1: 123.26, 2: 115.95, 3: 116.21}
    assert [found[number].valid for number in (1, 2, 3)] == [False, True, True]
    assert [found[number].complete for number in (1, 2, 3)] == [True, True, True]


def test_laps_whose_times_come_late_and_whose_out_lap_shares_the_first_number(
    data_dir: Path,
) -> None:
    found = laps_of(recording(data_dir, IRACING))
    timed = {number: round(lap.lap_time_s, 4) for number, lap in found.items() if lap.lap_time_s}
    assert timed == {
        1: 99.1575,
        2: 98.7071,
        3: 119.9119,
        4: 99.7463,
        5: 98.1661,
        6: 98.6557,
    }
    assert [number for number, lap in sorted(found.items()) if lap.valid] == [1, 2, 5, 6]
    assert found[7].lap_time_s is None


def test_rows_in_any_order_give_the_same_laps(data_dir: Path, tmp_path: Path) -> None:
    path = recording(data_dir, MADNESS)
    header, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    random.Random(7).shuffle(rows)
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([header, *rows]))
    times = [
        {lap.lap_number: (lap.lap_time_s, lap.started_ns, lap.ended_ns) for lap in found.values()}
        for found in (laps_of(path), laps_of(shuffled))
    ]
    assert times[0] == times[1]


@pytest.mark.parametrize(
    ("name", "track", "car_model", "kind"),
    [
        (MADNESS, "Monza:Monza_2020", "BMW M4 GT4", "race"),
        (IRACING, "fuji nochicane", "Ferrari 488 GT3 Evo 2020", "practice"),
    ],
)
def test_a_feed_names_track_car_and_kind_of_session(
    data_dir: Path, name: str, track: str, car_model: str, kind: str
) -> None:
    [session] = recorded(recording(data_dir, name))[1]
    assert (session.track, session.car_model, session.kind) == (track, car_model, kind)


@pytest.mark.parametrize("name", [MADNESS, IRACING])
def test_values_are_plausible_for_a_car(data_dir: Path, name: str) -> None:
    items = list(table.observations(recording(data_dir, name)))
    [began] = [item for item in items if isinstance(item, Began)]
    names = [CHANNELS[channel].name for channel in began.channels]
    columns = dict(
        zip(
            names, zip(*(f.values for f in items if isinstance(f, Frame)), strict=True), strict=True
        )
    )
    assert 70 < max(columns["speed"]) < 80
    assert (min(columns["throttle"]), max(columns["brake"])) == (0, 1)
    driven = [at for at, speed in enumerate(columns["speed"]) if speed > 40]
    assert sum(columns["clutch"][at] for at in driven) / len(driven) < 0.05
