"""Why a corner lost time, by how it was driven against the usual way."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from schemas.coaching import Cause, Evidence
from schemas.passes import Loss, Pass

FAR_SLOWER: Final = 0.95
SLOWER: Final = 0.97
SLOW: Final = 0.98
A_LITTLE_SLOWER: Final = 0.99
SLID: Final = 0.9
SPUN: Final = 0.4
"""Shares of the usual lowest speed below which a corner was slow, more or less certainly."""

AFTER_M: Final = 15.0
"""A lowest speed so far after the usual place was reached on the exit."""

ELSEWHERE_M: Final = 2.0
WAITED_M: Final = 8.0
"""A pedal pressed so far from the usual place was pressed elsewhere, or was waited with."""

WON_Z: Final = 1.5
SOME_Z: Final = 1.5
STANDS_OUT_Z: Final = 2.5
MOST: Final = 0.5
SOME: Final = 0.35
PART: Final = 0.2
"""Shares of a corner's loss with which a phase has most of it, or a part."""

PHASES: Final[Mapping[Cause, tuple[str, ...]]] = {
    "brakes_early": ("entry",),
    "late_throttle": ("exit",),
    "second_brake": ("exit",),
    "lift": ("exit",),
}
"""The phases in which a cause loses time; the others lose it in all."""


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

    @property
    def lifted(self) -> bool:
        """Return whether the throttle was closed again on the straight, or never held open."""
        never = self.made.throttle_m is None and self.usual.throttle_m is not None
        return never or self.is_new("lifts_m")

    def is_new(self, name: str) -> bool:
        """Return whether something was done that is not done usually."""
        return getattr(self.made, name) is not None and getattr(self.usual, name) is None


def cause_of(taken: Taken) -> Cause:
    """Return why a corner lost time; the evidence has to have the sign of the cause."""
    loss, most_s = taken.loss, MOST * taken.loss.net_s
    if taken.went_off or taken.is_slow(SPUN):
        return "off" if taken.went_off else "time_lost"
    if taken.is_new("brakes_again_m") and loss.minimum_s + loss.exit_s >= most_s:
        return "second_brake"
    if _came_too_fast(taken):
        return "too_fast_in"
    if taken.lifted and loss.exit_s >= most_s and not taken.is_slow(SLID):
        return "lift"
    in_exit = loss.exit_s > loss.entry_s + loss.minimum_s
    return _of_exit(taken) if in_exit else _of_entry(taken)


def _came_too_fast(taken: Taken) -> bool:
    """Return whether the entry was won by later braking, and more was lost on the exit."""
    loss, late_m = taken.loss, taken.later_m("brakes_m") or 0.0
    won = loss.entry_s < -WON_Z * loss.entry_spread_s and late_m >= ELSEWHERE_M
    far = loss.entry_s < 0 and late_m >= WAITED_M
    return (won or far) and loss.exit_s > loss.minimum_s


def _of_exit(taken: Taken) -> Cause:
    """Return why an exit was lost: by the throttle, unless the corner was slow before."""
    loss, slowest_m = taken.loss, taken.later_m("minimum_m")
    waited_m = taken.later_m("throttle_m") or 0.0
    after = slowest_m is not None and slowest_m >= AFTER_M
    in_minimum = loss.minimum_s >= SOME_Z * loss.minimum_spread_s
    in_entry = loss.entry_s >= PART * loss.net_s and taken.is_slow(FAR_SLOWER if after else SLOW)
    if in_minimum and (in_entry or (taken.is_slow(SLOW) and loss.minimum_s >= PART * loss.net_s)):
        return "slow_minimum"
    if after and taken.is_slow(SLID):
        return "time_lost"
    slower = taken.is_slow(A_LITTLE_SLOWER) and loss.minimum_s > 0
    if not after and waited_m < WAITED_M and slower:
        return "slow_minimum"
    return "late_throttle" if after or waited_m >= ELSEWHERE_M else "time_lost"


def _of_entry(taken: Taken) -> Cause:
    """Return why an entry or a minimum was lost: by the brakes, or by a lower speed."""
    loss, early_m = taken.loss, -(taken.later_m("brakes_m") or 0.0)
    early = early_m >= ELSEWHERE_M and loss.entry_s >= loss.minimum_s
    # A corner that is slow all over loses in its minimum too.
    share = SOME if taken.is_slow(SLOWER) else MOST if taken.is_slow(SLOW) else 1.0
    if early and not taken.is_slow(SLID) and loss.minimum_s < share * loss.entry_s:
        return "brakes_early"
    return "slow_minimum" if taken.is_slow(A_LITTLE_SLOWER) else "time_lost"


def worth_s(taken: Taken, cause: Cause) -> float:
    """Return the seconds that a cause is worth, never more than the corner lost.

    What other phases than the cause's own lost or gave back within the driver's spread is chance.
    """
    loss = taken.loss
    phases = {
        "entry": (loss.entry_s, loss.entry_spread_s),
        "minimum": (loss.minimum_s, loss.minimum_spread_s),
        "exit": (loss.exit_s, loss.exit_spread_s),
    }
    own = PHASES.get(cause, tuple(phases))
    lost_s = sum(
        seconds
        for phase, (seconds, spread_s) in phases.items()
        if phase in own or abs(seconds) > STANDS_OUT_Z * spread_s
    )
    return min(lost_s, loss.net_s)


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
