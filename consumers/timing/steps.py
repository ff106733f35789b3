"""A step: one piece of driving on the timeline, with the lap that it was a part of."""

import math
from typing import Final

from msgspec import Struct

from consumers.timing.crossings import Cut, lasted_s
from consumers.timing.segments import Piece
from consumers.timing.spans import Void

SKEW_S: Final = 5.0
SKEW_NS: Final = round(SKEW_S * 1e9)
"""How far lap number, line and report of one crossing lie apart at most."""

REWIND_NS: Final = 2_000_000_000

Place = tuple[int, int]
"""The index of a segment in driven order, and of a piece in it."""


class Reach(Struct, frozen=True, gc=False):
    """Hold how far cars get in the pieces up to one, and how that judges crossings.

    `moved_m` is the longest lap whose end was taken as a move of the car, `passed_m` the shortest
    one whose end was not. `last_ns` is the latest time before the piece.
    """

    furthest_m: float = 0.0
    moved_m: float = -math.inf
    passed_m: float = math.inf
    last_ns: int = -1
    until_ns: int = -1

    def judges_as(self, furthest_m: float) -> bool:
        """Return whether crossings are judged in the same way by another longest lap."""
        return self.moved_m < furthest_m / 2 <= self.passed_m


class Step(Struct):
    """Place one piece on the timeline; `joined` is whether it follows the one before at once.

    `rewinds` and `spans` are how many flashbacks and spans taken back were known when it was kept.
    """

    piece: Piece
    number: int | None
    cut: Cut | None
    joined: bool
    place: Place
    restarted: bool = False
    reach: Reach = Reach()
    rewinds: int = 0
    spans: int = 0

    @property
    def is_solid(self) -> bool:
        """Return whether no step before it changes, or is changed by, what comes after it.

        It lasts so long that nothing reaches over it, and its number is the sim's.
        """
        piece = self.piece
        if self.number is None or self.number != piece.number or (piece.cut and piece.cut.back):
            return False
        lasts = piece.last_ns - piece.first_ns > REWIND_NS and piece_lasted_s(piece) > SKEW_S
        return lasts and piece.first_ns >= self.reach.last_ns


class Start(Struct, frozen=True):
    """Hold what lay before a solid step: the place from which steps can be laid out again."""

    step: Step
    spans: tuple[Void, ...]


class Laid(Struct, frozen=True):
    """Hold the driven steps, from the start on, and all spans taken back as they were found."""

    steps: list[Step]
    spans: tuple[Void, ...]


def piece_lasted_s(piece: Piece) -> float:
    """Return how long a piece lasted by the session's clock."""
    return lasted_s((piece.first_ns, piece.first_clock_s), (piece.last_ns, piece.last_clock_s))
