"""The hub's clock and the fence: conclusions from answers and hellos."""

from producers.uplink.link import FENCED_S, Clock, Fence

MS = 1_000_000


def test_the_offset_assumes_the_stamp_in_the_middle_of_the_round_trip() -> None:
    clock = Clock()
    clock.sample(asked_ns=1000 * MS, rtt_ns=10 * MS, hub_ns=1105 * MS)
    assert clock.offset_ns == 100 * MS
    assert clock.rtt_ns == 10 * MS


def test_the_quickest_answer_gives_the_offset() -> None:
    clock = Clock()
    clock.sample(asked_ns=0, rtt_ns=12 * MS, hub_ns=9 * MS)
    clock.sample(asked_ns=0, rtt_ns=2 * MS, hub_ns=5 * MS)
    clock.sample(asked_ns=0, rtt_ns=30 * MS, hub_ns=90 * MS)
    assert clock.offset_ns == 4 * MS


def test_an_old_answer_is_forgotten_however_quick() -> None:
    clock = Clock()
    clock.sample(asked_ns=0, rtt_ns=1 * MS, hub_ns=0)
    for _ in range(8):
        clock.sample(asked_ns=0, rtt_ns=4 * MS, hub_ns=9 * MS)
    assert clock.offset_ns == 7 * MS


def test_before_any_answer_there_is_no_offset() -> None:
    assert Clock().offset_ns is None
    assert Clock().rtt_ns is None


def test_a_newer_app_closes_the_fence_until_it_is_silent() -> None:
    fence = Fence()
    fence.on_hello(run=8, own=7, now_s=100)
    assert fence.closed(100)
    assert fence.closed(100 + FENCED_S - 1)
    assert not fence.closed(100 + FENCED_S)


def test_own_and_older_hellos_close_nothing() -> None:
    fence = Fence()
    fence.on_hello(run=7, own=7, now_s=100)
    fence.on_hello(run=6, own=7, now_s=100)
    assert not fence.closed(100)
