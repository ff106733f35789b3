"""The contract of a source: bytes of a game in, observations out. No sockets, no clock."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from producers.left_out import Tally
from schemas.sim import Observed, SessionOpened


class SourceError(Exception):
    """Report unusable input in one sentence that names the place."""


class Began(Struct, frozen=True):
    """Begin a session: the frames up to the next `Began` have these channels, in this order.

    `session` is the sim's own id, "" where it has none and the driver app names the session;
    `channels` are strictly ascending ids of `schemas.channels`.
    """

    session: str
    channels: tuple[int, ...]
    opened: SessionOpened


class Frame(Struct, frozen=True, gc=False):
    """Hold all channels at one instant: `values` in the order of the session's channels.

    NaN stands for a value that the sim does not give. `captured_ns` is the driver's clock, ns since
    1970.
    """

    captured_ns: int
    values: Sequence[float]


Observation = Began | Frame | Observed
"""`LeftOut` states what was left out since the one before it."""


class Decoder(Protocol):
    """Turn the datagrams of one game into observations.

    A decoder's only state comes from earlier datagrams: the same datagrams with the same times give
    the same observations. Datagrams that are not used are counted in `left_out`; they never raise.
    """

    name: str
    left_out: Tally

    def feed(self, datagram: bytes, captured_ns: int) -> Iterable[Observation]:
        """Decode one datagram, in order of arrival; return its observations."""
        ...

    def close(self) -> Iterable[Observation]:
        """Return the last observations, at the end of a recording."""
        ...

    def recognises(self, datagram: bytes) -> bool:
        """Return whether these bytes can only be this game's."""
        ...
