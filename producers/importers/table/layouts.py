"""Know the layouts of tables by their columns, with the units that these state nowhere."""

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

ENGAGED: Final = "ratio engaged"
"""The unit of a clutch that is 1 when it is not pressed."""

ROW: Final = "row"
"""The time of a layout whose rows are evenly spaced, instead of the name of a column."""


class Layout(Struct, frozen=True):
    """Name the columns of a layout: channel and unit by column, and those that describe a session.

    A table has this layout when it has all columns of `needs`, and a game among `games`, where
    given, in the column `game`. `time` is "" where the layout has none of its own.
    """

    name: str
    needs: frozenset[str]
    columns: Mapping[str, tuple[str, str]] = {}
    time: str = ""
    game: str = ""
    games: tuple[str, ...] = ()
    track: str = ""
    car_model: str = ""
    kind: str = ""

    def fits(self, columns: Collection[str], cells: Mapping[str, str]) -> bool:
        """Return whether a table with these columns and this first row has the layout."""
        known = not self.games or cells.get(self.game, "") in self.games
        return known and self.needs <= set(columns)


CREW_CHIEF: Final = frozenset({"_time", "GameName", "SpeedMs", "DistanceRoundTrack", "CurrentLap"})
COMMON: Final = {
    "CurrentLap": ("lap_number", ""),
    "LapTimePrevious": ("last_lap_time", "s"),
    "DistanceRoundTrack": ("lap_distance", "m"),
    "CurrentLapIsValid": ("lap_valid", "bool"),
    "SpeedMs": ("speed", "m/s"),
    "Throttle": ("throttle", "ratio"),
    "Brake": ("brake", "ratio"),
    "Gear": ("gear", ""),
}
OF_IRACING: Final = {
    "CurrentLapTime": ("lap_time", "s"),
    "Clutch": ("clutch", ENGAGED),
    "SteeringAngle": ("steering_angle", "rad"),
}
OF_MADNESS: Final = {
    "Clutch": ("clutch", "ratio"),
    "Handbrake": ("handbrake", "ratio"),
    "Rpms": ("engine_rpm", "rpm"),
    "WorldPosition_x": ("world_x", "m"),
    "WorldPosition_z": ("world_y", "m"),
    "WorldPosition_y": ("world_z", "m"),
}
"""Their lap clock does not restart at the line, and their steering is a share of the lock."""


def _crew_chief(name: str, games: tuple[str, ...], columns: dict[str, tuple[str, str]]) -> Layout:
    return Layout(
        name=name,
        needs=CREW_CHIEF,
        columns=COMMON | columns,
        time="_time",
        game="GameName",
        games=games,
        track="TrackCode",
        car_model="CarModel",
        kind="SessionTypeName",
    )


SIMHUB: Final = {
    "SpeedKmh": ("speed", "km/h"),
    "Rpms": ("engine_rpm", "rpm"),
    "MaxRpm": ("engine_rpm_max", "rpm"),
    "Gear": ("gear", ""),
    "Throttle": ("throttle", "%"),
    "Brake": ("brake", "%"),
    "Clutch": ("clutch", "%"),
    "Handbrake": ("handbrake", "%"),
    "CurrentLap": ("lap_number", ""),
    "CurrentLapTime": ("lap_time", "s"),
    "LastLapTime": ("last_lap_time", "s"),
    "BestLapTime": ("best_lap_time", "s"),
    "TrackPositionPercent": ("lap_fraction", "ratio"),
    "TrackPositionMeters": ("lap_distance", "m"),
    "IsLapValid": ("lap_valid", "bool"),
    "Position": ("position", ""),
    "Fuel": ("fuel_level", "l"),
    "IsInPitLane": ("in_pit_lane", "bool"),
    "PitLimiterOn": ("pit_limiter", "bool"),
    "TCActive": ("tc_active", "bool"),
    "ABSActive": ("abs_active", "bool"),
    "TCLevel": ("tc_level", ""),
    "ABSLevel": ("abs_level", ""),
}
"""Temperatures and pressures follow the user's settings of SimHub, so they are not in it."""

PREFIXES: Final = ("DataCorePlugin.GameData.NewData.", "DataCorePlugin.GameData.", "GameData.")

IRACING: Final = Layout(
    name="iRacing's variables",
    needs=frozenset({"SessionTime", "Lap", "LapDistPct", "Speed"}),
    time="SessionTime",
)
GARAGE_61: Final = Layout(
    name="lap of Garage 61",
    needs=frozenset({"LapDistPct", "Speed", "Lat", "Lon", "SteeringWheelAngle", "Clutch"}),
    time=ROW,
)
LAYOUTS: Final = (
    IRACING,
    GARAGE_61,
    _crew_chief("feed of Crew Chief, iRacing", ("iRacing",), OF_IRACING),
    _crew_chief(
        "feed of Crew Chief, Automobilista 2 and Project CARS 2",
        ("Automobilista 2", "Project CARS 2"),
        OF_MADNESS,
    ),
    _crew_chief("feed of Crew Chief", (), {}),
    *(
        Layout(
            name="SimHub",
            needs=frozenset({f"{prefix}SpeedKmh", f"{prefix}Rpms"}),
            columns={f"{prefix}{name}": channel for name, channel in SIMHUB.items()},
            track=f"{prefix}TrackName",
            car_model=f"{prefix}CarModel",
            kind=f"{prefix}SessionTypeName",
        )
        for prefix in (*PREFIXES, "")
    ),
)


def layout_of(columns: Collection[str], cells: Mapping[str, str]) -> Layout | None:
    """Return the layout of a table by its columns and its first row; None for an unknown one."""
    return next((layout for layout in LAYOUTS if layout.fits(columns, cells)), None)
