"""The state of a disk that keeps no chunks: its reason, its count, its log lines."""

import time
from typing import Final

from pitbox import logs
from producers import metrics

COMPLAIN_S: Final = 10.0
REFUSES: Final = "THE DISK KEEPS NO CHUNKS: live sending goes on, the rest is lost"

log = logs.get("spool")


class Refusal:
    """Hold why the disk did not take the last chunk, "" when it did, and how many it never took."""

    def __init__(self) -> None:
        self.reason = ""
        self.chunks = 0
        self._before = 0
        self._complained_s = -COMPLAIN_S

    def add(self, chunks: int, reason: str) -> None:
        """Count chunks that the disk did not take."""
        self.reason = reason
        self.chunks += chunks
        metrics.refused.inc(chunks)
        metrics.refusing.set(1)
        self.complain(REFUSES, reason, not_kept=self.chunks - self._before)

    def end(self) -> None:
        """Note that the disk took a chunk."""
        if self.reason:
            log.warning("the disk keeps chunks again", not_kept=self.chunks - self._before)
            self.reason, self._before = "", self.chunks
            metrics.refusing.set(0)

    def complain(self, event: str, reason: str, **fields: int) -> None:
        """Log an error, at most once in `COMPLAIN_S`."""
        now_s = time.monotonic()
        if now_s - self._complained_s >= COMPLAIN_S:
            self._complained_s = now_s
            log.error(event, reason=reason, **fields)
