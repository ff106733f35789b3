"""A simulated F1 game that sends the packets a test asks for, in any packet format."""

from collections.abc import Mapping
from typing import Any

from producers.sources.f1 import layouts
from producers.sources.f1.layouts import LAYOUTS
from schemas.channels import CHANNELS

UID = 0x0123_4567_89AB_CDEF
START_NS = 1_700_000_000_000_000_000
TICK_S = 1 / 60
CAR: dict[int, dict[str, Any]] = {
    layouts.MOTION: {"x": 10.0, "y": 2.0, "z": -30.0, "velocity_x": 50.0, "forward_x": 32767},
    layouts.LAP: {"lap": 1, "distance": 100.0, "position": 3},
    layouts.TELEMETRY: {"speed_kmh": 180, "gear": 4, "rpm": 11_000},
    layouts.STATUS: {"fuel": 50.0, "brake_bias": 56, "max_rpm": 13_000},
    layouts.DAMAGE: {},
}


class Game:
    """Send packets; `time_s` and `frame` are those of the next one."""

    def __init__(self, packet_format: int = 2025, player: int = 0, session: int = UID) -> None:
        self.format = packet_format
        self.player = player
        self.session = session
        self.time_s = 100.0
        self.frame = 6000
        self.overall_frame = 6000
        self.car: dict[int, dict[str, Any]] = {kind: dict(car) for kind, car in CAR.items()}

    def packet(
        self,
        kind: int,
        head: Mapping[str, Any] | None = None,
        items: Mapping[int, Mapping[str, Any]] | None = None,
        tail: Mapping[str, Any] | None = None,
        **header: Any,
    ) -> bytes:
        """Return one packet."""
        layout = LAYOUTS[self.format, kind]
        content = bytearray(layout.size)
        known = {
            "format": self.format,
            "year": self.format - 2000,
            "major": 1,
            "minor": 9,
            "packet": kind,
            "session": self.session,
            "time_s": self.time_s,
            "frame": self.frame,
            "overall_frame": self.overall_frame,
            "player": self.player,
            "second_player": 255,
        }
        layout.header.write(content, 0, known | header)
        if head:
            layout.head.write(content, layout.head_at, head)
        for index, values in (items or {}).items():
            layout.item.write(content, layout.item_at(index), values)
        if tail:
            layout.tail.write(content, layout.tail_at, tail)
        return bytes(content)

    def tick(self, seconds: float = TICK_S) -> "Game":
        """Let a frame pass."""
        self.time_s += seconds
        self.frame += 1
        self.overall_frame += 1
        return self

    def instant(self) -> list[bytes]:
        """Return the packets of one instant, and let a tick pass."""
        kinds = [kind for kind in self.car if (self.format, kind) in LAYOUTS]
        packets = [self.packet(kind, items={self.player: self.car[kind]}) for kind in kinds]
        self.tick()
        return packets

    def drive(self, instants: int = 1, **lap: Any) -> list[bytes]:
        """Return the packets of some instants; `lap` replaces lap fields from now on."""
        self.car[layouts.LAP] |= lap
        return [packet for _ in range(instants) for packet in self.instant()]

    def event(self, code: bytes, **details: Any) -> bytes:
        """Return an event."""
        header = {name: details.pop(name) for name in ("frame", "session") if name in details}
        packet = bytearray(self.packet(layouts.EVENT, details, **header))
        at = LAYOUTS[self.format, layouts.EVENT].head_at
        packet[at : at + 4] = code
        return bytes(packet)

    def weekend(self, session_type: int = 15, **fields: Any) -> bytes:
        """Return a session packet."""
        return self.packet(
            layouts.SESSION,
            {"session_type": session_type, "track": 4, "track_length": 4664} | fields,
        )

    def history(self, car: int, *laps: Mapping[str, Any], **header: Any) -> bytes:
        """Return the session history of a car, the current lap included."""
        head = {"car": car, "laps": len(laps)}
        return self.packet(layouts.HISTORY, head, dict(enumerate(laps)), **header)


def timed(lap_ms: int, *sectors_ms: int, valid: int = 15) -> dict[str, int]:
    """Return a lap of a session history."""
    fields = {"lap_ms": lap_ms, "valid": valid}
    for number, sector_ms in enumerate(sectors_ms, start=1):
        fields |= {
            f"sector{number}_ms": sector_ms % 60_000,
            f"sector{number}_min": sector_ms // 60_000,
        }
    return fields


def named(channels: tuple[int, ...], values: Any) -> dict[str, float]:
    """Return the values of a frame by channel."""
    names = [CHANNELS[channel].name for channel in channels]
    return dict(zip(names, values, strict=True))
