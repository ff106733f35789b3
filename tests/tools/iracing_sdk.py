"""A simulated iRacing: rows of its shared memory, read as the driver app reads them."""

from typing import Any

import yaml

from producers.source import Observation
from producers.sources.iracing import live
from producers.sources.iracing.ticks import Tick


class FakeSdk:
    """Serve scripted rows as pyirsdk does the shared memory."""

    def __init__(self, rows: list[dict[str, Any]], info: dict[str, Any] | None = None) -> None:
        self.rows = rows
        self.info = info or {}
        self.is_initialized = True
        self.is_connected = True
        self.session_info_update = 1
        self.frozen: dict[str, Any] | None = None
        self.raw: dict[str, bytes] = {}

    @property
    def var_headers_names(self) -> list[str]:
        return list(self.rows[0])

    def startup(self) -> bool:
        return True

    def shutdown(self) -> None:
        self.is_initialized = False

    def freeze_var_buffer_latest(self) -> None:
        self.frozen = self.rows.pop(0) if len(self.rows) > 1 else self.rows[0]

    def unfreeze_var_buffer_latest(self) -> None:
        self.frozen = None

    def __getitem__(self, key: str) -> Any:
        assert self.frozen is not None, "read from memory that the sim writes to"
        if key not in self.frozen and self.raw:
            raise yaml.YAMLError("a stray line")
        return self.frozen[key] if key in self.frozen else self.info.get(key)

    def _get_session_info_binary(self, key: str) -> bytes | None:
        return self.raw.get(key)


def row(session_s: float, **changes: Any) -> dict[str, Any]:
    """Return the variables of one tick."""
    return {
        "SessionTime": session_s,
        "SessionNum": 0,
        "Lap": 2,
        "LapDistPct": 0.5,
        "Speed": 30.0,
        "IsOnTrack": True,
        "Clutch": 0.25,
        "OilPress": 4.0,
        "VelocityX": [29.0, 30.0],
        "VelocityY": [0.0, 0.0],
        "Yaw": 0.5,
    } | changes


def read(sdk: FakeSdk, polls: int) -> list[Observation]:
    """Return the observations of some polls."""
    ticks: list[Tick] = []
    reader = live.Reader(sdk, ticks.append)
    for index in range(polls):
        reader.poll(1000 + index)
    return [
        item
        for tick in ticks
        for item in tick.ticks.tick(tick.captured_ns, tick.values, tick.arrays)
    ]
