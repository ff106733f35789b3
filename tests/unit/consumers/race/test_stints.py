from hypothesis import given
from hypothesis import strategies as st

from consumers.race.fuel import Usage
from consumers.race.stints import Window, windows
from consumers.race.stops import Tank


def test_no_stop_is_needed_while_the_fuel_lasts() -> None:
    assert windows(10, 0.0, Tank(30.0, 60.0), Usage(3.0)) == ()
    assert windows(10, 0.0, Tank(30.0), Usage(3.0)) == ()


def test_the_windows_lie_where_full_tanks_still_reach_the_flag() -> None:
    """40 laps with 10 l in a tank of 60: three laps are left, and a tank lasts for twenty."""
    assert windows(40, 0.0, Tank(10.0, 60.0), Usage(3.0)) == (Window(1, 3), Window(20, 23))


def test_no_window_is_given_that_cannot_be_reached() -> None:
    assert windows(25, 0.2, Tank(2.0, 60.0), Usage(3.0)) is None
    assert windows(25, 0.0, Tank(9.0, 2.0), Usage(3.0)) is None
    assert windows(25, 0.0, Tank(9.0), Usage(3.0)) is None


@given(
    crossings=st.integers(2, 400),
    driven=st.integers(0, 9),
    level=st.integers(1, 100),
    capacity=st.integers(4, 100),
)
def test_stops_at_either_end_of_their_windows_finish_and_one_stop_less_does_not(
    crossings: int, driven: int, level: int, capacity: int
) -> None:
    fraction, tank = driven / 10, Tank(min(level, capacity), capacity)
    found = windows(crossings, fraction, tank, Usage(3.0))
    if not found:
        return
    for laps in ([one.earliest for one in found], [one.latest for one in found]):
        assert laps == sorted(set(laps))
        assert lasts(laps, crossings, fraction, tank)
    assert not lasts([one.latest for one in found[:-1]], crossings, fraction, tank)


def lasts(stops: list[int], crossings: int, fraction: float, tank: Tank) -> bool:
    """Drive lap by lap on 3 l each, with the tank filled up at each stop."""
    level = tank.level
    for lap in range(1, crossings + 1):
        level -= 3.0 * (1 - fraction if lap == 1 else 1)
        if level < -1e-6:
            return False
        level = tank.capacity or 0.0 if lap in stops else level
    return True
