"""Decide which sessions retention removes, and when: pure.

Times are seconds since 1970 by the hub's clock.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from pitbox.settings.retention import Retention

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
IDLE_S: Final = HOUR_S
"""A session of which something was stored later is being driven."""

NEVER_S: Final = float("inf")

Part = Literal["telemetry", "facts"]


class Stored(Struct, frozen=True):
    """Describe a session in Postgres; `bytes` is its telemetry, 0 without any."""

    session: str
    last_s: float
    bytes: int
    pinned: bool = False


class Due(Struct, frozen=True):
    """State that a part of a session is removed at `at_s`; of "telemetry" the facts stay."""

    session: str
    part: Part
    at_s: float


def due(
    stored: Iterable[Stored],
    limits: Retention,
    *,
    bytes_per_s: float,
    announced: Mapping[tuple[str, Part], float],
    now_s: float,
) -> list[Due]:
    """Return what is removed within the notice, each session once, the earliest first.

    `bytes_per_s` is the rate at which telemetry grows; `announced` is since when a removal is
    announced. Nothing is removed before its notice has passed.
    """
    stored = list(stored)
    notice_s, bytes_notice_s = limits.notice_hours * HOUR_S, limits.bytes_notice_hours * HOUR_S
    horizon_s = now_s + max(notice_s, bytes_notice_s)
    crowded_s = _crowded_s(stored, limits.telemetry_bytes, bytes_per_s, now_s)
    found = []
    for one in stored:
        if one.pinned:
            continue
        wanted: list[tuple[float, float, Part]] = [
            (_aged_s(one, limits.facts_days), notice_s, "facts"),
            (_aged_s(one, limits.telemetry_days * bool(one.bytes)), notice_s, "telemetry"),
            (crowded_s.get(one.session, NEVER_S), bytes_notice_s, "telemetry"),
        ]
        noticed = [
            Due(one.session, part, max(at_s, announced.get((one.session, part), now_s) + notice))
            for at_s, notice, part in wanted
            if at_s <= horizon_s
        ]
        if noticed:
            found.append(min(noticed, key=_order))
    return sorted(found, key=_order)


def _order(one: Due) -> tuple[float, str]:
    """Sort by time; at the same time facts, with which telemetry goes too, come first."""
    return one.at_s, one.part


def _aged_s(one: Stored, days: float) -> float:
    """Return when a session is too old."""
    return one.last_s + max(days * DAY_S, IDLE_S) if days else NEVER_S


def _crowded_s(
    stored: Iterable[Stored], limit_bytes: int, bytes_per_s: float, now_s: float
) -> dict[str, float]:
    """Return when the telemetry of each session has to make room, the oldest first."""
    stored = sorted(stored, key=lambda one: one.last_s)
    above = sum(one.bytes for one in stored) - limit_bytes
    found = {}
    for one in stored if limit_bytes else ():
        if one.pinned or not one.bytes or one.last_s > now_s - IDLE_S:
            continue
        if above <= 0 and not bytes_per_s:
            break
        found[one.session] = now_s if above > 0 else now_s - above / bytes_per_s
        above -= one.bytes
    return found
