"""What a source is: bytes of a game in, observations out. No sockets, no clocks in here."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from schemas.sim import Finished, LapReported, Rewound, SessionOpened


class SourceError(Exception):
    """Say in one sentence what is wrong with the input, and where."""


class Began(Struct, frozen=True):
    """Begin a session: frames that follow have these channels, in this order, until the next one.

    `session` is the sim's own id where it has one ("" lets the driver app name it); `channels` are
    strictly ascending ids of `schemas.channels`.
    """

    session: str
    channels: tuple[int, ...]
    opened: SessionOpened


class Frame(Struct, frozen=True, gc=False):
    """Hold all channels at one instant: `values` stand in the order of the session's channels.

    NaN where the sim gives nothing. `captured_ns` is the driver's clock, ns since 1970.
    """

    captured_ns: int
    values: Sequence[float]


Observation = Began | Frame | SessionOpened | LapReported | Rewound | Finished


class Decoder(Protocol):
    """Turn the datagrams of one game into observations.

    A decoder keeps what it needs from earlier datagrams and nothing else: fed the same datagrams
    with the same times it says the same again. Datagrams that are not the game's are ignored and
    counted in `ignored`; they never raise.
    """

    name: str
    ignored: int

    def feed(self, datagram: bytes, captured_ns: int) -> Iterable[Observation]:
        """Take one datagram as it arrived; return what it tells."""
        ...

    def recognises(self, datagram: bytes) -> bool:
        """Tell whether these bytes can only be this game's."""
        ...
