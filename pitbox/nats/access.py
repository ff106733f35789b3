"""Notice a stream that a connected nats-server does not give: its JetStream may be off."""

import time
from typing import Any

from pitbox import logs

log = logs.get("pull")


class Access:
    """Log once that a stream cannot be read for `refused_s`, and once that it can be again."""

    def __init__(self, stream: str, refused_s: float) -> None:
        self._stream = stream
        self._refused_s = refused_s
        self._since_s = 0.0
        self._said = False

    def refused(self, error: Exception, *, connected: bool) -> None:
        """Note a failed attempt; without a connection another log line says why."""
        log.debug("cannot attach", stream=self._stream, error=repr(error))
        now_s = time.monotonic()
        if not connected:
            self._since_s = 0.0
        elif not self._since_s:
            self._since_s = now_s
        elif now_s - self._since_s >= self._refused_s and not self._said:
            self._warn("nats-server does not give the stream", reason=repr(error))
            self._said = True

    def granted(self) -> None:
        """Note that the stream can be read."""
        if self._said:
            self._warn("nats-server gives the stream again")
        self._since_s, self._said = 0.0, False

    def _warn(self, event: str, **fields: Any) -> None:
        log.warning(event, stream=self._stream, **fields)
