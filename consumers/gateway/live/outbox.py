"""Pass messages to one client at once, and queue those that it does not take yet, bounded.

Frames wait in a queue that drops the oldest. Facts and presences wait by key: a newer one replaces
the waiting one with the same key. Facts are never dropped in favour of frames: they have a limit of
their own. All of it counts as memory of the visitor; without room frames are dropped, then the
client ends, which fetches its facts anew when it is back.
"""

from collections import deque
from collections.abc import Hashable
from typing import Final, Protocol

import msgspec

from consumers.gateway.access.memory import Hold, Memory
from schemas.wall import Dropped

MAX_FRAMES: Final = 512
MAX_BYTES: Final = 4_000_000
MAX_FACT_BYTES: Final = 64_000_000
STEP_BYTES: Final = 65_536
"""What waits is counted in steps: to count each message takes a sixth of the time to send it."""

encode: Final = msgspec.msgpack.Encoder().encode


class Client(Protocol):
    """Take messages."""

    def has_room(self) -> bool:
        """Return whether it takes messages now."""
        ...

    def write(self, *messages: bytes) -> None:
        """Take messages."""
        ...


class Outbox:
    """Hold encoded messages for one client until it takes them.

    `hold` counts the bytes of those that wait; without one they count for nobody.
    """

    def __init__(
        self,
        client: Client,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
        max_fact_bytes: int = MAX_FACT_BYTES,
        *,
        hold: Hold | None = None,
    ) -> None:
        self.sent = 0
        self.dropped = 0
        self._reported = 0
        self._counted = 0, 0
        self._client = client
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
        """Pass frames on, or add them."""
        if not self._passed_on(frames):
            self.add(frames)
            self.flush()

    def add(self, frames: bytes) -> None:
        """Add frames, to pass them on with others by `flush`.

        The oldest are dropped above the limits of messages and bytes.
        """
        self._frames.append(frames)
        self._bytes += len(frames)
        while len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self._drop_frames()
        self._count()

    def put_fact(self, key: Hashable, fact: bytes) -> None:
        """Pass a fact on, or add it in place of the waiting one of its key.

        The oldest are dropped above the limit of bytes.
        """
        if self._passed_on(fact):
            return
        self._fact_bytes += len(fact) - len(self._facts.get(key, b""))
        self._facts[key] = fact
        while self._fact_bytes > self._max_fact_bytes:
            self._take_fact()
            self.dropped += 1
        self.flush()

    def flush(self) -> None:
        """Pass on what waits, facts first, for as long as the client takes it."""
        while (self._frames or self._facts) and self._client.has_room():
            self._client.write(*self._take())
        self._count()

    def _passed_on(self, message: bytes) -> bool:
        """Pass a message on if nothing comes before it; return whether the client took it."""
        waits = self._frames or self._facts or self._reported != self.dropped
        if waits or not self._client.has_room():
            return False
        self._client.write(message)
        self.sent += 1
        return True

    def _take(self) -> list[bytes]:
        """Remove and return the next messages: `STEP_BYTES`, and what exceeds them of the last."""
        taken, size = [], 0
        if self._reported != self.dropped:
            self._reported = self.dropped
            taken.append(encode(Dropped(count=self.dropped)))
        while self._facts and size < STEP_BYTES:
            taken.append(self._take_fact())
            size += len(taken[-1])
        while self._frames and size < STEP_BYTES:
            taken.append(self._take_frames())
            size += len(taken[-1])
        self.sent += len(taken)
        return taken

    def _take_fact(self) -> bytes:
        fact = self._facts.pop(next(iter(self._facts)))
        self._fact_bytes -= len(fact)
        return fact

    def _take_frames(self) -> bytes:
        frames = self._frames.popleft()
        self._bytes -= len(frames)
        return frames

    def _drop_frames(self) -> None:
        self._take_frames()
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

    def newly(self) -> tuple[int, int]:
        """Return the numbers of messages sent and dropped since the previous call."""
        (sent, dropped), self._counted = self._counted, (self.sent, self.dropped)
        return self.sent - sent, self.dropped - dropped

    def clear_frames(self) -> None:
        """Remove waiting frames, because the client's selection has changed."""
        self._frames.clear()
        self._bytes = 0
        self._count()

    def clear(self) -> None:
        """Remove all that waits."""
        self._facts.clear()
        self._fact_bytes = 0
        self.clear_frames()
