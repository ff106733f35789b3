"""Sets of chunks as Postgres's int4multirange."""

from collections.abc import Iterable
from typing import Any

from pitbox.chunks.ranges import Ranges


def ranges_of(multirange: Iterable[Any] | None) -> Ranges:
    """Return a column's value as ranges, no ranges for null."""
    return tuple((part.lower, part.upper - 1) for part in multirange or ())


def multirange(ranges: Ranges) -> str:
    """Return ranges as a literal to be cast to int4multirange."""
    return "{" + ",".join(f"[{first},{last}]" for first, last in ranges) + "}"
