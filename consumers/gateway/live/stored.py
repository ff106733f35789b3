"""Fold receipts into when Postgres last stored something of each driver: pure.

A receipt that states the same as the one before is no progress: a persister that Postgres refuses
publishes those too. A driver whose chunks are all stored owes no progress.
"""

from collections import OrderedDict
from typing import Final

from schemas.link import Receipt

MAX_DRIVERS: Final = 512
MAX_RUNS: Final = 16
AWAY_MS: Final = 3000.0
"""A PC that was silent for longer begins anew: nothing could be stored meanwhile."""

Stated = tuple[object, ...]


class Stored:
    """Hold for each driver when Postgres last stored chunks, ms since 1970 by the hub's clock."""

    def __init__(self) -> None:
        self._at_ms: OrderedDict[str, float] = OrderedDict()
        self._seen_ms: dict[str, float] = {}
        self._stated: dict[str, OrderedDict[tuple[str, int], Stated]] = {}

    def at_ms(self, driver: str) -> float:
        """Return when Postgres last stored chunks of a driver, or had all of them."""
        return self._at_ms.get(driver, 0.0)

    def receipt(self, receipt: Receipt, now_ms: float) -> None:
        """Note a receipt of any run."""
        stated = receipt.through, receipt.upto, receipt.missing, receipt.echo
        runs = self._stated.setdefault(receipt.driver, OrderedDict())
        key = receipt.session, receipt.run
        if runs.get(key) == stated:
            return
        runs[key] = stated
        if len(runs) > MAX_RUNS:
            runs.popitem(last=False)
        self._moved(receipt.driver, now_ms)

    def seen(self, driver: str, now_ms: float, *, waiting: int | None = None) -> None:
        """Note a message of a driver's PC; `waiting` chunks are not stored yet, if it says so."""
        away_ms = now_ms - self._seen_ms.get(driver, float("-inf"))
        self._seen_ms[driver] = now_ms
        if away_ms > AWAY_MS or waiting == 0:
            self._moved(driver, now_ms)

    def _moved(self, driver: str, now_ms: float) -> None:
        self._at_ms[driver] = now_ms
        self._at_ms.move_to_end(driver)
        if len(self._at_ms) > MAX_DRIVERS:
            oldest, _ = self._at_ms.popitem(last=False)
            self._seen_ms.pop(oldest, None)
            self._stated.pop(oldest, None)
