"""Queue the messages for one client, bounded.

Frames wait in a queue that drops the oldest. Facts (sessions, laps, presences) wait by key: a newer
fact replaces the waiting one with the same key. Facts are never dropped in favour of frames.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Final

MAX_FRAMES: Final = 512
MAX_BYTES: Final = 4_000_000


class Outbox:
    """Hold encoded messages for one client; `wake` is called whenever one is added."""

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
        """Add frames; drop the oldest above the limits of messages and bytes."""
        self._frames.append(frames)
        self._bytes += len(frames)
        while len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self._bytes -= len(self._frames.popleft())
            self.dropped += 1
        self._wake()

    def put_fact(self, key: Hashable, fact: bytes) -> None:
        """Add a fact, replacing a waiting one with the same key."""
        self._facts[key] = fact
        self._wake()

    def take(self) -> bytes | None:
        """Remove and return the next message, facts first; None when the outbox is empty."""
        if self._facts:
            return self._facts.pop(next(iter(self._facts)))
        if self._frames:
            frames = self._frames.popleft()
            self._bytes -= len(frames)
            return frames
        return None

    def newly_dropped(self) -> int:
        """Return the number of messages dropped since the previous call."""
        fresh, self._counted = self.dropped - self._counted, self.dropped
        return fresh

    def clear_frames(self) -> None:
        """Remove waiting frames, because the client's selection has changed."""
        self._frames.clear()
        self._bytes = 0
