"""The coach is right on a few simulated stints; `make truth` drives many."""

from tests.truth import laps, report
from tests.truth.report import Figures
from tests.truth.stints import Stint

STINTS = {
    0.95: ((2, "pebble-lane"), (3, "pebble-lane"), (1, "kestrel-vale")),
    0.80: ((2, "pebble-lane"), (3, "pebble-lane")),
}


def figures(consistency: float) -> Figures:
    """Return the figures of a few stints at a consistency."""
    driven = [laps.drive(Stint(seed, track, consistency)) for seed, track in STINTS[consistency]]
    return report.figures([lap for stint in driven for lap in stint])


def test_what_is_said_to_a_driver_who_varies_little_is_right_and_mistakes_are_found() -> None:
    found = figures(0.95)
    assert found.said >= 20
    assert found.true.value > 0.92
    assert found.cause.value > 0.85
    assert found.place.value > 0.95
    assert found.worth.value > 0.7
    assert found.recall.value > 0.85
    assert found.false <= 1
    assert found.clean_laps > 20
    line = report.last_line(0.95, found)
    assert line.startswith(f"truth 0.95: said {found.said}, true {found.true.value:.3f}, cause ")
    assert line.endswith(f"false {found.false} in {found.clean_laps} clean laps")


def test_what_is_said_to_a_driver_who_varies_much_is_true_and_in_its_place() -> None:
    found = figures(0.80)
    assert found.said >= 14
    assert found.true.value > 0.9
    assert found.cause.value > 0.75
    assert found.place.value > 0.95
    assert found.false <= 1
    assert found.clean_laps > 15
