"""Limit attempts by key: pure and bounded."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

MAX_KEYS: Final = 20_000


class Limit:
    """Allow `count` attempts at once, refilled evenly within `span_s`: one token bucket per key.

    At most `MAX_KEYS` keys are held; the one used longest ago is forgotten first.
    """

    def __init__(self, count: int, span_s: float) -> None:
        self._count = count
        self._span_s = span_s
        self._spent: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: Hashable, now_s: float) -> float:
        """Count an attempt and return 0, or return the seconds until the next one is allowed."""
        spent = self._spent_by(key, now_s)
        each_s = self._span_s / self._count
        if spent + 1 > self._count:
            return (spent + 1 - self._count) * each_s
        self._keep(key, spent + 1, now_s)
        return 0.0

    def give_back(self, key: Hashable, now_s: float) -> None:
        """Take one attempt out of the count."""
        self._keep(key, max(0.0, self._spent_by(key, now_s) - 1), now_s)

    def _spent_by(self, key: Hashable, now_s: float) -> float:
        spent, at_s = self._spent.get(key, (0.0, now_s))
        return max(0.0, spent - max(0.0, now_s - at_s) * self._count / self._span_s)

    def _keep(self, key: Hashable, spent: float, now_s: float) -> None:
        self._spent[key] = spent, now_s
        self._spent.move_to_end(key)
        while len(self._spent) > MAX_KEYS:
            self._spent.popitem(last=False)


def sender(subject: str) -> str:
    """Return the first two tokens of a subject: the second names a driver and cannot be forged."""
    return ".".join(subject.split(".", 2)[:2])
