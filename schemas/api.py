"""Requests and answers of the gateway's REST API (`/api/v1`), beside `schemas.timing`."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.keys import PcName, UserKey
from schemas.telemetry import Token
from schemas.text import text
from schemas.timing import Lap, Session

Role = Literal["owner", "engineer", "driver", "guest"]
Kind = Literal["telemetry", "camera", "microphone"]
AccountName = Annotated[
    str,
    text(
        r"[a-z0-9][a-z0-9._-]{1,31}",
        "2 to 32 small letters, digits, '.', '_' and '-', of which the first is a letter or digit",
    ),
]
Password = Annotated[str, Meta(min_length=1, max_length=1024)]
Secret = Annotated[str, Meta(min_length=1, max_length=128)]


class Health(Struct, frozen=True, kw_only=True):
    """State that the process runs; no peer is asked."""

    status: Literal["ok"] = "ok"


class Ready(Struct, frozen=True, kw_only=True):
    """State which peers answer; served with status 503 unless all do.

    `notes` name parts that work but lack a setting.
    """

    nats: bool
    postgres: bool
    notes: tuple[str, ...] = ()


class DriverSummary(Struct, frozen=True, kw_only=True):
    """Summarise one driver's part of a session.

    `laps` counts finished laps of the driver's own car. `from_ns..to_ns` is the time span of the
    telemetry that Postgres has, by the driver's clock, None while there is none. Retention removed
    the telemetry at `removed_ms` (ms since 1970, by the hub's clock), None for never.
    """

    driver: str
    session: Session | None
    laps: int
    best_lap_time_s: float | None
    from_ns: int | None
    to_ns: int | None
    removed_ms: float | None = None


class Removal(Struct, frozen=True, kw_only=True):
    """Announce that retention removes a part of a session at `at_ms` by the hub's clock.

    Of "telemetry" the laps stay; with "facts" all of the session goes.
    """

    part: Literal["telemetry", "facts"]
    at_ms: float


class SessionSummary(Struct, frozen=True, kw_only=True):
    """Summarise a session: its drivers, the latest first; `pinned` ones are never removed."""

    session: str
    drivers: tuple[DriverSummary, ...]
    pinned: bool = False
    removal: Removal | None = None


class ChannelAbout(Struct, frozen=True, kw_only=True):
    """Describe a channel of the registry."""

    id: int
    name: str
    unit: str
    motec: str
    about: str


class Hole(Struct, frozen=True, kw_only=True):
    """State a range of chunks of a run that Postgres lacks; `gone` chunks can never come.

    Of these the `refused` came and could not be used: they are dead letters, or counted.

    `from_ns` is the last frame before the hole, `to_ns` the first frame after it, by the driver's
    clock; None where there is no such frame.
    """

    driver: str
    run: int
    first_chunk: int
    last_chunk: int
    chunks: int
    gone: bool
    refused: bool
    from_ns: int | None
    to_ns: int | None


class Traces(Struct, frozen=True, kw_only=True):
    """Carry the requested channels over time, as JSON or CSV; NaN becomes null.

    `times_ms` are ms since 1970 by the driver's clock; `columns` are in the order of `channels`.
    `holes` are (from, to) in ms, with frames missing in between. A channel that the car does not
    give is left out.
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
    """Carry `Traces` as msgpack.

    `times` is float64[frames], each of `columns` float32[frames], all little-endian.
    """

    session: str
    driver: str
    lap: Lap | None
    channels: tuple[str, ...]
    units: tuple[str, ...]
    times: bytes
    columns: tuple[bytes, ...]
    holes: tuple[tuple[float, float], ...]


class CarAt(Struct, frozen=True, kw_only=True):
    """Describe one car of a race at an instant; None and "" stand for what the sim does not give.

    `own` is True for the car of the driver who recorded it. `lap` is the one being driven, `gap_s`
    the time behind the leader.
    """

    car: str
    own: bool
    driver: str
    number: str
    model: str
    car_class: str
    lap: int | None
    lap_distance_m: float | None
    world_x_m: float | None
    world_y_m: float | None
    position: int | None
    gap_s: float | None
    where: Literal["track", "pit", "garage", "finished", "out"]
    tyre: str
    tyre_laps: int | None
    last_lap_time_s: float | None
    best_lap_time_s: float | None


class FlagOnZone(Struct, frozen=True):
    """State the flag on a part of the lap, between two fractions of it."""

    begins: float
    ends: float
    flag: Literal["green", "yellow", "blue", "red"]


class CarsAt(Struct, frozen=True, kw_only=True):
    """State a race at an instant, as one driver's sim showed it: all cars in their order.

    `at_ns` is when, by the driver's clock. `laps` is the length of the race, `extra_laps` how many
    follow the clock. `left_out` counts cars above the limit of one instant.
    """

    session: str
    driver: str
    at_ns: int
    session_time_s: float | None
    time_left_s: float | None
    laps: int | None
    extra_laps: int | None
    fuel_capacity: float | None
    refuel_rate_per_s: float | None
    race_control: str
    weather: str
    zones: tuple[FlagOnZone, ...]
    cars: tuple[CarAt, ...]
    left_out: int


class Problem(Struct, frozen=True, kw_only=True):
    """State in one sentence why a request failed, naming the parameter."""

    status: int
    detail: str


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log in by name and password."""

    name: AccountName
    password: Password


class LinkSecret(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log in by a single-use link."""

    secret: Secret


class Acceptance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accept an invitation by choosing a password."""

    secret: Secret
    password: Password


class Me(Struct, frozen=True, kw_only=True):
    """Describe the account that is logged in; `driver` is the driver it belongs to."""

    name: str
    role: Role
    driver: str | None
    has_password: bool


class LoggedIn(Struct, frozen=True, kw_only=True):
    """Return the token for the header `Authorization: Bearer`; it expires in `expires_s`."""

    access_token: str
    expires_s: int
    me: Me


class WsTicket(Struct, frozen=True, kw_only=True):
    """Return the ticket for `/live?ticket=`; it is valid once, for 30 seconds."""

    ticket: str


class PasswordChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change one's own password; `current` is empty while none is set."""

    current: Annotated[str, Meta(max_length=1024)] = ""
    new: Password


class AccountAbout(Struct, frozen=True, kw_only=True):
    """Describe an account to the owner; `invited` means that it has no password yet."""

    name: str
    role: Role
    driver: str | None
    invited: bool
    disabled: bool
    logins: int


class Invitation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Invite a person, or renew the invitation of an account without a password."""

    name: AccountName
    role: Role
    driver: Token | None = None


class Invited(Struct, frozen=True, kw_only=True):
    """Return the secret of an invitation, meant for the invited person only, and its expiry."""

    name: str
    secret: str
    expires: datetime


class AccountChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change an account; a field that is left out keeps its value."""

    role: Role | None = None
    disabled: bool | None = None


class Consent(Struct, frozen=True, kw_only=True):
    """State whether a role may see one kind of a driver's data."""

    driver: str
    kind: Kind
    role: Role
    allowed: bool


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decide, as a driver, whether a role may see one kind of one's own data."""

    kind: Kind
    role: Role
    allowed: bool


class AuditEntry(Struct, frozen=True, kw_only=True):
    """State one audited action: actor, action, object and client address."""

    id: int
    at: datetime
    actor: str | None
    action: str
    about: str
    address: str


class EnrolmentWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Request a code that enrols a PC of a driver."""

    driver: Token


class EnrolmentCode(Struct, frozen=True, kw_only=True):
    """Return the codes for `pitbox drive --enrol CODE@HOST`, once; they expire in `expires_s`.

    Both together enrol one PC. `code` is short enough to type. `link_code` is too long to guess
    and meant for `/#enrol=…`.
    """

    driver: str
    code: str
    link_code: str
    expires_s: int


class EnrolmentState(Struct, frozen=True, kw_only=True):
    """State how a driver's last code stands: its expiry, and the PC that used it.

    `begins` is the code's first two letters; `tries_left` counts tries of the typed code.
    """

    driver: str
    begins: str
    used: bool
    pc: str
    tries_left: int
    expires_s: int


class PcKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Enrol a PC by its public key, with the code and a signature over both.

    `pitbox.identity.proof` defines the signed bytes; `pc` is the name that the PC gives itself.
    """

    code: Annotated[str, text(r"[0-9A-Za-z -]{8,20}", "a code as the pit wall shows it")]
    public_key: UserKey
    proof: Annotated[str, Meta(max_length=128)]
    pc: PcName = ""


class EnrolledPc(Struct, frozen=True, kw_only=True):
    """Return the JWT for the PC's key, which expires in `expires_s`, and nats-server's address."""

    driver: str
    jwt: str
    expires_s: int
    nats_url: str


class PcAbout(Struct, frozen=True, kw_only=True):
    """Describe a PC of a driver by its public key; `revoked` is the time of its revocation.

    `name` is the name that the PC gave itself with its code, "" for none.
    """

    public_key: str
    name: str
    enrolled: datetime
    renewed: datetime | None
    expires: datetime
    revoked: datetime | None


class DriverAbout(Struct, frozen=True, kw_only=True):
    """Describe an enrolled driver and the driver's PCs.

    A driver that sent too much is suspended until `shut_until`.
    """

    driver: str
    enrolled: datetime
    revoked: datetime | None
    shut_until: datetime | None
    pcs: tuple[PcAbout, ...]
