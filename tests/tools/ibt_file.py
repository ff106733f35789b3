"""Telemetry files as iRacing writes them, row by row."""

import struct
from typing import Any

CODES = {"?": 1, "i": 2, "I": 3, "f": 4, "d": 5}
VARIABLES = (
    ("SessionTime", "d", "s"),
    ("SessionNum", "i", ""),
    ("Lap", "i", ""),
    ("LapDist", "f", "m"),
    ("LapDistPct", "f", "%"),
    ("LapLastLapTime", "f", "s"),
    ("Speed", "f", "m/s"),
    ("IsOnTrack", "?", ""),
    ("Clutch", "f", "%"),
    ("OilPress", "f", "bar"),
    ("LFpressure", "f", "kPa"),
    ("LFtempCL", "f", "C"),
    ("LFtempCR", "f", "C"),
    ("RFtempCL", "f", "C"),
    ("Yaw", "f", "rad"),
)
ROW = {
    "SessionTime": 100.0,
    "SessionNum": 0,
    "Lap": 1,
    "LapDist": 100.0,
    "LapDistPct": 0.1,
    "LapLastLapTime": -1.0,
    "Speed": 40.0,
    "IsOnTrack": True,
    "Clutch": 1.0,
    "OilPress": 4.5,
    "LFpressure": 150.0,
    "LFtempCL": 70.0,
    "LFtempCR": 80.0,
    "RFtempCL": 75.0,
    "Yaw": 0.1,
}
INFO = """---
WeekendInfo:
 TrackDisplayName: Nürburgring
 TrackConfigName: Kurz
 TrackLength: 1.00 km
 SubSessionID: 4711
DriverInfo:
\tDriverCarIdx: 3
 Drivers:
 - CarIdx: 3
   UserName: [Clan] "Real: Name'
   CarNumber: "007"
   CarScreenName: Fast Car
SplitTimeInfo:
 Sectors:
 - SectorNum: 0
   SectorStartPct: 0.0
 - SectorNum: 1
   SectorStartPct: 0.5
SessionInfo:
 Sessions:
 - SessionNum: 0
   SessionType: Open Qualify
...
"""


def file(
    rows: list[dict[str, Any]],
    *,
    info: bytes = INFO.encode("cp1252"),
    variables: tuple[tuple[str, str, str], ...] = VARIABLES,
    declared: int | None = None,
    started: int = 1_700_000_000,
) -> bytes:
    """Return a telemetry file as iRacing writes it."""
    described, offset, codes = b"", 0, "<"
    for name, code, unit in variables:
        described += struct.pack(
            "<iii4x32s64s32s", CODES[code], offset, 1, name.encode(), b"", unit.encode()
        )
        offset += struct.calcsize(f"<{code}")
        codes += code
    info_at = 144 + len(described)
    rows_at = info_at + len(info)
    first = rows[0].get("SessionTime", 100.0) if rows else 0.0
    count = len(rows) if declared is None else declared
    header = struct.pack("<10i", 2, 1, 60, 0, len(info), info_at, len(variables), 144, 1, offset)
    head = header.ljust(48, b"\0") + struct.pack("<ii", 1, rows_at)
    head = head.ljust(112, b"\0") + struct.pack("<qddii", started, first, 0.0, 1, count)
    values = [[(ROW | row)[name] for name, _, _ in variables] for row in rows]
    return head + described + info + b"".join(struct.pack(codes, *row) for row in values)


def lap_rows(laps: int, lap_s: float = 10.0, rate: int = 60, late_s: float = 0.8) -> list[dict]:
    """Drive laps at constant speed; the sim reports each time some time after the line."""
    rows = []
    for index in range(int((laps + 0.3) * lap_s * rate)):
        time_s = index / rate
        lap, into_s = divmod(time_s, lap_s)
        done = lap if into_s >= late_s else lap - 1
        rows.append(
            {
                "SessionTime": 100 + time_s,
                "Lap": int(lap) + 1,
                "LapDistPct": into_s / lap_s,
                "LapDist": into_s / lap_s * 1000,
                "LapLastLapTime": lap_s + done / 100 if done >= 1 else -1.0,
            }
        )
    return rows


class Car:
    """Drive round a track of 1000 m, tick by tick, as iRacing shows it.

    `time_s` is the session time, `fraction` the place on the lap, `last_s` the sim's last lap time.
    """

    def __init__(self, number: int = 0, fraction: float = 0.9) -> None:
        self.time_s = 100.0
        self.number = number
        self.fraction = fraction
        self.last_s = -1.0
        self.rows: list[dict[str, Any]] = []
        self._counts_in: int | None = None

    def drive(self, laps: float, lap_s: float, late_ticks: int = 0) -> "Car":
        """Drive a share of a lap; the counter rises some ticks after the line (before: < 0)."""
        end_s, ahead = self.time_s + laps * lap_s, -min(late_ticks, 0)
        while self.time_s < end_s - 1e-9:
            self.time_s += 1 / 60
            before, self.fraction = self.fraction, self.fraction + 1 / 60 / lap_s
            if before < 1 - ahead / 60 / lap_s <= self.fraction and ahead:
                self._counts_in = 0
            if self.fraction >= 1:
                self.fraction -= 1
                self._counts_in = None if ahead else late_ticks
            if self._counts_in is not None:
                self._counts_in -= 1
                if self._counts_in < 0:
                    self.number, self._counts_in = self.number + 1, None
            self.tick()
        return self

    def tick(self, **changes: Any) -> None:
        """Add a row."""
        row = {
            "SessionTime": self.time_s,
            "Lap": self.number,
            "LapDistPct": self.fraction,
            "LapDist": 1000 * self.fraction,
            "LapLastLapTime": self.last_s,
        }
        self.rows.append(row | changes)

    def says(self, last_s: float) -> "Car":
        """Change the sim's last lap time from the next row on."""
        self.last_s = last_s
        return self
