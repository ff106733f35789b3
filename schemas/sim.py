"""Events of a sim beside its frames; they travel inside chunks, as `Chunk.observed`."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

SessionKind = Literal["practice", "qualifying", "race", "time_trial", "test", "unknown"]
Nanoseconds = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0, lt=1e6)]
MAX_LAP_NUMBER: Final = 1_000_000
MAX_COUNT: Final = 2**53 - 1
"""The greatest integer that a page counts to exactly."""

MAX_CARS: Final = 64
MAX_ZONES: Final = 64

Fraction = Annotated[float, Meta(ge=0, le=1)]
Whole = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
LapNumber = Annotated[int, Meta(ge=-MAX_LAP_NUMBER, le=MAX_LAP_NUMBER)]
Label = Annotated[str, Meta(max_length=128)]
Reason = Literal[
    "incomplete",
    "other_game",
    "unknown",
    "late",
    "kernel_full",
    "inbox_full",
    "header",
    "row",
    "channel",
    "value",
]
"""Why telemetry is left out: a datagram of which a part is missing, one of a game that is not
followed, one of no known kind, one that came late or twice, one that found the operating system's
buffer or the driver app's full; a file's session header or row that is missing or damaged, its
channels that are not used, and its values that are no numbers."""


class SessionOpened(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sim.session"):
    """Describe the session being driven; repeated when a fact becomes known later.

    `car` is the start number or index of the driver's own car, `sectors` how many a lap has.
    """

    at_ns: Nanoseconds
    source: Label
    source_version: Label = ""
    kind: SessionKind = "unknown"
    track: Label = ""
    track_length_m: float | None = None
    car: Label = ""
    car_model: Label = ""
    sectors: int = 0


class LapReported(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sim.lap"):
    """State the sim's own time of a finished lap, of the driver's car or another one.

    `own` is True for the car whose frames this producer sends; `valid` is None when the sim does
    not judge. `lap_time_s` is 0 for a lap that does not count and has no time. Repeated with other
    values when the sim corrects itself.
    """

    at_ns: Nanoseconds
    car: Label
    lap_number: LapNumber
    lap_time_s: Seconds
    own: bool
    sectors_s: tuple[Seconds, ...] = ()
    valid: bool | None = None


class Rewound(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sim.rewound"):
    """State that the driver took a flashback: frames after that sim time do not count."""

    at_ns: Nanoseconds
    session_time_s: float


class Finished(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sim.finished"):
    """State that the chequered flag fell or the sim ended the session."""

    at_ns: Nanoseconds


class LeftOut(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sim.left_out"):
    """State how much of what arrived was not used, and why.

    In a chunk `count` is the sum over the run so far, for each `reason` and `about`, which names
    the sender where that is another game, and columns of a file. `header`, `row`, `channel` and
    `value` count parts of a file, the others datagrams.
    """

    at_ns: Nanoseconds
    reason: Reason
    count: Annotated[int, Meta(ge=1, le=MAX_COUNT)]
    about: Label = ""


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """Describe a car of the race; `car` is its name in `CarSeen` and `LapReported`.

    `driver` is the name that the sim shows, which is personal: it stands in no log.
    """

    car: Label
    driver: Label = ""
    number: Label = ""
    model: Label = ""
    car_class: Label = ""


class Zone(Struct, frozen=True, array_like=True, gc=False):
    """State the flag that is shown on a part of the lap, between two fractions of it."""

    begins: Fraction
    ends: Fraction
    flag: Literal["green", "yellow", "blue", "red"]


class RaceDescribed(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sim.race"):
    """State what changes seldom in a race; repeated when it changes.

    `laps` is the length of the race, `extra_laps` how many follow the leader's first crossing after
    the clock has run out. `fuel_capacity` and `refuel_rate_per_s` are in the unit of the car's
    fuel. None and "" stand for what the sim does not give, `zones` for the flags that are shown.
    """

    at_ns: Nanoseconds
    entries: Annotated[tuple[Entry, ...], Meta(max_length=MAX_CARS)] = ()
    laps: LapNumber | None = None
    extra_laps: LapNumber | None = None
    fuel_capacity: float | None = None
    refuel_rate_per_s: float | None = None
    zones: Annotated[tuple[Zone, ...], Meta(max_length=MAX_ZONES)] = ()
    race_control: Literal["", "safety_car", "virtual_safety_car", "formation_lap", "caution"] = ""
    weather: Label = ""


class CarSeen(Struct, frozen=True, array_like=True, gc=False):
    """Hold one car of the race at an instant; None and "" stand for what the sim does not give.

    `lap` is the lap being driven. Distance from the line, x and y are in dm, in the map plane of
    the channels `world_x` and `world_y`. `gap_ms` is the time behind the leader. Whole numbers are
    short on the wire.
    """

    car: Label
    lap: LapNumber | None = None
    distance_dm: Whole | None = None
    x_dm: Whole | None = None
    y_dm: Whole | None = None
    position: Whole | None = None
    gap_ms: Whole | None = None
    where: Literal["track", "pit", "garage", "finished", "out"] = "track"
    tyre: Label = ""
    tyre_laps: Whole | None = None
    last_ms: Whole | None = None
    best_ms: Whole | None = None


class CarsSeen(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sim.cars"):
    """State where all cars are at one instant, the driver's own included, five times a second.

    `own` names the car whose frames this producer sends. Of cars above the limit the ones behind
    are left out and counted.
    """

    at_ns: Nanoseconds
    cars: Annotated[tuple[CarSeen, ...], Meta(max_length=MAX_CARS)]
    own: Label = ""
    session_time_s: float | None = None
    time_left_s: float | None = None
    left_out: int = 0


Observed = SessionOpened | LapReported | Rewound | Finished | LeftOut | RaceDescribed | CarsSeen
