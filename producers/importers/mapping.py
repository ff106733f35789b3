"""State which channel is read from which column of a recording, and which columns are not used."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from producers.importers.units import NONE
from producers.left_out import Tally

MAX_ABOUT: Final = 128
"""The length of a `schemas.sim.Label`."""


class Mapped(Struct, frozen=True):
    """Name the column that a channel is read from; `unit` states the column's, and its origin."""

    channel: str
    column: str
    unit: str


class Mapping(Struct, frozen=True):
    """Hold the mapping of a file; `known` is False for a layout that was guessed from names."""

    layout: str
    mapped: tuple[Mapped, ...]
    unused: tuple[str, ...]
    known: bool = True

    def lines(self) -> Iterator[str]:
        """Yield the lines of a text for people."""
        total = len(self.mapped) + len(self.unused)
        yield f"{self.layout}: {len(self.mapped)} of {total} columns are used"
        channels = max((len(one.channel) for one in self.mapped), default=0)
        columns = max((len(one.column) for one in self.mapped), default=0)
        for one in self.mapped:
            yield f"  {one.channel:{channels}} = {one.column:{columns}} {one.unit}".rstrip()
        if self.unused:
            yield f"  not used: {', '.join(self.unused)}"

    def leave_out(self, left_out: Tally) -> None:
        """Count the columns that are not used."""
        left_out.add("channel", shortened(self.unused), len(self.unused))


def stated(unit: str, *more: str) -> str:
    """State the unit of a column, where it has one, and more about it."""
    return ", ".join(filter(None, ("" if unit in NONE else f"in {unit}", *more)))


def shortened(names: Sequence[str]) -> str:
    """Return as many of the names as a label holds."""
    text = ", ".join(names)
    return text if len(text) <= MAX_ABOUT else text[: MAX_ABOUT - 1] + "…"
