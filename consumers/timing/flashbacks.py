"""What flashbacks took back: the steps that no longer count."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from consumers.timing.spans import Void
from consumers.timing.steps import REWIND_NS, Laid, Start, Step

RESTART_CLOCK_S: Final = 10.0
"""A session clock that goes back to less than this without a flashback begins again."""


def without_void(
    steps: list[Step], rewinds: Sequence[tuple[int, float]], start: Start | None
) -> Laid:
    """Remove the steps that flashbacks took back."""
    kept = steps[:1] if start else []
    spans = list(start.spans) if start else []
    pending = deque(rewinds[start.step.rewinds :] if start else rewinds)
    for step in steps[len(kept) :]:
        rewound_to_s = _rewind_before(step, kept, pending)
        back = step.joined and step.cut is not None and step.cut.back
        rewound = rewound_to_s is not None
        unseen = rewound and not step.joined
        if unseen or (back and (rewound or step.piece.first_clock_s > RESTART_CLOCK_S)):
            to_s = step.piece.first_clock_s if back or rewound_to_s is None else rewound_to_s
            void = _undo(kept, to_s, step.piece.first_ns)
            spans += [void] if void else []
            step.cut = None if back else step.cut
        elif back:
            step.restarted = True
        step.rewinds, step.spans = len(rewinds) - len(pending), len(spans)
        kept.append(step)
    return Laid(kept, tuple(spans))


def _rewind_before(step: Step, kept: list[Step], pending: deque[tuple[int, float]]) -> float | None:
    """Return the session time of the sim's last flashback before a step; leave later ones."""
    rewound_to_s: float | None = None
    while pending and pending[0][0] <= step.piece.first_ns + REWIND_NS:
        at_ns, to_s = pending[0]
        goes_back = step.cut is not None and step.cut.back
        if at_ns > step.piece.first_ns and not goes_back:
            break
        pending.popleft()
        if kept and at_ns >= kept[-1].piece.last_ns - REWIND_NS:
            rewound_to_s = to_s
    return rewound_to_s


def _undo(kept: list[Step], to_s: float, at_ns: int) -> Void | None:
    from_ns = at_ns
    while kept and kept[-1].piece.first_clock_s >= to_s:
        from_ns = kept.pop().piece.first_ns
    if kept and kept[-1].piece.last_clock_s > to_s:
        piece = kept[-1].piece
        share = (to_s - piece.first_clock_s) / (piece.last_clock_s - piece.first_clock_s)
        if math.isfinite(share):  # the piece's first frames may lack the session's clock
            from_ns = piece.first_ns + round(share * (piece.last_ns - piece.first_ns))
    return (from_ns, at_ns) if from_ns < at_ns else None
