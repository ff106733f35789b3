"""Messages between the gateway and the page over the WebSocket (msgpack, one message each)."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.coaching import Debrief, Moment, Silence
from schemas.hub import HubState
from schemas.passes import Passes
from schemas.sim import CarSeen, Entry
from schemas.telemetry import ChunkNumber, Number, Range, Token
from schemas.timing import Deriving, Lap, Session
from schemas.track import Track

ChannelName = Annotated[str, Meta(max_length=64)]


class Subscribe(Struct, frozen=True, kw_only=True, tag="wall.subscribe"):
    """Choose the session, drivers and channels to see live; replaces the choice before it.

    No drivers means all of the session.
    """

    session: Token
    drivers: Annotated[tuple[Token, ...], Meta(max_length=64)] = ()
    channels: Annotated[tuple[ChannelName, ...], Meta(max_length=128)]


class Ping(Struct, frozen=True, kw_only=True, tag="wall.ping"):
    """Request the hub's clock; the answer repeats `token`."""

    token: float


FromPage = Subscribe | Ping


class Pong(Struct, frozen=True, kw_only=True, tag="wall.pong"):
    """Answer a ping with the hub's clock (ms since 1970)."""

    token: float
    hub_ms: float


class Frames(Struct, frozen=True, kw_only=True, tag="wall.frames"):
    """Carry the chosen channels of one chunk.

    `channels` are the chosen channels that the car gives, in the order of the columns. `times` is
    float64[frames], ms since 1970 by the driver's clock; `rows` is float32[frames][channels], both
    little-endian. `late` is True for a chunk that came as backfill.
    """

    session: str
    driver: str
    run: Number
    chunk: ChunkNumber
    first_frame: Number
    channels: tuple[str, ...]
    times: bytes
    rows: bytes
    late: bool = False


class Cars(Struct, frozen=True, kw_only=True, tag="wall.cars"):
    """State all cars of a race at one instant, as a driver's sim showed them.

    `at_ms` is when, ms since 1970 by the driver's clock; `own` names the driver's car. While a
    driver is hidden from the page it is the own car only.
    """

    session: str
    driver: str
    at_ms: float
    own: str
    cars: tuple[CarSeen, ...]


class Entries(Struct, frozen=True, kw_only=True, tag="wall.entries"):
    """Describe the cars of a race, as a driver's sim named them."""

    session: str
    driver: str
    entries: tuple[Entry, ...]


class Presence(Struct, frozen=True, kw_only=True, tag="wall.presence"):
    """State a driver's link, every two seconds while the PC sends, and on each change.

    Age of a sample = hub now - captured - offset. `missing` are the holes of the live run that
    Postgres still waits for, `gone` the holes that can never be filled, `refused` those whose
    chunks came and could not be used. `made` is how many chunks
    the driver's PC has made, `seen_ms` the hub's clock at its last message. `stored_ms` is the
    hub's clock when Postgres last stored chunks of the driver, or had all: a PC that is seen much
    later sends what the hub does not store. `kept` is False while the PC's disk keeps no chunks.
    `closed` is True when the run has ended: the driver's
    app was closed, or began another session.
    """

    session: str
    driver: str
    run: Number
    seen_ms: float
    stored_ms: float = 0.0
    offset_ms: float | None = None
    made: int = 0
    waiting: int = 0
    through: int = -1
    missing: tuple[Range, ...] = ()
    gone: tuple[Range, ...] = ()
    closed: bool = False
    kept: bool = True
    refused: tuple[Range, ...] = ()


class Deleted(Struct, frozen=True, kw_only=True, tag="wall.deleted"):
    """State that a driver's runs of a session were deleted, those up to the run `through`."""

    session: str
    driver: str
    through: int


class Dropped(Struct, frozen=True, kw_only=True, tag="wall.dropped"):
    """State how many messages were dropped for this slow client since it connected."""

    count: int


class Refused(Struct, frozen=True, kw_only=True, tag="wall.refused"):
    """State why the gateway rejected a message of the page."""

    reason: str


Fact = Session | Lap | Deriving | Track | Passes | Moment | Silence | Debrief
"""The events that the gateway forwards as they are, by its table of facts."""

ToPage = Frames | Cars | Entries | Presence | Fact | HubState | Deleted | Dropped | Pong | Refused
