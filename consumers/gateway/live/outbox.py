"""Queue the messages for one client, bounded.

Frames wait in a queue that drops the oldest. Facts and presences wait by key: a newer one replaces
the waiting one with the same key. Facts are never dropped in favour of frames: they have a limit of
their own. All of it counts as memory of the visitor; without room frames are dropped, then the
client ends, which fetches its facts anew when it is back.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Final

from consumers.gateway.access.memory import Hold, Memory

MAX_FRAMES: Final = 512
MAX_BYTES: Final = 4_000_000
MAX_FACT_BYTES: Final = 64_000_000
STEP_BYTES: Final = 65_536
"""What waits is counted in steps: to count each message takes a sixth of the time to send it."""


class Outbox:
    """Hold encoded messages for one client; `wake` is called whenever one is added.

    `hold` counts their bytes; without one they count for nobody.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
        max_fact_bytes: int = MAX_FACT_BYTES,
        *,
        hold: Hold | None = None,
    ) -> None:
        self.dropped = 0
        self._counted = 0
        self._wake = wake
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._max_fact_bytes = max_fact_bytes
        self._facts: dict[Hashable, bytes] = {}
        self._fact_bytes = 0
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._hold = hold or Hold(Memory(), "", lambda: None)

    def __len__(self) -> int:
        return len(self._facts) + len(self._frames)

    def put(self, frames: bytes) -> None:
        """Add frames; drop the oldest above the limits of messages and bytes."""
        self._frames.append(frames)
        self._bytes += len(frames)
        while len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self._drop_frames()
        self._count()
        self._wake()

    def put_fact(self, key: Hashable, fact: bytes) -> None:
        """Add a fact, or replace the waiting one of its key; drop the oldest above the limit."""
        self._fact_bytes += len(fact) - len(self._facts.get(key, b""))
        self._facts[key] = fact
        while self._fact_bytes > self._max_fact_bytes:
            self._take_fact()
            self.dropped += 1
        self._count()
        self._wake()

    def take(self) -> bytes | None:
        """Remove and return the next message, facts first; None when the outbox is empty."""
        taken = None
        if self._facts:
            taken = self._take_fact()
        elif self._frames:
            taken = self._frames.popleft()
            self._bytes -= len(taken)
        self._count()
        return taken

    def _take_fact(self) -> bytes:
        fact = self._facts.pop(next(iter(self._facts)))
        self._fact_bytes -= len(fact)
        return fact

    def _drop_frames(self) -> None:
        self._bytes -= len(self._frames.popleft())
        self.dropped += 1

    def _count(self) -> None:
        """Count what waits; drop frames, then end the client, while there is no room for it."""
        waiting = self._bytes + self._fact_bytes
        if waiting == self._hold.bytes or (
            waiting and abs(waiting - self._hold.bytes) < STEP_BYTES
        ):
            return
        while not self._hold.resize(self._bytes + self._fact_bytes):
            if not self._frames:
                self._hold.end()
                return
            self._drop_frames()

    def newly_dropped(self) -> int:
        """Return the number of messages dropped since the previous call."""
        fresh, self._counted = self.dropped - self._counted, self.dropped
        return fresh

    def clear_frames(self) -> None:
        """Remove waiting frames, because the client's selection has changed."""
        self._frames.clear()
        self._bytes = 0
        self._count()
