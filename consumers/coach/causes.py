"""Why a corner lost time, by how it was driven against the usual way."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from schemas.coaching import Cause, Evidence
from schemas.passes import Loss, Pass

SLOWER: Final = 0.98
"""A lowest speed below this share of the usual one is a slow minimum."""

ELSEWHERE_M: Final = 3.0
"""A pedal pressed or released so far from the usual place was pressed elsewhere."""

WON_Z: Final = 1.0
MOST: Final = 0.5
"""A phase explains a corner's loss where it lost this share of it."""


class Taken(Struct, frozen=True):
    """Hold one corner of a lap: how it was driven, the usual way, and the loss."""

    made: Pass
    usual: Pass
    loss: Loss
    length_m: float
    went_off: bool = False

    def later_m(self, name: str) -> float | None:
        """Return by how much later than usual something was done, None where it was not."""
        made, usual = getattr(self.made, name), getattr(self.usual, name)
        if made is None or usual is None:
            return None
        half_m = self.length_m / 2
        return float((made - usual + half_m) % self.length_m - half_m)

    def is_new(self, name: str) -> bool:
        """Return whether something was done that is not done usually."""
        return getattr(self.made, name) is not None and getattr(self.usual, name) is None


def cause_of(taken: Taken) -> Cause:
    """Return why a corner lost time; the evidence has to have the sign of the cause."""
    loss, most_s = taken.loss, MOST * taken.loss.net_s
    if taken.went_off:
        return "off"
    if taken.is_new("brakes_again_m") and loss.minimum_s + loss.exit_s >= most_s:
        return "second_brake"
    if taken.is_new("lifts_m") and loss.exit_s >= most_s:
        return "lift"
    if _came_too_fast(taken):
        return "too_fast_in"
    return _by_pedals(taken)


def _by_pedals(taken: Taken) -> Cause:
    """Return which of braking, lowest speed and throttle differs where the most was lost."""
    if taken.made.minimum_mps < SLOWER * taken.usual.minimum_mps:
        return "slow_minimum"
    if taken.loss.exit_s > taken.loss.entry_s + taken.loss.minimum_s:
        late_m = taken.later_m("throttle_m")
        return "late_throttle" if late_m is not None and late_m >= ELSEWHERE_M else "time_lost"
    early_m = taken.later_m("brakes_m")
    return "brakes_early" if early_m is not None and early_m <= -ELSEWHERE_M else "time_lost"


def _came_too_fast(taken: Taken) -> bool:
    """Return whether the entry was won by later braking, and more was lost after it."""
    loss, late_m = taken.loss, taken.later_m("brakes_m")
    won = loss.entry_s < -WON_Z * loss.entry_spread_s
    return won and late_m is not None and late_m > 0


def evidence_of(taken: Taken, cause: Cause) -> tuple[Evidence, ...]:
    """Return the numbers that a cause rests on, the most telling one first."""
    return tuple(_evidence(taken, cause))


NAMES: Final[dict[Cause, tuple[str, ...]]] = {
    "brakes_early": ("brakes_m", "entry_mps"),
    "too_fast_in": ("brakes_m", "minimum_mps", "throttle_m", "exit_mps"),
    "slow_minimum": ("minimum_mps", "brakes_m"),
    "late_throttle": ("throttle_m", "exit_mps"),
    "second_brake": ("brakes_again_m", "minimum_mps", "exit_mps"),
    "lift": ("lifts_m", "exit_mps"),
    "off": ("minimum_mps", "exit_mps"),
    "time_lost": ("minimum_mps", "exit_mps"),
}
"""The fields of a pass that show a cause."""


def _evidence(taken: Taken, cause: Cause) -> Iterator[Evidence]:
    for name in NAMES[cause]:
        value = getattr(taken.made, name)
        if value is not None:
            unit = "m/s" if name.endswith("_mps") else "m"
            usual = getattr(taken.usual, name)
            yield Evidence(
                name=name,
                value=round(value, 2),
                unit=unit,
                usual=None if usual is None else round(usual, 2),
            )
    for name in ("entry_s", "minimum_s", "exit_s"):
        yield Evidence(name=name, value=round(getattr(taken.loss, name), 3), unit="s", usual=0.0)
