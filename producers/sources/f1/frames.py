"""Put the packets of one instant together to a frame, in whatever order they come.

A frame is told once a packet of a later one is there. Packets that come more rarely than others,
or are lost, are made up for by the last ones, for as long as these say something about the car.
"""

from collections.abc import Iterator
from typing import Final

from producers.source import Frame
from producers.sources.channel_order import Layout
from producers.sources.f1 import layouts
from producers.sources.f1.channels import Channels
from producers.sources.f1.header import Header

DRIVING: Final = (layouts.TELEMETRY, layouts.LAP, layouts.MOTION, layouts.MOTION_EX)
"""The kinds without which there is no frame; where two tell the same, the later one counts."""

SETTINGS: Final = (layouts.SESSION, layouts.STATUS, layouts.DAMAGE)
HELD_S: Final = 0.25
BACK_S: Final = 0.5
"""Session time that goes back by more is a flashback, or a session that begins again."""

RESTART_S: Final = 10.0
"""A session that goes back to before this begins again, unless the game says otherwise."""

REORDERED_AT_MOST: Final = 60


class Assembly:
    """Gather the packets of a session into frames of these channels.

    `flashback_told` is whether the game has said that time will go back with the next frame.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._order = -1
        self._time_s = 0.0
        self._captured_ns = 0
        self._collecting = False
        self._drives = False
        self.flashback_told = False
        self._held: dict[int, tuple[float, Channels]] = {}

    def is_late(self, header: Header) -> bool:
        """Tell whether a packet is of a frame that was told already."""
        order = _order(header)
        if order == self._order:
            return not self._collecting
        if order > self._order:
            return False
        if header.overall_frame is not None:
            return self._order - order <= REORDERED_AT_MOST or header.time_s > RESTART_S
        return not (self.flashback_told or header.time_s < self._time_s - BACK_S)

    def is_next(self, header: Header) -> bool:
        """Tell whether a packet that is not late is of another frame than the one before."""
        return _order(header) != self._order

    def open(self, header: Header, captured_ns: int) -> float | None:
        """Begin the frame of a packet; return its session time if that went back."""
        went_back = header.time_s < self._time_s - BACK_S
        if went_back:
            self._held = {kind: held for kind, held in self._held.items() if kind in SETTINGS}
        self._order, self._time_s, self._captured_ns = _order(header), header.time_s, captured_ns
        self._collecting, self._drives, self.flashback_told = True, False, False
        return header.time_s if went_back else None

    def put(self, kind: int, values: Channels) -> None:
        """Add what a packet of the open frame tells."""
        self._held[kind] = (self._time_s, values)
        self._drives = self._drives or kind in DRIVING

    def close(self) -> Iterator[Frame]:
        """Yield the open frame, if the car was heard in it."""
        if self._collecting and self._drives:
            yield Frame(self._captured_ns, self._layout.row(self._values()))
        self._collecting = False

    def _values(self) -> Channels:
        values = {"session_time": self._time_s}
        for kind in (*SETTINGS, *DRIVING):
            if kind in self._held:
                since_s, told = self._held[kind]
                if kind in SETTINGS or self._time_s - since_s <= HELD_S:
                    values |= told
        return values


def _order(header: Header) -> int:
    return header.frame if header.overall_frame is None else header.overall_frame
