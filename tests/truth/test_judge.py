"""What a coach claims about a lap is judged by the lap's truth."""

import pytest

from tests.truth.judge import Claim, Known, Made, is_found, judge, right_causes, size_of


def known(*lost_s: float, made: tuple[Made, ...] = (), **parts_s: float) -> Known:
    """Return the truth of a lap by the seconds lost in each turn."""
    return Known(lap=5, lost_s=lost_s, parts_s=parts_s, made=made)


EARLY = Claim((2,), "brakes_early", 0.2)


def test_a_claim_is_true_where_half_of_it_was_lost() -> None:
    assert judge(EARLY, known(0, 0.11, 0)).true
    assert not judge(EARLY, known(0, 0.09, 0)).true


def test_a_small_claim_needs_a_loss_that_can_be_felt() -> None:
    small = Claim((2,), "brakes_early", 0.04)
    assert not judge(small, known(0, 0.025, 0)).true
    assert judge(small, known(0, 0.031, 0)).true


def test_a_corner_that_is_taken_without_slowing_belongs_to_the_claim_before_it() -> None:
    assert judge(Claim((2, 3), "late_throttle", 0.2), known(0, 0.06, 0.06, 0)).true


def test_a_claim_about_no_turn_is_not_true() -> None:
    assert not judge(Claim((), "brakes_early", 0.2), known(0, 0.3, 0)).true


@pytest.mark.parametrize(
    ("lost_s", "place"),
    [((0, 0.2, 0), True), ((0.15, 0.2, 0), True), ((0.2, 0, 0), False), ((0, 0, 0), None)],
)
def test_the_place_is_wrong_where_a_neighbour_lost_what_was_claimed(
    lost_s: tuple[float, ...], place: bool | None
) -> None:
    assert judge(EARLY, known(*lost_s)).place is place


def test_the_first_and_the_last_turn_are_neighbours() -> None:
    first = Claim((1,), "brakes_early", 0.2)
    assert judge(first, known(0, 0, 0, 0.2)).place is False


def test_the_cause_of_a_claim_that_is_not_true_is_not_judged() -> None:
    assert judge(EARLY, known(0, 0, 0, brakes_early_m=0.01)).cause is None


def test_the_cause_is_right_where_that_part_cost_most_or_nearly_so() -> None:
    parts = {"brakes_early_m": 0.12, "pace": 0.2, "throttle_late_m": 0.02}
    assert judge(EARLY, known(0, 0.3, 0, **parts)).cause
    late = Claim((2,), "late_throttle", 0.2)
    assert judge(late, known(0, 0.3, 0, **parts)).cause is False


def test_no_cause_has_to_be_named_where_no_part_has_most_of_the_loss() -> None:
    assert "time_lost" in right_causes({"pace": 0.1, "brakes_early_m": 0.1})
    assert "time_lost" not in right_causes({"pace": 0.2, "brakes_early_m": 0.1})


def test_mistakes_of_one_look_share_their_names() -> None:
    assert right_causes({"wide": 0.3, "pace": 0.01}) == {"late_throttle", "time_lost"}


@pytest.mark.parametrize(("worth_s", "within"), [(0.37, True), (0.23, False), (0.48, False)])
def test_the_worth_is_right_within_a_fifth(worth_s: float, within: bool) -> None:
    made = (Made(2, "brakes-early", 0.31),)
    assert judge(Claim((2,), "brakes_early", worth_s), known(0, 0.2, 0, made=made)).within is within


def test_the_worth_of_a_small_mistake_is_right_within_30_ms() -> None:
    made = (Made(2, "brakes-early", 0.08),)
    verdict = judge(Claim((2,), "brakes_early", 0.105), known(0, 0.1, 0, made=made))
    assert verdict.within and verdict.off_s == pytest.approx(0.025)


def test_a_worth_that_chance_hides_is_not_reachable() -> None:
    made = (Made(2, "brakes-early", 0.10),)
    assert judge(EARLY, known(0, 0.12, 0, made=made)).reachable
    assert judge(EARLY, known(0, 0.20, 0, made=made)).reachable is False


def test_the_worth_against_habit_is_judged_besides() -> None:
    made = (Made(2, "brakes-early", 0.31),)
    verdict = judge(EARLY, known(0, 0.21, 0, made=made))
    assert (verdict.within, verdict.within_habit) == (False, True)
    assert verdict.off_habit_s == pytest.approx(-0.01)


def test_a_mistake_is_found_by_its_turn_whatever_the_cause() -> None:
    assert is_found(Made(2, "spin", 2.0), EARLY)
    assert not is_found(Made(1, "spin", 2.0), EARLY)
    assert not is_found(Made(1, "spin", 2.0), None)


def test_costs_are_classed_by_size() -> None:
    sizes = [size_of(cost_s) for cost_s in (0.0, 0.05, 0.199, 0.5)]
    assert sizes == ["< 0.05", "0.05-0.10", "0.10-0.20", "> 0.50"]
