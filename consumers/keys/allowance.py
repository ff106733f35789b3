"""Compute how far a driver exceeds the allowance, and the penalty for it: pure.

This is one leaky bucket per driver, filled in seconds: N messages or bytes count as the seconds in
which the allowance permits N, and the bucket empties by one second per second.
"""

from typing import Final

from msgspec import Struct

from pitbox.nats.resolver import Sent
from pitbox.settings import Allowance

MAX_DOUBLINGS: Final = 20
MILLIS: Final = 3
"""Decimal places of a time in s that Postgres returns unchanged."""


class Balance(Struct, frozen=True):
    """Hold the bucket's level in s (`ahead_s`) at a time, with the counters at that time."""

    at_s: float
    sent: Sent
    ahead_s: float = 0.0


class Penalty(Struct, frozen=True):
    """Hold the end of a suspension, in s since 1970, and the number of suspensions in a row."""

    until_s: float
    times: int


def after(before: Balance | None, sent: Sent, now_s: float, allowed: Allowance) -> Balance:
    """Return the balance after nats-server's counters reached `sent`.

    The first reading counts as zero, because the time in which it was sent is not known.
    """
    if before is None:
        return Balance(now_s, sent)
    passed_s = max(0.0, now_s - before.at_s)
    ahead_s = before.ahead_s + _worth_s(_since(before.sent, sent), allowed) - passed_s
    return Balance(now_s, sent, max(0.0, ahead_s))


def is_over(balance: Balance, allowed: Allowance) -> bool:
    """Return whether the driver is ahead by more than the allowed burst."""
    return balance.ahead_s > allowed.burst_s


def penalty(before: Penalty | None, now_s: float, allowed: Allowance) -> Penalty:
    """Return the next penalty: twice as long as the previous one, unless that ended long ago.

    A driver who is suspended already keeps the same penalty, because nats-server's counters arrive
    late and may still include messages from before it.
    """
    if before is None or now_s - before.until_s > allowed.longest_penalty_s:
        times = 1
    elif now_s < before.until_s:
        return before
    else:
        times = before.times + 1
    lasts_s = allowed.penalty_s * 2.0 ** min(times - 1, MAX_DOUBLINGS)
    return Penalty(round(now_s + min(lasts_s, allowed.longest_penalty_s), MILLIS), times)


def _since(before: Sent, sent: Sent) -> Sent:
    """Return the difference of two counters; after a restart nats-server counts from zero."""
    if sent.msgs < before.msgs or sent.bytes < before.bytes:
        return sent
    return Sent(sent.msgs - before.msgs, sent.bytes - before.bytes)


def _worth_s(sent: Sent, allowed: Allowance) -> float:
    return max(sent.msgs / allowed.messages_per_s, sent.bytes / allowed.bytes_per_s)
