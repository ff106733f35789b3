"""Number the runs of a driver: a newer start has a higher number, and no two have the same. Pure.

A number is seconds since 1970 and random bits below them, together less than 2**53, so that
JavaScript reads it exactly. The random bits separate PCs with copies of one spool, whatever their
clocks say.
"""

from typing import Final

RANDOM_BITS: Final = 21


def run_number(now_s: int, newest: int, noise: int) -> int:
    """Return the number of a run that starts now, with `RANDOM_BITS` bits of `noise`.

    It is above the `newest` one known, also when the clock was set back. Numbers of earlier
    versions of PitBox are milliseconds since 1970, which are lower.
    """
    return max(now_s, (newest >> RANDOM_BITS) + 1) << RANDOM_BITS | noise
