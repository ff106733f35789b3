"""How much of its usual work a part of the bench does."""

from typing import Final

from msgspec import Struct

LEAST_S: Final = 1.0
"""CPU time is counted in steps of 10 ms: less than a second measures none of it."""


class Effort(Struct, frozen=True):
    """The share of the usual counts and seconds, and whether rounds repeat."""

    share: float = 1.0
    repeats: bool = True

    def rounds(self, usual: int) -> int:
        """Return the number of rounds."""
        return usual if self.repeats else 1

    def count(self, usual: int) -> int:
        """Return a number of things to work on, at least one."""
        return max(1, round(usual * self.share))

    def seconds(self, usual: float) -> float:
        """Return a time to measure for."""
        return max(LEAST_S, usual * self.share)


FULL: Final = Effort()
ONCE: Final = Effort(share=0.05, repeats=False)
"""Each part once and small: its figures mean nothing, but all of it runs."""
