"""The allowance permits a burst and a steady rate; each suspension in a row is longer."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.keys import allowance
from consumers.keys.allowance import Balance, Penalty
from pitbox.identity.claims import CONNECTIONS
from pitbox.nats.resolver import Sent
from pitbox.settings import Allowance
from producers.uplink import uploader

ALLOWED = Allowance(
    bytes_per_s=1000, messages_per_s=10, burst_s=5, penalty_s=60, longest_penalty_s=900
)


def looked(*sent: Sent, every_s: float = 1.0, allowed: Allowance = ALLOWED) -> list[Balance]:
    """Return the balance at each reading of the counters; `sent` are their totals."""
    balances: list[Balance] = []
    for number, total in enumerate(sent):
        before = balances[-1] if balances else None
        balances.append(allowance.after(before, total, number * every_s, allowed))
    return balances


def over(*sent: Sent, every_s: float = 1.0) -> list[bool]:
    return [allowance.is_over(one, ALLOWED) for one in looked(*sent, every_s=every_s)]


def test_a_driver_within_the_allowance_is_never_ahead() -> None:
    balances = looked(*(Sent(10 * second, 1000 * second) for second in range(100)))
    assert {balance.ahead_s for balance in balances} == {0.0}


def test_the_burst_is_spent_once_and_refills_with_time() -> None:
    much = Sent(60, 0)
    assert over(Sent(), much) == [False, False]
    assert over(Sent(), Sent(61, 0)) == [False, True]
    more, most = Sent(70, 0), Sent(80, 0)
    assert over(Sent(), much, more, most) == [False] * 4
    assert over(Sent(), much, much, much, much, much, much, Sent(120, 0)) == [False] * 8


def test_many_small_messages_exceed_the_allowance_as_few_large_ones_do() -> None:
    assert over(Sent(), Sent(msgs=1, bytes=6001)) == [False, True]
    assert over(Sent(), Sent(msgs=61, bytes=61)) == [False, True]


def test_traffic_before_the_first_reading_does_not_count() -> None:
    assert over(Sent(10**6, 10**9), Sent(10**6 + 1, 10**9)) == [False, False]


def test_counters_that_restart_at_zero_still_count() -> None:
    assert over(Sent(500, 500), Sent(61, 61)) == [False, True]
    assert over(Sent(500, 500), Sent(5, 5)) == [False, False]


def test_a_late_reading_counts_the_time_that_passed() -> None:
    assert over(Sent(), Sent(600, 0), every_s=60.0) == [False, False]


@given(st.lists(st.integers(0, 200), max_size=30), st.integers(1, 10))
def test_nobody_can_send_more_than_the_burst_and_one_interval_unnoticed(
    sent: list[int], every_s: int
) -> None:
    total, allowed_so_far = 0, ALLOWED.burst_s * ALLOWED.messages_per_s
    balance = allowance.after(None, Sent(), 0.0, ALLOWED)
    for number, more in enumerate(sent, 1):
        total += more
        balance = allowance.after(balance, Sent(total, 0), number * every_s, ALLOWED)
        allowed_so_far += every_s * ALLOWED.messages_per_s
        if not allowance.is_over(balance, ALLOWED):
            assert total <= allowed_so_far


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1000)), max_size=50))
def test_a_driver_within_the_allowance_every_second_is_never_over(
    seconds: list[tuple[int, int]],
) -> None:
    totals = [Sent()]
    for messages, size in seconds:
        totals.append(Sent(totals[-1].msgs + messages, totals[-1].bytes + size))
    assert not any(over(*totals))


def test_each_penalty_is_twice_the_one_before_up_to_the_longest() -> None:
    now_s, last, lengths = 1000.0, None, []
    for _ in range(7):
        last = allowance.penalty(last, now_s, ALLOWED)
        lengths.append(last.until_s - now_s)
        now_s = last.until_s + 5
    assert lengths == [60, 120, 240, 480, 900, 900, 900]


def test_a_penalty_long_ago_does_not_count() -> None:
    last = Penalty(until_s=1000.0, times=9)
    assert allowance.penalty(last, 1000.0 + 900, ALLOWED).times == 10
    assert allowance.penalty(last, 1000.0 + 901, ALLOWED) == Penalty(1000.0 + 901 + 60, 1)


def test_a_thousand_penalties_in_a_row_are_as_long_as_the_longest() -> None:
    assert allowance.penalty(Penalty(0.0, 10_000), 1.0, ALLOWED).until_s == 901.0


def test_a_suspended_driver_is_not_suspended_again() -> None:
    last = Penalty(until_s=1000.0, times=2)
    assert allowance.penalty(last, 999.0, ALLOWED) == last


def test_the_app_at_full_speed_on_every_connection_is_within_the_allowance() -> None:
    default = Allowance()
    assert default.bytes_per_s >= uploader.PACE_BYTES_PER_S * CONNECTIONS
    assert default.messages_per_s >= uploader.PACE_CHUNKS_PER_S * CONNECTIONS
