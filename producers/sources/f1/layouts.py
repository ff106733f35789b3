"""The wire layout of the packets of each format.

The source is the publisher's UDP specifications of 2018 to 2026.
"""

from typing import Final

from msgspec import Struct

from producers.sources.f1.formats import CARS, FORMATS, HEADERS, of_format
from producers.sources.f1.record import Record

MOTION: Final = 0
SESSION: Final = 1
LAP: Final = 2
EVENT: Final = 3
PARTICIPANTS: Final = 4
TELEMETRY: Final = 6
STATUS: Final = 7
DAMAGE: Final = 10
HISTORY: Final = 11
MOTION_EX: Final = 13
TIME_TRIAL: Final = 14
LAP_POSITIONS: Final = 15

MAX_LAPS: Final = 100
"""Laps in a session history."""


class PacketLayout(Struct, frozen=True):
    """Describe one kind of packet: header, head, items (one a car or a lap), tail."""

    header: Record
    head: Record
    item: Record
    items: int
    tail: Record

    @property
    def head_at(self) -> int:
        """Return the offset of the head."""
        return self.header.size

    @property
    def tail_at(self) -> int:
        """Return the offset of the tail."""
        return self.item_at(self.items)

    @property
    def size(self) -> int:
        """Return the length of a packet in bytes."""
        return self.tail_at + self.tail.size

    def item_at(self, index: int) -> int:
        """Return the offset of an item."""
        return self.header.size + self.head.size + index * self.item.size


PLACE: Final = "x:f y:f z:f velocity_x:f velocity_y:f velocity_z:f forward_x:h forward_y:h"
TURN: Final = "forward_z:h right_x:h right_y:h right_z:h"
MOTION_CAR: Final = {
    2018: f"{PLACE} {TURN} lateral_g:f longitudinal_g:f vertical_g:f yaw:f pitch:f roll:f",
    2026: f"{PLACE} {TURN} lateral_mg:h longitudinal_mg:h vertical_mg:h yaw:f pitch:f roll:f",
}
LOCAL: Final = "local_x:f local_y:f local_z:f turning_x:f turning_y:f turning_z:f 12x"
MOTION_TAIL: Final = {
    2018: f"suspension:4f 32x wheel_speed:4f 16x {LOCAL} 4x",
    2019: f"suspension:4f 32x wheel_speed:4f 16x {LOCAL} front_wheels_angle:f",
    2022: f"suspension:4f 32x wheel_speed:4f slip_ratio:4f {LOCAL} front_wheels_angle:f",
    2023: "",
}
"""Unread: the front wheels' angle of 2018, which is empty, and slip before 2022, no ratio."""

EX: Final = f"suspension:4f 32x wheel_speed:4f slip_ratio:4f 52x {LOCAL} front_wheels_angle:f"
MOTION_EX_HEAD: Final = {2023: f"{EX} 16x", 2024: f"{EX} 36x", 2025: f"{EX} 72x"}

CONDITIONS: Final = (
    "weather:B track_temp:b air_temp:b total_laps:B track_length:H session_type:B track:b "
    "formula:B time_left:H duration:H pit_limit:B paused:B spectating:B spectated:B"
)
ZONES: Final = 21
MARSHALS: Final = " ".join(f"zone{zone}_begins:f zone{zone}_flag:b" for zone in range(ZONES))
CONTROL: Final = f"{CONDITIONS} 1x zones:B {MARSHALS} safety_car:B 1x"
SESSION_HEAD: Final = {
    2018: CONTROL,
    2020: f"{CONTROL} 101x",
    2021: f"{CONTROL} 475x",
    2022: f"{CONTROL} 482x",
    2023: f"{CONTROL} 489x",
    2024: f"{CONTROL} 598x",
    2026: f"{CONTROL} 771x",
}

RACE: Final = "distance:f 8x position:B lap:B pit_status:B"
LAP_CAR: Final = {
    2018: (
        "last_lap_s:f lap_s:f best_lap_s:f sector1_s:f sector2_s:f "
        f"{RACE} sector:B invalid:B 2x driver_status:B result_status:B"
    ),
    2020: (
        "last_lap_s:f lap_s:f sector1_ms:H sector2_ms:H best_lap_s:f 16x "
        f"{RACE} sector:B invalid:B 2x driver_status:B result_status:B"
    ),
    2021: (
        "last_lap_ms:I lap_ms:I sector1_ms:H sector2_ms:H "
        f"{RACE} 1x sector:B invalid:B 5x driver_status:B result_status:B 6x"
    ),
    2023: (
        "last_lap_ms:I lap_ms:I sector1_ms:H sector1_min:B sector2_ms:H sector2_min:B "
        f"ahead_ms:H leader_ms:H {RACE} 1x sector:B invalid:B 6x driver_status:B result_status:B 6x"
    ),
    2024: (
        "last_lap_ms:I lap_ms:I sector1_ms:H sector1_min:B sector2_ms:H sector2_min:B "
        f"ahead_ms:H ahead_min:B leader_ms:H leader_min:B {RACE} 1x sector:B invalid:B 6x "
        "driver_status:B result_status:B 11x"
    ),
}
LAP_TAIL: Final = {2018: "", 2022: "2x"}

EVENT_HEAD: Final = {
    2018: "4x",
    2019: "4x 5x",
    2020: "4x 7x",
    2021: "4x flashback_frame:I flashback_s:f",
    2022: "4x flashback_frame:I flashback_s:f 4x",
}

PARTICIPANT: Final = {
    2018: "ai:B 1x team:B number:B 1x name:48s",
    2019: "ai:B 1x team:B number:B 1x name:48s 1x",
    2021: "ai:B 2x team:B my_team:B number:B 1x name:48s 1x",
    2023: "ai:B 2x team:B my_team:B number:B 1x name:48s 1x named:B 1x",
    2024: "ai:B 2x team:B my_team:B number:B 1x name:48s 1x named:B 3x",
    2025: "ai:B 2x team:B my_team:B number:B 1x name:32s 1x named:B 16x",
    2026: "ai:B 4x team:H my_team:B number:B 1x name:32s 1x named:B 16x",
}

PEDALS: Final = "speed_kmh:H throttle:f steer:f brake:f clutch:B gear:b rpm:H drs:B"
BYTES: Final = "surface_temp:4B core_temp:4B"
TELEMETRY_CAR: Final = {
    2018: (
        "speed_kmh:H throttle_pct:B steer_pct:b brake_pct:B clutch:B gear:b rpm:H drs:B 1x "
        "brake_temp:4H surface_temp:4H core_temp:4H engine_temp:H pressure_psi:4f"
    ),
    2019: (
        f"{PEDALS} 1x brake_temp:4H surface_temp:4H core_temp:4H engine_temp:H pressure_psi:4f "
        "surface:4B"
    ),
    2020: f"{PEDALS} 1x brake_temp:4H {BYTES} engine_temp:H pressure_psi:4f surface:4B",
    2021: f"{PEDALS} 3x brake_temp:4H {BYTES} engine_temp:H pressure_psi:4f surface:4B",
    2026: f"{PEDALS} 3x brake_temp:4H {BYTES} engine_temp:B pressure_psi:4f surface:4B",
}
TELEMETRY_TAIL: Final = {2018: "4x", 2020: "7x", 2021: "3x"}

SETTINGS: Final = "traction_control:B abs:B 1x brake_bias:B pit_limiter:B fuel:f fuel_capacity:f"
ERS: Final = "ers_energy:f ers_mode:B"
TYRE: Final = "1x tyre:B tyre_laps:B"
STATUS_CAR: Final = {
    2018: f"{SETTINGS} max_rpm:H 4x wear_pct:4B tyre:B 10x flag:b {ERS} 12x",
    2019: f"{SETTINGS} 4x max_rpm:H 4x wear_pct:4B 1x tyre:B 9x flag:b {ERS} 12x",
    2020: f"{SETTINGS} 4x max_rpm:H 6x wear_pct:4B {TYRE} 10x flag:b {ERS} 12x",
    2021: f"{SETTINGS} 4x max_rpm:H 6x {TYRE} flag:b {ERS} 13x",
    2023: f"{SETTINGS} 4x max_rpm:H 6x {TYRE} flag:b 8x {ERS} 13x",
    2026: f"{SETTINGS} 4x max_rpm:H 6x {TYRE} flag:b 8x {ERS} 17x",
}
DAMAGE_CAR: Final = {2021: "wear_pct:4f 23x", 2022: "wear_pct:4f 26x", 2025: "wear_pct:4f 30x"}

HISTORY_HEAD: Final = {2021: "car:B laps:B 1x best_lap:B 3x"}
HISTORY_LAP: Final = {
    2021: "lap_ms:I sector1_ms:H sector2_ms:H sector3_ms:H valid:B",
    2023: (
        "lap_ms:I sector1_ms:H sector1_min:B sector2_ms:H sector2_min:B sector3_ms:H "
        "sector3_min:B valid:B"
    ),
}
HISTORY_TAIL: Final = {2021: "24x"}

SECTORS: Final = "lap_ms:I sector1_ms:I sector2_ms:I sector3_ms:I 5x valid:B"
TIME_TRIAL_BEST: Final = {2024: f"car:B team:B {SECTORS}", 2026: f"car:B team:H {SECTORS}"}
POSITIONS_HEAD: Final = {2025: "laps:B first_lap:B"}
POSITIONS_LAP: Final = {2025: "22x", 2026: "24x"}

UNREAD: Final = {
    5: {2018: 841, 2019: 843, 2020: 1102, 2023: 1107, 2024: 1133, 2026: 1233},
    8: {2020: 839, 2022: 1015, 2023: 1020, 2025: 1042, 2026: 1134},
    9: {2020: 1169, 2021: 1191, 2023: 1218, 2024: 1306, 2025: 954, 2026: 1062},
    12: {2023: 231},
    16: {2026: 269},
}
"""Lengths of the packets that are not decoded, by kind."""


def _layout(
    packet_format: int,
    head: dict[int, str] | None = None,
    item: dict[int, str] | None = None,
    items: int = 0,
    tail: dict[int, str] | None = None,
) -> PacketLayout:
    head_text, item_text, tail_text = (
        of_format(table or {}, packet_format) or "" for table in (head, item, tail)
    )
    header = of_format(HEADERS, packet_format)
    assert header is not None
    return PacketLayout(
        header=header,
        head=Record(head_text),
        item=Record(item_text),
        items=items,
        tail=Record(tail_text),
    )


def _layouts(packet_format: int) -> dict[int, PacketLayout]:
    cars = of_format(CARS, packet_format) or 0
    layouts = {
        MOTION: _layout(packet_format, {}, MOTION_CAR, cars, MOTION_TAIL),
        SESSION: _layout(packet_format, SESSION_HEAD),
        LAP: _layout(packet_format, {}, LAP_CAR, cars, LAP_TAIL),
        EVENT: _layout(packet_format, EVENT_HEAD),
        PARTICIPANTS: _layout(packet_format, {2018: "cars:B"}, PARTICIPANT, cars),
        TELEMETRY: _layout(packet_format, {}, TELEMETRY_CAR, cars, TELEMETRY_TAIL),
        STATUS: _layout(packet_format, {}, STATUS_CAR, cars),
    }
    if packet_format >= 2021:
        layouts[DAMAGE] = _layout(packet_format, {}, DAMAGE_CAR, cars)
        layouts[HISTORY] = _layout(packet_format, HISTORY_HEAD, HISTORY_LAP, MAX_LAPS, HISTORY_TAIL)
    if packet_format >= 2023:
        layouts[MOTION_EX] = _layout(packet_format, MOTION_EX_HEAD)
    if packet_format >= 2024:
        layouts[TIME_TRIAL] = _layout(packet_format, {}, TIME_TRIAL_BEST, 3)
    if packet_format >= 2025:
        layouts[LAP_POSITIONS] = _layout(packet_format, POSITIONS_HEAD, POSITIONS_LAP, 50)
    return layouts


LAYOUTS: Final = {
    (packet_format, packet): layout
    for packet_format in FORMATS
    for packet, layout in _layouts(packet_format).items()
}
SIZES: Final = {
    **{key: layout.size for key, layout in LAYOUTS.items()},
    **{
        (packet_format, packet): size
        for packet, table in UNREAD.items()
        for packet_format in FORMATS
        if (size := of_format(table, packet_format)) is not None
    },
}
