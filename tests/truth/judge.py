"""Judge what a coach said about laps whose truth is known.

A sentence is true when its corner really lost half of the claim, and 0.03 s, against the same lap
with that corner driven by habit. What a mistake is worth and which mistakes are found is judged by
the mistakes that were asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from producers.sources.sim.mistakes import Kind
from schemas.coaching import Cause

LEAST_S: Final = 0.03
WORTH_SHARE: Final = 0.2
FOUND_FROM_S: Final = 0.10
LIKE_THE_DEAREST: Final = 0.5
"""A part of a loss that cost this share of the dearest part may be named as its cause."""

MIXED: Final = 0.6
"""Where no part has this share of the loss, no cause has to be named."""

CAUSES: Final[Mapping[str, frozenset[Cause]]] = {
    "pace": frozenset({"slow_minimum"}),
    "brakes_early_m": frozenset({"brakes_early"}),
    "throttle_late_m": frozenset({"late_throttle"}),
    "aside_m": frozenset({"late_throttle", "slow_minimum", "time_lost"}),
    "brakes-early": frozenset({"brakes_early"}),
    "slow-minimum": frozenset({"slow_minimum"}),
    "slow-arc": frozenset({"slow_minimum"}),
    "late-throttle": frozenset({"late_throttle"}),
    "off-track": frozenset({"off"}),
    "too-fast-in": frozenset({"too_fast_in"}),
    "lock-up": frozenset({"too_fast_in", "late_throttle", "time_lost"}),
    "wide": frozenset({"late_throttle", "time_lost"}),
    "second-brake": frozenset({"second_brake"}),
    "spin": frozenset({"second_brake", "slow_minimum", "time_lost"}),
    "lift": frozenset({"lift"}),
    "early-throttle": frozenset({"lift", "late_throttle"}),
}
"""The causes that are right for a part of an intent and for a mistake.

Some look alike in a trace: a car that is off the line, ran wide or locked its wheels is slow or
waits with the throttle, and one that spun is slow without any name for it.
"""


class Claim(Struct, frozen=True):
    """Hold what was said about a lap.

    `turns` are the turns of the simulator in the claimed corner's share of the lap, () for none: a
    turn that is taken without slowing belongs to the corner before it.
    """

    turns: tuple[int, ...]
    cause: Cause
    worth_s: float


class Made(Struct, frozen=True):
    """Hold a mistake that was asked for, and its cost on the lap."""

    turn: int
    kind: Kind
    cost_s: float


class Known(Struct, frozen=True):
    """Hold the truth of a lap.

    `lost_s` is by turn, against habit. `parts_s` is what each part of the claimed corner's loss
    cost alone. `is_hindered` is True in traffic or under flags, where habit is hindered as much.
    """

    lap: int
    lost_s: tuple[float, ...]
    parts_s: Mapping[str, float]
    made: tuple[Made, ...] = ()
    is_hindered: bool = False

    @property
    def is_clean(self) -> bool:
        """Return whether neither a mistake was asked for nor anything hindered the driver."""
        return not self.made and not self.is_hindered


class Verdict(Struct, frozen=True):
    """Hold the judgement of one sentence; None where a question does not arise.

    `off_s` is the claim minus the cost of the mistake that was made there, `off_habit_s` minus the
    corner's loss against habit. `reachable` is whether that loss itself, which holds the driver's
    chance beside the mistake, would be a right claim of what the mistake is worth.
    """

    true: bool
    cause: bool | None
    place: bool | None
    off_s: float | None
    within: bool | None
    reachable: bool | None
    off_habit_s: float
    within_habit: bool


def judge(claim: Claim, known: Known) -> Verdict:
    """Judge a sentence by the truth of its lap."""
    lost_s = _lost_s(known, claim.turns)
    needed_s = max(claim.worth_s / 2, LEAST_S)
    true = lost_s >= needed_s
    near_s = max((_lost_s(known, (turn,)) for turn in _neighbours(known, claim.turns)), default=0.0)
    made = next((one for one in known.made if one.turn in claim.turns), None)
    off_s = claim.worth_s - made.cost_s if made else None
    off_habit_s = claim.worth_s - lost_s
    return Verdict(
        true=true,
        cause=claim.cause in right_causes(known.parts_s) if true else None,
        place=True if true else False if near_s >= needed_s else None,
        off_s=off_s,
        within=_within(off_s, made.cost_s) if made and off_s is not None else None,
        reachable=_within(lost_s - made.cost_s, made.cost_s) if made else None,
        off_habit_s=off_habit_s,
        within_habit=_within(off_habit_s, lost_s),
    )


def right_causes(parts_s: Mapping[str, float]) -> frozenset[Cause]:
    """Return the causes that name a dear part of a loss; `time_lost` where no part is the most."""
    dearest_s = max(parts_s.values(), default=0.0)
    dear = [part for part, lost_s in parts_s.items() if lost_s >= LIKE_THE_DEAREST * dearest_s]
    right = frozenset[Cause]().union(*(CAUSES[part] for part in dear))
    total_s = sum(lost_s for lost_s in parts_s.values() if lost_s > 0)
    return right | {"time_lost"} if dearest_s < MIXED * total_s else right


def is_found(made: Made, claim: Claim | None) -> bool:
    """Return whether a mistake was spoken of, whatever its cause was said to be."""
    return claim is not None and made.turn in claim.turns


Size = Literal["< 0.05", "0.05-0.10", "0.10-0.20", "0.20-0.50", "> 0.50"]
SIZES: Final[Sequence[tuple[Size, float]]] = (
    ("< 0.05", 0.05),
    ("0.05-0.10", 0.10),
    ("0.10-0.20", 0.20),
    ("0.20-0.50", 0.50),
    ("> 0.50", float("inf")),
)


def size_of(cost_s: float) -> Size:
    """Return the class of sizes that a cost belongs to."""
    return next(name for name, below_s in SIZES if cost_s < below_s)


def _lost_s(known: Known, turns: Sequence[int]) -> float:
    return sum(known.lost_s[turn - 1] for turn in turns)


def _neighbours(known: Known, turns: Sequence[int]) -> Sequence[int]:
    count = len(known.lost_s)
    return ((turns[0] - 2) % count + 1, turns[-1] % count + 1) if turns else ()


def _within(off_s: float, cost_s: float) -> bool:
    return abs(off_s) <= max(WORTH_SHARE * cost_s, LEAST_S)
