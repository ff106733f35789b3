"""Write in one sentence how much telemetry was left out, and why."""

from collections.abc import Iterable
from typing import Final

from commands.terminal import plain
from schemas.sim import LeftOut, Reason

WORDS: Final[dict[Reason, tuple[str, str]]] = {
    "incomplete": ("datagram of which a part is missing", "datagrams of which a part is missing"),
    "other_game": ("datagram of another game", "datagrams of another game"),
    "unknown": ("datagram of an unknown kind", "datagrams of an unknown kind"),
    "late": ("datagram that came late or twice", "datagrams that came late or twice"),
    "kernel_full": (
        "datagram that the operating system dropped, its buffer was full",
        "datagrams that the operating system dropped, its buffer was full",
    ),
    "inbox_full": (
        "datagram that this PC was too busy to read",
        "datagrams that this PC was too busy to read",
    ),
    "row": (
        "row that is cut off or has no valid time",
        "rows that are cut off or have no valid time",
    ),
    "channel": ("column that is not used", "columns that are not used"),
    "value": ("value that is no number", "values that are no numbers"),
}
NO_HEADER: Final = "the file has no session header, so its track, car and sectors are unknown"


def sentence(left_out: Iterable[LeftOut]) -> str:
    """Return what was left out as one sentence; "" for nothing."""
    known = list(left_out)
    counted = ", ".join(_counted(one) for one in known if one.reason in WORDS)
    missing = [NO_HEADER] if any(one.reason == "header" for one in known) else []
    return "; ".join(([f"left out: {counted}"] if counted else []) + missing)


def _counted(one: LeftOut) -> str:
    words = WORDS[one.reason][one.count != 1]
    return f"{one.count:,} {words}" + (f" ({plain(one.about)})" if one.about else "")
