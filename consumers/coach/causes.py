"""Why a corner lost time, by how it was driven against the usual way."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from schemas.coaching import Cause, Evidence
from schemas.passes import Loss, Pass

SLOWER: Final = 0.98
"""A lowest speed below this share of the usual one is a slow minimum."""

A_LITTLE_SLOWER: Final = 0.99
SLID: Final = 0.9
AFTER_M: Final = 15.0
"""A lowest speed so far after the usual place was reached on the exit."""

WAITED_M: Final = 8.0
LOW_SHARE: Final = 0.5
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

    def is_slow(self, share: float) -> bool:
        """Return whether the lowest speed was below a share of the usual one."""
        return self.made.minimum_mps < share * self.usual.minimum_mps

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
    if _came_too_fast(taken):
        return "too_fast_in"
    if taken.is_new("lifts_m") and loss.exit_s >= most_s and not taken.is_slow(SLOWER):
        return "lift"
    if loss.exit_s > loss.entry_s + loss.minimum_s:
        return _of_exit(taken)
    return _of_entry(taken)


def _came_too_fast(taken: Taken) -> bool:
    """Return whether the entry was won by later braking, and more was lost after it."""
    loss, late_m = taken.loss, taken.later_m("brakes_m")
    won = loss.entry_s < -WON_Z * loss.entry_spread_s
    return won and late_m is not None and late_m > 0


def _of_exit(taken: Taken) -> Cause:
    """Return why an exit was lost: by the throttle, unless the corner was slow from its middle."""
    slowest_m, throttle_m = taken.later_m("minimum_m"), taken.later_m("throttle_m")
    waited = throttle_m is not None and throttle_m >= WAITED_M
    if taken.is_slow(SLID) and slowest_m is not None and slowest_m >= AFTER_M:
        return "time_lost"
    if waited or (slowest_m is not None and slowest_m >= AFTER_M):
        return "late_throttle"
    if taken.is_slow(A_LITTLE_SLOWER) and taken.loss.minimum_s > 0:
        return "slow_minimum"
    return "late_throttle" if throttle_m is not None and throttle_m >= ELSEWHERE_M else "time_lost"


def _of_entry(taken: Taken) -> Cause:
    """Return why an entry or a minimum was lost: by the brakes, or by a lower speed."""
    loss, braked_m = taken.loss, taken.later_m("brakes_m")
    early = braked_m is not None and braked_m <= -ELSEWHERE_M
    if taken.is_slow(SLOWER) and loss.minimum_s >= LOW_SHARE * loss.entry_s:
        return "slow_minimum"
    if early and loss.entry_s >= loss.minimum_s:
        return "brakes_early"
    if taken.is_slow(A_LITTLE_SLOWER):
        return "slow_minimum"
    return "brakes_early" if early else "time_lost"


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
