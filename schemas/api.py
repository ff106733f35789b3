"""What the gateway answers over REST (`/api/v1`), beside the facts of `schemas.timing`."""

from typing import Literal

from msgspec import Struct

from schemas.timing import Lap, Session


class Health(Struct, frozen=True, kw_only=True):
    """Say that the process works; asks no one else."""

    status: Literal["ok"] = "ok"


class Ready(Struct, frozen=True, kw_only=True):
    """Say which peers answer; served with status 503 unless all do."""

    nats: bool
    postgres: bool


class DriverSummary(Struct, frozen=True, kw_only=True):
    """Sum up what one driver did in a session.

    `laps` counts finished laps of the driver's own car. `from_ns..to_ns` is the time span of the
    telemetry that Postgres has, by the driver's clock, None while there is none.
    """

    driver: str
    session: Session | None
    laps: int
    best_lap_time_s: float | None
    from_ns: int | None
    to_ns: int | None


class SessionSummary(Struct, frozen=True, kw_only=True):
    """Sum up a session: its drivers, the latest first."""

    session: str
    drivers: tuple[DriverSummary, ...]


class ChannelAbout(Struct, frozen=True, kw_only=True):
    """Describe a channel of the registry."""

    id: int
    name: str
    unit: str
    motec: str
    about: str


class Hole(Struct, frozen=True, kw_only=True):
    """Say which chunks of a run Postgres lacks; `gone` ones can never come.

    `from_ns..to_ns` reaches from the last frame before to the first frame after it, by the driver's
    clock; None where there is no such frame.
    """

    driver: str
    run: int
    first_chunk: int
    last_chunk: int
    chunks: int
    gone: bool
    from_ns: int | None
    to_ns: int | None


class Traces(Struct, frozen=True, kw_only=True):
    """Carry channels over time, as asked for, as JSON or CSV; NaN is null.

    `times_ms` are ms since 1970 by the driver's clock; `columns` stand in the order of `channels`.
    `holes` are (from, to) in ms where frames are missing in between. A channel that the car does
    not give is left out.
    """

    session: str
    driver: str
    lap: Lap | None
    channels: tuple[str, ...]
    units: tuple[str, ...]
    times_ms: tuple[float, ...]
    columns: tuple[tuple[float | None, ...], ...]
    holes: tuple[tuple[float, float], ...]


class PackedTraces(Struct, frozen=True, kw_only=True):
    """Carry the same as `Traces`, as msgpack.

    `times` is float64[frames], `columns` float32[frames] each, all little-endian.
    """

    session: str
    driver: str
    lap: Lap | None
    channels: tuple[str, ...]
    units: tuple[str, ...]
    times: bytes
    columns: tuple[bytes, ...]
    holes: tuple[tuple[float, float], ...]


class Problem(Struct, frozen=True, kw_only=True):
    """Say in one sentence why a request has no answer, naming the parameter."""

    status: int
    detail: str
