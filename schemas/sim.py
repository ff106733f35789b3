"""Events of a sim beside its frames; they travel inside chunks, as `Chunk.observed`."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

SessionKind = Literal["practice", "qualifying", "race", "time_trial", "test", "unknown"]
Nanoseconds = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0, lt=1e6)]
MAX_LAP_NUMBER: Final = 1_000_000
MAX_COUNT: Final = 2**53 - 1
"""The greatest integer that a page counts to exactly."""

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


Observed = SessionOpened | LapReported | Rewound | Finished | LeftOut
