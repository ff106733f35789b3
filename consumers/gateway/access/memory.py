"""Bound the memory that answers and queues of visitors take, per visitor and in sum: pure.

A visitor is an account, and before a login an address. At the limit in sum the visitor with the
most loses the largest hold, so that slow readers of one account keep nobody else out.
"""

from collections.abc import Callable
from typing import Final

OF_VISITOR: Final = 64_000_000
IN_TOTAL: Final = 256_000_000


class Memory:
    """Hold the bytes that each visitor takes."""

    def __init__(self, of_visitor: int = OF_VISITOR, in_total: int = IN_TOTAL) -> None:
        """Take the limits in bytes."""
        self._of_visitor = of_visitor
        self._in_total = in_total
        self._bytes = 0
        self._taken: dict[str, int] = {}
        self._holds: dict[str, dict[Hold, None]] = {}

    @property
    def taken_bytes(self) -> int:
        """Return the bytes that all visitors take."""
        return self._bytes

    def change(self, hold: "Hold", size: int) -> bool:
        """Let a hold take `size` bytes more, or less; return False when there is no room."""
        visitor = hold.visitor
        after = self._taken.get(visitor, 0) + size
        if size > 0 and (after > self._of_visitor or not self._make_room(visitor, after, size)):
            return False
        self._bytes += size
        self._taken[visitor] = after
        self._holds.setdefault(visitor, {})[hold] = None
        if not after:
            del self._taken[visitor], self._holds[visitor]
        elif hold.bytes + size == 0:
            del self._holds[visitor][hold]
        return True

    def _make_room(self, visitor: str, after: int, size: int) -> bool:
        """End holds of whoever has more than the visitor would have; return whether it fits."""
        while self._bytes + size > self._in_total:
            greediest = max(self._taken, key=self._taken.__getitem__, default=visitor)
            if greediest == visitor or self._taken[greediest] <= after:
                return False
            max(self._holds[greediest], key=_bytes).evict()
        return True


class Hold:
    """Hold the bytes of one answer or queue; `end` is called when it loses them to others."""

    def __init__(self, memory: Memory, visitor: str, end: Callable[[], object]) -> None:
        self.visitor = visitor
        self.end = end
        self.bytes = 0
        self._memory = memory
        self._evicted = False

    def resize(self, size: int) -> bool:
        """Take `size` bytes in place of those before; return False when there is no room."""
        if self._evicted:
            return size == 0
        changed = size == self.bytes or self._memory.change(self, size - self.bytes)
        if changed:
            self.bytes = size
        return changed

    def own(self, visitor: str) -> None:
        """Count from now on for another visitor; a hold without bytes only."""
        if not self.bytes:
            self.visitor = visitor

    def release(self) -> None:
        """Give all bytes back."""
        self.resize(0)

    def evict(self) -> None:
        """Give all bytes back for the sake of others, and end."""
        self.release()
        self._evicted = True
        self.end()


def _bytes(hold: Hold) -> int:
    return hold.bytes
