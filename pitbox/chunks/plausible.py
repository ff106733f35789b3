"""Refuse a chunk that states more than a car can do: pure.

Each reader's cost of a chunk is bounded by these limits, which the chunker keeps to. Every reader
that unpacks a chunk checks them, so all refuse the same chunks.
"""

from collections.abc import Iterable, Sequence
from operator import gt, ne
from typing import Final

from pitbox.chunks.errors import RefusedChunkError

MAX_FRAMES: Final = 512
WINDOW_FRAMES: Final = 64
WINDOW_US: Final = 64_000
"""The fewest us from a frame to the one `WINDOW_FRAMES` after it: 1000 Hz. So many frames may have
one time, because datagrams that the network held up arrive together."""

MAX_SPAN_US: Final = 60_000_000
MAX_LAP_CHANGES: Final = 8
"""The most changes of the lap number in a chunk; games give wrong numbers for some frames."""

MAX_EVENTS: Final = 512

FIX_ARRAY: Final = range(0x90, 0xA0)
ARRAY_16: Final = 0xDC
ARRAY_32: Final = 0xDD


def check_times(times_us: Sequence[int]) -> None:
    """Raise RefusedChunkError for frame times that no sim has."""
    frames = len(times_us)
    if frames > MAX_FRAMES:
        raise RefusedChunkError(f"{frames} frames, at most {MAX_FRAMES} are accepted")
    if any(map(gt, times_us, times_us[1:])):
        raise RefusedChunkError("a frame's time is before that of the frame before it")
    if frames and times_us[-1] > MAX_SPAN_US:
        raise RefusedChunkError(f"it spans {times_us[-1]} us, at most {MAX_SPAN_US} are accepted")
    if frames <= WINDOW_FRAMES:
        return
    for early, late in zip(times_us, times_us[WINDOW_FRAMES:], strict=False):
        if late - early < WINDOW_US:
            raise RefusedChunkError(
                f"{WINDOW_FRAMES + 1} frames within {late - early} us, {WINDOW_US} are the least"
            )


def check_lap_numbers(numbers: Sequence[float]) -> None:
    """Raise RefusedChunkError when the lap number changes too often; NaN is one value."""
    if sum(map(ne, numbers, numbers[1:])) <= MAX_LAP_CHANGES:
        return
    changes = count_changes(numbers)
    if changes > MAX_LAP_CHANGES:
        raise RefusedChunkError(
            f"the lap number changes {changes} times, at most {MAX_LAP_CHANGES} are accepted"
        )


def count_changes(numbers: Iterable[float]) -> int:
    """Return how often a value differs from the one before; NaN is one value."""
    known = [None if number != number else number for number in numbers]  # noqa: PLR0124 - NaN
    return sum(map(ne, known, known[1:]))


def check_events(observed: bytes) -> None:
    """Raise RefusedChunkError for more events than a chunk may have, and for no list of events."""
    count = count_events(observed)
    if count > MAX_EVENTS:
        raise RefusedChunkError(f"{count} events, at most {MAX_EVENTS} are accepted")


def count_events(observed: bytes) -> int:
    """Return the length of a msgpack array from its first bytes; raises RefusedChunkError.

    Format: github.com/msgpack/msgpack/blob/master/spec.md, "array format family".
    """
    if not observed:
        return 0
    if observed[0] in FIX_ARRAY:
        return observed[0] & 0x0F
    size = {ARRAY_16: 2, ARRAY_32: 4}.get(observed[0])
    if size is None:
        raise RefusedChunkError("observed is not a list of events")
    return int.from_bytes(observed[1 : 1 + size])
