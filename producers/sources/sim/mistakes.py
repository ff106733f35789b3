"""Mistakes that a race asks its driver to make."""

from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from producers.sources.sim.track import Track

Kind = Literal["brakes-early", "slow-minimum", "late-throttle", "off-track"]
KINDS: Final = get_args(Kind)
LARGEST: Final[dict[Kind, float]] = {
    "brakes-early": 80.0,
    "slow-minimum": 12.0,
    "late-throttle": 80.0,
    "off-track": 9.0,
}


class Mistake(Struct, frozen=True, forbid_unknown_fields=True):
    """Describe one mistake in a turn of a flying lap, both counted from 1.

    `size` is by kind: "brakes-early" m by which braking begins earlier, "slow-minimum" m/s by which
    the minimum speed is lower, "late-throttle" m by which the throttle opens later, "off-track" m
    beside the line at the exit. The last one is above the track's half width and makes the lap
    invalid.
    """

    lap: int
    turn: int
    kind: Kind
    size: float


def parse(text: str) -> Mistake:
    """Parse "lap=3,turn=4,kind=brakes-early,size=10"; raises ValueError naming the fault."""
    pairs = [part.partition("=") for part in text.split(",")]
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    try:
        return msgspec.convert(fields, Mistake, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(
            f'mistake "{text}": {error}; write lap=3,turn=4,kind=KIND,size=10 '
            f"with KIND one of {', '.join(KINDS)}"
        ) from None


def check(asked: Mistake, track: Track) -> None:
    """Raise ValueError when a mistake cannot be made on a track."""
    if asked.lap < 1:
        raise ValueError(f"mistake: lap {asked.lap} is no flying lap, these count from 1")
    if not 1 <= asked.turn <= len(track.corners):
        raise ValueError(f"mistake: {track.name} has turns 1 to {len(track.corners)}")
    least = track.half_width_m if asked.kind == "off-track" else 0.0
    if not least < asked.size <= LARGEST[asked.kind]:
        raise ValueError(
            f"mistake: size {asked.size:g} of {asked.kind} is not above {least:g} "
            f"and at most {LARGEST[asked.kind]:g}"
        )
