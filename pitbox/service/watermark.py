"""The position in a stream up to which every message is finished: pure."""

from collections import OrderedDict

from msgspec import Struct


class Position(Struct, frozen=True):
    """Hold a message's sequence in its stream and when it was stored (ns since 1970)."""

    sequence: int = 0
    stored_ns: int = 0


class Watermark:
    """Track messages that are finished out of order.

    `done` is the last position before any open message, `last` the latest begun or skipped one.
    """

    def __init__(self, done: Position = Position()) -> None:  # noqa: B008 - it is frozen
        self.last = done
        self._open: OrderedDict[int, Position] = OrderedDict()

    @property
    def done(self) -> Position:
        """Return the position up to which every message is finished."""
        return next(iter(self._open.values()), self.last)

    def skip(self, position: Position) -> None:
        """Pass a message that needs no performing."""
        self.last = position

    def begin(self, position: Position) -> None:
        """Open a message; `done` stays before it until it is finished."""
        self._open[position.sequence] = self.last
        self.last = position

    def finish(self, sequence: int) -> None:
        """Close a message."""
        self._open.pop(sequence, None)
