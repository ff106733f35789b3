"""Rows of live feeds with known laps, folded as if a source had produced them."""

import csv
import gzip
import math
import struct
from datetime import datetime
from pathlib import Path

import pytest

from consumers.timing.replay import laps
from pitbox.chunks.frames import pack, sealed
from schemas.channels import bitmap, ids
from schemas.telemetry import Chunk
from schemas.timing import Lap

COLUMNS = {
    "lap_number": "CurrentLap",
    "lap_time": "CurrentLapTime",
    "last_lap_time": "LapTimePrevious",
    "lap_distance": "DistanceRoundTrack",
    "lap_valid": "CurrentLapIsValid",
    "speed": "SpeedMs",
}
WORDS = {"True": 1.0, "False": 0.0, "": math.nan}
FRAMES = 3


def laps_of(path: Path) -> dict[int, Lap]:
    """Return the laps of a file whose rows are not in order of time."""
    if not path.exists():
        pytest.skip(f"needs the recording {path.name} in PITBOX_DATA")
    with gzip.open(path, "rt", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["_time"])
    chunks = [_chunk(rows[at : at + FRAMES], at // FRAMES) for at in range(0, len(rows), FRAMES)]
    return {lap.lap_number: lap for lap in laps(chunks)}


def _chunk(rows: list[dict[str, str]], number: int) -> Chunk:
    times = [round(datetime.fromisoformat(row["_time"]).timestamp() * 1e6) * 1000 for row in rows]
    block = pack(times, [_row(row) for row in rows])
    made = Chunk(
        version=1,
        driver="csv",
        session="csv",
        run=1,
        chunk=number,
        send=number,
        first_frame=number * FRAMES,
        frames=len(rows),
        captured_ns=times[0],
        channels=bitmap(ids(*COLUMNS)),
        crc=0,
        block=block,
    )
    return sealed(made)


def _row(row: dict[str, str]) -> bytes:
    texts = [row[column] for column in COLUMNS.values()]
    values = [WORDS[text] if text in WORDS else float(text) for text in texts]
    return struct.pack(f"<{len(values)}f", *values)


def test_laps_of_a_game_whose_lap_clock_does_not_restart_at_the_line(data_dir: Path) -> None:
    found = laps_of(data_dir / "csv" / "ams2-m4-gt4_monza_3-laps.csv.gz")
    timed = {number: round(lap.lap_time_s, 2) for number, lap in found.items() if lap.lap_time_s}
    assert timed == {1: 123.26, 2: 115.95, 3: 116.21}
    assert [found[number].valid for number in (1, 2, 3)] == [False, True, True]
    assert [found[number].complete for number in (1, 2, 3)] == [True, True, True]


def test_laps_whose_times_come_late_and_whose_out_lap_shares_the_first_number(
    data_dir: Path,
) -> None:
    found = laps_of(data_dir / "csv" / "iracing-488-gt3_fuji_7-laps.csv.gz")
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
