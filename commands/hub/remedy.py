"""Decide what to do about a server that runs and refuses to store: pure.

A refusal is reported once. A server that only a new start heals is started again as soon as its
volume takes writes, a limited number of times in a row.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Act = Literal["report refusal", "report storing", "restart", "give up"]


class Limits(Struct, frozen=True):
    """Set the times of a watch.

    A refusal without a certain cause has to last `refused_s` before it is reported, and `doubt_s`
    before the server is started again, because a slow machine looks the same. `pauses_s` are the
    least times since the last start, before the first start of a row, the second and so on; after
    the last of them none follows. A row ends when the server has stored for `steady_s`.
    """

    refused_s: float = 2.0
    doubt_s: float = 30.0
    pauses_s: tuple[float, ...] = (0.0, 10.0, 30.0, 60.0, 300.0)
    steady_s: float = 60.0


class Condition(Struct, frozen=True):
    """Hold since when a server refuses or stores, and the starts that were tried."""

    refuses: bool = False
    since_s: float = 0.0
    reported: bool = False
    starts: int = 0
    started_s: float = 0.0
    given_up: bool = False


def decide(
    before: Condition,
    *,
    refuses: bool,
    certain: bool,
    can_help: bool,
    now_s: float,
    limits: Limits,
    looked_s: float = 0.0,
) -> tuple[Condition, list[Act]]:
    """Return the condition after one look at a server, and the acts that are due.

    `certain` is whether the server itself names a cause that only a new start removes, `can_help`
    whether a new start could help, `looked_s` how long the look took: a server that hangs has
    refused for as long.
    """
    if refuses != before.refuses:
        before = replace(before, refuses=refuses, since_s=now_s - looked_s)
    lasts_s = now_s - before.since_s
    if not refuses:
        acts: list[Act] = ["report storing"] if before.reported else []
        starts = 0 if lasts_s >= limits.steady_s else before.starts
        return replace(before, reported=False, given_up=False, starts=starts), acts
    acts = []
    if (certain or lasts_s >= limits.refused_s) and not before.reported:
        acts.append("report refusal")
        before = replace(before, reported=True)
    curable = can_help and (certain or lasts_s >= limits.doubt_s)
    if not (before.reported and curable):
        return before, acts
    if before.starts == len(limits.pauses_s):
        acts += [] if before.given_up else ["give up"]
        return replace(before, given_up=True), acts
    if not before.starts or now_s - before.started_s >= limits.pauses_s[before.starts]:
        acts.append("restart")
        before = replace(before, starts=before.starts + 1, started_s=now_s)
    return before, acts
