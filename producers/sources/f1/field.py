"""All cars of a race at one instant, and what changes seldom in it.

The lap data and positions of all cars come in the packets that the own car's frame is made of.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from producers.sources.cadence import slot
from producers.sources.channel_order import ABSENT
from producers.sources.f1 import layouts
from producers.sources.f1.channels import Fields, seconds
from producers.sources.f1.layouts import PacketLayout
from producers.sources.f1.names import team_name, tyre_name
from schemas.sim import CarSeen, CarsSeen, Entry, RaceDescribed, Zone

CARS_TOGETHER: Final = (layouts.LAP, layouts.MOTION)
LEAST_CARS: Final = 2
FARTHEST_M: Final = 1e8

ACTIVE: Final = 2
FINISHED: Final = 3
IN_GARAGE: Final = 0
WEATHER: Final = ("clear", "light cloud", "overcast", "light rain", "heavy rain", "storm")
CONTROL: Final[dict[int, Literal["safety_car", "virtual_safety_car", "formation_lap"]]] = {
    1: "safety_car",
    2: "virtual_safety_car",
    3: "formation_lap",
}
FLAGS: Final[dict[int, Literal["green", "blue", "yellow", "red"]]] = {
    1: "green",
    2: "blue",
    3: "yellow",
    4: "red",
}


class Content(Struct, frozen=True, gc=False):
    """Hold a packet and its layout."""

    layout: PacketLayout
    datagram: bytes

    def car(self, index: int) -> dict[str, Any]:
        """Return the fields of one car."""
        return self.layout.item.read(self.datagram, self.layout.item_at(index))


class Field:
    """Gather the packets of one frame, and turn them into the cars of the race.

    `own` is the index of the driver's car. `gap_behind_s` is the gap to the car behind it.
    """

    def __init__(self, packet_format: int, own: int | None) -> None:
        self.gap_behind_s = ABSENT
        self._format = packet_format
        self._own = own
        self._packets: dict[int, Content] = {}
        self._status: Content | None = None
        self._time_left_s: float | None = None
        self._race = RaceDescribed(at_ns=0)
        self._slot = -1

    def put(self, kind: int, layout: PacketLayout, datagram: bytes) -> None:
        """Add a packet of the open frame."""
        if kind in CARS_TOGETHER:
            self._packets[kind] = Content(layout, datagram)
        elif kind == layouts.STATUS:
            self._status = Content(layout, datagram)

    def close(self, time_s: float, at_ns: int, best_s: Mapping[int, float]) -> Iterator[CarsSeen]:
        """Close the frame of a session time; yield its cars where they are due.

        `best_s` holds the best laps by car.
        """
        packets, self._packets = self._packets, {}
        whole = all(kind in packets for kind in CARS_TOGETHER)
        if slot(time_s) == self._slot or self._own is None or not whole:
            return
        self._slot = slot(time_s)
        laps = [
            packets[layouts.LAP].car(index) for index in range(packets[layouts.LAP].layout.items)
        ]
        self.gap_behind_s = _gap_behind_s(laps, self._own)
        shown = [index for index, fields in enumerate(laps) if fields["result_status"] >= ACTIVE]
        if len(shown) < LEAST_CARS:
            return
        yield CarsSeen(
            at_ns=at_ns,
            own=str(self._own),
            session_time_s=round(time_s, 3),
            time_left_s=self._time_left_s,
            cars=tuple(
                self._car(index, laps[index], packets[layouts.MOTION].car(index), best_s)
                for index in shown
            ),
        )

    def session(self, fields: Fields, at_ns: int, *, race: bool) -> Iterator[RaceDescribed]:
        """Read a session packet; yield the race where it changed."""
        self._time_left_s = fields["time_left"]
        weather = fields["weather"]
        described = replace(
            self._race,
            laps=fields["total_laps"] or None if race else None,
            zones=_zones(fields),
            race_control=CONTROL.get(fields["safety_car"], ""),
            weather=WEATHER[weather] if weather < len(WEATHER) else "",
        )
        yield from self._learn(described, at_ns)

    def participants(
        self, layout: PacketLayout, datagram: bytes, at_ns: int
    ) -> Iterator[RaceDescribed]:
        """Read the names of cars and drivers; yield the race where they changed."""
        packet = Content(layout, datagram)
        count = min(layout.head.read(datagram, layout.head_at)["cars"], layout.items)
        cars = [packet.car(index) for index in range(count)]
        entries = tuple(self._entry(index, fields) for index, fields in enumerate(cars))
        yield from self._learn(replace(self._race, entries=entries), at_ns)

    def laps_left(self, lap: int) -> float:
        """Return how many laps the race still has on a lap, that one included."""
        laps = self._race.laps
        return ABSENT if laps is None else max(0, laps - lap + 1)

    def _learn(self, described: RaceDescribed, at_ns: int) -> Iterator[RaceDescribed]:
        if described != self._race:
            self._race = described
            yield replace(described, at_ns=at_ns)

    def _entry(self, index: int, fields: Fields) -> Entry:
        """Describe a car; a player who hides the own name online is nameless here too."""
        named = bool(fields.get("named", 1)) or bool(fields["ai"])
        return Entry(
            car=str(index),
            driver=_text(fields["name"]) if named else "",
            number=str(fields["number"]) if fields["number"] else "",
            model=team_name(self._format, fields["team"], my_team=bool(fields.get("my_team"))),
        )

    def _car(self, index: int, lap: Fields, motion: Fields, best_s: Mapping[int, float]) -> CarSeen:
        status = self._status.car(index) if self._status else {}
        best = seconds(lap, "best_lap") if "best_lap_s" in lap else best_s.get(index, ABSENT)
        return CarSeen(
            car=str(index),
            lap=lap["lap"],
            distance_dm=_dm(lap["distance"]),
            x_dm=_dm(motion["x"]),
            y_dm=_dm(-motion["z"]),
            position=lap["position"] or None,
            gap_ms=_gap_ms(lap),
            where=_where(lap),
            tyre=tyre_name(self._format, status["tyre"]) if status else "",
            tyre_laps=status.get("tyre_laps"),
            last_ms=_ms(seconds(lap, "last_lap")),
            best_ms=_ms(best),
        )


def _where(lap: Fields) -> Literal["track", "pit", "garage", "finished", "out"]:
    if lap["result_status"] > ACTIVE:
        return "finished" if lap["result_status"] == FINISHED else "out"
    if lap["driver_status"] == IN_GARAGE:
        return "garage"
    return "pit" if lap["pit_status"] else "track"


def _gap_ms(lap: Fields) -> int | None:
    """Return the time behind the leader; None where the format lacks it or the game sends none."""
    if "leader_ms" not in lap:
        return None
    if lap["position"] == 1:
        return 0
    return (lap["leader_ms"] + 60_000 * lap.get("leader_min", 0)) or None


def _gap_behind_s(laps: list[dict[str, Any]], own: int) -> float:
    """Return the gap of the car a position behind; NaN where there is none."""
    position = laps[own]["position"]
    behind = (lap for lap in laps if position and lap["position"] == position + 1)
    return next((seconds(lap, "ahead") for lap in behind if "ahead_ms" in lap), ABSENT)


def _zones(fields: Fields) -> tuple[Zone, ...]:
    """Return the parts of the lap on which a flag is shown."""
    count = min(fields["zones"], layouts.ZONES)
    begins = [fields[f"zone{zone}_begins"] for zone in range(count)]
    if not all(0 <= begin <= 1 for begin in begins):
        return ()
    shown = [FLAGS.get(fields[f"zone{zone}_flag"]) for zone in range(count)]
    return tuple(
        Zone(round(begin, 4), round(begins[(zone + 1) % count], 4), flag)
        for zone, (begin, flag) in enumerate(zip(begins, shown, strict=True))
        if flag is not None
    )


def _dm(metres: float) -> int | None:
    return round(10 * metres) if abs(metres) < FARTHEST_M else None


def _ms(time_s: float) -> int | None:
    return None if math.isnan(time_s) else round(1000 * time_s)


def _text(name: bytes) -> str:
    """Return the text of a field up to a zero, without characters that cannot be shown."""
    text = name.split(b"\0", 1)[0].decode(errors="replace")
    return "".join(letter for letter in text if letter.isprintable()).strip()
