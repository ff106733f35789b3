"""Notice work that neither succeeds nor fails: a peer may take a request and never answer."""

import contextlib
import time
from asyncio import TimerHandle, get_running_loop
from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import Gauge

OVERDUE_S: Final = 8.0


class Overdue:
    """Log once that a piece of work lasts longer than `after_s`, and once that it ended.

    `gauge` shows for how many seconds the work of the moment has lasted, 0 between two pieces.
    """

    def __init__(self, what: str, gauge: Gauge, log: Any, *, after_s: float = OVERDUE_S) -> None:
        """Prepare; `what` names the work in the log."""
        self._what = what
        self._log = log
        self._after_s = after_s
        self._began_s = 0.0
        self._said = False
        gauge.set_function(self._lasts_s)

    @contextlib.contextmanager
    def timed(self, **fields: Any) -> Iterator[None]:
        """Time a piece of work; `fields` join the log's lines."""
        self._began_s, self._said = time.monotonic(), False
        timer: TimerHandle = get_running_loop().call_later(self._after_s, self._report, fields)
        try:
            yield
            if self._said:
                lasted_s = round(time.monotonic() - self._began_s, 1)
                self._log.warning(f"{self._what} is done", after_s=lasted_s, **fields)
        finally:
            timer.cancel()
            self._began_s = 0.0

    def _report(self, fields: dict[str, Any]) -> None:
        self._said = True
        self._log.warning(f"{self._what} is not done", after_s=self._after_s, **fields)

    def _lasts_s(self) -> float:
        return time.monotonic() - self._began_s if self._began_s else 0.0
