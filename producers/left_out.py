"""Count the telemetry that a source cannot use, so that nothing is left out in silence."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from schemas.sim import LeftOut, Reason

MAX_NAMES: Final = 8
"""The most senders that are named; further ones are counted without a name."""


class Tally:
    """Count by reason, and by name where another sender is left out."""

    def __init__(self) -> None:
        self.total = 0
        self._fresh: Counter[tuple[Reason, str]] = Counter()
        self._names: set[str] = set()

    def add(self, reason: Reason, about: str = "", count: int = 1) -> None:
        """Count datagrams or parts of a file; a count of 0 changes nothing."""
        if not count:
            return
        self.total += count
        if about and len(self._names) < MAX_NAMES:
            self._names.add(about)
        self._fresh[reason, about if about in self._names else ""] += count

    def take(self, at_ns: int) -> Iterator[LeftOut]:
        """Yield the counts since the last call."""
        fresh, self._fresh = self._fresh, Counter()
        for (reason, about), count in fresh.items():
            yield LeftOut(at_ns=at_ns, reason=reason, count=count, about=about)


class Sums:
    """Add up statements of what was left out."""

    def __init__(self) -> None:
        self._by_kind: dict[tuple[Reason, str], LeftOut] = {}

    def add(self, left_out: LeftOut) -> LeftOut:
        """Add a statement; return the sum of its reason and name."""
        kind = left_out.reason, left_out.about
        before = self._by_kind.get(kind)
        if before is not None:
            left_out = replace(left_out, count=before.count + left_out.count)
        self._by_kind[kind] = left_out
        return left_out

    @property
    def sums(self) -> tuple[LeftOut, ...]:
        """Return the sums, in the order of first statements."""
        return tuple(self._by_kind.values())
