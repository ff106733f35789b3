"""Follow one of the sessions whose packets reach one port: the first, until it is silent.

Several consoles of a network may send to one port, as may a game that begins its next session. Only
the future tells them apart: where the followed session goes on, the other one is another game's.
Until then the packets of other sessions are held back, so that a next session loses none.
"""

from typing import Final

from msgspec import Struct

from producers.sources.f1.header import Header

SILENT_NS: Final = 2_000_000_000
"""Silence of the followed session after which another one is followed."""

MAX_HELD: Final = 8192
"""Two seconds of packets of the busiest game."""

MAX_OTHERS: Final = 64
"""The most sessions that are known to be of other games."""

Key = tuple[int, int, int]
"""Format, session and player."""


class Packet(Struct, frozen=True, gc=False):
    """Hold a packet and its time of arrival."""

    header: Header
    datagram: bytes
    captured_ns: int

    @property
    def key(self) -> Key:
        """Return the key of the packet's session."""
        return self.header.format, self.header.session, self.header.player


class Rivals:
    """Hold back the packets of other sessions than the followed one."""

    def __init__(self) -> None:
        self._heard_ns = 0
        self._held: list[Packet] = []
        self._begins = False
        self._others: set[Key] = set()

    def goes_on(self, captured_ns: int) -> list[Packet]:
        """Note that the followed session has a new frame; return the packets of other games."""
        self._heard_ns = captured_ns
        if not self._held:
            return []
        others = self.release()
        self._others.update(packet.key for packet in others[: MAX_OTHERS - len(self._others)])
        return others

    def is_other(self, packet: Packet) -> bool:
        """Return whether a packet is of another game, which sent beside a followed session."""
        return packet.key in self._others

    def hold(self, packet: Packet, begins: bool) -> bool:
        """Hold back a packet, which may begin a session; return False when there is no room."""
        if len(self._held) >= MAX_HELD:
            return False
        self._held.append(packet)
        self._begins = self._begins or begins
        return True

    def succeeds(self, captured_ns: int) -> bool:
        """Return whether the followed session is silent, and another one was held back."""
        return self._begins and captured_ns - self._heard_ns >= SILENT_NS

    def release(self) -> list[Packet]:
        """Return the packets held back, and hold none."""
        released, self._held, self._begins = self._held, [], False
        return released
