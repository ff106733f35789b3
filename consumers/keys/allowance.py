"""What a driver may send, and for how long he is shut out who sends more: pure.

Messages and bytes are both counted in the seconds for which they are allowed, so there is one
bucket: what was sent fills it, and time empties it.
"""

from typing import Final

from msgspec import Struct

from pitbox.nats.resolver import Sent
from pitbox.settings import Allowance

MAX_DOUBLINGS: Final = 20
MILLIS: Final = 3
"""Places after the point that Postgres gives back as they were."""


class Balance(Struct, frozen=True):
    """Hold by how many seconds of his allowance a driver was ahead, when he had sent so much."""

    at_s: float
    sent: Sent
    ahead_s: float = 0.0


class Penalty(Struct, frozen=True):
    """Say until when a driver is shut out, in s since 1970, and how often he was in a row."""

    until_s: float
    times: int


def after(before: Balance | None, sent: Sent, now_s: float, allowed: Allowance) -> Balance:
    """Return the balance when nats-server has counted so much.

    What was sent before the first look has no time to be measured by, so it is free.
    """
    if before is None:
        return Balance(now_s, sent)
    passed_s = max(0.0, now_s - before.at_s)
    ahead_s = before.ahead_s + _worth_s(_since(before.sent, sent), allowed) - passed_s
    return Balance(now_s, sent, max(0.0, ahead_s))


def is_over(balance: Balance, allowed: Allowance) -> bool:
    """Tell whether a driver sent more than is lent to him."""
    return balance.ahead_s > allowed.burst_s


def penalty(before: Penalty | None, now_s: float, allowed: Allowance) -> Penalty:
    """Return for how long to shut a driver out: twice as long as before, unless that is long ago.

    While he is shut out already he is not shut out again: what he had sent before is told late.
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
    """Return what came in between; a server that was restarted counts from zero."""
    if sent.msgs < before.msgs or sent.bytes < before.bytes:
        return sent
    return Sent(sent.msgs - before.msgs, sent.bytes - before.bytes)


def _worth_s(sent: Sent, allowed: Allowance) -> float:
    return max(sent.msgs / allowed.messages_per_s, sent.bytes / allowed.bytes_per_s)
