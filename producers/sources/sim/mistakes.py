"""Mistakes that a race asks its driver to make."""

from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from producers.sources.sim.track import Track

Kind = Literal[
    "brakes-early",
    "slow-minimum",
    "late-throttle",
    "off-track",
    "too-fast-in",
    "lock-up",
    "slow-arc",
    "wide",
    "second-brake",
    "spin",
    "lift",
    "early-throttle",
]
KINDS: Final = get_args(Kind)
LARGEST: Final[dict[Kind, float]] = {
    "brakes-early": 80.0,
    "slow-minimum": 12.0,
    "late-throttle": 80.0,
    "off-track": 9.0,
    "too-fast-in": 20.0,
    "lock-up": 20.0,
    "slow-arc": 8.0,
    "wide": 4.0,
    "second-brake": 15.0,
    "spin": 60.0,
    "lift": 150.0,
    "early-throttle": 30.0,
}


class Mistake(Struct, frozen=True, forbid_unknown_fields=True):
    """Describe one mistake in a turn of a flying lap, both counted from 1.

    `size` is by kind:

    - "brakes-early": m by which braking begins earlier.
    - "slow-minimum": m/s by which the minimum speed is lower.
    - "slow-arc": m/s by which the whole corner is slower.
    - "late-throttle": m by which the throttle opens later.
    - "too-fast-in": m by which braking begins later, and the lowest speed is reached later; the
      throttle opens later by three times that.
    - "lock-up": m by which the lowest speed is reached later because the wheels lock.
    - "wide": m beside the line at the exit, on the track, waiting with the throttle.
    - "off-track": m beside the line at the exit, above the track's half width: the lap is invalid.
    - "second-brake": m/s taken by braking again after the exit has begun.
    - "spin": m/s scrubbed off by sliding sideways at the exit.
    - "lift": m without throttle in the middle of the straight after the corner.
    - "early-throttle": m by which the throttle opens too early; then it must be lifted for longer.
    """

    lap: int
    turn: int
    kind: Kind
    size: float


def parse(text: str) -> Mistake:
    """Parse "lap=3,turn=4,kind=brakes-early,size=10"; raises ValueError naming the fault."""
    try:
        return msgspec.convert(pairs_of(text), Mistake, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(
            f'mistake "{text}": {error}; write lap=3,turn=4,kind=KIND,size=10 '
            f"with KIND one of {', '.join(KINDS)}"
        ) from None


def pairs_of(text: str) -> dict[str, str]:
    """Split "name=value,name=value"."""
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): value.strip() for name, _, value in pairs}


def check(asked: Mistake, track: Track) -> None:
    """Raise ValueError when a mistake cannot be made on a track."""
    if asked.lap < 1:
        raise ValueError(f"mistake: lap {asked.lap} is no flying lap, these count from 1")
    if not 1 <= asked.turn <= len(track.corners):
        raise ValueError(f"mistake: {track.name} has turns 1 to {len(track.corners)}")
    least = track.half_width_m if asked.kind == "off-track" else 0.0
    most = LARGEST[asked.kind]
    if asked.kind == "wide":
        # The driver's own variation beside the line comes on top.
        most = min(most, track.half_width_m - 0.7)
    if not least < asked.size <= most:
        raise ValueError(
            f"mistake: size {asked.size:g} of {asked.kind} is not above {least:g} "
            f"and at most {most:g}"
        )
