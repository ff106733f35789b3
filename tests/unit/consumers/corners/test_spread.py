"""How much a driver varies is learned from few laps, and not from his mistakes."""

import numpy as np
import pytest

from consumers.corners.spread import PHASES, Spread, learned, sigmas_s

CORNERS = 8
UNITS = np.full((CORNERS, PHASES), 0.01)


def drawn(sigma_s: float, laps: int, seed: int = 1) -> list[np.ndarray]:
    chance = np.random.default_rng(seed)
    return [chance.normal(0, sigma_s, (CORNERS, PHASES)) for _ in range(laps)]


def after(losses: list[np.ndarray]) -> np.ndarray:
    spread = Spread()
    for lost in losses:
        spread = learned(spread, lost, UNITS, 5)
    return sigmas_s(spread, UNITS)


def test_the_spread_of_many_laps_is_found() -> None:
    assert after(drawn(0.03, 80)).mean() == pytest.approx(0.03, rel=0.15)


def test_one_lap_tells_roughly_because_all_corners_count() -> None:
    assert after(drawn(0.03, 1)).mean() == pytest.approx(0.03, rel=0.5)


def test_a_mistake_is_clipped() -> None:
    laps = drawn(0.03, 10)
    usual = after(laps)
    laps[5][3] = 2.0
    assert after(laps)[3] == pytest.approx(usual[3], rel=0.6)


def test_a_mistake_on_the_very_first_lap_is_clipped_too() -> None:
    laps = drawn(0.03, 1)
    laps[0][3] = 2.0
    assert after(laps).mean() < 0.1


def test_a_corner_that_varies_more_has_a_wider_spread() -> None:
    laps = drawn(0.03, 40)
    for lost in laps:
        lost[2] *= 3
    found = after(laps)
    assert found[2].mean() > 1.7 * found[4].mean()


def test_a_corner_without_losses_takes_the_spread_of_the_others() -> None:
    laps = drawn(0.03, 40)
    for lost in laps:
        lost[2] = np.nan
    assert after(laps)[2].mean() == pytest.approx(0.03, rel=0.2)


def test_no_spread_is_less_than_five_milliseconds() -> None:
    assert after(drawn(0.0, 10)).min() == 0.005
