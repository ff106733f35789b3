"""Join the packets of one instant into a frame, in whatever order they arrive.

A frame is complete when a packet of a later one arrives. For kinds that are sent less often, or are
lost, the last values are held: settings without limit, the others for `HELD_S`.
"""

from collections.abc import Iterator
from typing import Final

from producers.source import Frame
from producers.sources.channel_order import Layout
from producers.sources.f1 import layouts
from producers.sources.f1.channels import Channels
from producers.sources.f1.header import Header

DRIVING: Final = (layouts.TELEMETRY, layouts.LAP, layouts.MOTION, layouts.MOTION_EX)
"""A frame needs one of these kinds. Of two with the same channel, the later one here counts."""

SETTINGS: Final = (layouts.SESSION, layouts.STATUS, layouts.DAMAGE)
HELD_S: Final = 0.25
BACK_S: Final = 0.5
"""A larger step back of session time is a flashback, or a session that begins again."""

RESTART_S: Final = 10.0
"""A step back to before this session time is a restart, unless the game announced a flashback."""

REORDERED_AT_MOST: Final = 60


class Assembly:
    """Gather the packets of a session into frames of these channels.

    `time_s` is the open frame's session time. `flashback_announced` is whether the game announced
    that time goes back with the next frame.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._order = -1
        self.time_s = 0.0
        self._captured_ns = 0
        self._collecting = False
        self._drives = False
        self.flashback_announced = False
        self._held: dict[int, tuple[float, Channels]] = {}

    def is_late(self, header: Header) -> bool:
        """Return whether a packet belongs to a frame that is already complete."""
        order = _order(header)
        if order == self._order:
            return not self._collecting
        if order > self._order:
            return False
        if header.overall_frame is not None:
            return self._order - order <= REORDERED_AT_MOST or header.time_s > RESTART_S
        return not (self.flashback_announced or header.time_s < self.time_s - BACK_S)

    def is_next(self, header: Header) -> bool:
        """Return whether a packet, not late, belongs to another frame than the open one."""
        return _order(header) != self._order

    def open(self, header: Header, captured_ns: int) -> float | None:
        """Open the frame of a packet; return its session time if that went back, else None."""
        went_back = header.time_s < self.time_s - BACK_S
        if went_back:
            self._held = {kind: held for kind, held in self._held.items() if kind in SETTINGS}
        self._order, self.time_s, self._captured_ns = _order(header), header.time_s, captured_ns
        self._collecting, self._drives, self.flashback_announced = True, False, False
        return header.time_s if went_back else None

    def put(self, kind: int, values: Channels) -> None:
        """Add the channels of a packet to the open frame."""
        self._held[kind] = (self.time_s, values)
        self._drives = self._drives or kind in DRIVING

    def close(self) -> Iterator[Frame]:
        """Close the open frame; yield it if it has packets of the car."""
        if self._collecting and self._drives:
            yield Frame(self._captured_ns, self._layout.row(self._values()))
        self._collecting = False

    def _values(self) -> Channels:
        values = {"session_time": self.time_s}
        for kind in (*SETTINGS, *DRIVING):
            if kind in self._held:
                since_s, held = self._held[kind]
                if kind in SETTINGS or self.time_s - since_s <= HELD_S:
                    values |= held
        return values


def _order(header: Header) -> int:
    return header.frame if header.overall_frame is None else header.overall_frame
