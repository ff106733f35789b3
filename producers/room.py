"""The room that readers' limits leave in a chunk that is being filled: pure."""

import math
from collections.abc import Sequence
from typing import Final

from pitbox.chunks.frames import LAP_NUMBER
from pitbox.chunks.plausible import MAX_LAP_CHANGES, WINDOW_FRAMES, WINDOW_US
from producers.source import Frame

WINDOW_NS: Final = (WINDOW_US + 1) * 1000
"""One us more than the limit, because a chunk's times are rounded down to us."""


class Room:
    """Count the changes of the lap number in a chunk, and compare its frames' times."""

    def __init__(self, channels: Sequence[int] = ()) -> None:
        """Begin with a chunk whose frames have these channels."""
        self._place = channels.index(LAP_NUMBER) if LAP_NUMBER in channels else None
        self._lap_number = math.nan
        self._changes = 0

    def begin(self) -> None:
        """Begin another chunk."""
        self._changes = 0

    def admits(self, times_ns: Sequence[int], frame: Frame) -> bool:
        """Return whether a chunk with frames of these times may have another one; count that one.

        A frame that is not admitted is the first of the next chunk.
        """
        self._changes += self._changes_lap(frame) and bool(times_ns)
        crowded = len(times_ns) >= WINDOW_FRAMES and (
            frame.captured_ns - times_ns[-WINDOW_FRAMES] < WINDOW_NS
        )
        return not crowded and self._changes <= MAX_LAP_CHANGES

    def _changes_lap(self, frame: Frame) -> bool:
        if self._place is None:
            return False
        before, self._lap_number = self._lap_number, frame.values[self._place]
        both_unknown = math.isnan(before) and math.isnan(self._lap_number)
        return before != self._lap_number and not both_unknown
