"""A driver whose turns take long delays no other driver, and takes no more than a share."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitbox.chunks.owner import Owner
from pitbox.service.turns import CREDIT_S, SHARE, Turns

ADA: Owner = ("spa", "ada")
EVE: Owner = ("spa", "eve")


class Clock:
    """Let time pass with the turns that are taken."""

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns or Turns()
        self.now_s = 1000.0
        self.used_s = Counter[str]()

    def turn(self, cost_s: dict[str, float]) -> Owner | None:
        """Take the next turn, or let a millisecond pass."""
        owner = self.turns.next(self.now_s)
        if owner is None:
            self.now_s += 0.001
            return None
        took_s = cost_s[owner[1]]
        self.now_s += took_s
        self.used_s[owner[1]] += took_s
        self.turns.spent(owner, self.now_s, took_s)
        return owner


def test_nobody_waits_at_first() -> None:
    turns = Turns()
    assert (turns.wait_s(0.0), turns.next(0.0)) == (None, None)


def test_a_driver_with_a_short_turn_waits_for_one_long_turn_of_others_at_most() -> None:
    clock, cost_s = Clock(), {"ada": 0.0001, **{f"eve{n}": 0.2 for n in range(20)}}
    for number in range(2000):
        for name in cost_s.keys() - {"ada"}:
            clock.turns.wait(("spa", name))
        if number % 10 == 5:
            clock.turns.wait(ADA)
        is_adas = clock.turn(cost_s) == ADA
        assert is_adas == (number % 10 == 5) or number < len(cost_s)


def test_a_driver_takes_no_more_than_a_share_of_the_time() -> None:
    clock = Clock()
    began_s = clock.now_s
    while clock.now_s < began_s + 60:
        clock.turns.wait(EVE)
        clock.turn({"eve": 0.05})
    assert clock.used_s["eve"] == pytest.approx(60 * SHARE, abs=CREDIT_S * SHARE + 0.06)


@given(st.lists(st.floats(0.001, 0.2), min_size=2, max_size=9))
def test_drivers_who_all_wait_use_the_same_time(costs_s: list[float]) -> None:
    cost_s = {f"car{number}": cost for number, cost in enumerate(costs_s)}
    clock = Clock(Turns(share=1.0, credit_s=1e6))
    for _ in range(300):
        for name in cost_s:
            clock.turns.wait(("spa", name))
        clock.turn(cost_s)
    used = [clock.used_s[name] for name in cost_s]
    assert max(used) - min(used) <= max(costs_s) + 1e-6


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1))
def test_everybody_who_waits_has_a_turn_once(waiting: list[tuple[str, int]]) -> None:
    owners = {(str(session), driver) for driver, session in waiting}
    clock = Clock()
    for driver, session in waiting:
        clock.turns.wait((str(session), driver))
    taken = [owner for _ in range(3000) if (owner := clock.turn(dict.fromkeys("abc", 0.01)))]
    assert sorted(taken) == sorted(owners)
    assert clock.turns.wait_s(clock.now_s) is None


def test_a_driver_with_many_sessions_has_the_turns_of_one() -> None:
    clock, taken = Clock(), Counter[str]()
    for _ in range(100):
        clock.turns.wait(ADA)
        for session in range(50):
            clock.turns.wait((str(session), "eve"))
        owner = clock.turn({"ada": 0.001, "eve": 0.001})
        assert owner
        taken[owner[1]] += 1
    assert abs(taken["ada"] - taken["eve"]) <= 1


def test_the_time_until_the_next_turn_is_the_time_a_driver_rests() -> None:
    turns = Turns(share=0.5, credit_s=0)
    turns.wait(EVE)
    assert turns.next(10.0) == EVE
    turns.spent(EVE, 10.0, 1.0)
    turns.wait(EVE)
    assert (turns.wait_s(10.5), turns.next(10.5)) == (1.5, None)
    assert turns.wait_s(12.0) == 0
    assert turns.next(12.0) == EVE


def test_clocks_of_drivers_who_used_nothing_for_long_are_dropped() -> None:
    turns = Turns()
    for number in range(3000):
        owner = ("spa", f"car{number}")
        turns.wait(owner)
        assert turns.next(float(number)) == owner
        turns.spent(owner, float(number), 0.01)
    assert len(turns._used_s) < 1100


def test_work_that_is_no_turn_uses_the_share_of_a_driver_too() -> None:
    turns = Turns(share=0.5, credit_s=0)
    turns.charge("eve", 10.0, 1.0)
    turns.wait(EVE)
    assert (turns.rests("eve", 11.9), turns.wait_s(11.0)) == (True, 1.0)
    assert (turns.rests("eve", 12.0), turns.rests("ada", 0.0)) == (False, False)


def test_times_of_drivers_who_are_only_charged_are_forgotten_too() -> None:
    turns = Turns()
    for number in range(3000):
        turns.charge(f"driver{number}", now_s=10.0 * number, took_s=0.001)
    assert len(turns._used_s) < 1100
