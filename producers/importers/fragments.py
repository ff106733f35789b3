"""Put the fragments of IP packets together (RFC 791, RFC 8200), in bounded memory."""

from typing import Final

from msgspec import Struct

MAX_PENDING: Final = 64
"""The most packets that wait for fragments; one more gives up the oldest."""

MAX_PACKET_BYTES: Final = 65_535
MAX_FRAGMENTS: Final = 64
PATIENCE_NS: Final = 30_000_000_000
"""Time after which a packet's identification may be used again."""

Key = tuple[bytes, bytes, int]
"""Addresses and identification of a packet."""


class Fragment(Struct, frozen=True, gc=False):
    """Hold a fragment: its offset in the packet's content, and whether more follow it."""

    key: Key
    offset: int
    more: bool
    content: bytes


class Pending(Struct):
    """Hold the fragments of a packet by offset; `size` is known once the last one has come."""

    since_ns: int
    parts: dict[int, bytes]
    size: int | None = None

    def content(self) -> bytes | None:
        """Return the packet's content; None while a fragment is missing."""
        if self.size is None or sum(map(len, self.parts.values())) < self.size:
            return None
        at, whole = 0, bytearray()
        while at < self.size and at in self.parts:
            whole += self.parts[at]
            at = len(whole)
        return bytes(whole) if len(whole) == self.size else None


class Fragments:
    """Collect fragments in any order; `incomplete` counts packets that never became whole."""

    def __init__(self) -> None:
        self.incomplete = 0
        self._pending: dict[Key, Pending] = {}

    def add(self, fragment: Fragment, at_ns: int) -> bytes | None:
        """Add a fragment; return the content of the packet that it completes, else None."""
        pending = self._pending.get(fragment.key)
        if pending is not None and at_ns - pending.since_ns > PATIENCE_NS:
            self._give_up(fragment.key)
            pending = None
        if pending is None:
            if len(self._pending) >= MAX_PENDING:
                self._give_up(next(iter(self._pending)))
            pending = self._pending[fragment.key] = Pending(at_ns, {})
        end = fragment.offset + len(fragment.content)
        if end > MAX_PACKET_BYTES or len(pending.parts) >= MAX_FRAGMENTS:
            self._give_up(fragment.key)
            return None
        pending.parts.setdefault(fragment.offset, fragment.content)
        if not fragment.more:
            pending.size = end
        content = pending.content()
        if content is not None:
            del self._pending[fragment.key]
        return content

    def close(self) -> None:
        """Count the packets that still wait, at the end of a capture."""
        self.incomplete += len(self._pending)
        self._pending.clear()

    def _give_up(self, key: Key) -> None:
        del self._pending[key]
        self.incomplete += 1
