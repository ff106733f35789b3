"""Up to where every message of a stream is done with: pure."""

from collections import OrderedDict

from msgspec import Struct


class Place(Struct, frozen=True):
    """A message's sequence in its stream, and when it was stored (ns since 1970)."""

    sequence: int = 0
    stored_ns: int = 0


class Watermark:
    """Track messages that are finished out of order; `done` is the last place before any open one.

    `last` is the latest place that was begun or passed.
    """

    def __init__(self, done: Place = Place()) -> None:  # noqa: B008 - it is frozen
        self.last = done
        self._open: OrderedDict[int, Place] = OrderedDict()

    @property
    def done(self) -> Place:
        """Return the place up to which nothing is open."""
        return next(iter(self._open.values()), self.last)

    def skip(self, place: Place) -> None:
        """Pass a message with which nothing has to be done."""
        self.last = place

    def begin(self, place: Place) -> None:
        """Open a message; it holds `done` back until it is finished."""
        self._open[place.sequence] = self.last
        self.last = place

    def finish(self, sequence: int) -> None:
        """Close a message."""
        self._open.pop(sequence, None)
