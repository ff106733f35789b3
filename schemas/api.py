"""What the gateway answers over REST (`/api/v1`), beside the facts of `schemas.timing`."""

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
    """Say that the process works; asks no one else."""

    status: Literal["ok"] = "ok"


class Ready(Struct, frozen=True, kw_only=True):
    """Say which peers answer; served with status 503 unless all do.

    `notes` name what works but lacks a setting.
    """

    nats: bool
    postgres: bool
    notes: tuple[str, ...] = ()


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


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log in by name and password."""

    name: AccountName
    password: Password


class LinkSecret(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log in by a link that opens once."""

    secret: Secret


class Acceptance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accept an invitation by choosing a password."""

    secret: Secret
    password: Password


class Me(Struct, frozen=True, kw_only=True):
    """Say who is logged in; `driver` is whose telemetry is theirs."""

    name: str
    role: Role
    driver: str | None
    has_password: bool


class LoggedIn(Struct, frozen=True, kw_only=True):
    """Give the token for the header `Authorization: Bearer`, for so many seconds."""

    access_token: str
    expires_s: int
    me: Me


class WsTicket(Struct, frozen=True, kw_only=True):
    """Give the ticket that opens `/live?ticket=` once, within 30 seconds."""

    ticket: str


class PasswordChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change one's own password; there is no current one before the first is chosen."""

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
    """Invite somebody, or invite again who has no password yet."""

    name: AccountName
    role: Role
    driver: Token | None = None


class Invited(Struct, frozen=True, kw_only=True):
    """Give the secret of an invitation, for whoever is invited and nobody else, and its end."""

    name: str
    secret: str
    expires: datetime


class AccountChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change what an account may do; what is left out stays."""

    role: Role | None = None
    disabled: bool | None = None


class Consent(Struct, frozen=True, kw_only=True):
    """Say whether a role sees something of a driver."""

    driver: str
    kind: Kind
    role: Role
    allowed: bool


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decide, as a driver, whether a role sees something of oneself."""

    kind: Kind
    role: Role
    allowed: bool


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Say who did what, to whom, from which address."""

    id: int
    at: datetime
    actor: str | None
    action: str
    about: str
    address: str


class EnrolmentWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for a code by which a PC of a driver is enrolled."""

    driver: Token


class EnrolmentCode(Struct, frozen=True, kw_only=True):
    """Give the codes for `pitbox drive --enrol CODE@HOST`, once, good for so many seconds.

    Only one PC may use them: `code` is short enough to be typed, `link_code` too long to be
    guessed; that one is for `/#enrol=…`.
    """

    driver: str
    code: str
    link_code: str
    expires_s: int


class EnrolmentState(Struct, frozen=True, kw_only=True):
    """Say what became of a driver's last code: for how long it is good, and which PC used it.

    `begins` are its first two letters; `tries_left` are those of the one that is typed.
    """

    driver: str
    begins: str
    used: bool
    pc: str
    tries_left: int
    expires_s: int


class PcKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Enrol a PC by the public half of its key, with the code and a signature of both.

    `pitbox.identity.proof` says what is signed; `pc` is what the PC calls itself.
    """

    code: Annotated[str, text(r"[0-9A-Za-z -]{8,20}", "a code as the pit wall shows it")]
    public_key: UserKey
    proof: Annotated[str, Meta(max_length=128)]
    pc: PcName = ""


class EnrolledPc(Struct, frozen=True, kw_only=True):
    """Give the JWT that goes with the PC's key, good for so many seconds, and where to drive to."""

    driver: str
    jwt: str
    expires_s: int
    nats_url: str


class PcAbout(Struct, frozen=True, kw_only=True):
    """Describe a PC of a driver by the public half of its key, and say when it was shut out.

    `name` is what it called itself when it used its code, "" without one.
    """

    public_key: str
    name: str
    enrolled: datetime
    renewed: datetime | None
    expires: datetime
    revoked: datetime | None


class DriverAbout(Struct, frozen=True, kw_only=True):
    """Say who may drive, and with which PCs.

    Who sent too much is shut out for a while, until `shut_until`.
    """

    driver: str
    enrolled: datetime
    revoked: datetime | None
    shut_until: datetime | None
    pcs: tuple[PcAbout, ...]
