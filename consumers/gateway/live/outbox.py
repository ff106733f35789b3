"""What one client is still to be sent, bounded.

Frames wait in a queue that drops the oldest. Facts (sessions, laps, presence) wait by what they are
about: a newer one takes the place of the one before it, and none is dropped for frames.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Final

MAX_FRAMES: Final = 512
MAX_BYTES: Final = 4_000_000


class Outbox:
    """Hold encoded messages for one client; `wake` is called when there is something to send."""

    def __init__(
        self,
        wake: Callable[[], None],
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.dropped = 0
        self._counted = 0
        self._wake = wake
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._facts: dict[Hashable, bytes] = {}
        self._frames: deque[bytes] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._facts) + len(self._frames)

    def put(self, frames: bytes) -> None:
        """Add frames; the oldest ones go when they are too many or too large."""
        self._frames.append(frames)
        self._bytes += len(frames)
        while len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self._bytes -= len(self._frames.popleft())
            self.dropped += 1
        self._wake()

    def put_fact(self, about: Hashable, fact: bytes) -> None:
        """Add a fact, instead of the one about the same thing that still waits."""
        self._facts[about] = fact
        self._wake()

    def take(self) -> bytes | None:
        """Return the next message, facts first, None when nothing waits."""
        if self._facts:
            return self._facts.pop(next(iter(self._facts)))
        if self._frames:
            frames = self._frames.popleft()
            self._bytes -= len(frames)
            return frames
        return None

    def newly_dropped(self) -> int:
        """Return how many were dropped since this was asked before."""
        fresh, self._counted = self.dropped - self._counted, self.dropped
        return fresh

    def clear_frames(self) -> None:
        """Forget frames that wait, because the client chose others."""
        self._frames.clear()
        self._bytes = 0
