import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.importers.motec.channels import choose
from producers.importers.motec.ld import read_log
from producers.importers.motec.resampling import frame_rate_hz, resampled
from tests.tools.ld_file import Channel, file


def at_frames(
    kind: tuple[str, str], rate_hz: int, raw: Sequence[float], frames: range, frames_hz: int
) -> list[float]:
    """Return the values at frames of a channel with this name and unit."""
    content = file(Channel(*kind, rate_hz, raw))
    [chosen] = choose(read_log(content, "a.ld"))[0]
    return resampled(chosen, content, frames, frames_hz)


def test_a_measured_value_is_interpolated() -> None:
    found = at_frames(("Ground Speed", "m/s"), 1, [0, 10, 30], range(0, 9), 4)
    assert found == pytest.approx([0, 2.5, 5, 7.5, 10, 15, 20, 25, 30])


def test_a_state_holds_until_the_next_sample() -> None:
    assert at_frames(("Gear", ""), 2, [1, 4, 2], range(0, 6), 4) == [1, 1, 4, 4, 2, 2]


def test_a_value_is_absent_after_the_last_sample() -> None:
    found = at_frames(("Ground Speed", "m/s"), 2, [5, 7], range(0, 5), 4)
    assert found[:4] == [5, 6, 7, 7]
    assert math.isnan(found[4])


def test_a_faster_channel_gives_its_values_at_the_frames() -> None:
    found = at_frames(("Ground Speed", "m/s"), 8, range(17), range(0, 5), 4)
    assert found == pytest.approx([0, 2, 4, 6, 8])


def test_an_angle_turns_the_shorter_way_round() -> None:
    found = at_frames(("Yaw", "rad"), 1, [3.0, -3.0], range(0, 2), 2)
    assert abs(found[1]) == pytest.approx(math.pi, abs=0.01)


def test_a_distance_is_never_interpolated_over_the_line() -> None:
    raw = [960, 980, 10, 30]
    found = at_frames(("Lap Distance", "m"), 1, raw, range(4, 9), 4)
    assert found == pytest.approx([980, 985, 0, 5, 10])


def test_a_fraction_of_the_lap_is_never_interpolated_over_the_line() -> None:
    found = at_frames(("Lap Fraction", "ratio"), 1, [0.96, 0.98, 0.01], range(4, 9), 4)
    assert all(one >= 0.98 or one <= 0.01 for one in found)


@pytest.mark.parametrize(("rates", "expected"), [((1, 20), 20), ((10, 500), 100)])
def test_frames_have_the_rate_of_the_fastest_channel_within_a_limit(
    rates: tuple[int, int], expected: int
) -> None:
    slow = Channel("Ground Speed", "m/s", rates[0], [1])
    fast = Channel("Susp Pos FL", "mm", rates[1], [1])
    assert frame_rate_hz(choose(read_log(file(slow, fast), "a.ld"))[0]) == expected


@given(
    own_hz=st.integers(1, 50),
    frames_hz=st.integers(1, 50),
    raw=st.lists(st.integers(-1000, 1000), min_size=1, max_size=60),
    cut=st.integers(1, 40),
)
def test_the_cutting_into_blocks_makes_no_difference(
    own_hz: int, frames_hz: int, raw: list[int], cut: int
) -> None:
    for kind in (("Ground Speed", "m/s"), ("Lap Distance", "m"), ("Gear", "")):
        whole = at_frames(kind, own_hz, raw, range(0, 60), frames_hz)
        parts = at_frames(kind, own_hz, raw, range(0, cut), frames_hz)
        parts += at_frames(kind, own_hz, raw, range(cut, 60), frames_hz)
        assert parts == pytest.approx(whole, nan_ok=True)
